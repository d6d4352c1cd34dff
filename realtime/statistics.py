"""Running percentiles over bounded windows, and the numbers a session and the engine report."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np


class Percentiles:
    """The last `size` values. Not thread-safe by itself, but a snapshot never fails."""

    def __init__(self, size: int = 1024) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def add(self, value: float) -> None:
        self._values.append(value)

    def at(self, percent: float) -> float | None:
        """The percentile, or None as long as there is no value."""
        values = list(self._values.copy())
        return float(np.percentile(values, percent)) if values else None

    def at_ms(self, percent: float) -> float | None:
        """`at` for values in seconds, in milliseconds."""
        value = self.at(percent)
        return None if value is None else 1000.0 * value


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
    overruns: int
    failures: int
    """Sessions that were discarded because of an internal error."""
