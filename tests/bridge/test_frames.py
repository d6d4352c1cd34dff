"""Frame messages, byte by byte against the protocol's tables."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from gesturestream.bridge.protocol.frames import (
    Header,
    decode_audio,
    decode_frame,
    encode_audio,
    encode_frame,
    unpack_header,
)
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.protocol.quantize import (
    decode_fixed,
    decode_quaternions,
    decode_unit,
    encode_fixed,
    encode_quaternions,
    encode_unit,
)
from gesturestream.realtime.frame import AudioChunk, Frame, FrameFlag

ROOT_HALF = float(np.sqrt(0.5))


def a_frame(**changes):
    quats = np.tile(np.array([0, 0, 0, 1], np.float32), (55, 1))
    values = {
        "index": 7,
        "epoch": 2,
        "flags": FrameFlag.IDLE,
        "media_time_s": 0.25,
        "server_time_s": 1000.5,
        "root_m": np.array([0.5, 1.0, -2.0], np.float32),
        "quat_xyzw": quats,
        "expressions": np.zeros(100, np.float32),
        "blendshapes": np.zeros(52, np.float32),
        "contacts": np.array([0, 1, 0.5, 0], np.float32),
    }
    return Frame(**{**values, **changes})


GOLDEN_HEADER = bytes.fromhex(
    "4753"  # "GS"
    "01"  # version
    "01"  # kind: pose frame
    "0200"  # flags: idle
    "2000"  # 32 header bytes
    "07000000"  # sequence
    "0100"  # skeleton revision
    "0200"  # epoch
    "000000000000d03f"  # media time 0.25
    "0000000000448f40"  # server time 1000.5
)
GOLDEN_ROOT = bytes.fromhex("0000003f 0000803f 000000c0")
IDENTITY_F32 = bytes.fromhex("00000000 00000000 00000000 0000803f")
IDENTITY_Q16 = bytes.fromhex("0000 0000 0000 0300")  # three zeros, w (3) is the one left out


def test_a_frame_in_f32_is_these_bytes():
    message = encode_frame(a_frame(), FrameFormat(expressions=0, blendshapes=False))
    contacts = bytes.fromhex("00000000 0000803f 0000003f 00000000")
    assert message == GOLDEN_HEADER + GOLDEN_ROOT + 55 * IDENTITY_F32 + contacts


def test_a_frame_in_q16_is_these_bytes():
    quats = a_frame().quat_xyzw.copy()
    quats[1] = [-ROOT_HALF, 0, 0, ROOT_HALF]  # a tie: x, the lowest index, is left out and q is negated
    expressions = np.zeros(100, np.float32)
    expressions[:3] = [1.0, -0.5, 9.0]  # 4096, -2048, saturated
    frame = a_frame(quat_xyzw=quats, expressions=expressions)

    message = encode_frame(frame, FrameFormat(expressions=10, blendshapes=False, encoding="q16"))

    turned = bytes.fromhex("0000 0000 0180 0000")  # -32767 for w
    expected_expressions = bytes.fromhex("0010 00f8 ff7f") + 7 * b"\0\0"
    contacts = bytes.fromhex("0000 ffff 0080 0000")  # 32767.5 rounds to the even 32768
    quaternions = IDENTITY_Q16 + turned + 53 * IDENTITY_Q16
    assert message == GOLDEN_HEADER + GOLDEN_ROOT + quaternions + expected_expressions + contacts


def test_the_default_layout_is_the_one_the_protocol_prints():
    form = FrameFormat()
    assert [field.as_json() for field in form.layout[:2]] == [
        {"name": "root_m", "dtype": "f32", "count": 3, "offset": 32},
        {"name": "quat_xyzw", "dtype": "f32", "count": 220, "offset": 44},
    ]
    assert form.frame_bytes == 1548


@pytest.mark.parametrize("encoding", ["f32", "q16"])
@pytest.mark.parametrize("expressions", [0, 10, 100])
@pytest.mark.parametrize("blendshapes", [True, False])
def test_a_layout_leaves_no_gap_and_holds_what_was_asked_for(encoding, expressions, blendshapes):
    form = FrameFormat(expressions=expressions, blendshapes=blendshapes, encoding=encoding)
    names = {field.name for field in form.layout}
    assert names == {"root_m", "quat_xyzw", "contacts"} | {
        name for name, wanted in (("expressions", expressions), ("blendshapes", blendshapes)) if wanted
    }
    assert [field.offset for field in form.layout] == [32, *(field.end for field in form.layout[:-1])]
    assert len(encode_frame(a_frame(), form)) == form.frame_bytes


unit_floats = st.floats(-1, 1, width=32)
quaternions = arrays(np.float32, (55, 4), elements=unit_floats).map(
    lambda q: np.where(np.linalg.norm(q, axis=-1, keepdims=True) > 0.1, q, [0, 0, 0, 1])
).map(lambda q: q / np.linalg.norm(q, axis=-1, keepdims=True))  # fmt: skip


@given(quaternions)
def test_quaternions_survive_q16(quats):
    back = decode_quaternions(encode_quaternions(quats))
    assert (back[:, 3] >= 0).all()
    assert_allclose(np.linalg.norm(back, axis=-1), 1.0, atol=1e-6)
    # half a step of 1/(sqrt(2) 32767) in each of three components, and what the largest loses by it
    assert (abs((back * quats).sum(-1)) > 1 - 1e-8 - 1e-6).all()
    sign = np.sign((back * quats).sum(-1, keepdims=True))
    assert_allclose(sign * back, quats, atol=6e-5)


@given(quaternions)
def test_a_quaternion_and_its_negative_are_the_same_bytes_unless_they_tie(quats):
    ordered = np.sort(abs(quats), axis=-1)
    clear = ordered[:, 3] > ordered[:, 2]
    assert encode_quaternions(quats[clear]) == encode_quaternions(-quats[clear])


def test_of_equal_components_the_first_is_left_out():
    packed = np.frombuffer(encode_quaternions(np.full((1, 4), 0.5) * [[1, -1, 1, -1]]), "<i2")
    assert packed.tolist() == [-23170, 23170, -23170, 0]  # 0.5 * sqrt(2) * 32767 = 23169.77


def test_decoding_refuses_an_index_above_three():
    with pytest.raises(ValueError, match=r"0\.\.3, got 4"):
        decode_quaternions(struct.pack("<hhhH", 0, 0, 0, 4))


def test_decoding_survives_components_longer_than_one():
    (quat,) = decode_quaternions(struct.pack("<hhhH", 32767, 32767, 32767, 3))
    assert_allclose(quat, [3**-0.5, 3**-0.5, 3**-0.5, 0], atol=1e-6)


@given(arrays(np.float32, 20, elements=st.floats(-100, 100, width=32)))
def test_fixed_point_rounds_or_saturates(values):
    back = decode_fixed(encode_fixed(values))
    assert_allclose(back, np.clip(values, -32767 / 4096, 32767 / 4096), atol=0.5 / 4096 + 1e-6)


@given(arrays(np.float32, 20, elements=st.floats(-2, 2, width=32)))
def test_unit_values_round_or_saturate(values):
    assert_allclose(decode_unit(encode_unit(values)), np.clip(values, 0, 1), atol=0.5 / 65535 + 1e-7)


def test_rounding_ties_go_to_the_even_number():
    ties = np.array([0.5, 1.5, 2.5, -0.5, -1.5]) / 4096
    assert np.frombuffer(encode_fixed(ties), "<i2").tolist() == [0, 2, 2, 0, -2]


@pytest.mark.parametrize("encoding", ["f32", "q16"])
def test_a_frame_decodes_to_what_was_encoded(encoding):
    rng = np.random.default_rng(0)
    quats = rng.normal(size=(55, 4)).astype(np.float32)
    quats[:, 3] = abs(quats[:, 3])
    quats /= np.linalg.norm(quats, axis=-1, keepdims=True)
    frame = a_frame(quat_xyzw=quats, expressions=rng.normal(size=100).astype(np.float32), blendshapes=rng.random(52))
    form = FrameFormat(encoding=encoding)

    back = decode_frame(encode_frame(frame, form, int(FrameFlag.DROPPED)), form.layout)

    assert back.flags == FrameFlag.IDLE | FrameFlag.DROPPED
    assert (back.index, back.epoch, back.media_time_s, back.server_time_s) == (7, 2, 0.25, 1000.5)
    for name in ("root_m", "quat_xyzw", "expressions", "blendshapes", "contacts"):
        assert_allclose(getattr(back, name), getattr(frame, name), atol=1.3e-4, err_msg=name)


@given(st.binary(max_size=80))
def test_no_bytes_crash_the_header_reader(data):
    try:
        header = unpack_header(data)
    except ValueError:
        return
    assert data.startswith(b"GS\x01")
    assert isinstance(header, Header)


def test_forwarded_audio_is_these_bytes():
    chunk = AudioChunk(media_time_s=0.25, epoch=2, pcm=np.array([0, 1, -1, 2, 0.5], np.float32))
    message = encode_audio(chunk, 7, 1000.5, int(FrameFlag.DISCONTINUITY))
    header = GOLDEN_HEADER[:3] + bytes.fromhex("02 0100") + GOLDEN_HEADER[6:]  # kind 2, flag 1
    assert message == header + struct.pack("<5h", 0, 32767, -32767, 32767, 16384)
    assert_allclose(decode_audio(message)[1], [0, 1, -1, 1, 0.5], atol=1e-4)
