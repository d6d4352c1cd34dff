"""Generator-specific settings of all slots: what each session asked for, in the order in which a generator is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.step import GeneratorInfo

Floats = NDArray[np.float32]
Slots = NDArray[np.int64]


class Settings:
    """Kept by name: what one generator was told, another one that knows the name is told too."""

    def __init__(self, slots: int, generators: Iterable[GeneratorInfo]) -> None:
        infos = list(generators)
        names = sorted({name for info in infos for name in info.settings})
        self._column = {name: i for i, name in enumerate(names)}
        self._asked = np.full((slots, len(names)), np.nan, np.float32)  # NaN: the generator's default
        self._columns = {info.name: np.array([self._column[n] for n in info.settings], np.int64) for info in infos}
        self._defaults = {info.name: np.array([*info.settings.values()], np.float32) for info in infos}
        self._ranges = {info.name: _ranges(info) for info in infos}

    def reset(self, slot: int, asked: Mapping[str, float]) -> None:
        """A new tenant."""
        self._asked[slot] = np.nan
        self.change(slot, asked)

    def change(self, slot: int, asked: Mapping[str, float]) -> None:
        """From the next step on."""
        for name, value in asked.items():
            self._asked[slot, self._column[name]] = value

    def of(self, slots: Slots, generator: str) -> Floats:
        """[n, K] in the order of that generator's `GeneratorInfo.settings`."""
        asked = self._asked[slots[:, None], self._columns[generator]]
        told = np.where(np.isnan(asked), self._defaults[generator], asked)
        return np.asarray(told.clip(*self._ranges[generator]), np.float32)  # another generator's range may be wider


def _ranges(info: GeneratorInfo) -> tuple[Floats, Floats]:
    """[K] lowest and [K] highest values."""
    pairs = [info.setting_ranges.get(name, (-np.inf, np.inf)) for name in info.settings]
    low, high = np.array(pairs, np.float32).reshape(-1, 2).T
    return low, high
