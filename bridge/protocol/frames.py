"""Binary messages from server to client: a 32-byte header, then a frame's fields or PCM. Little-endian."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.protocol import quantize
from gesturestream.bridge.protocol.layout import HEADER_BYTES, FrameFormat, LayoutField
from gesturestream.models.body.skeleton import JOINT_COUNT, SKELETON_REVISION
from gesturestream.realtime.frame import AudioChunk, Frame, FrameFlag

MAGIC = b"GS"
HEADER_VERSION = 1
KIND_POSE, KIND_AUDIO = 1, 2
_HEADER = struct.Struct("<2sBBHHIHHdd")
assert _HEADER.size == HEADER_BYTES
_F32 = np.dtype("<f4")

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The first 32 bytes of every binary message."""

    kind: int
    flags: int
    sequence: int
    """Pose: the session's frame index; audio: the count of audio messages on this connection."""
    epoch: int
    media_time_s: float
    server_time_s: float
    skeleton_revision: int = SKELETON_REVISION

    def pack(self) -> bytes:
        """The 32 bytes; counters wrap as the protocol's integer types do."""
        return _HEADER.pack(
            MAGIC,
            HEADER_VERSION,
            self.kind,
            self.flags,
            HEADER_BYTES,
            self.sequence & 0xFFFFFFFF,
            self.skeleton_revision & 0xFFFF,
            self.epoch & 0xFFFF,
            self.media_time_s,
            self.server_time_s,
        )


def unpack_header(message: bytes) -> Header:
    """Reads a header. ValueError when this is not a version-1 message of the protocol."""
    if len(message) < HEADER_BYTES:
        raise ValueError(f"expected at least {HEADER_BYTES} bytes of header, got {len(message)}")
    magic, version, kind, flags, size, sequence, revision, epoch, media, server = _HEADER.unpack_from(message)
    if magic != MAGIC or version != HEADER_VERSION or not HEADER_BYTES <= size <= len(message):
        raise ValueError(f"expected b'GS', version 1, header of 32 bytes or more, got {magic!r}, {version}, {size}")
    if not (math.isfinite(media) and math.isfinite(server)):
        raise ValueError(f"expected finite times, got {media}, {server}")
    return Header(
        kind=kind,
        flags=flags,
        sequence=sequence,
        epoch=epoch,
        media_time_s=media,
        server_time_s=server,
        skeleton_revision=revision,
    )


def frame_header(frame: Frame, extra_flags: int = 0) -> bytes:
    """A pose frame's header; `extra_flags` is what a reader's queue adds."""
    return _HEADER.pack(
        MAGIC,
        HEADER_VERSION,
        KIND_POSE,
        int(frame.flags) | extra_flags,
        HEADER_BYTES,
        frame.index & 0xFFFFFFFF,
        SKELETON_REVISION & 0xFFFF,
        frame.epoch & 0xFFFF,
        frame.media_time_s,
        frame.server_time_s,
    )


def _encode_f32(values: NDArray[Any]) -> bytes:
    if values.dtype != _F32:
        values = values.astype(_F32)
    return values.tobytes()


def _decode_f32(data: bytes) -> Floats:
    values = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("expected finite values, got NaN or infinity")
    return values


_ENCODERS: dict[str, Callable[[NDArray[Any]], bytes]] = {
    "f32": _encode_f32,
    "q16quat": quantize.encode_quaternions,
    "i16x4096": quantize.encode_fixed,
    "u16n": quantize.encode_unit,
}
_DECODERS: dict[str, Callable[[bytes], Floats]] = {
    "f32": _decode_f32,
    "q16quat": quantize.decode_quaternions,
    "i16x4096": quantize.decode_fixed,
    "u16n": quantize.decode_unit,
}


def encode_body(frame: Frame, form: FrameFormat) -> bytes:
    """The fields of `form.layout`, without the header: the same bytes for every reader of this format."""
    return b"".join(_ENCODERS[field.dtype](_values(frame, field)) for field in form.layout)


def _values(frame: Frame, field: LayoutField) -> NDArray[Any]:
    values: NDArray[Any] = getattr(frame, field.name)
    return values[: field.count] if field.name == "expressions" else values


def encode_frame(frame: Frame, form: FrameFormat, extra_flags: int = 0) -> bytes:
    """One whole frame message of `form.frame_bytes` bytes."""
    return frame_header(frame, extra_flags) + encode_body(frame, form)


def decode_frame(message: bytes, layout: tuple[LayoutField, ...]) -> Frame:
    """A frame message back to a `Frame`; fields that `layout` lacks are zeros. ValueError for anything else."""
    header = unpack_header(message)
    if header.kind != KIND_POSE:
        raise ValueError(f"expected kind {KIND_POSE} (pose frame), got {header.kind}")
    if not layout:
        raise ValueError("expected no frames: the layout is empty")
    size = max(field.end for field in layout)
    if len(message) < size:
        raise ValueError(f"expected {size} bytes, got {len(message)}")
    values = {field.name: _DECODERS[field.dtype](message[field.offset : field.end]) for field in layout}
    return Frame(
        index=header.sequence,
        epoch=header.epoch,
        flags=FrameFlag(header.flags),
        media_time_s=header.media_time_s,
        server_time_s=header.server_time_s,
        root_m=values["root_m"],
        quat_xyzw=values["quat_xyzw"].reshape(JOINT_COUNT, 4),
        expressions=_padded(values.get("expressions"), 100),
        blendshapes=_padded(values.get("blendshapes"), 52),
        contacts=values["contacts"],
    )


def _padded(values: Floats | None, size: int) -> Floats:
    out = np.zeros(size, np.float32)
    if values is not None:
        out[: len(values)] = values
    return out


def encode_audio(chunk: AudioChunk, sequence: int, server_time_s: float, extra_flags: int = 0) -> bytes:
    """A kind-2 message: header, then mono s16le at 16 kHz (what `ready.audio` states)."""
    header = Header(
        kind=KIND_AUDIO,
        flags=extra_flags,
        sequence=sequence,
        epoch=chunk.epoch,
        media_time_s=chunk.media_time_s,
        server_time_s=server_time_s,
    )
    pcm: NDArray[np.int16] = np.rint(np.clip(chunk.pcm, -1.0, 1.0) * 32767.0).astype("<i2")
    return header.pack() + pcm.tobytes()


def decode_audio(message: bytes) -> tuple[Header, Floats]:
    """A kind-2 message -> its header and [n] mono float32 at 16 kHz. ValueError for anything else."""
    header = unpack_header(message)
    if header.kind != KIND_AUDIO:
        raise ValueError(f"expected kind {KIND_AUDIO} (audio), got {header.kind}")
    begin = int.from_bytes(message[6:8], "little")  # a later version's header may be longer
    return header, np.frombuffer(message[begin:], "<i2").astype(np.float32) / 32767.0
