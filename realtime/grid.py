"""The 33.3 ms grid on which many live sessions are stepped together: absolute deadlines, late ones counted."""

from __future__ import annotations

from math import floor

from gesturestream.models.motion import FPS


class Grid:
    """Deadline n lies at start + n / FPS: a late tick does not move the ones after it."""

    def __init__(self) -> None:
        self._start = 0.0
        self._tick = 0
        self.overruns = 0
        """Deadlines that had passed before the tick before them began."""

    def start(self, now: float) -> None:
        """The first deadline is `now`."""
        self._start, self._tick = now, 0

    @property
    def next(self) -> float:
        return self._start + self._tick / FPS

    def advance(self, now: float) -> None:
        """The tick that was due begins at `now`. Of further deadlines that have passed only the last is made up for."""
        self._tick += 1
        latest = floor((now - self._start) * FPS)
        if latest >= self._tick:
            self.overruns += latest - self._tick + 1
            self._tick = latest
