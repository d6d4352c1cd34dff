"""Golden streams: messages in the order they arrive, and which of them a client may show.

A `.stream` file is a sequence of records: f64 arrival time (s), u8 opcode (1 text, 2 binary), u32 length, payload;
little-endian, no padding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gesturestream.bridge.conformance.poses import NO_FLAGS, make_frame, swaying
from gesturestream.bridge.conformance.readies import FORMATS, ScriptedSession, scripted_ready
from gesturestream.bridge.protocol.frames import encode_audio, encode_frame, unpack_header
from gesturestream.bridge.protocol.replies import event_text, to_json
from gesturestream.realtime.frame import AudioChunk, Event, FrameFlag

_RECORD = struct.Struct("<dBI")
_FORM = FORMATS["q16_10"]
assert _FORM is not None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One message that arrives."""

    payload: str | bytes
    old: bool = False
    """From an epoch that is over: never shown."""
    opens: bool = False
    """The first frame of an epoch: shown at once, cross-faded."""


@dataclass
class Stream:
    """A named sequence of records, 1/30 s apart."""

    name: str
    note: str
    records: list[Record] = field(default_factory=list)

    def text(self, text: str) -> None:
        """A text message arrives."""
        self.records.append(Record(payload=text))

    def frame(
        self, index: int, epoch: int = 0, flags: FrameFlag = NO_FLAGS, *, old: bool = False, opens: bool = False
    ) -> None:
        """A frame of the swaying body arrives."""
        data = encode_frame(swaying(index, epoch=epoch, flags=flags), _FORM)  # type: ignore[arg-type]
        self.records.append(Record(payload=data, old=old, opens=opens))

    def audio(self, index: int, epoch: int, *, old: bool = False) -> None:
        """A little audio of a frame's time arrives."""
        chunk = AudioChunk(media_time_s=index / 30, epoch=epoch, pcm=np.full(16, 0.25, np.float32))
        self.records.append(Record(payload=encode_audio(chunk, index, 1000 + index / 30), old=old))

    def encode(self) -> bytes:
        """The `.stream` file."""
        out = b""
        for arrival_s, record in self._timed():
            text = isinstance(record.payload, str)
            data = record.payload.encode() if isinstance(record.payload, str) else record.payload
            out += _RECORD.pack(arrival_s, 1 if text else 2, len(data)) + data
        return out

    def values(self) -> dict[str, Any]:
        """The `.json` file: what each record is, and what may be shown of it."""
        entries = [{"arrival_s": arrival_s, **_described(record)} for arrival_s, record in self._timed()]
        kept = [e for e in entries if e.get("kind") == 1 and not e["old"]]
        last = {"epoch": kept[-1]["epoch"], "newest_sequence": kept[-1]["sequence"]}
        return {"name": self.name, "note": self.note, **last, "records": entries}

    def _timed(self) -> Iterator[tuple[float, Record]]:
        for i, record in enumerate(self.records):
            yield round(i / 30, 4), record


def _described(record: Record) -> dict[str, Any]:
    if isinstance(record.payload, str):
        return {"opcode": 1}
    header = unpack_header(record.payload)
    return {
        "opcode": 2,
        "kind": header.kind,
        "sequence": header.sequence,
        "epoch": header.epoch,
        "flags": header.flags,
        "media_time_s": header.media_time_s,
        "old": record.old,
        "opens": record.opens,
    }


def decode_records(data: bytes) -> Iterator[tuple[float, str | bytes]]:
    """A `.stream` file's arrival times and payloads. ValueError when it is cut off."""
    at = 0
    while at < len(data):
        if len(data) - at < _RECORD.size:
            raise ValueError(f"expected a record header of {_RECORD.size} bytes, got {len(data) - at}")
        arrival_s, opcode, size = _RECORD.unpack_from(data, at)
        payload = data[at + _RECORD.size : at + _RECORD.size + size]
        if len(payload) < size:
            raise ValueError(f"expected {size} bytes of payload, got {len(payload)}")
        at += _RECORD.size + size
        yield arrival_s, payload.decode() if opcode == 1 else payload


def streams() -> Iterator[Stream]:
    """All golden streams."""
    yield _interrupt()
    yield _epochs_wrap()
    yield _late_join()
    yield _dropped()
    yield _skeleton_changes()


def _opened(name: str, note: str, *, owner: bool = True, **session: Any) -> Stream:
    stream = Stream(name, note)
    stream.text(to_json(scripted_ready(_FORM, ScriptedSession(**session), owner=owner)))
    return stream


def _interrupt() -> Stream:
    stream = _opened("interrupt", "epochs 0, 1 and 2; frames and audio of a former epoch arrive late")
    for k in range(6):
        stream.frame(k)
        stream.audio(k, 0)
    told = {"epoch": 1, "generated_s": 0.2, "played_s": None, "sample": 3200}
    stream.text(event_text(Event(name="interrupted", media_time_s=0.2, audio_time_s=0.2, data=told)))
    stream.frame(6, 1, FrameFlag.RETRACTING, opens=True)
    stream.audio(5, 0, old=True)
    stream.frame(5, 0, old=True)
    for k in range(7, 10):
        stream.frame(k, 1, FrameFlag.RETRACTING)
        stream.frame(k, 0, old=True)
    stream.frame(10, 2, FrameFlag.RETRACTING, opens=True)
    stream.frame(10, 1, old=True)
    stream.frame(11, 0, old=True)
    stream.frame(11, 2)
    return stream


def _epochs_wrap() -> Stream:
    stream = _opened("epochs_wrap", "the epoch is 16 bits wide: 0 comes after 65535", epoch=65534)
    stream.frame(100, 65534)
    stream.frame(101, 65535, opens=True)
    stream.frame(102, 65534, old=True)
    stream.frame(102, 0, opens=True)
    stream.frame(103, 65535, old=True)
    stream.frame(103, 0)
    return stream


def _late_join() -> Stream:
    note = "a watcher's first frame has any sequence, and flag 1: nothing to interpolate from"
    stream = _opened("late_join", note, owner=False, epoch=4, media_time_s=4711 / 30)
    stream.frame(4711, 4, FrameFlag.DISCONTINUITY)
    for k in range(4712, 4716):
        stream.frame(k, 4)
    return stream


def _dropped() -> Stream:
    stream = _opened("dropped", "frames 3-7 and 10 were dropped: a gap in the sequence and flag 16")
    for k in (0, 1, 2, 8, 9, 11, 12):
        stream.frame(k, flags=FrameFlag.DROPPED if k in (8, 11) else NO_FLAGS)
    return stream


def _skeleton_changes() -> Stream:
    """`ready` again: another body, 10 % taller, same layout; its frames carry revision 2."""
    stream = _opened("skeleton_changes", "`ready` again before the first frame of skeleton revision 2")
    stream.frame(0)
    ready = scripted_ready(_FORM)
    rest = [round(1.1 * x, 6) for x in ready["skeleton"]["rest_m"]]
    stream.text(to_json({**ready, "skeleton": {**ready["skeleton"], "revision": 2, "rest_m": rest}}))
    root_m = np.array([0.0, rest[1], 0.0], np.float32)
    data = encode_frame(make_frame(1, root_m=root_m), _FORM)  # type: ignore[arg-type]
    stream.records.append(Record(payload=data[:12] + struct.pack("<H", 2) + data[14:]))
    return stream
