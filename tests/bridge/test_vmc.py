"""VMC as a receiver meets it: a real UDP socket, an independent OSC parser, forward kinematics in Unity's axes."""

import json
import socket
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pylivelinkface import FaceBlendShape, PyLiveLinkFace
from pythonosc.osc_bundle import OscBundle

from gesturestream.bridge.conformance.make import GOLDEN
from gesturestream.bridge.conformance.poses import left_arm_raised, make_frame, swaying, turned_and_bent
from gesturestream.bridge.datagrams import DatagramOutput, DatagramSender, Target
from gesturestream.bridge.live_link_face import LiveLinkFaceEncoder
from gesturestream.bridge.server import Local, ServerConfig, running_server
from gesturestream.bridge.vmc import VMC_PORT, VmcEncoder, load_vrm, make_face, own_rig
from gesturestream.bridge.vmc.osc import DATAGRAM_BYTES, Datagrams, Message
from gesturestream.bridge.vmc.rig import JOINT_OF
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_rotate, quat_to_matrix
from gesturestream.models.body.skeleton import REST_M
from gesturestream.models.motion import ARKIT_NAMES
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.training.teacher.visemes import VISEMES
from tests.bridge.avatar_files import rest_positions, unity_name, write_vrm
from tests.bridge.talk import Talk, tone
from tests.bridge.toy import LoudnessExecutor, NullSink
from tests.test_cli import assert_clear_error, run, running


