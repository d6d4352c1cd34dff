"""Root leash: the pelvis wanders no further than `leash_m` from where it started, and stays at a human height."""

from __future__ import annotations

import numpy as np

from gesturestream.realtime.finishing.pose import Floats, Place, PoseBatch, Rows

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
        self._easing = False

    def reset(self, row: int, leash_m: float) -> None:
        self._wanted_m[row] = self._leash_m[row] = leash_m
        self._fresh[row] = True

    def set(self, row: int, leash_m: float) -> None:
        """Eased in over about half a second."""
        self._wanted_m[row] = leash_m
        self._easing = True

    def leash_m(self, rows: Rows) -> Floats:
        return self._leash_m[rows]

    def start_m(self, rows: Rows) -> Floats:
        """[n, 2] x and z of where each row started."""
        return self._start_m[rows]

    def begin(self, place: Place, root_m: Floats) -> None:
        """A row's first frame says where it starts."""
        fresh = self._fresh[place]
        if fresh.any():
            self._start_m[place] = np.where(fresh[:, None], root_m[:, [0, 2]], self._start_m[place])
            self._fresh[place] = False

    def apply(self, place: Place, pose: PoseBatch) -> None:
        """Pulls the root of `pose` back, in place."""
        if self._easing:
            self._ease(place)
        start, leash, root_m = self._start_m[place], self._leash_m[place], pose.root_m
        away = root_m[:, ::2] - start
        square = np.add.reduce(away * away, -1)
        free = _FREE * leash
        if (square > free * free).any():  # else untouched, to the last bit
            distance = np.sqrt(square)
            scale = soft_ceiling(distance, free, leash) / np.maximum(distance, 1e-9)
            root_m[:, ::2] = np.where((scale < 1.0)[:, None], start + away * scale[:, None], root_m[:, ::2])
        y = root_m[:, 1]
        if ((y > _HIGH_M) | (y < _LOW_M)).any():
            y = soft_ceiling(y, np.float32(_HIGH_M), np.float32(_HIGH_M + _SOFT_M))
            root_m[:, 1] = -soft_ceiling(-y, np.float32(-_LOW_M), np.float32(-_LOW_M + _SOFT_M))

    def _ease(self, place: Place) -> None:
        self._leash_m[place] += _EASE * (self._wanted_m[place] - self._leash_m[place])
        self._easing = not np.allclose(self._leash_m, self._wanted_m, rtol=0.0, atol=1e-4)


def soft_ceiling(x: Floats, free: Floats | np.float32, ceiling: Floats | np.float32) -> Floats:
    """x up to `free`, then bent smoothly towards `ceiling`, which is never passed."""
    span = np.maximum(ceiling - free, 1e-9).astype(np.float32)
    return np.asarray(np.where(x > free, free + 0.999 * span * np.tanh((x - free) / span), x), np.float32)
