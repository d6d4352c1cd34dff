"""A session's noise, drawn some frames ahead: one call of the generator for many frames instead of one for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.noise import normals

Rows = NDArray[np.int64]

AHEAD_FRAMES = 32
_MOST_VALUES = 4096
"""Per row: generators that take much noise have it drawn fewer frames ahead."""


class NoiseAhead:
    """What `models.noise.normals` gives; rows are refilled at different frames, so that no tick pays for all."""

    def __init__(self, rows: int, size: int) -> None:
        self._size = size
        self._block = max(1, min(AHEAD_FRAMES, _MOST_VALUES // max(1, size)))
        self._values = np.zeros((rows, self._block, size), np.float32)
        self._first = np.full(rows, -self._block, np.int64)  # frame of a row's first values; none yet
        self._seeds = np.zeros(rows, np.uint64)

    def at(self, rows: Rows, seeds: NDArray[np.uint64], frames: Rows) -> NDArray[np.float32]:
        """[n] rows, the seeds [n] of the sessions in them, frame indices [n] >= 0 -> [n, size]."""
        if self._block == 1:
            return normals(seeds, frames, self._size)
        into = frames - self._first[rows]
        stale = (into < 0) | (into >= self._block) | (self._seeds[rows] != seeds)
        if stale.any():
            self._draw(rows[stale], seeds[stale], frames[stale])
            into = frames - self._first[rows]
        return np.asarray(self._values[rows, into])

    def _draw(self, rows: Rows, seeds: NDArray[np.uint64], frames: Rows) -> None:
        first = np.maximum(0, frames - (frames + rows) % self._block)
        drawn = first[:, None] + np.arange(self._block)
        values = normals(np.repeat(seeds, self._block), drawn.ravel(), self._size)
        self._values[rows] = values.reshape(len(rows), self._block, self._size)
        self._first[rows], self._seeds[rows] = first, seeds
