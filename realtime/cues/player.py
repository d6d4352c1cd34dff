"""Plays cues over the generator's motion: rows of precomputed joint targets and weights, one per frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.cues.clip import Floats, lay_over
from gesturestream.realtime.cues.library import CueLibrary, shipped_cues

Rows = NDArray[np.int64]


class Playing(NamedTuple):
    """What n rows play with their next frame."""

    cue: Rows  # [n] index into the library's names; -1: none
    frame: Rows  # [n] of the cue, counted from 0
    left: Rows  # [n] frames from this one to the end


class CuePlayer:
    """At most one cue per row; a new one replaces it (the caller inertialises the jump)."""

    def __init__(self, capacity: int, library: CueLibrary | None = None) -> None:
        self._library = library or shipped_cues()
        self._cue = np.full(capacity, -1, np.int64)
        self._frame = np.zeros(capacity, np.int64)  # within the table
        self._end = np.zeros(capacity, np.int64)
        self.busy = False
        """Some row may play one."""

    def reset(self, row: int) -> None:
        self._cue[row] = -1

    def play(self, row: int, name: str) -> int:
        """Starts a cue with the next frame; how many frames it lasts. ValueError: no such cue."""
        cue = self._library.index(name)
        start, end = self._library.table.start[cue : cue + 2]
        self._cue[row], self._frame[row], self._end[row] = cue, start, end
        self.busy = True
        return int(end - start)

    def playing(self, row: int) -> bool:
        return bool(self._cue[row] >= 0)

    def position(self, rows: Rows) -> Playing:
        """What `apply` will lay over each of `rows` [n]."""
        cue = self._cue[rows]
        if (cue < 0).all():
            return Playing(cue, np.zeros_like(cue), np.zeros_like(cue))
        frame = self._frame[rows]
        left = np.where(cue >= 0, self._end[rows] - frame, 0)
        return Playing(cue, frame - self._library.table.start[cue], left)

    def apply(self, rows: Rows, quat_xyzw: Floats) -> NDArray[np.bool_]:
        """Lays each row's cue over `quat_xyzw` [n, 55, 4], in place, and moves on a frame; [n] rows that play one."""
        if not self.busy:
            return np.zeros(len(rows), np.bool_)
        playing = np.asarray(self._cue[rows] >= 0)
        if playing.any():
            active = rows[playing]
            table, frame = self._library.table, self._frame[active]
            quat_xyzw[playing] = lay_over(quat_xyzw[playing], table.take[frame], table.weight[frame], table.add[frame])
            self._frame[active] += 1
            over = self._frame[active] >= self._end[active]
            self._cue[active] = np.where(over, -1, self._cue[active])
        self.busy = bool((self._cue >= 0).any())
        return playing
