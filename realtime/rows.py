"""One executor and its rows: who sits where, and the staging arrays of a step. The model thread is the only caller."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.realtime.cues import CueLibrary, shipped_cues
from gesturestream.realtime.cues.guide import GuideCodes
from gesturestream.realtime.executors.base import Executor, Floats, StepInputs, StepOutputs, neutral_inputs
from gesturestream.realtime.finishing import rest_packed
from gesturestream.realtime.finishing.pose import span
from gesturestream.realtime.noise_ahead import NoiseAhead

Rows = NDArray[np.int64]


class LaneInputs(NamedTuple):
    """What n rows are given."""

    rows: Rows
    """[n], no row twice."""
    windows: Sequence[Floats]
    """n arrays [W]."""
    told: dict[str, NDArray[Any]]
    """The other fields of StepInputs but the masks, n rows each."""

    def only(self, which: list[int]) -> LaneInputs:
        """Some of them."""
        told = {name: array[which] for name, array in self.told.items()}
        return LaneInputs(self.rows[which], [self.windows[i] for i in which], told)


class Lane:
    """The lowest free row is given out first, so that the batch prefix in use stays short."""

    def __init__(self, executor: Executor, cues: CueLibrary | None = None) -> None:
        self.executor = executor
        self.info = executor.info
        self.guides = GuideCodes(executor, cues or shipped_cues(), rest_packed())
        self._free = list(range(executor.capacity))
        heapify(self._free)
        self._fresh = np.ones(executor.capacity, np.bool_)  # not stepped yet by its tenant
        self._staging = _staging(executor)
        self._prefixes: dict[int, StepInputs] = {}
        self.noise = NoiseAhead(executor.capacity, executor.info.noise_size)

    @property
    def free(self) -> int:
        return len(self._free)

    def allot(self) -> int | None:
        """A row that starts afresh with its first step; None: all are taken."""
        if not self._free:
            return None
        row = heappop(self._free)
        self._fresh[row] = True
        return row

    def release(self, row: int) -> None:
        heappush(self._free, row)

    def renew(self, rows: Rows) -> None:
        """Has rows start afresh with their next step."""
        self._fresh[rows] = True

    def step(self, inputs: LaneInputs, *, like: Rows | None = None) -> StepOutputs:
        """Steps some rows and leaves all others as they are -> n rows each. `like`: in the batch size that these rows
        would have."""
        rows = inputs.rows
        staged = self._prefix(self._bucket(int((rows if like is None else like).max()) + 1))
        place = span(rows)
        for row, window in zip(rows.tolist(), inputs.windows):
            staged.pcm[row] = window
        for name, value in inputs.told.items():
            getattr(staged, name)[place] = value
        staged.active[:] = False
        staged.active[place] = True
        np.logical_and(staged.active, self._fresh[: len(staged.active)], out=staged.reset)
        outputs = self.executor.step(staged)
        self._fresh[place] = False
        return StepOutputs(*(np.asarray(array)[place] for array in outputs))

    def _prefix(self, size: int) -> StepInputs:
        if size not in self._prefixes:
            self._prefixes[size] = StepInputs(*(array[:size] for array in self._staging))
        return self._prefixes[size]

    def _bucket(self, rows: int) -> int:
        return self.executor.buckets[bisect_left(self.executor.buckets, rows)]


def _staging(executor: Executor) -> StepInputs:
    staging = neutral_inputs(executor.info, executor.capacity)
    staging.active[:] = False
    return staging
