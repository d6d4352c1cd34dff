"""The conformance kit: its golden files are what the encoder makes, and its server does what its scripts say."""

import json
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gesturestream.bridge.conformance.golden import Golden
from gesturestream.bridge.conformance.make import GOLDEN, decoded_values, golden_files, golden_messages
from gesturestream.bridge.conformance.messages import FUTURE_LAYOUT
from gesturestream.bridge.conformance.poses import SWAYS, left_arm_raised, swaying
from gesturestream.bridge.conformance.proxy import BadNetwork, ProxyConfig
from gesturestream.bridge.conformance.readies import FORMATS
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.scripts import Scene, delays
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.bridge.conformance.streams import decode_records
from gesturestream.bridge.protocol.fields import MessageError, parse_object
from gesturestream.bridge.protocol.frames import decode_audio, decode_frame, unpack_header
from gesturestream.models.body.rotations import angle_between
from gesturestream.models.body.skeleton import INDEX
from tests.bridge.talk import Talk, headers

FILES = golden_files()
MESSAGES = {message.name: message for message in golden_messages()}
TEXTS = json.loads(FILES["texts.json"])["texts"]


def decode(message: Golden):
    """As the project's own Python reader does; None for a kind it does not know."""
    header = unpack_header(message.data)
    if header.kind == 2:
        return decode_audio(message.data)[1]
    if header.kind != 1:
        return None
    layout = FUTURE_LAYOUT if message.ready == "future" else FORMATS[message.ready].layout
    return decode_frame(message.data, layout)


def test_the_committed_files_are_what_make_writes_now():
    committed = {p.relative_to(GOLDEN).as_posix(): p.read_bytes() for p in GOLDEN.rglob("*") if p.is_file()}
    remedy = "run python -m gesturestream.bridge.conformance.make and look at what changed"
    assert committed.keys() == FILES.keys(), remedy
    assert [name for name in FILES if FILES[name] != committed[name]] == [], remedy
    assert sum(map(len, FILES.values())) < 400_000


@pytest.mark.parametrize("name", [m.name for m in MESSAGES.values() if m.expect == "decode"])
def test_the_python_decoder_reads_what_is_written_down(name):
    message = MESSAGES[name]
    expected = json.loads(FILES[f"messages/{name}.json"])
    decoded = decode(message)
    if "pcm_s16" in expected:
        assert_allclose(decoded * 32767, expected["pcm_s16"], atol=1e-2)
        return
    for field, values in expected["values"].items():
        got = getattr(decoded, field).ravel()[: len(values)]
        assert_array_equal(got, np.array(values, np.float32), err_msg=field)  # the decimals are exact


@pytest.mark.parametrize("name", [m.name for m in MESSAGES.values() if m.source])
def test_q16_agrees_with_its_f32_source_within_the_quantisation(name):
    quantised = decoded_values(MESSAGES[name])["values"]
    source = decoded_values(MESSAGES[MESSAGES[name].source])["values"]
    limits = json.loads(FILES["index.json"])["quantisation"]
    for field, limit in limits.items():
        if field not in quantised or field == "quat_xyzw":
            continue
        exact = np.clip(source[field][: len(quantised[field])], -32767 / 4096, 32767 / 4096)
        assert_allclose(quantised[field], exact, atol=limit, err_msg=field)
    q, s = (np.array(v["quat_xyzw"]).reshape(-1, 4) for v in (quantised, source))
    assert angle_between(q, s).max() < limits["quat_xyzw"]


@pytest.mark.parametrize("name", [m.name for m in MESSAGES.values() if m.expect != "decode"])
def test_the_python_decoder_refuses_what_is_malformed(name):
    message = MESSAGES[name]
    if message.expect == "refuse":
        with pytest.raises(ValueError, match=r"expected|buffer size"):
            decode(message)
    else:
        decoded = decode(message)
        assert decoded is None or np.isfinite(decoded.quat_xyzw).all()


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry["name"])
def test_texts_are_strict_json_exactly_where_the_kit_says_so(entry):
    if entry["expect"] == "survive":
        return  # readers may differ: Python's refuses 1e999 and takes a lone surrogate
    if entry["expect"] != "refuse":
        assert parse_object(entry["text"]) == entry["message"]
        return
    with pytest.raises((MessageError, TypeError)):
        if not isinstance(parse_object(entry["text"]).get("type"), str):
            raise TypeError("no type")


