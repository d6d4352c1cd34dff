"""The one small interface between the engine and whatever runs a generator's step. Torch-free."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs, neutral_inputs

__all__ = [
    "Bools", "Executor", "Floats", "GeneratorInfo", "StepInputs", "StepOutputs", "buckets_up_to", "neutral_inputs",
]  # fmt: skip

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Executor(Protocol):
    """Owns the state of `capacity` rows and steps a prefix of them. Arrays in and out are numpy's."""

    info: GeneratorInfo
    capacity: int
    buckets: tuple[int, ...]
    """Batch sizes it runs, ascending, the last one = capacity."""

    def warm_up(self) -> None:
        """Runs every bucket once so that no session pays for first calls; leaves the state new."""
        ...

    def step(self, inputs: StepInputs) -> StepOutputs:
        """Steps rows 0..B-1, B one of `buckets`. The engine's model thread is the only caller."""
        ...

    def guide_codes(self, motion: Floats) -> Floats:
        """Codes [T, info.guide_size] by which the generator follows a clip [T, 489]. Any thread may call it."""
        ...


def buckets_up_to(capacity: int) -> tuple[int, ...]:
    """Powers of two below the capacity, and the capacity. ValueError: there is not one row."""
    if capacity < 1:
        raise ValueError(f"expected a capacity of at least one row, got {capacity}")
    powers = [2**i for i in range(capacity.bit_length()) if 2**i < capacity]
    return (*powers, capacity)
