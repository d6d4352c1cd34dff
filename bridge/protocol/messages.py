"""What clients say, validated: one frozen dataclass per message. `parsing` makes them of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gesturestream.bridge.protocol.audio import AudioFormat
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.hints import Word

Id = str | int | None
"""What a request may carry, and errors and events about it echo."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Opens a session, or takes one over when `resume` is given."""

    session: SessionConfig
    audio: AudioFormat
    frames: FrameFormat | None
    forward_audio: bool
    resume: str | None = None
    resume_key: str | None = field(default=None, repr=False)
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Subscribes to a running session by id or name."""

    session: str
    frames: FrameFormat | None
    audio: bool
    control: bool
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class ListSessions:
    """Asks which sessions run."""

    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Ping:
    t0: float
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Ack:
    sequence: int
    """Highest sequence received."""
    played_s: float | None
    """Media time now being shown."""
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Utterance:
    name: str
    """The utterance's own `id`."""
    text: str | None
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class UtteranceEnd:
    name: str
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class End:
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """The message `control`."""

    control: Control
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Cue:
    name: str
    at_s: float | None
    utterance: str | None = None
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Interrupt:
    played_s: float | None
    id: Id = None


Quat = tuple[float, float, float, float]
"""x, y, z, w."""


@dataclass(frozen=True, kw_only=True)
class Hint:
    joints: Mapping[str, Quat | tuple[Quat, ...] | None]
    """By name: a rotation that is held, one for each frame, or None to let the joint go."""
    from_s: float | None
    to_s: float | None
    utterance: str | None
    id: Id = None


@dataclass(frozen=True, kw_only=True)
class Words:
    words: tuple[Word, ...]
    utterance: str | None
    id: Id = None


Opening = Start | Watch | ListSessions
Running = Ping | Ack | Utterance | UtteranceEnd | End | Change | Cue | Interrupt | Hint | Words


@dataclass(frozen=True, kw_only=True)
class Greeting:
    """A first message before its fields are looked at: version and token are checked on this."""

    type: str
    protocol: object
    token: str | None = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    id: Id = None
