"""Binary messages that a client must get over: counted, never shown, the connection goes on."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from gesturestream.bridge.conformance.golden import Golden
from gesturestream.bridge.conformance.poses import make_frame, swaying
from gesturestream.bridge.conformance.readies import FORMATS
from gesturestream.bridge.protocol.frames import encode_audio, encode_frame
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.realtime.frame import AudioChunk


def malformed_messages() -> Iterator[Golden]:
    """Messages that break the protocol in one respect each."""
    body, q16 = FORMATS["f32_body"], FORMATS["q16_10"]
    assert body is not None and q16 is not None
    for name, data in broken_headers(encode_frame(swaying(3), body)).items():
        yield Golden(name=f"bad_{name}", ready="f32_body", data=data, expect="refuse")
    for ready, form in (("f32_body", body), ("q16_10", q16)):
        for name, data in broken_frames(form).items():
            yield Golden(name=f"bad_{name}_{ready}", ready=ready, data=data, expect="refuse")
    zero = encode_frame(make_frame(6, quat_xyzw=np.zeros((55, 4), np.float32)), body)
    note = "not rotations: nothing may be divided by 0"
    yield Golden(name="bad_quaternion_zero", ready="f32_body", data=zero, expect="survive", note=note)
    audio = encode_audio(AudioChunk(media_time_s=0.0, epoch=0, pcm=np.zeros(5, np.float32)), 0, 1000.0)
    note = "an odd number of bytes of 16-bit samples"
    yield Golden(name="bad_audio_odd", ready="f32", data=audio[:-1], expect="refuse", note=note)


def broken_messages(form: FrameFormat) -> dict[str, bytes]:
    """Everything that a client which asked for `form` has to refuse."""
    return {**broken_headers(encode_frame(swaying(3), form)), **broken_frames(form)}


def broken_headers(good: bytes) -> dict[str, bytes]:
    """A good frame with one thing wrong in its first 32 bytes."""
    return {
        "empty": b"",
        "one_byte": good[:1],
        "short_header": good[:31],
        "header_only": good[:32],
        "magic": b"gs" + good[2:],
        "version_2": good[:2] + b"\2" + good[3:],
        "header_bytes_16": _patched(good, 6, "<H", 16),
        "header_bytes_65535": _patched(good, 6, "<H", 65535),
        "media_time_nan": _patched(good, 16, "<d", float("nan")),
        "media_time_inf": _patched(good, 16, "<d", float("inf")),
    }


def broken_frames(form: FrameFormat) -> dict[str, bytes]:
    """Frames that are cut off, or hold what no rotation and no position is."""
    good = encode_frame(swaying(5), form)
    out = {"one_byte_missing": good[:-1], "half_a_frame": good[: len(good) // 2]}
    first_quat = 44
    for name, value in (("nan", float("nan")), ("inf", float("inf")), ("minus_inf", float("-inf"))):
        out[f"root_{name}"] = _patched(good, 36, "<f", value)
        if form.encoding == "f32":
            out[f"quaternion_{name}"] = _patched(good, first_quat + 16 * 54, "<f", value)
    if form.encoding == "q16":
        for index in (4, 0xFFFF):  # of the largest component: above 3
            out[f"index_{index}"] = _patched(good, first_quat + 8 * 17 + 6, "<H", index)
    return out


def _patched(message: bytes, at: int, form: str, value: float) -> bytes:
    patch = struct.pack(form, value)
    return message[:at] + patch + message[at + len(patch) :]