def test_streams_are_the_records_that_are_written_down():
    for name in json.loads(FILES["index.json"])["streams"]:
        records = list(decode_records(FILES[f"{name}.stream"]))
        described = json.loads(FILES[f"{name}.json"])["records"]
        assert len(records) == len(described) > 3
        for (arrival_s, payload), entry in zip(records, described, strict=True):
            assert arrival_s == entry["arrival_s"]
            if isinstance(payload, bytes):
                header = unpack_header(payload)
                assert (header.sequence, header.epoch, header.flags) == (
                    entry["sequence"],
                    entry["epoch"],
                    entry["flags"],
                )


def test_a_raised_left_arm_points_up_on_the_characters_left_in_every_engine():
    """Which way is up and left in each frame is said here independently of the formulas."""
    positions = json.loads(FILES["axes.json"])["joint_positions"]["left_arm_raised_f32_body"]
    up_left = {
        "wire": (1, 0, 1.0), "unity": (1, 0, -1.0), "unreal_component": (2, 0, 1.0), "unreal_actor": (2, 1, -1.0),
        "gltf_vrm1_godot": (1, 0, 1.0), "vrm0": (1, 0, -1.0),
    }  # fmt: skip
    for frame, (up, side, left) in up_left.items():
        joints = np.array(positions[frame]).reshape(55, 3)
        shoulder, wrist = joints[INDEX["left_shoulder"]], joints[INDEX["left_wrist"]]
        assert wrist[up] > joints[INDEX["head"]][up], frame
        assert left * shoulder[side] > 0 and abs(wrist - shoulder)[side] < 0.1 * abs(wrist - shoulder)[up], frame


def test_the_delays_are_those_promised():
    told = json.loads(FILES["delays.json"])
    late = np.array(told["arrival_s"]) - np.arange(1800) / 30
    assert (np.diff(told["arrival_s"]) >= 0).all()
    assert 0.02 < np.median(late) < 0.04 and late.min() >= 0
    assert 0.3 < late.max() < 0.36
    assert sum(end - begin for begin, end in told["stalls_s"]) == pytest.approx(0.02 * 60, abs=1e-6)


def test_the_swaying_body_never_turns_faster_than_it_says():
    frames = [swaying(k).quat_xyzw for k in range(300)]
    speeds = np.array([angle_between(a, b) * 30 for a, b in pairwise(frames)])
    ratio = speeds.max(0) / [sway.max_speed_rad_s for sway in SWAYS]
    assert ratio.max() < 1.001 and ratio.min() > 0.97


def test_the_delay_script_keeps_order_and_stalls():
    scene, sent_s = Scene(form=FORMATS["q16_10"]), []
    for at_s, _ in delays(scene):
        if at_s > 30:
            break
        sent_s.append(at_s)
    gaps = np.diff(sent_s)
    assert (gaps >= 0).all()
    assert sum(gaps >= 0.29) == 2  # every 15 s


def scripted(name, **options):
    return running_script(ScriptedServerConfig(script=name, **options))


def test_the_plain_script_is_a_session():
    with scripted("plain", seconds=0.6) as server, Talk(server.page) as talk:
        ready = talk.start(frames={"expressions": 10, "encoding": "q16"}, forward_audio=True)
        talk.say(type="ping", t0=1.0)
        talk.say(type="interrupt", played_s=0.5)
        talk.say(type="ack", sequence=3, played_s=0.1)
        messages, code = talk.rest()
        assert code == 1000 and messages[-1]["name"] == "end"
        poses, voice = headers(messages), headers(messages, kind=2)
        assert [h.sequence for h in poses] == list(range(19)) == [h.sequence for h in voice]
        assert {h.epoch for h in poses} == {1} or poses[0].epoch == 0
        assert any(isinstance(m, dict) and m["type"] == "pong" for m in messages)
        assert len(ready["script"]["max_speed_rad_s"]) == 55
        assert server.next_report()["message"]["frames"] == {"expressions": 10, "encoding": "q16"}
        closed = server.next_report()
        assert closed["said"] == {"start": 1, "ping": 1, "interrupt": 1, "ack": 1}
        assert (closed["acknowledged"], closed["played_s"]) == (3, 0.1)


