"""Golden text messages: every event and every other message a server sends, and texts that are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gesturestream.bridge.protocol.replies import error_text, event_text, pong_text, to_json
from gesturestream.realtime.frame import Event

_EVENTS: dict[str, dict[str, Any]] = {
    "audio_resumed": {"sample": 48000},
    "utterance_start": {"id": "u7"},
    "utterance_end": {"id": "u7"},
    "interrupted": {"epoch": 3, "generated_s": 2.5, "played_s": 2.25, "sample": 40000},
    "control": {"generator": "emage", "emotion": {"happiness": 1.0}, "posture": "seated"},
    "cue_start": {"cue": "wave", "duration_s": 1.5},
    "cue_end": {"cue": "wave"},
    "emotion": {"probabilities": {"neutral": 0.5, "happiness": 0.25, "anger": 0.25}},
    "underrun": {},
    "overrun": {"dropped_s": 0.125},
    "credit": {"samples": 160000},
    "device_lost": {},
    "device_back": {},
    "end": {},
}
_STATS = {
    "type": "stats", "frames": 300, "dropped": 2, "step_ms_p50": 1.5, "step_ms_p99": 2.75,
    "sound_to_motion_ms_p50": None, "audio_ahead_s": 0.25,
}  # fmt: skip


def texts() -> Iterator[dict[str, Any]]:
    """name, text, expect (as for binary messages), and the message that a decoded text is."""
    for name, text in _valid().items():
        yield {"name": name, "text": text, "expect": "decode", "message": json.loads(text)}
    for name, text in _unknown().items():
        yield {"name": name, "text": text, "expect": "ignore", "message": json.loads(text)}
    for name, text in _broken().items():
        yield {"name": name, "text": text, "expect": "refuse"}
    for name, text in _odd().items():
        yield {"name": name, "text": text, "expect": "survive"}


def _valid() -> dict[str, str]:
    out = {f"event_{name}": _event(name, data) for name, data in _EVENTS.items()}
    out["event_with_id"] = event_text(Event(name="cue_start", media_time_s=1.5, audio_time_s=1.25), "r5")
    played = _EVENTS["interrupted"] | {"played_s": None}
    out["event_interrupted_not_played"] = _event("interrupted", played)
    out["pong"] = pong_text(12.5, 1012.625, 1012.75)
    out["stats"] = to_json(_STATS)
    out["error"] = error_text("bad_field", "emotion: expected auto, got 'joy'", field="emotion", id=7)
    out["error_fatal"] = error_text("server_full", "expected fewer", fatal=True, retry_after_s=2.0)
    sessions = [{"session": "b7", "name": "avatar", "generator": "emage", "mode": "live"}]
    out["sessions"] = to_json({"type": "sessions", "sessions": sessions})
    out["whitespace"] = ' {\n\t"type" : "pong" ,\r\n"t0":1E+1, "t1" : -0.5e-3,"t2":0 } '
    out["escapes"] = r'{"type":"error","code":"internal","message":"\u00e4\ud83d\udc4b\"\\\/\b\f\n\r\t","fatal":false}'
    return out


def _event(name: str, data: dict[str, Any]) -> str:
    return event_text(Event(name=name, media_time_s=3.0, audio_time_s=2.5, data=data))


def _unknown() -> dict[str, str]:
    return {
        "unknown_type": '{"type":"weather","sun":{"a":[1,{"b":null}]}}',
        "unknown_event": '{"type":"event","name":"applause","media_time_s":1.0,"audio_time_s":1.0,"level":11}',
    }


def _broken() -> dict[str, str]:
    return {
        "empty": "",
        "not_json": "hello",
        "truncated": '{"type":"stats","frames":3',
        "nan": '{"type":"pong","t0":NaN,"t1":1.0,"t2":1.0}',
        "infinity": '{"type":"pong","t0":-Infinity,"t1":1.0,"t2":1.0}',
        "array": '[{"type":"pong"}]',
        "string": '"pong"',
        "no_type": '{"kind":"pong"}',
        "type_is_a_number": '{"type":5}',
        "trailing_comma": '{"type":"stats",}',
        "two_values": '{"type":"stats"}{"type":"stats"}',
        "single_quotes": "{'type':'stats'}",
        "control_character": '{"type":"st\nats"}',
        "unknown_escape": '{"type":"\\x41"}',
        "deep": "[" * 2000,
    }


def _odd() -> dict[str, str]:
    """JSON of a kind on which good readers differ, and messages whose fields are not what they should be."""
    return {
        "lone_surrogate": '{"type":"weather","text":"\\ud800"}',
        "huge_number": '{"type":"pong","t0":1e999,"t1":1.0,"t2":1.0}',
        "pong_of_strings": '{"type":"pong","t0":"1","t1":null,"t2":[]}',
        "event_without_name": '{"type":"event"}',
        "event_epoch_string": '{"type":"event","name":"interrupted","media_time_s":null,"epoch":"x"}',
        "ready_empty": '{"type":"ready"}',
        "ready_layout_beyond": '{"type":"ready","protocol":1,"layout":[{"name":"root_m","dtype":"f32","count":3,'
        '"offset":4000000000},{"name":"quat_xyzw","dtype":"f32","count":220,"offset":-5}],"frame_bytes":10}',
    }
