"""Client messages: JSON text -> the dataclasses of `messages`. What is not understood raises MessageError.

Fields that the protocol does not name are ignored: additions to it are allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gesturestream.bridge.protocol.audio import SAMPLE_FORMATS, AudioFormat
from gesturestream.bridge.protocol.fields import Fields, MessageError, parse_object, shown
from gesturestream.bridge.protocol.layout import ENCODINGS, EXPRESSION_COUNTS, FrameFormat
from gesturestream.bridge.protocol.messages import (
    Ack,
    Change,
    Cue,
    End,
    Greeting,
    Id,
    Interrupt,
    ListSessions,
    Opening,
    Ping,
    Running,
    Start,
    Utterance,
    UtteranceEnd,
    Watch,
)
from gesturestream.bridge.protocol.telling import hint, words
from gesturestream.models.motion import EMOTIONS, LOOKAHEADS
from gesturestream.realtime.config import POSTURES, Control, Mode, SessionConfig

T = TypeVar("T")
MODES: tuple[Mode, ...] = ("live", "agent", "offline")
_NAME_CHARS = 128
_TEXT_CHARS = 100_000
_MAX_SPEAKER = 2**31 - 1
_MAX_SEED = 2**53 - 1  # the largest integer that every JSON reader keeps exact
_MAX_SEQUENCE = 2**32 - 1


def parse_greeting(text: str) -> Greeting:
    """The first message of a connection: `start`, `watch` or `list`."""
    data, kind, request_id = _parse(text)
    if kind not in _OPENING:
        raise MessageError("bad_type", f"type: expected start, watch or list, got {shown(kind)}", field="type")
    token = data.get("token")
    token = token if isinstance(token, str) else None
    return Greeting(type=kind, protocol=data.get("protocol"), token=token, data=data, id=request_id)


def parse_opening(greeting: Greeting) -> Opening:
    """The validated first message."""
    return _build(_OPENING[greeting.type], greeting.data, greeting.id)


def parse_running(text: str) -> Running:
    """Any message after the first."""
    data, kind, request_id = _parse(text)
    if kind in _OPENING:
        raise MessageError("bad_type", f"type: {kind} can only be a connection's first message", id=request_id)
    if kind not in _RUNNING:
        known = ", ".join(sorted(_RUNNING))
        raise MessageError("bad_type", f"type: expected one of {known}, got {shown(kind)}", field="type", id=request_id)
    return _build(_RUNNING[kind], data, request_id)


def _parse(text: str) -> tuple[dict[str, Any], str, Id]:
    data = parse_object(text)
    kind, request_id = data.get("type"), _request_id(data)
    if not isinstance(kind, str):
        message = f"type: expected a string, got {shown(kind)}"
        raise MessageError("bad_type", message, field="type", id=request_id)
    return data, kind, request_id


def _request_id(data: Mapping[str, Any]) -> Id:
    value = data.get("id")
    if isinstance(value, str) and len(value) <= _NAME_CHARS:
        return value
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_SEED else None


def _build(builder: Callable[[Fields, Id], T], data: Mapping[str, Any], request_id: Id) -> T:
    try:
        return builder(Fields(data), request_id)
    except MessageError as error:
        error.id = request_id
        raise


def _start(fields: Fields, request_id: Id) -> Start:
    audio = _audio(fields.object("audio", {}))
    return Start(
        session=_session(fields, audio.rate),
        audio=audio,
        frames=_frames(fields),
        forward_audio=fields.boolean("forward_audio", False),
        resume=fields.optional_string("resume", _NAME_CHARS),
        resume_key=fields.optional_string("resume_key", _NAME_CHARS),
        id=request_id,
    )


def _session(fields: Fields, audio_rate: int) -> SessionConfig:
    return SessionConfig(
        name=fields.string("name", _NAME_CHARS, "avatar"),
        mode=fields.choice("mode", MODES, "live"),
        audio_rate=audio_rate,
        generator=fields.optional_string("generator", _NAME_CHARS),
        speaker=fields.integer("speaker", 0, _MAX_SPEAKER, 0),
        emotion=_emotion(fields),
        intensity=fields.number("intensity", 0.0, 2.0, 1.0),
        seed=fields.integer("seed", 0, _MAX_SEED) if fields.has("seed") else None,
        lookahead_frames=fields.choice("lookahead_frames", LOOKAHEADS, 0),
        leash_m=fields.number("leash_m", 0.0, 100.0, 0.5),
        settings=_settings(fields),
    )


def _audio(fields: Fields) -> AudioFormat:
    return AudioFormat(
        rate=fields.integer("rate", 8000, 192_000, 16000),
        format=fields.choice("format", SAMPLE_FORMATS, "s16le"),
        channels=fields.choice("channels", (1, 2), 1),
    )


def _frames(fields: Fields) -> FrameFormat | None:
    if "frames" in fields.data and fields.data["frames"] is None:
        return None
    wanted = fields.object("frames", {})
    return FrameFormat(
        expressions=wanted.choice("expressions", EXPRESSION_COUNTS, 100),
        blendshapes=wanted.boolean("blendshapes", True),
        encoding=wanted.choice("encoding", ENCODINGS, "f32"),
    )


def _emotion(fields: Fields) -> dict[str, float] | None:
    """Weights that sum to 1, or None for `auto`."""
    value = fields.data.get("emotion", "auto")
    if not isinstance(value, Mapping):
        name = fields.choice("emotion", ("auto", *EMOTIONS), "auto")
        return None if name == "auto" else {name: 1.0}
    weights = fields.object("emotion")
    for name in value:
        if name not in EMOTIONS:
            raise fields.wrong("emotion", f"names out of {', '.join(EMOTIONS)}", name)
    given = {name: weights.number(name, 0.0, 1e6) for name in value}
    total = sum(given.values())
    if total <= 0.0:
        raise fields.wrong("emotion", "weights with a sum above 0", value)
    return {name: weight / total for name, weight in given.items()}


def _settings(fields: Fields) -> dict[str, float]:
    settings = fields.object("settings", {})
    return {name: settings.number(name) for name in settings.data}


def _watch(fields: Fields, request_id: Id) -> Watch:
    return Watch(
        session=fields.string("session", _NAME_CHARS),
        frames=_frames(fields),
        audio=fields.boolean("audio", False),
        control=fields.boolean("control", False),
        id=request_id,
    )


def _list(fields: Fields, request_id: Id) -> ListSessions:
    return ListSessions(id=request_id)


def _ping(fields: Fields, request_id: Id) -> Ping:
    return Ping(t0=fields.number("t0"), id=request_id)


def _ack(fields: Fields, request_id: Id) -> Ack:
    sequence = fields.integer("sequence", 0, _MAX_SEQUENCE)
    return Ack(sequence=sequence, played_s=fields.optional_number("played_s"), id=request_id)


def _utterance(fields: Fields, request_id: Id) -> Utterance:
    name = fields.string("id", _NAME_CHARS)
    text = fields.data.get("text")
    if text is not None and (not isinstance(text, str) or len(text) > _TEXT_CHARS):
        raise fields.wrong("text", f"a string of at most {_TEXT_CHARS} characters, or null", text)
    return Utterance(name=name, text=text, id=request_id)


def _utterance_end(fields: Fields, request_id: Id) -> UtteranceEnd:
    return UtteranceEnd(name=fields.string("id", _NAME_CHARS), id=request_id)


def _end(fields: Fields, request_id: Id) -> End:
    return End(id=request_id)


def _control(fields: Fields, request_id: Id) -> Change:
    emotion = _emotion(fields) if fields.has("emotion") else None
    control = Control(
        generator=fields.optional_string("generator", _NAME_CHARS),
        speaker=fields.integer("speaker", 0, _MAX_SPEAKER) if fields.has("speaker") else None,
        emotion=emotion,
        auto_emotion=fields.has("emotion") and emotion is None,
        intensity=fields.optional_number("intensity", 0.0, 2.0),
        posture=fields.choice("posture", POSTURES) if fields.has("posture") else None,
        settings=_settings(fields) if fields.has("settings") else None,
    )
    return Change(control=control, id=request_id)


def _cue(fields: Fields, request_id: Id) -> Cue:
    return Cue(
        name=fields.string("name", _NAME_CHARS),
        at_s=fields.optional_number("at_s", 0.0),
        utterance=fields.optional_string("utterance", _NAME_CHARS),
        id=request_id,
    )


def _interrupt(fields: Fields, request_id: Id) -> Interrupt:
    return Interrupt(played_s=fields.optional_number("played_s", 0.0), id=request_id)


_OPENING: dict[str, Callable[[Fields, Id], Opening]] = {"start": _start, "watch": _watch, "list": _list}
_RUNNING: dict[str, Callable[[Fields, Id], Running]] = {
    "ping": _ping,
    "ack": _ack,
    "utterance": _utterance,
    "utterance_end": _utterance_end,
    "end": _end,
    "control": _control,
    "cue": _cue,
    "interrupt": _interrupt,
    "hint": hint,
    "words": words,
}
