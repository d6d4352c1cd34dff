"""Writes the types and tables of the TypeScript client: `python -m gesturestream.bridge.typescript`.

Requests are written from the dataclasses that the server parses them into, what the server says from the messages that
its own code makes (the conformance kit's), tables from the tables themselves. A test compares the committed file.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gesturestream.bridge.conformance.readies import FORMATS, scripted_ready
from gesturestream.bridge.conformance.texts import texts
from gesturestream.bridge.protocol import codes, frames, layout, messages
from gesturestream.bridge.protocol.audio import SAMPLE_FORMATS, AudioFormat
from gesturestream.models.body.skeleton import JOINT_NAMES, PARENTS
from gesturestream.models.motion import ARKIT_NAMES, EMOTIONS, FPS, LOOKAHEADS
from gesturestream.realtime.config import POSTURES, Control, Mode, SessionConfig
from gesturestream.realtime.frame import FrameFlag
from gesturestream.realtime.hints import Word
from gesturestream.realtime.statistics import SessionStats

TARGET = Path(__file__).parent / "web" / "packages" / "client" / "src" / "protocol.generated.ts"
_WIDTH = 118
_HEAD = "// Written by `python -m gesturestream.bridge.typescript` from the server's code. Do not edit; a test looks."
_WEIGHTS = "Record<string, number>"
_EMOTION = '"auto" | Emotion | Partial<Record<Emotion, number>>'
_REQUESTS: dict[str, tuple[type, dict[str, str]]] = {
    "ping": (messages.Ping, {}),
    "ack": (messages.Ack, {}),
    "utterance": (messages.Utterance, {"name": "id"}),
    "utterance_end": (messages.UtteranceEnd, {"name": "id"}),
    "end": (messages.End, {}),
    "control": (Control, {}),
    "cue": (messages.Cue, {}),
    "interrupt": (messages.Interrupt, {}),
    "hint": (messages.Hint, {}),
    "words": (messages.Words, {}),
}
"""Wire type -> the dataclass it is parsed into, and fields that are called otherwise on the wire."""

_SAID = {
    "rest_m": "3 values per joint: model-space position in T-pose, metres.",
    "parents": "Index of each joint's parent; -1: none.",
    "offset": "Bytes from byte 0 of the message.",
    "count": "Elements: floats for `f32`, whole quaternions for `q16quat`.",
    "latency_s": "Algorithmic: one frame period plus look-ahead.",
    "resume_key": "Told to the session's owner only.",
    "sample": "Among all samples this client has sent, at its own rate.",
    "audio_time_s": "The same instant in seconds of samples the client has sent.",
}
"""What fields of server messages mean."""


@dataclasses.dataclass(frozen=True)
class Member:
    """One line of an interface."""

    name: str
    type: str
    optional: bool = False
    doc: str = ""

    def __str__(self) -> str:
        doc = f"  /** {self.doc} */\n" if self.doc else ""
        return f"{doc}  {self.name}{'?' if self.optional else ''}: {self.type};"


def source() -> str:
    """The whole file."""
    parts = [_HEAD, *_tables(), *_requests(), *_answers()]
    return "\n\n".join(parts) + "\n"


def _tables() -> Iterable[str]:
    flags = {str(flag.name).lower(): int(flag) for flag in FrameFlag}
    closes = {code.name.lower(): int(code) for code in codes.CloseCode}
    yield _constant("PROTOCOL_VERSION", codes.PROTOCOL_VERSION)
    yield _constant("SUBPROTOCOL", codes.SUBPROTOCOL)
    yield _constant("STREAM_PATH", codes.STREAM_PATH)
    yield _constant("FPS", FPS)
    yield _constant("HEADER_BYTES", layout.HEADER_BYTES)
    yield _constant("HEADER_VERSION", frames.HEADER_VERSION)
    yield _constant("KIND", {"pose": frames.KIND_POSE, "audio": frames.KIND_AUDIO})
    yield _constant("FLAG", flags, "Bits of a frame's `flags`.")
    yield _constant("CLOSE", closes, "Close codes.")
    yield _constant("ELEMENT_BYTES", layout.ELEMENT_BYTES, "Bytes of one element of each dtype.")
    yield _constant("JOINT_NAMES", JOINT_NAMES, "SMPL-X order.")
    yield _constant("PARENTS", PARENTS, "Index of each joint's parent; -1: none.")
    yield _constant("BLENDSHAPE_NAMES", ARKIT_NAMES, "ARKit's 52, in Live Link Face order.")
    yield _constant("EMOTIONS", EMOTIONS)
    yield _constant("POSTURES", POSTURES)
    yield _constant("MODES", get_args(Mode))
    yield _constant("LOOKAHEAD_FRAMES", LOOKAHEADS)
    yield _constant("EXPRESSION_COUNTS", layout.EXPRESSION_COUNTS)
    for name, table in (("JointName", "JOINT_NAMES"), ("BlendshapeName", "BLENDSHAPE_NAMES"), ("Emotion", "EMOTIONS")):
        yield f"export type {name} = (typeof {table})[number];"
    yield f"export type ErrorCode = {_union(get_args(codes.ErrorCode))};"


def _constant(name: str, value: Any, doc: str = "") -> str:
    text = json.dumps(value)
    if isinstance(value, Mapping):
        text = "{ " + ", ".join(f"{key}: {json.dumps(item)}" for key, item in value.items()) + " }"
    fixed = " as const" if isinstance(value, Mapping | Sequence) and not isinstance(value, str) else ""
    line = f"export const {name} = {text}{fixed};"
    if len(line) > _WIDTH and isinstance(value, Sequence):
        rows = textwrap.fill(
            ", ".join(json.dumps(item) for item in value), _WIDTH, initial_indent="  ", subsequent_indent="  "
        )
        line = f"export const {name} = [\n{rows},\n]{fixed};"
    return f"/** {doc} */\n{line}" if doc else line


# What a client says: the dataclasses.


def _requests() -> Iterable[str]:
    form = [dataclasses.replace(m, optional=True) for m in _members(layout.FrameFormat)]
    yield _interface("FramesRequest", form, "What a frame carries.")
    yield _interface("AudioRequest", [dataclasses.replace(m, optional=True) for m in _members(AudioFormat)])
    session = [m for m in _members(SessionConfig) if m.name != "audio_rate"]
    start = [m for m in _members(messages.Start, skip=("session",)) if m.name not in ("audio", "frames")]
    shaped = [Member("audio", "AudioRequest"), Member("frames", "FramesRequest | null", doc="null: events only.")]
    yield _request("Start", "start", [*session, *shaped, *start], all_optional=True)
    watch = [m for m in _members(messages.Watch) if m.name not in ("frames", "session")]
    yield _request("Watch", "watch", [Member("session", "string", doc="Id or name."), *_optional([shaped[1], *watch])])
    yield _request("List", "list", _optional(_members(messages.ListSessions)))
    yield _interface("Word", [Member(name, _of_hint(hint)) for name, hint in get_type_hints(Word).items()])
    for kind, (cls, renamed) in _REQUESTS.items():
        members = [m for m in _members(cls, renamed) if m.name != "auto_emotion"]
        if kind == "control":
            members = [*members, Member("id", "string | number | null")]
        names = [m.name for m in members]
        yield _request(
            _pascal(kind), kind, [m for i, m in enumerate(members) if m.name not in names[:i]], kind == "control"
        )
    running = [f"{_pascal(kind)}Request" for kind in _REQUESTS]
    yield "export type Opening = StartRequest | WatchRequest;"
    yield "/** What may be said after `ready`. */\n" + _alternatives("Request", running)


def _request(name: str, kind: str, members: Sequence[Member], all_optional: bool = False) -> str:
    fields = _optional(members) if all_optional else _nullable_optional(members)
    return _interface(f"{name}Request", [Member("type", json.dumps(kind)), *fields])


def _optional(members: Iterable[Member]) -> list[Member]:
    return [dataclasses.replace(member, optional=True) for member in members]


def _nullable_optional(members: Iterable[Member]) -> list[Member]:
    return [dataclasses.replace(m, optional=m.optional or m.type.endswith("| null")) for m in members]


def _members(
    cls: type, renamed: Mapping[str, str] = types.MappingProxyType({}), skip: Sequence[str] = ()
) -> list[Member]:
    hints, docs = get_type_hints(cls), _docs(cls)
    out = []
    for field in dataclasses.fields(cls):
        if field.name in skip:
            continue
        type_ = _EMOTION if field.name == "emotion" else _of_hint(hints[field.name])
        out.append(Member(renamed.get(field.name, field.name), type_, doc=docs.get(field.name, "")))
    return out


def _of_hint(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        parts = [_of_hint(part) for part in arguments if part is not type(None)]
        nullable = ["null"] if type(None) in arguments else []
        return " | ".join([*dict.fromkeys(parts), *nullable])
    if origin is Literal:
        return _union(arguments)
    if origin is tuple:
        if arguments[-1] is not Ellipsis:
            return f"[{', '.join(map(_of_hint, arguments))}]"
        return f"({_of_hint(arguments[0])})[]" if "|" in _of_hint(arguments[0]) else f"{_of_hint(arguments[0])}[]"
    if hint is Word:
        return "Word"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"Record<string, {_of_hint(arguments[1])}>"
    names: dict[Any, str] = {str: "string", int: "number", float: "number", bool: "boolean"}
    return names.get(hint, "unknown")


def _docs(cls: type) -> dict[str, str]:
    """The strings under the fields of a dataclass, as far as they speak of the wire."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    out: dict[str, str] = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant)):
            continue
        assert isinstance(field.target, ast.Name)
        text = " ".join(str(doc.value.value).split())
        if "models." not in text and "Session." not in text:
            out[field.target.id] = text.replace("None", "null")
    return out


