"""Running percentiles over bounded windows, and the numbers a session and the engine report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class Percentiles:
    """Median and 99th percentile of the last `size` values. One thread adds; any may ask, and a snapshot never fails.

    They are computed anew only when enough has come to change them (one value in 32), so that asking costs little.
    """

    def __init__(self, size: int = 1024) -> None:
        self._values = np.zeros(size)
        self._added = 0
        self._known_at = 0
        self._known: tuple[float, float] | None = None

    def add(self, value: float) -> None:
        self._values[self._added % len(self._values)] = value
        self._added += 1

    def p50_p99(self) -> tuple[float, float] | None:
        """Both, or None as long as there is no value."""
        added = self._added
        count = min(added, len(self._values))
        if added - self._known_at > count // 32:
            p50, p99 = np.percentile(self._values[:count], (50, 99))
            self._known, self._known_at = (float(p50), float(p99)), added
        return self._known

    def p50_p99_ms(self) -> tuple[float, float] | tuple[None, None]:
        """`p50_p99` for values in seconds, in milliseconds."""
        known = self.p50_p99()
        return (1000.0 * known[0], 1000.0 * known[1]) if known is not None else (None, None)


@dataclass(frozen=True, kw_only=True)
class SessionStats:
    """The engine's part of the protocol's `stats` message (`dropped` is counted per reader by the bridge)."""

    frames: int
    """Frames delivered."""
    step_ms_p50: float | None
    step_ms_p99: float | None
    """Time of the steps this session took part in; None before the first."""
    sound_to_motion_ms_p50: float | None
    """Live mode: from the arrival of a frame's last sample to its delivery; None where nothing was heard yet."""
    sound_to_motion_ms_p99: float | None
    audio_ahead_s: float
    """Audio that has arrived and waits."""


@dataclass(frozen=True, kw_only=True)
class EngineStats:
    """What /metrics shows."""

    sessions: int
    frames: int
    """Frames delivered to all sessions so far."""
    steps: int
    step_ms_p50: float | None
    step_ms_p99: float | None
    tick_ms_p50: float | None
    tick_ms_p99: float | None
    """A tick is everything from the snapshot to the last sink: at most 33.3 ms or it overruns."""
    live_share: float
    """Which share of the last second live sessions kept the model thread busy; 0 while few run."""
    overruns: int
    failures: int
    """Sessions that were discarded because of an internal error."""
