"""The state of all rows as numpy arrays: what `models/streaming/state.py` is for torch. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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
        self.bind(len(active), after)(active)

    def bind(self, rows: int, after: Mapping[str, Array]) -> Callable[[Bools], None]:
        """`commit` for steps of rows 0..`rows` - 1 that always leave what they leave in the arrays of `after`."""
        before = self.view(rows)
        rings = [
            _Ring(before[leaf.name], after[NEXT + leaf.name][:, 0], before[leaf.count], after[NEXT + leaf.count])
            for leaf in self.leaves
            if leaf.kind == "appended" and leaf.count is not None
        ]
        others = [leaf.name for leaf in self.leaves if leaf.kind != "appended"]
        return _Commit(rings, [(before[name], after[NEXT + name]) for name in others], self._order[:rows])


class _Ring(NamedTuple):
    ring: Array
    row: Array  # [B, ...] what is appended
    before: Counts
    after: Counts


class _Commit:
    def __init__(self, rings: list[_Ring], replaced: list[tuple[Array, Array]], order: Counts) -> None:
        self._rings, self._replaced, self._order = rings, replaced, order

    def __call__(self, active: Bools) -> None:
        """Rings first: where a row belongs depends on the count before."""
        if len(active) == 1:
            if active[0]:
                self._commit_one()
            return
        ran: Bools | None = None if active.all() else active  # None: all did, and need not be told apart
        for ring in self._rings:
            rose = ring.after > ring.before if ran is None else (ring.after > ring.before) & ran
            _append(ring.ring, ring.row, ring.before, rose, self._order)
        for before, after in self._replaced:
            _replace(before, after, ran)

    def _commit_one(self) -> None:
        """A batch of one row, which is what waits least: plain numbers cost less than arrays of one."""
        for ring in self._rings:
            count = int(ring.before[0])
            if ring.after[0] > count:
                ring.ring[0, count % max(1, ring.ring.shape[1] - 1)] = ring.row[0]
        for before, after in self._replaced:
            before[...] = after


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
