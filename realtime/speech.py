"""Is somebody speaking? Energy against a tracked noise floor: for the idle flag, not for the models."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

QUIETEST = 1e-3
"""RMS below which nothing is speech, -60 dBFS."""
ABOVE_FLOOR = 3.0
"""Speech is about 10 dB above the noise floor."""
FLOOR_RISE = 1.005
"""Per frame, 1.3 dB a second: faster than rooms change, slower than anybody speaks without a pause."""
HOLD_FRAMES = 15
"""Half a second without energy before speech counts as over."""


class SpeechActivity:
    """One flag per session, told one frame of audio at a time."""

    def __init__(self) -> None:
        self._floor = QUIETEST
        self._hold = 0

    @property
    def active(self) -> bool:
        return self._hold > 0

    def hear(self, pcm: NDArray[np.float32]) -> bool:
        """[n] one frame's samples, none for silence -> whether somebody speaks."""
        rms = math.sqrt(float(np.dot(pcm, pcm)) / len(pcm)) if len(pcm) else 0.0
        self._hold = HOLD_FRAMES if rms > ABOVE_FLOOR * self._floor else max(0, self._hold - 1)
        self._floor = max(QUIETEST / ABOVE_FLOOR, min(rms, self._floor * FLOOR_RISE))
        return self.active

    def forget(self) -> None:
        """What was heard so far no longer counts."""
        self._hold = 0
