"""What leaves the engine: finished frames, events and forwarded audio, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class FrameFlag(IntFlag):
    """Bits of a frame's `flags`, as on the wire."""

    DISCONTINUITY = 1  # do not interpolate from the frame before
    IDLE = 2  # no speech
    RETRACTING = 4  # after an interrupt
    CUE = 8  # a cue is playing
    DROPPED = 16  # frames were dropped before this one (set by a reader's queue, never by the engine)


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One finished frame of one session: what every viewer shows. The arrays are read-only and never reused."""

    index: int
    """k: the session's frame index from 0."""
    epoch: int
    """Rises by one with every interrupt."""
    flags: FrameFlag
    media_time_s: float
    server_time_s: float
    """Server time (`time.monotonic`) when the frame was generated."""
    root_m: Floats
    """[3] world position of the pelvis, metres."""
    quat_xyzw: Floats
    """[55, 4] parent-local rotations, unit, w >= 0; the pelvis' in world."""
    expressions: Floats
    """[100] FLAME-style coefficients."""
    blendshapes: Floats
    """[52] ARKit weights, 0..1."""
    contacts: Floats
    """[4] left ankle, right ankle, left foot, right foot; 0..1."""


@dataclass(frozen=True, kw_only=True)
class FrameSequence:
    """T frames at 30 a second, stacked; units and conventions as in `Frame`."""

    quat_xyzw: Floats  # [T, 55, 4]
    root_m: Floats  # [T, 3]
    expressions: Floats  # [T, 100]
    blendshapes: Floats  # [T, 52]
    contacts: Floats  # [T, 4]

    def __len__(self) -> int:
        return len(self.root_m)


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioChunk:
    """A piece of the session's own voice, for viewers that play it in step with the body."""

    media_time_s: float
    """Media time of the first sample."""
    epoch: int
    pcm: Floats
    """[n] mono float32 at 16 kHz, -1..1; filled-in silence is not in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something a client is told: `name` and `data` as in the protocol's `event` message."""

    name: str
    media_time_s: float
    audio_time_s: float
    """The same instant in seconds of samples the client has sent."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Further JSON fields of the message."""


class Sink(Protocol):
    """Receives one session's output.

    Called from the model thread, in order; must not block and must not raise: hand over and return. A bounded queue
    behind `on_frame` drops the oldest frame; events and audio keep their order.
    """

    def on_frame(self, frame: Frame) -> None: ...
    def on_event(self, event: Event) -> None: ...
    def on_audio(self, chunk: AudioChunk) -> None: ...
