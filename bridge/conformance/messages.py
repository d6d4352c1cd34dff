"""The golden messages that every client decodes."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.conformance.golden import Golden
from gesturestream.bridge.conformance.poses import left_arm_raised, make_frame, swaying, turn, turned_and_bent
from gesturestream.bridge.conformance.readies import FORMATS
from gesturestream.bridge.protocol import quantize
from gesturestream.bridge.protocol.frames import encode_audio, encode_frame
from gesturestream.bridge.protocol.layout import FrameFormat, LayoutField
from gesturestream.realtime.frame import AudioChunk, Frame, FrameFlag

FUTURE_LAYOUT = (
    LayoutField(name="root_m", dtype="f32", count=3, offset=40),
    LayoutField(name="contacts", dtype="u16n", count=4, offset=64),
    LayoutField(name="quat_xyzw", dtype="q16quat", count=55, offset=72),
)
"""What a client of today reads of `readies.future_ready`."""


def valid_messages() -> Iterator[Golden]:
    """All messages that decode."""
    yield from _poses()
    yield from _flags()
    yield from _counters()
    yield from _quaternions()
    yield from _audio()
    yield from _later_additions()


def golden_frames() -> list[Frame]:
    """Frames of every kind, to be encoded in whatever format a client asked for."""
    flagged = [swaying(int(flag), flags=flag) for flag in FrameFlag]
    flips = [_about_half_a_turn(more, 60) for more in (-0.02, 0.02)]
    edges = make_frame(5, quat_xyzw=np.array(_edges(), np.float32))
    return [swaying(41), _extremes(), *flagged, *flips, edges]


def _form(ready: str) -> FrameFormat:
    form = FORMATS[ready]
    assert form is not None
    return form


def pose(name: str, ready: str, frame: Frame, note: str = "", extra_flags: int = 0) -> Golden:
    """A frame in the format of `ready`."""
    data = encode_frame(frame, _form(ready), extra_flags)
    source = name.replace("q16_10", "f32").replace("q16", "f32") if "q16" in name else None
    return Golden(name=name, ready=ready, data=data, note=note, source=source)


def _poses() -> Iterator[Golden]:
    for ready in ("f32", "q16"):
        yield pose(f"sway_{ready}", ready, swaying(41))
        yield pose(f"extremes_{ready}", ready, _extremes(), "q16 saturates expressions at 32767/4096")
    yield pose("left_arm_raised_f32_body", "f32_body", left_arm_raised())
    yield pose("turned_and_bent_f32_body", "f32_body", turned_and_bent())


def _extremes() -> Frame:
    expressions = np.linspace(-7.9, 7.9, 100).astype(np.float32)
    expressions[:6] = [8.5, -8.5, 32767 / 4096, 0.5 / 4096, 1.5 / 4096, -0.5 / 4096]
    blendshapes = np.linspace(0, 1, 52).astype(np.float32)
    blendshapes[:3] = [1 / 65535, 65534 / 65535, 0.5]
    return make_frame(
        12,
        root_m=np.array([-123.456, 0.0, 1e-20], np.float32),
        quat_xyzw=np.array([turn((1, 2, 3), -3.1 + 0.1 * j) for j in range(55)], np.float32),
        expressions=expressions,
        blendshapes=blendshapes,
        contacts=np.array([0, 1, 0.5, 1 / 3], np.float32),
    )


def _flags() -> Iterator[Golden]:
    for flag in FrameFlag:
        name = f"flag_{str(flag.name).lower()}"
        yield pose(name, "f32_body", swaying(int(flag), flags=flag))
    every = FrameFlag.DISCONTINUITY | FrameFlag.IDLE | FrameFlag.RETRACTING | FrameFlag.CUE
    yield pose("flag_all_q16_10", "q16_10", swaying(32, flags=every), "", int(FrameFlag.DROPPED))
    yield pose("flag_all_f32", "f32", swaying(32, flags=every), "", int(FrameFlag.DROPPED))
    note = "bits that version 1 does not know are ignored"
    yield pose("flag_unknown", "f32_body", swaying(33), note, 0x8020)


def _counters() -> Iterator[Golden]:
    yield pose("sequence_max", "f32_body", make_frame(2**32 - 1, epoch=65535), "4.5 years in: the largest counters")
    yield pose("after_a_day", "f32_body", make_frame(30 * 86400 + 1), "media time needs float64 here")


def _quaternions() -> Iterator[Golden]:
    """55 joints as 55 cases of the smallest-three encoding."""
    edges = make_frame(5, quat_xyzw=np.array(_edges(), np.float32))
    note = "each component largest and negative, ties of two, three and four, components at the end of their range"
    yield pose("quaternion_edges_f32", "f32", edges)
    yield pose("quaternion_edges_q16_10", "q16_10", edges, note)
    yield pose("quaternion_edges_q16", "q16", edges, note)
    note = "half a turn passed: w changes sign, so q flips; the two are 0.04 rad apart"
    yield pose("sign_flip_before", "f32_body", _about_half_a_turn(-0.02, 60), note)
    yield pose("sign_flip_after", "f32_body", _about_half_a_turn(0.02, 61), note)


def _about_half_a_turn(more_rad: float, index: int) -> Frame:
    axes = [(math.cos(j), math.sin(j), 0.5) for j in range(55)]
    axes = [(round(x, 4), round(y, 4), z) for x, y, z in axes]
    return make_frame(index, quat_xyzw=np.array([turn(axis, math.pi + more_rad) for axis in axes], np.float32))


def _edges() -> list[NDArray[np.float64]]:
    signs = [(sx, sy, sz, sw) for sx in (1, -1) for sy in (1, -1) for sz in (1, -1) for sw in (1,)]
    four = [0.5 * np.array(s, float) for s in signs]
    three = [np.array([0 if k == i else s for k in range(4)]) / 3**0.5 for i in range(4) for s in (1.0, -1.0)]
    two = [_pair(i, j, s) for i in range(4) for j in range(i + 1, 4) for s in (1.0, -1.0)]
    one = [np.eye(4)[i] for i in range(4)]
    negative = [_mostly(i) for i in range(4)]
    small = [np.array([x, 0.0, 0.0, 1.0]) for x in (0.4 / 46340, 0.6 / 46340, -0.5 / 46340, 1.5 / 46340)]
    cases = [*four, *three, *two, *one, *negative, *small]
    rest = [np.array(turn((j, 1, -2), 0.11 * j)) for j in range(55 - len(cases))]
    return [q * (-1.0 if q[3] < 0 else 1.0) for q in (*cases, *rest)]


def _pair(i: int, j: int, sign: float) -> NDArray[np.float64]:
    q = np.zeros(4)
    q[i], q[j] = 0.5**0.5, sign * 0.5**0.5
    return q


def _mostly(i: int) -> NDArray[np.float64]:
    """Component i largest; where it is x, y or z it is negative, so that the encoder negates the whole."""
    q = np.array([0.1, 0.2, 0.3, 0.4])
    q[i] = -0.8 if i < 3 else 0.8
    length: float = math.sqrt(sum(float(x) * float(x) for x in q))
    return q / length


def _audio() -> Iterator[Golden]:
    tone = np.array([round(0.5 * math.sin(2 * math.pi * 220 * n / 16000), 6) for n in range(533)], np.float32)
    edges = np.array([0, 1, -1, 1.5, -1.5, 0.5, -0.5, 1 / 32767], np.float32)
    cases = {
        "audio_tone": (tone, 0, 0, 0.0, ""),
        "audio_edges": (edges, 1, 0, 1.25, "clipped at full scale"),
        "audio_after_a_loss": (tone[:160], 7, 3, 2.5, "flag 1: the oldest was dropped before this one"),
        "audio_empty": (tone[:0], 8, 3, 2.51, "no samples is a valid message"),
    }
    for name, (pcm, sequence, epoch, media_s, note) in cases.items():
        chunk = AudioChunk(media_time_s=media_s, epoch=epoch, pcm=pcm)
        flags = int(FrameFlag.DISCONTINUITY) if sequence == 7 else 0
        yield Golden(name=name, ready="f32", data=encode_audio(chunk, sequence, 1000.0 + media_s, flags), note=note)


def _later_additions() -> Iterator[Golden]:
    """Version 1 may grow: what a reader does not know it passes over."""
    frame = swaying(90)
    body = encode_frame(frame, _form("f32_body"))
    yield Golden(name="trailing_bytes", ready="f32_body", data=body + b"more", note="longer than frame_bytes: fine")
    yield Golden(name="kind_3", ready="f32_body", data=body[:3] + b"\3" + body[4:], expect="ignore")
    header = body[:6] + struct.pack("<H", 40) + body[8:32] + bytes(range(8))
    fields = frame.root_m.tobytes() + b"\xff" * 12
    fields += quantize.encode_unit(frame.contacts) + quantize.encode_quaternions(frame.quat_xyzw)
    note = "header of 40 bytes, unknown field, another order: offsets come from ready.layout"
    yield Golden(name="future_pose", ready="future", data=header + fields + b"\0\0\0\0", note=note)
    audio = encode_audio(AudioChunk(media_time_s=3.0, epoch=0, pcm=np.array([0.25, -0.25], np.float32)), 9, 1003.0)
    longer = audio[:6] + struct.pack("<H", 40) + audio[8:32] + b"\x7f" * 8 + audio[32:]
    yield Golden(name="future_audio", ready="future", data=longer, note="samples begin after the header's 40 bytes")