# What the server says: the messages its own code makes.


def _answers() -> Iterable[str]:
    known = [entry["message"] for entry in texts() if entry["expect"] == "decode" and entry["name"] != "event_with_id"]
    readies = [
        json.loads(json.dumps(scripted_ready(form, owner=owner)))
        for form in FORMATS.values()
        for owner in (True, False)
    ]
    named = {
        "skeleton": "SkeletonInfo", "audio": "AudioFormat", "layout": "LayoutField[]", "sessions": "SessionEntry[]",
        "settings": _WEIGHTS, "probabilities": _WEIGHTS, "code": "ErrorCode", "field": "string",
        "id": "string | number", "emotion": _EMOTION,
        "format": _union(SAMPLE_FORMATS),
    }  # fmt: skip
    shapes = {
        "SkeletonInfo": [ready["skeleton"] for ready in readies],
        "AudioFormat": [ready["audio"] for ready in readies],
        "LayoutField": [field for ready in readies for field in ready["layout"]],
        "SessionEntry": [entry for m in known if m["type"] == "sessions" for entry in m["sessions"]],
    }
    for name, values in shapes.items():
        yield _interface(name, _inferred(values, named))
    yield _interface("Ready", _inferred(readies, named), "Everything before the first frame.")
    yield from _events([m for m in known if m["type"] == "event"], named)
    stats = [
        Member("type", '"stats"'),
        *_members(SessionStats),
        Member("dropped", "number", doc="Withheld from this reader."),
    ]
    yield _interface("Stats", stats, "Once a second.")
    others = {"Pong": "pong", "ServerError": "error", "Sessions": "sessions"}
    for name, kind in others.items():
        yield _interface(name, _inferred([m for m in known if m["type"] == kind], named))
    yield f"export type ServerMessage = Ready | ServerEvent | Stats | {' | '.join(others)};"


