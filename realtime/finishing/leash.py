"""Root leash: the pelvis wanders no further than `leash_m` from where it started, and stays at a human height."""

from __future__ import annotations

import numpy as np

from gesturestream.realtime.finishing.pose import Floats, PoseBatch, Rows

_FREE = 0.7
"""Share of the leash inside which the root is untouched; beyond it the pull grows smoothly."""
_EASE = 0.08
"""Share of a change of leash made per frame."""
_LOW_M, _HIGH_M, _SOFT_M = 0.50, 1.00, 0.10


class Leash:
    def __init__(self, capacity: int) -> None:
        self._wanted_m = np.zeros(capacity, np.float32)
        self._leash_m = np.zeros(capacity, np.float32)
        self._start_m = np.zeros((capacity, 2), np.float32)
        self._fresh = np.ones(capacity, np.bool_)

    def reset(self, row: int, leash_m: float) -> None:
        self._wanted_m[row] = self._leash_m[row] = leash_m
        self._fresh[row] = True

    def set(self, row: int, leash_m: float) -> None:
        """Eased in over about half a second."""
        self._wanted_m[row] = leash_m

    def leash_m(self, rows: Rows) -> Floats:
        return self._leash_m[rows]

    def start_m(self, rows: Rows) -> Floats:
        """[n, 2] x and z of where each row started."""
        return self._start_m[rows]

    def begin(self, rows: Rows, root_m: Floats) -> None:
        """A row's first frame says where it starts."""
        fresh = rows[self._fresh[rows]]
        if len(fresh):
            self._start_m[fresh] = root_m[self._fresh[rows]][:, [0, 2]]
            self._fresh[fresh] = False

    def apply(self, rows: Rows, pose: PoseBatch) -> None:
        """Pulls the root of `pose` back, in place."""
        self._leash_m[rows] += _EASE * (self._wanted_m[rows] - self._leash_m[rows])
        start, leash = self._start_m[rows], self._leash_m[rows]
        away = pose.root_m[:, [0, 2]] - start
        distance = np.sqrt((away * away).sum(-1))
        scale = soft_ceiling(distance, _FREE * leash, leash) / np.maximum(distance, 1e-9)
        pulled = start + away * scale[:, None]
        # Untouched inside the free part, to the last bit.
        pose.root_m[:, [0, 2]] = np.where((scale < 1.0)[:, None], pulled, pose.root_m[:, [0, 2]])
        y = pose.root_m[:, 1]
        y = soft_ceiling(y, np.float32(_HIGH_M), np.float32(_HIGH_M + _SOFT_M))
        pose.root_m[:, 1] = -soft_ceiling(-y, np.float32(-_LOW_M), np.float32(-_LOW_M + _SOFT_M))


def soft_ceiling(x: Floats, free: Floats | np.float32, ceiling: Floats | np.float32) -> Floats:
    """x up to `free`, then bent smoothly towards `ceiling`, which is never passed."""
    span = np.maximum(ceiling - free, 1e-9).astype(np.float32)
    return np.asarray(np.where(x > free, free + 0.999 * span * np.tanh((x - free) / span), x), np.float32)
