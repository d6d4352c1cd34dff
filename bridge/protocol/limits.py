"""The two kinds of counting the protocol does: messages per time, and offline audio credit."""

from __future__ import annotations

from collections import deque

from gesturestream.bridge.protocol.codes import Limits


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


class Credit:
    """Offline mode: how many samples the client may have sent in all, ahead of what it has been delivered."""

    def __init__(self, rate: int, limits: Limits) -> None:
        self._rate = rate
        self._limits = limits
        self._granted_at_s = 0.0
        self.granted = round(limits.credit_s * rate)
        """Total samples that may have been sent."""
        self.used = 0

    def spend(self, samples: int) -> bool:
        """Counts received samples; false when they exceed the credit."""
        self.used += samples
        return self.used <= self.granted

    def advance(self, delivered_s: float) -> bool:
        """Frames up to media time `delivered_s` have gone out; true when a new total was granted."""
        if delivered_s - self._granted_at_s < self._limits.credit_step_s:
            return False
        self._granted_at_s = delivered_s
        self.granted = round((delivered_s + self._limits.credit_s) * self._rate)
        return True
