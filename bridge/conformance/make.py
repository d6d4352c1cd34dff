"""Writes the golden files: `python -m gesturestream.bridge.conformance.make`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gesturestream.bridge.conformance.answers import axes, delays, interpolation
from gesturestream.bridge.conformance.golden import Q16_TOLERANCE, Golden, audio_values, header_values, pose_values
from gesturestream.bridge.conformance.malformed import malformed_messages
from gesturestream.bridge.conformance.messages import FUTURE_LAYOUT, valid_messages
from gesturestream.bridge.conformance.readies import FORMATS, future_ready, scripted_ready
from gesturestream.bridge.conformance.streams import streams
from gesturestream.bridge.conformance.texts import texts
from gesturestream.bridge.protocol.frames import KIND_AUDIO
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.protocol.replies import to_json

GOLDEN = Path(__file__).parent / "golden"


def golden_messages() -> list[Golden]:
    """Every golden binary message."""
    return [*valid_messages(), *malformed_messages()]


def golden_files() -> dict[str, bytes]:
    """Relative path -> content of every golden file."""
    messages = golden_messages()
    files = {f"ready/{name}.json": to_json(scripted_ready(form)).encode() for name, form in FORMATS.items()}
    files["ready/future.json"] = to_json(future_ready()).encode()
    for message in messages:
        files[f"messages/{message.name}.bin"] = message.data
        if message.expect == "decode":
            files[f"messages/{message.name}.json"] = _json(decoded_values(message))
    for stream in streams():
        files[f"streams/{stream.name}.stream"] = stream.encode()
        files[f"streams/{stream.name}.json"] = _lines(stream.values(), "records")
    files["texts.json"] = _lines({"texts": list(texts())}, "texts")
    files["axes.json"] = _json(axes())
    files["interpolation.json"] = _json(_interpolation(messages))
    files["delays.json"] = _json(delays())
    files["index.json"] = _lines(_index(messages), "messages")
    return files


def decoded_values(message: Golden) -> dict[str, Any]:
    """The content of a message's `.json`: header and values, and how far a client's may be from them."""
    header = header_values(message.data)
    if header["kind"] == KIND_AUDIO:
        return {"header": header, **audio_values(message.data)}
    quantised = message.ready in ("q16", "q16_10", "future")
    layout = FUTURE_LAYOUT if message.ready == "future" else _form(message.ready).layout
    tolerance = Q16_TOLERANCE if quantised else 0
    return {"header": header, "tolerance": tolerance, "values": pose_values(message.data, layout)}


def _form(ready: str) -> FrameFormat:
    form = FORMATS[ready]
    assert form is not None
    return form


def _index(messages: list[Golden]) -> dict[str, Any]:
    return {
        "protocol": 1,
        "readies": {name: f"ready/{name}.json" for name in (*FORMATS, "future")},
        "streams": [f"streams/{stream.name}" for stream in streams()],
        "quantisation": {"quat_xyzw": 1e-4, "expressions": 0.000123, "blendshapes": 8e-6, "contacts": 8e-6},
        "messages": [message.entry for message in messages],
    }


def _interpolation(messages: list[Golden]) -> dict[str, Any]:
    by_name = {message.name: message.data for message in messages}
    return interpolation(by_name["sign_flip_before"], by_name["sign_flip_after"], _form("f32_body"))


def _json(value: Mapping[str, Any]) -> bytes:
    """One key a line: small, and a difference shows where it is."""
    rows = [f" {json.dumps(key)}: {json.dumps(item, separators=(',', ':'))}" for key, item in value.items()]
    return ("{\n" + ",\n".join(rows) + "\n}\n").encode()


def _lines(value: Mapping[str, Any], long: str) -> bytes:
    """The same, with the items of the list `long` on a line each."""
    head = {key: item for key, item in value.items() if key != long}
    rows = [f" {json.dumps(key)}: {json.dumps(item, separators=(',', ':'))}" for key, item in head.items()]
    items = ",\n".join("  " + json.dumps(item, separators=(",", ":")) for item in value[long])
    rows.append(f' "{long}": [\n{items}\n ]')
    return ("{\n" + ",\n".join(rows) + "\n}\n").encode()


def main() -> None:
    """Writes every file and removes those that are no longer made."""
    files = golden_files()
    for old in GOLDEN.rglob("*"):
        if old.is_file() and old.relative_to(GOLDEN).as_posix() not in files:
            old.unlink()
    for name, content in files.items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    size_kb = sum(map(len, files.values())) / 1000
    sys.stdout.write(f"{len(files)} files, {size_kb:.0f} kB, in {GOLDEN}\n")


if __name__ == "__main__":
    main()
