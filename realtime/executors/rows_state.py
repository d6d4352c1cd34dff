"""The state of all rows as numpy arrays: what `models/streaming/state.py` is for torch. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.export.artefact import NEXT, StateLeaf
from gesturestream.realtime.executors.base import Bools

Array = NDArray[Any]
Counts = NDArray[np.int64]


class RowsState:
    """Owns every leaf for `capacity` rows. The only code that writes in place, and the only one that knows masks."""

    def __init__(self, leaves: Sequence[StateLeaf], capacity: int) -> None:
        self.leaves = tuple(leaves)
        self._arrays = {leaf.name: np.zeros((capacity, *leaf.shape), leaf.dtype) for leaf in leaves}
        self._views: dict[int, dict[str, Array]] = {}
        self._order = np.arange(capacity)

    def view(self, rows: int) -> dict[str, Array]:
        """The leaves of rows 0..rows-1 by name, without a copy; read-only for the step."""
        if rows not in self._views:
            self._views[rows] = {name: array[:rows] for name, array in self._arrays.items()}
        return self._views[rows]

    def outputs(self, rows: int) -> dict[str, Array]:
        """New arrays for what a step leaves of every leaf, by output name; of rings the new row only."""
        shapes = {leaf.name: (1, *leaf.shape[1:]) if leaf.kind == "appended" else leaf.shape for leaf in self.leaves}
        return {NEXT + leaf.name: np.zeros((rows, *shapes[leaf.name]), leaf.dtype) for leaf in self.leaves}

    def clear(self) -> None:
        """All rows are new."""
        for array in self._arrays.values():
            array.fill(0)

    def reset(self, mask: Bools) -> None:
        """Starts the rows of `mask` [rows] afresh: counts, caches, everything."""
        rows = np.flatnonzero(mask)
        for array in self._arrays.values():
            array[rows] = 0

    def commit(self, after: Mapping[str, Array], active: Bools) -> None:
        """Takes over what a step left for rows 0..B-1; rows that did not run stay untouched bit for bit."""
        before = self.view(len(active))
        ran: Bools | None = None if active.all() else active  # None: all did, and need not be told apart
        for leaf in self.leaves:  # rings first: where a row belongs depends on the count before
            if leaf.kind == "appended":
                assert leaf.count is not None
                count = before[leaf.count]
                rose = after[NEXT + leaf.count] > count if ran is None else (after[NEXT + leaf.count] > count) & ran
                _append(before[leaf.name], after[NEXT + leaf.name][:, 0], count, rose, self._order[: len(active)])
        for leaf in self.leaves:
            if leaf.kind != "appended":
                _replace(before[leaf.name], after[NEXT + leaf.name], ran)


def _append(ring: Array, row: Array, count: Counts, rose: Bools, order: Counts) -> None:
    """Writes each ring's new row into its slot, where the count rose; the spare slot stays zero."""
    slots = count % max(1, ring.shape[1] - 1)
    if rose.all():
        ring[order, slots] = row
    else:
        ring[order[rose], slots[rose]] = row[rose]


def _replace(before: Array, after: Array, ran: Bools | None) -> None:
    if ran is None:
        before[...] = after
    else:
        before[ran] = after[ran]
