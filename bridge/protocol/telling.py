"""The messages `hint` and `words`: their shape. What the values mean, the session checks (realtime/hints)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gesturestream.bridge.protocol.fields import Fields
from gesturestream.bridge.protocol.messages import Hint, Id, Quat, Words
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.motion import FPS
from gesturestream.realtime.hints import Word
from gesturestream.realtime.hints.requests import MAX_WORD_CHARS, MAX_WORDS

MAX_HINT_FRAMES = 20 * FPS
"""Of a clip in one message."""
_NAME_CHARS = 128


def hint(fields: Fields, request_id: Id) -> Hint:
    """`{"type": "hint", "joints": {"left_wrist": [x, y, z, w]}, "from_s": null, "to_s": null}`."""
    joints = fields.object("joints")
    if not 1 <= len(joints.data) <= JOINT_COUNT:
        raise fields.wrong("joints", f"an object of 1 to {JOINT_COUNT} joints", joints.data)
    for name in joints.data:
        if name not in INDEX:
            raise fields.wrong("joints", "names out of ready.skeleton.names, such as left_wrist", name)
    return Hint(
        joints={name: _rotations(joints, name) for name in joints.data},
        from_s=fields.optional_number("from_s", 0.0),
        to_s=fields.optional_number("to_s", 0.0),
        utterance=fields.optional_string("utterance", _NAME_CHARS),
        id=request_id,
    )


def _rotations(joints: Fields, name: str) -> Quat | tuple[Quat, ...] | None:
    value = joints.data[name]
    if value is None:
        return None
    if _is_quat(value):
        return _quat(value)
    if isinstance(value, list) and 1 <= len(value) <= MAX_HINT_FRAMES and all(map(_is_quat, value)):
        return tuple(map(_quat, value))
    raise joints.wrong(name, f"[x, y, z, w], a list of 1 to {MAX_HINT_FRAMES} of them, or null", value)


def _is_quat(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -2 <= value <= 2


def _quat(value: list[float]) -> Quat:
    x, y, z, w = map(float, value)
    return x, y, z, w


def words(fields: Fields, request_id: Id) -> Words:
    """`{"type": "words", "utterance": "u7", "words": [{"text": "hello", "start_s": 1.2, "end_s": 1.5}, …]}`."""
    given = fields.data.get("words")
    if not isinstance(given, list) or len(given) > MAX_WORDS:
        raise fields.wrong("words", f"a list of at most {MAX_WORDS} words", given)
    return Words(
        words=tuple(_word(fields, i, value) for i, value in enumerate(given)),
        utterance=fields.optional_string("utterance", _NAME_CHARS),
        id=request_id,
    )


def _word(fields: Fields, i: int, value: Any) -> Word:
    if not isinstance(value, Mapping):
        raise fields.wrong(f"words.{i}", "an object", value)
    word = Fields(value, f"words.{i}.")
    start_s = word.number("start_s", 0.0)
    return Word(word.string("text", MAX_WORD_CHARS), start_s, word.number("end_s", start_s))
