"""How many live sessions this machine carries: measured before the first one comes, and watched while they run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from gesturestream.models.motion import FPS
from gesturestream.realtime.executors.base import Executor, neutral_inputs
from gesturestream.realtime.finishing import Finisher, rest_packed

SHARE_OF_FRAME = 0.4
"""Of a frame period that a step and its finishing may take with every seat taken. The rest is for what is done per
session (audio in, frames out), which grows with their number too, and for other programs."""
_RUNS = 3


def carried(executor: Executor, most: int, *, clock: Callable[[], float] = time.perf_counter) -> int:
    """How many rows (at least 1, at most `most`) are stepped and finished within `SHARE_OF_FRAME` of a frame.

    Takes three steps of the largest batch, of smaller ones only where that is too slow. Leaves state behind: warm the
    executor up afterwards.
    """
    finisher = Finisher(executor.capacity)
    sizes = sorted({min(bucket, most) for bucket in executor.buckets}, reverse=True)
    # A number in between runs as the next larger batch size: only these need to be tried.
    return next((rows for rows in sizes if _took_s(executor, finisher, rows, clock) <= SHARE_OF_FRAME / FPS), 1)


def _took_s(executor: Executor, finisher: Finisher, rows: int, clock: Callable[[], float]) -> float:
    """The shortest of a few runs: what else the machine does just now is not held against it."""
    bucket = next(size for size in executor.buckets if size >= rows)
    inputs, slots = neutral_inputs(executor.info, bucket), np.arange(rows)
    motion = np.tile(rest_packed(), (rows, 1))
    times_s = []
    for _ in range(_RUNS):
        begin_s = clock()
        executor.step(inputs)
        finisher.step(slots, motion)
        times_s.append(clock() - begin_s)
    return min(times_s)


class Load:
    """Which share of the time live sessions keep the model thread busy. Told of every tick; asked by any thread."""

    SPAN_S = 1.0
    OVERLOADED = 0.95
    """Share over `SPAN_S` above which the thread cannot keep up: backlog would grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since_s = clock()
        self._busy_s = 0.0
        self.share = 0.0
        """Of the last whole span."""
        self.overloaded = False

    def add(self, busy_s: float) -> None:
        """The thread was busy with live sessions for so long, until now."""
        self._busy_s += busy_s
        now_s = self._clock()
        if now_s - self._since_s >= self.SPAN_S:
            self.share = min(1.0, self._busy_s / (now_s - self._since_s))
            self.overloaded = self.share > self.OVERLOADED
            self._since_s, self._busy_s = now_s, 0.0

    def rest(self) -> None:
        """Few sessions run: whatever was, they are kept up with as well as can be."""
        self._since_s, self._busy_s, self.share, self.overloaded = self._clock(), 0.0, 0.0, False
