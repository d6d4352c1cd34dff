"""Clocks of a client: the server's, the arrival of frames, the play clock of an agent; and when to try again."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.models.motion import FPS

RETRY_CODES = {1006, *map(int, (CloseCode.SHUTDOWN, CloseCode.INTERNAL, CloseCode.BUSY, CloseCode.STALLED))}
"""Close codes after which the protocol has clients come back."""


class _Exchange(NamedTuple):
    round_trip_s: float
    offset_s: float


class ServerClock:
    """The server's clock seen from ours: of the last 16 pings the one with the shortest round trip."""

    def __init__(self) -> None:
        self._exchanges: deque[_Exchange] = deque(maxlen=16)

    def observe(self, t0: float, t1: float, t2: float, t3: float) -> None:
        """t0 sent and t3 received on our clock, t1 received and t2 sent on the server's, seconds."""
        self._exchanges.append(_Exchange((t3 - t0) - (t2 - t1), ((t1 - t0) + (t2 - t3)) / 2))

    @property
    def offset_s(self) -> float | None:
        """Server time minus ours, None before the first answer; off by at most half the round trip."""
        return min(self._exchanges).offset_s if self._exchanges else None

    @property
    def round_trip_s(self) -> float | None:
        """The shortest one lately."""
        return min(self._exchanges).round_trip_s if self._exchanges else None


class ArrivalClock:
    """Media time to show, from when frames arrive: behind the earliest by as much as 95 % of them are late."""

    MIN_DELAY_S = 1 / FPS + 0.012
    """The next frame must be there to interpolate towards: a period and a little."""
    MAX_DELAY_S = 0.4

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=10 * FPS)

    def clear(self) -> None:
        self._offsets.clear()

    def observe(self, media_s: float, arrival_s: float) -> None:
        """A frame of media time `media_s` has arrived."""
        self._offsets.append(media_s - arrival_s)

    @property
    def offset_s(self) -> float | None:
        """Add our time for the media time to show then; None before the first frame."""
        if not self._offsets:
            return None
        return max(self._offsets) - self.delay_s

    @property
    def delay_s(self) -> float:
        """How far behind the frames that come earliest to play."""
        ordered = sorted(self._offsets)
        lateness_s = ordered[-1] - ordered[int(0.05 * (len(ordered) - 1))] if ordered else 0.0
        return min(self.MAX_DELAY_S, self.MIN_DELAY_S + lateness_s)


class PlayClock:
    """Mode `agent`: media time as it is heard, if the speaker starts when the server says `audio_resumed`."""

    def __init__(self) -> None:
        self._offset_s: float | None = None

    def clear(self) -> None:
        self._offset_s = None

    def resumed(self, media_s: float, now_s: float) -> None:
        """The sample of media time `media_s` begins to play."""
        self._offset_s = media_s - now_s

    @property
    def offset_s(self) -> float | None:
        """Add our time for media time."""
        return self._offset_s


class Backoff:
    """Waits between attempts: doubling up to 8 s, half of it by chance, so that not all clients come at once."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        """`chance` draws from 0..1."""
        self._chance = chance
        self._attempt = 0

    def succeeded(self) -> None:
        """There is a session again."""
        self._attempt = 0

    def next_delay_s(self, at_least_s: float = 0.0) -> float:
        """`at_least_s`: what the server asked for (`retry_after_s`)."""
        ceiling_s = min(8.0, 0.5 * 2.0**self._attempt)
        self._attempt = min(self._attempt + 1, 10)
        return max(at_least_s, ceiling_s * (0.5 + 0.5 * self._chance()))
