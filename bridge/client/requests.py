"""What a client says, as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from gesturestream.bridge.protocol.codes import PROTOCOL_VERSION, STREAM_PATH
from gesturestream.bridge.protocol.layout import Encoding
from gesturestream.realtime.config import Mode

Emotion = str | Mapping[str, float]


class Word(NamedTuple):
    """One word of a transcript; seconds from the utterance's first sample."""

    text: str
    start_s: float
    end_s: float


class SessionEntry(NamedTuple):
    """One running session, as `list_sessions` gives it."""

    session: str
    name: str
    generator: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class FrameOptions:
    """Which frames are sent."""

    frames: bool = True
    """False: events only."""
    expressions: Literal[0, 10, 100] = 100
    blendshapes: bool = True
    encoding: Encoding = "f32"
    """`q16` halves the bytes; rotations are then exact to 0.01 degrees."""

    @property
    def as_json(self) -> dict[str, Any] | None:
        if not self.frames:
            return None
        return {"expressions": self.expressions, "blendshapes": self.blendshapes, "encoding": self.encoding}


@dataclass(frozen=True, kw_only=True)
class StartOptions(FrameOptions):
    """A session of one's own: the fields of the protocol's `start`. The server checks them and names a bad one."""

    rate: int = 16000
    """Hz of the audio on the wire; `speak` resamples what is recorded at another one."""
    name: str = "avatar"
    mode: Mode = "live"
    generator: str | None = None
    speaker: int = 0
    emotion: Emotion = "auto"
    intensity: float = 1.0
    seed: int | None = None
    lookahead_frames: int = 0
    leash_m: float = 0.5
    settings: Mapping[str, float] = field(default_factory=dict)
    forward_audio: bool = False

    def message(self, token: str | None, resume: Mapping[str, str]) -> str:
        """The message `start`."""
        fields = {
            "name": self.name,
            "mode": self.mode,
            "audio": {"rate": self.rate, "format": "s16le", "channels": 1},
            "generator": self.generator,
            "speaker": self.speaker,
            "emotion": self.emotion,
            "intensity": self.intensity,
            "seed": self.seed,
            "lookahead_frames": self.lookahead_frames,
            "leash_m": self.leash_m,
            "settings": self.settings,
            "frames": self.as_json,
            "forward_audio": self.forward_audio,
        }
        return as_text("start", protocol=PROTOCOL_VERSION, token=token, **fields, **resume)


@dataclass(frozen=True, kw_only=True)
class WatchOptions(FrameOptions):
    """A running session to look at: the fields of the protocol's `watch`."""

    session: str = "local"
    """Id or name; `local` is the server's own microphone or file."""
    audio: bool = False
    control: bool = False

    def message(self, token: str | None, resume: Mapping[str, str]) -> str:
        """The message `watch`; a watcher has nothing to resume."""
        fields = {"session": self.session, "frames": self.as_json, "audio": self.audio, "control": self.control}
        return as_text("watch", protocol=PROTOCOL_VERSION, token=token, **fields)


def list_text(token: str | None) -> str:
    """The message `list`."""
    return as_text("list", protocol=PROTOCOL_VERSION, token=token)


def as_text(kind: str, **fields: Any) -> str:
    """Strict JSON. ValueError for what is not finite, TypeError for what is not JSON."""
    try:
        return json.dumps({"type": kind, **fields}, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError as error:
        raise ValueError(f"{kind}: expected finite numbers: {error}") from None


def words_as_json(words: Iterable[Word | Sequence[Any]]) -> list[dict[str, Any]]:
    """(text, start_s, end_s) per word -> the protocol's objects."""
    return [{"text": str(text), "start_s": float(start), "end_s": float(end)} for text, start, end in words]


def of_utterance(id: str | None) -> dict[str, str]:
    """The field that has times counted from an utterance's first sample."""
    return {} if id is None else {"utterance": id}


def stream_url(url: str) -> str:
    """`http://host:port/`, `ws://host:port` or `host:port` -> the address of the WebSocket."""
    whole = url if "://" in url else f"ws://{url}"
    parts = urlsplit(whole)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"expected an address like ws://127.0.0.1:8765, got {url!r}")
    path = parts.path if parts.path not in ("", "/") else STREAM_PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"expected something that JSON can hold, got {type(value).__name__}")
