"""Counting messages per time."""

from __future__ import annotations

from collections import deque


class SlidingWindow:
    """Tells when more than `limit` things happen within any `span_s`. Remembers at most `limit` times."""

    def __init__(self, limit: int, span_s: float) -> None:
        self._span_s = span_s
        self._times: deque[float] = deque(maxlen=limit)

    def exceeded(self, now_s: float) -> bool:
        """Counts one at `now_s`; true when it is one too many."""
        full = len(self._times) == self._times.maxlen
        over = full and now_s - self._times[0] < self._span_s
        self._times.append(now_s)
        return over