def test_the_restart_script_closes_cuts_and_refuses_before_it_lets_in():
    with scripted("restart", every_s=0.2) as server:
        codes, resume = [], {}
        for attempt in range(4):
            with Talk(server.page) as talk:
                talk.say(type="start", protocol=1, **resume)
                if attempt == 3:
                    ready = talk.text("ready")
                    assert ready["media_time_s"] > 1.2  # the session went on meanwhile
                    first = unpack_header(talk.frame())
                    assert first.media_time_s == pytest.approx(ready["media_time_s"])
                    break
                messages, code = talk.rest()
                codes.append(code)
                if attempt == 0:
                    resume = {"resume": messages[0]["session"], "resume_key": messages[0]["resume_key"]}
                    assert [server.next_report()["event"] for _ in range(4)] == [
                        "opened",
                        "closed",
                        "away",
                        "listening",
                    ]
        assert codes == [1001, 1006, 4429]


def test_the_interrupt_script_sends_leftovers_of_the_epoch_before():
    with scripted("interrupt", every_s=0.4, seconds=1.5) as server, Talk(server.page) as talk:
        form = FORMATS["f32_body"]
        ready = talk.start(frames={"expressions": 0, "blendshapes": False}, forward_audio=True)
        messages, _ = talk.rest()
        frames = [m for m in messages if isinstance(m, bytes) and unpack_header(m).kind == 1]
        epochs = [unpack_header(m).epoch for m in frames]
        assert ready["epoch"] == epochs[0] == 65534 and set(epochs) == {65534, 65535, 0, 1}
        newest, old = 65534, []
        for frame, epoch in zip(frames, epochs):
            newest = epoch if 0 < (epoch - newest) & 0xFFFF < 0x8000 else newest
            raised = (decode_frame(frame, form.layout).quat_xyzw == left_arm_raised().quat_xyzw).all()
            assert raised == (epoch != newest)
            old += [epoch] if epoch != newest else []
        assert len(old) == 18


def test_the_proxy_keeps_order_and_is_late_by_as_much_as_promised():
    stalls_s = []
    network = BadNetwork(ProxyConfig(target_port=1), Random(1), 0.0, stalls_s.append)
    now_s = np.arange(0.0, 60.0, 0.005)
    leaves_s = np.array([network.leaves_s(float(now)) for now in now_s])
    late = leaves_s - now_s
    assert (np.diff(leaves_s) >= 0).all() and late.min() >= 0
    assert 0.3 < late.max() < 0.36
    assert np.mean(np.diff(leaves_s, prepend=0) > 0.25) * len(now_s) == 4  # stalls, 15 s apart
    assert 0.02 < np.median(late) < 0.06
    assert len(stalls_s) == 4 and set(stalls_s) <= set(leaves_s)  # and it tells when each is over


@contextmanager
def command(module, *options):
    """A program of the kit as others start it; yields the port of its first line."""
    arguments = [sys.executable, "-m", f"gesturestream.bridge.conformance.{module}", *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            first = json.loads(process.stdout.readline())
            assert first["event"] == "listening"
            yield str(first["port"])
        finally:
            process.terminate()


def test_a_session_through_the_proxy_by_the_commands():
    server = command("server", "--script", "plain", "--seconds", "0.5")
    with server as far, command("proxy", "--target-port", far) as near, Talk(f"http://127.0.0.1:{near}/") as talk:
        talk.start()
        messages, code = talk.rest()
    assert code == 1000 and [h.sequence for h in headers(messages)] == list(range(16))