def _events(samples: Sequence[Mapping[str, Any]], named: Mapping[str, str]) -> Iterable[str]:
    names = list(dict.fromkeys(sample["name"] for sample in samples))
    yield _constant("EVENT_NAMES", names)
    for name in names:
        members = _inferred([s for s in samples if s["name"] == name], {**named, "name": json.dumps(name)})
        if name == "control":  # tells what changed, and nothing else
            changed = _optional(
                [*(m for m in _members(Control) if m.name != "auto_emotion"), Member("refused", "string")]
            )
            members = [*members[: [m.name for m in members].index("audio_time_s") + 1], *changed]
        echo = [] if any(m.name == "id" for m in members) else [Member("id", "string | number", optional=True)]
        yield _interface(f"{_pascal(name)}Event", [*members, *echo])
    yield _alternatives("ServerEvent", [f"{_pascal(name)}Event" for name in names])


def _inferred(samples: Sequence[Mapping[str, Any]], named: Mapping[str, str]) -> list[Member]:
    """Members of an interface that all samples fit; what one of them lacks is optional."""
    keys = list(dict.fromkeys(key for sample in samples for key in sample))
    out = []
    for key in keys:
        values = [sample[key] for sample in samples if key in sample]
        type_ = json.dumps(values[0]) if key == "type" else named.get(key) or _of_values(values)
        out.append(Member(key, type_, optional=len(values) < len(samples), doc=_SAID.get(key, "")))
    return out


def _of_values(values: Sequence[Any]) -> str:
    kinds = list(dict.fromkeys(_of_value(value) for value in values))
    return " | ".join(sorted(kinds, key=lambda kind: kind == "null"))


def _of_value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"{_of_values(value) if value else 'string'}[]"
    names: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string"}
    return names[type(value)]


def _interface(name: str, members: Iterable[Member], doc: str = "") -> str:
    head = f"/** {doc} */\n" if doc else ""
    return f"{head}export interface {name} {{\n" + "\n".join(str(member) for member in members) + "\n}"


def _alternatives(name: str, of: Iterable[str]) -> str:
    return f"export type {name} =\n  | " + "\n  | ".join(of) + ";"


def _pascal(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))


def _union(values: Iterable[Any]) -> str:
    return " | ".join(json.dumps(value) for value in values)


def main() -> None:
    """Writes the file."""
    TARGET.write_text(source())
    sys.stdout.write(f"{TARGET}\n")


if __name__ == "__main__":
    main()