class Receiver:
    """A UDP socket whose datagrams python-osc takes apart."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(30)
        self.target = Target(host="127.0.0.1", port=self.socket.getsockname()[1])
        self.sizes = []

    def picture(self):
        """The messages of one frame: everything up to Apply, as (address, arguments)."""
        messages = []
        while not messages or messages[-1][0] != "/VMC/Ext/Blend/Apply":
            datagram = self.socket.recv(65536)
            self.sizes.append(len(datagram))
            messages += [(message.address, message.params) for message in OscBundle(datagram)]
        return messages


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.socket.close()


def bones_of(picture):
    return {args[0]: np.array(args[1:]) for address, args in picture if address == "/VMC/Ext/Bone/Pos"}


def blends_of(picture):
    return dict(args for address, args in picture if address == "/VMC/Ext/Blend/Val")


def time_of(picture):
    return next(args[0] for address, args in picture if address == "/VMC/Ext/T")


def sent(receiver, frame, rig, face="auto"):
    """One frame on its way through the socket."""
    sender = DatagramSender(receiver.target, VmcEncoder(rig, make_face(face, rig.shapes)))
    sender.start()
    sender.on_frame(frame)
    picture = receiver.picture()
    sender.close()
    return picture


@contextmanager
def serving(*targets, encoder=lambda: VmcEncoder(own_rig(), make_face("auto", None)), local=None):
    """A server whose sessions are shown by those receivers."""
    with (
        Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine,
        DatagramOutput([DatagramSender(target, encoder()) for target in targets]) as output,
    ):
        session = engine.open(SessionConfig(name="local", mode="live"), NullSink()) if local else None
        shown = Local(session=session, microphone=False) if session else None
        with running_server(engine, ServerConfig(port=0), local=shown, outputs=[output]) as url:
            yield url, session


def test_a_session_of_the_engine_reaches_a_receiver_in_the_order_that_all_of_them_understand(receiver):
    with serving(receiver.target, local=True) as (_, session):
        session.push_audio(np.zeros(16000, np.float32))
        pictures = [receiver.picture() for _ in range(3)]
    for picture in pictures:
        addresses = [address for address, _ in picture]
        assert addresses[:3] == ["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Root/Pos"]
        assert addresses[-1] == "/VMC/Ext/Blend/Apply" and addresses.count("/VMC/Ext/Blend/Apply") == 1
        kinds = [address.split("/")[3] for address in addresses]
        assert kinds == sorted(kinds, key=["OK", "T", "Root", "Bone", "Blend"].index)
        assert picture[0][1] == [1] and picture[2][1] == ["root", 0, 0, 0, 0, 0, 0, 1]
        for name, values in bones_of(picture).items():
            assert np.linalg.norm(values[3:]) == pytest.approx(1, abs=1e-6), name
    assert [time_of(p) for p in pictures] == sorted({time_of(p) for p in pictures})
    assert max(receiver.sizes) <= DATAGRAM_BYTES


@pytest.mark.parametrize("pose", ["left_arm_raised_f32_body", "turned_and_bent_f32_body"])
def test_the_raised_left_arm_is_the_left_one_in_unitys_axes(receiver, pose):
    frame = {"left_arm_raised_f32_body": left_arm_raised, "turned_and_bent_f32_body": turned_and_bent}[pose]()
    bones = bones_of(sent(receiver, frame, own_rig()))
    bone_of = {joint: bone for bone, joint in JOINT_OF.items()}
    parents = {b.name: b.ancestor for b in own_rig().bones}

    answers = json.loads((GOLDEN / "axes.json").read_text())
    expected = np.array(answers["joint_positions"][pose]["unity"]).reshape(55, 3)
    positions = {}
    for bone in sorted(bones, key=lambda name: JOINT_OF[name]):
        positions[bone] = place(bone, bones, parents)
        assert_allclose(positions[bone], expected[JOINT_OF[bone]], atol=1e-5, err_msg=bone)
    assert len(positions) == 54 and bone_of[0] == "Hips"  # all but the jaw


def place(bone, bones, parents):
    """World position of a bone by the chain of local transforms, as an engine does it."""
    position = bones[bone][:3]
    while parents[bone] is not None:
        bone = parents[bone]
        position = bones[bone][:3] + quat_rotate(bones[bone][3:], position)
    return position


@pytest.mark.parametrize(("version", "turned"), [(0, False), (0, True), (1, False), (1, True)])
def test_every_limb_of_an_avatar_points_where_the_bodys_does(receiver, tmp_path, version, turned):
    node_of, nodes = write_vrm(tmp_path / "a.vrm", version, ["A"], turned)
    frame = swaying(41)
    bones = bones_of(sent(receiver, frame, load_vrm(tmp_path / "a.vrm")))
    assert bones.keys() == node_of.keys()

    matrices, offsets = quat_to_matrix(frame.quat_xyzw.astype(float)), None
    _, world = forward_kinematics(matrices, frame.root_m.astype(float))
    rest = {unity_name(name): (parent, np.array(at)) for name, (parent, at) in rest_positions().items()}
    for bone, (parent, at) in rest.items():
        if parent is None:
            moved = (frame.root_m - REST_M[0]) * at[1] / REST_M[0][1] + at
            assert_allclose(unity_position(bone, bones, node_of, nodes, version), moved * [-1, 1, 1], atol=1e-5)
            continue
        above = unity_name(parent)
        offsets = world[JOINT_OF[above]] @ (at - rest[above][1])
        got = unity_position(bone, bones, node_of, nodes, version)
        got = got - unity_position(above, bones, node_of, nodes, version)
        assert_allclose(got, offsets * [-1, 1, 1], atol=1e-5, err_msg=bone)


def unity_position(bone, bones, node_of, nodes, version):
    """World position in Unity: nodes as the importer turns them round, bones as received."""
    flip = np.array([1, 1, -1] if version == 0 else [-1, 1, 1])
    turn = np.array([-1, -1, 1, 1] if version == 0 else [1, -1, -1, 1])
    moved = {node_of[name]: values for name, values in bones.items()}
    parents = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}
    node, position = node_of[bone], np.zeros(3)
    while node is not None:
        rest = nodes[node]
        local_m = np.array(rest.get("translation", (0, 0, 0))) * flip
        local_quat = np.array(rest.get("rotation", (0, 0, 0, 1))) * turn
        if node in moved:
            local_m, local_quat = moved[node][:3], moved[node][3:]
        position = local_m + quat_rotate(local_quat, position * rest.get("scale", (1, 1, 1)))
        node = parents.get(node)
    return position


def test_rest_is_rest_and_offsets_are_the_avatars(receiver, tmp_path):
    node_of, nodes = write_vrm(tmp_path / "a.vrm", 1, ["aa"], turned=True)
    for bone, values in bones_of(sent(receiver, make_frame(0), load_vrm(tmp_path / "a.vrm"))).items():
        node = nodes[node_of[bone]]
        assert_allclose(values[:3], np.array(node["translation"]) * [-1, 1, 1], atol=1e-6, err_msg=bone)
        assert abs(values[3:] @ (np.array(node["rotation"]) * [1, -1, -1, 1])) == pytest.approx(1, abs=1e-6), bone


def test_faces_speak_the_avatars_language(receiver, tmp_path):
    frame = swaying(50)
    arkit = ["Neutral", *(name[0].upper() + name[1:] for name in ARKIT_NAMES if name != "tongueOut")]
    write_vrm(tmp_path / "arkit.vrm", 0, arkit)
    write_vrm(tmp_path / "plain.vrm", 1, ["aa", "happy"])
    write_vrm(tmp_path / "bare.vrm", 0, [])

    got = blends_of(sent(receiver, frame, load_vrm(tmp_path / "arkit.vrm")))
    assert list(got) == arkit[1:]
    assert_allclose(list(got.values()), frame.blendshapes[:51], atol=1e-6)
    for name, face in (("plain", "auto"), ("bare", "auto"), ("plain", "vrm1")):
        got = blends_of(sent(receiver, frame, load_vrm(tmp_path / f"{name}.vrm"), face))
        assert {"aa", "happy", "blinkLeft"} <= got.keys() if face == "vrm1" else {"A", "Joy", "Blink_L"} <= got.keys()
        assert max(got.values()) > 0.1
    assert blends_of(sent(receiver, frame, own_rig(), "none")) == {}
    assert len(blends_of(sent(receiver, frame, own_rig(), "arkit"))) == 52


def test_eyes_are_moved_once():
    def eyes(face):
        encoder = VmcEncoder(own_rig(), make_face(face, None))
        data = b"".join(bytes(part) for part in encoder.encode(make_frame(0)))
        return b"LeftEye\0" in data, b"EyeLookUpLeft\0" in data

    assert eyes("vrm0") == (True, False)
    assert eyes("arkit") == (False, True)


@pytest.mark.parametrize(
    ("viseme", "letters"),
    {"rest": "", "closed": "", "open": "A", "back": "A", "mid": "EA", "spread": "I", "oh": "O", "round": "U"}.items(),
)
def test_vowels_come_out_as_their_letters(viseme, letters):
    shapes = np.zeros(52)
    for name, weight in VISEMES[viseme].items():
        shapes[ARKIT_NAMES.index(name)] = weight
    face = make_face("vrm0", None)
    values = {name: v for name, v in zip(face.names, face.values(shapes), strict=True) if v > 0.02}
    strongest = sorted((name for name in values if len(name) == 1), key=values.get, reverse=True)
    assert "".join(strongest[: len(letters)]) == letters if letters else not values
    assert sum(values[name] for name in strongest) <= 1 + 1e-9


def test_a_receiver_shows_one_session_at_a_time_and_then_the_next(receiver):
    second = Receiver()
    with serving(receiver.target, second.target) as (url, _), Talk(url) as a, Talk(url) as b, Talk(url) as c:
        for talk in (a, b, c):
            talk.start(mode="agent", frames=None)
        a.send(loud(0.2))
        assert lifted(receiver, 0.2)
        b.send(loud(0.5))
        assert lifted(second, 0.5)
        a.say(type="end")
        a.rest()
        c.send(loud(0.9))
        assert lifted(receiver, 0.9)
    second.socket.close()


def loud(loudness):
    return np.full(16000, 32767 * loudness).astype("<i2").tobytes()


def lifted(receiver, loud):
    """Whether pictures of the session with that loudness come: it lifts the arms so far."""
    for _ in range(200):
        turn = bones_of(receiver.picture())["LeftUpperArm"][3:]
        if abs(2 * np.arccos(np.clip(turn[3], -1, 1)) - (1.2 - loud)) < 0.02:
            return True
    return False


def test_an_agents_frames_all_arrive_though_they_are_made_ahead(receiver):
    with serving(receiver.target) as (url, _), Talk(url) as talk:
        talk.start(mode="agent", frames=None)
        talk.send(tone(1.0))
        times = [time_of(receiver.picture()) for _ in range(30)]
    steps = np.rint(np.diff(times) * 30)
    assert (steps == 1).sum() >= 20 and steps.max() <= 4  # all of them, unless the machine itself had no time


def test_only_the_newest_frame_waits_and_nothing_old_after_an_interrupt(receiver):
    live, agent = (DatagramSender(receiver.target, VmcEncoder(own_rig(), make_face("none", None))) for _ in range(2))
    agent.show("agent")
    for sender in (live, agent):  # none has been started: everything waits
        for k in range(100):
            sender.on_frame(make_frame(k))
    agent.on_frame(make_frame(100, epoch=1))
    live.start()
    assert time_of(receiver.picture()) == pytest.approx(99 / 30)
    live.close()
    agent.start()
    assert time_of(receiver.picture()) == pytest.approx(100 / 30)
    agent.close()


def test_offline_sessions_are_not_shown(receiver):
    receiver.socket.settimeout(1)
    with serving(receiver.target) as (url, _), Talk(url) as talk:
        talk.start(mode="offline")
        talk.send(tone(0.5))
        talk.say(type="end")
        talk.rest()
        with pytest.raises(TimeoutError):
            receiver.picture()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:100],
        lambda data: b"PK" + data[2:],
        lambda data: data.replace(b"VRMC_vrm", b"VRMC_xyz"),
        lambda data: data.replace(b'"head"', b'"heed"'),
        lambda data: data.replace(b'"node"', b'"nope"'),
        lambda data: data.replace(b'{"node": 1}', b'{"node":99}'),
        lambda data: data.replace(b"translation", b"children   ").replace(b"children   ", b"translatio_", 1),
        lambda data: data[:20] + b"[" + data[21:],
    ],
)
def test_a_file_that_is_no_avatar_is_named_with_what_is_wrong(tmp_path, damage):
    write_vrm(tmp_path / "good.vrm", 1, ["aa"])
    (tmp_path / "bad.vrm").write_bytes(damage((tmp_path / "good.vrm").read_bytes()))
    with pytest.raises(ValueError, match=r"bad\.vrm: expected"):
        load_vrm(tmp_path / "bad.vrm")


def test_cut_and_shuffled_files_never_fail_otherwise(tmp_path):
    write_vrm(tmp_path / "good.vrm", 0, ["A"], turned=True)
    good, chance = bytearray((tmp_path / "good.vrm").read_bytes()), np.random.default_rng(3)
    for _ in range(100):
        bad = good.copy()
        for at in chance.integers(20, len(bad), size=3):
            bad[at] = chance.integers(32, 127)
        (tmp_path / "bad.vrm").write_bytes(bad)
        with suppress(ValueError):
            load_vrm(tmp_path / "bad.vrm")


@pytest.mark.parametrize("text", ["", ":39539", "host:", "host:0", "host:65536", "host:x", "::1"])
def test_addresses_that_are_none(text):
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        Target.parse(text, VMC_PORT)


def test_addresses():
    assert Target.parse("10.0.0.2:4000", VMC_PORT) == Target(host="10.0.0.2", port=4000)
    assert Target.parse("studio", VMC_PORT) == Target(host="studio", port=39539)
    assert Target.parse("[::1]:5000", VMC_PORT) == Target(host="::1", port=5000)
    assert Target.parse("[::1]", VMC_PORT) == Target(host="::1", port=39539)


def test_live_link_face_is_what_an_independent_reader_reads(receiver):
    with serving(receiver.target, encoder=lambda: LiveLinkFaceEncoder("Ada"), local=True) as (_, session):
        session.push_audio(np.full(16000, 0.25, np.float32))
        faces = [PyLiveLinkFace.decode(receiver.socket.recv(2000)) for _ in range(3)]
    for found, face in faces:
        assert found and (face.name, face.fps, len(face.uuid)) == ("Ada", 30, 37)
        values = {shape.name: face.get_blendshape(shape) for shape in FaceBlendShape}
        assert [name.lower() for name in values][:52] == [name.lower() for name in ARKIT_NAMES]
        assert values.pop("JawOpen") == pytest.approx(0.5) or face._frames > 29
        assert set(values.values()) == {0.0}
    assert faces[0][1]._frames < faces[1][1]._frames < faces[2][1]._frames


def test_the_command_line_sends_the_demo(receiver, tmp_path):
    write_vrm(tmp_path / "a.vrm", 0, ["A", "Joy"])
    address = f"127.0.0.1:{receiver.target.port}"
    face = Receiver()
    options = ["--vmc", address, "--vmc-vrm", tmp_path / "a.vrm", "--live-link-face", f"127.0.0.1:{face.target.port}"]
    with running("demo", *options, "--executor", "onnx") as (process, _):
        assert bones_of(receiver.picture())["LeftHand"][0] < 0
        assert PyLiveLinkFace.decode(face.socket.recv(2000))[1].name == "GestureStream"
        process.terminate()
        assert f"VMC goes to {address}" in process.communicate()[1]
    face.socket.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--live-link-face", "127.0.0.1:x"], ["127.0.0.1:x", "--live-link-face", "11111"]),
        (["--vmc", "127.0.0.1:0"], ["127.0.0.1:0", "--vmc"]),
        (["--vmc", "127.0.0.1", "--vmc-vrm", __file__], ["test_vmc.py", ".vrm"]),
        (["--vmc-vrm", __file__], ["--vmc HOST:PORT"]),
    ],
)
def test_what_the_command_line_cannot_use_is_named(options, words):
    assert_clear_error(run("serve", *options), *words)


def test_osc_types_and_padding():
    messages = [Message(address="/a" * n, constants=("é" * n, -n, "x"), floats=n) for n in range(1, 8)]
    datagrams = Datagrams(messages, limit=200)
    values = np.arange(datagrams.floats) + 0.5
    parts = datagrams.fill(values)
    assert len(parts) > 2 and max(map(len, parts)) <= 200
    got = [message for part in parts for message in OscBundle(bytes(part))]
    assert [m.address for m in got] == ["/a" * n for n in range(1, 8)]
    assert [m.params[:3] for m in got] == [["é" * n, -n, "x"] for n in range(1, 8)]
    assert_allclose(np.concatenate([m.params[3:] for m in got]), values)
    with pytest.raises(ValueError, match="at most 100 bytes"):
        Datagrams([Message(address="/long", floats=30)], limit=100)
