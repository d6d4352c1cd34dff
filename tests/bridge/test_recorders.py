"""Motion files are read back by code that shares nothing with their writers."""

import json
import struct
from functools import cached_property
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gesturestream.bridge.conformance.poses import left_arm_raised, make_frame
from gesturestream.bridge.recorders import Recorder
from gesturestream.bridge.recorders.bvh import continuous, matrix_to_zxy
from gesturestream.bridge.recorders.gltf import write_glb
from gesturestream.bridge.recorders.npz import SMPLX_PELVIS_M
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_to_matrix
from gesturestream.models.body.skeleton import JOINT_NAMES
from gesturestream.models.motion import ARKIT_NAMES
from gesturestream.realtime.frame import Frame, FrameFlag, FrameSequence


def random_frames(count, rng):
    """Smooth enough nowhere: independent random poses, half turns and gimbal lock included."""
    quats = rng.normal(size=(count, 55, 4))
    quats[:, 3] = [np.sqrt(0.5), 0, 0, np.sqrt(0.5)]  # a quarter turn about x: gimbal lock
    quats[:, 4] = [0, 1, 0, 0]  # a half turn
    quats /= np.linalg.norm(quats, axis=-1, keepdims=True)
    quats = np.where(quats[..., 3:] < 0, -quats, quats).astype(np.float32)
    return [
        Frame(
            index=k,
            epoch=0,
            flags=FrameFlag(0),
            media_time_s=k / 30,
            server_time_s=0.0,
            root_m=rng.normal(size=3).astype(np.float32),
            quat_xyzw=quats[k],
            expressions=rng.normal(size=100).astype(np.float32),
            blendshapes=rng.random(52).astype(np.float32),
            contacts=rng.random(4).astype(np.float32),
        )
        for k in range(count)
    ]


def read_bvh(text):
    """names, parents, offsets [J, 3] (end sites left out), channels per joint, values [T, channels], frame time."""
    hierarchy, motion = text.split("MOTION\n")
    names, parents, offsets, channels, stack, in_end = [], [], [], [], [], False
    for line in hierarchy.splitlines()[1:]:
        word, *rest = line.split()
        if word in ("ROOT", "JOINT"):
            names.append(rest[0])
            parents.append(stack[-1] if stack else -1)
            pending = len(names) - 1
        elif word == "End":
            in_end, pending = True, -1
        elif word == "{":
            stack.append(pending)
        elif word == "}":
            in_end = False
            stack.pop()
        elif word == "OFFSET" and not in_end:
            offsets.append([float(x) for x in rest])
        elif word == "CHANNELS":
            channels.append(rest[1:])
    count, frame_time, *rows = motion.splitlines()
    values = np.array([[float(x) for x in row.split()] for row in rows])
    assert len(values) == int(count.split()[1])
    return names, parents, np.array(offsets), channels, values, float(frame_time.split()[-1])


def elementary(axis, degrees):
    a = np.radians(degrees)
    c, s = np.cos(a), np.sin(a)
    return {
        "X": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "Y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "Z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def play_bvh(parents, offsets, channels, row):
    """World positions and rotations of one frame, channel by channel as the format's definition says."""
    positions, rotations, at = [], [], 0
    for joint, parent in enumerate(parents):
        local, place = np.eye(3), offsets[joint].copy()
        for channel in channels[joint]:
            if channel.endswith("position"):
                place["XYZ".index(channel[0])] += row[at]
            else:
                local = local @ elementary(channel[0], row[at])
            at += 1
        positions.append(place if parent < 0 else positions[parent] + rotations[parent] @ place)
        rotations.append(local if parent < 0 else rotations[parent] @ local)
    return np.array(positions), np.array(rotations)


def test_a_bvh_file_plays_the_same_motion(tmp_path):
    frames = random_frames(5, np.random.default_rng(1))
    with Recorder(tmp_path / "a.bvh") as recorder:
        for frame in frames:
            recorder.append(frame)

    names, parents, offsets, channels, values, frame_time = read_bvh((tmp_path / "a.bvh").read_text())

    assert sorted(names) == sorted(JOINT_NAMES)
    assert frame_time == pytest.approx(1 / 30)
    order = [JOINT_NAMES.index(name) for name in names]
    for frame, row in zip(frames, values, strict=True):
        positions, rotations = forward_kinematics(
            quat_to_matrix(frame.quat_xyzw.astype(float)), frame.root_m.astype(float)
        )
        got_cm, got = play_bvh(parents, offsets, channels, row)
        assert_allclose(got_cm / 100, positions[order], atol=1e-4)
        cosine = (np.einsum("jab,jab->j", got, rotations[order]) - 1) / 2
        assert np.arccos(np.clip(cosine, -1, 1)).max() < 1e-3
        assert_allclose(got, rotations[order], atol=1e-5)


def test_a_left_arm_raised_is_the_left_one_in_a_bvh_file(tmp_path):
    """Y up, facing +z, the character's left on +x: what tools that read BVH take for granted."""
    with Recorder(tmp_path / "a.bvh") as recorder:
        recorder.append(left_arm_raised(0))
    names, parents, offsets, channels, values, _ = read_bvh((tmp_path / "a.bvh").read_text())
    at_cm = dict(zip(names, play_bvh(parents, offsets, channels, values[0])[0], strict=True))
    assert at_cm["left_wrist"][1] > at_cm["head"][1] + 10 and at_cm["left_wrist"][0] > 5
    assert at_cm["right_wrist"][1] < at_cm["head"][1] and at_cm["right_wrist"][0] < -40
    assert at_cm["left_foot"][2] > at_cm["left_ankle"][2]


def test_bvh_curves_do_not_jump_where_the_motion_does_not():
    turns = np.linspace(0, 6 * np.pi, 400)
    matrices = np.stack([elementary("Z", 20) @ elementary("X", np.degrees(a)) @ elementary("Y", 30) for a in turns])
    angles = continuous(matrix_to_zxy(matrices)[:, None], None)[:, 0]
    assert abs(np.diff(angles, axis=0)).max() < 0.1


def test_an_npz_file_has_the_layout_of_beat2(tmp_path):
    frames = random_frames(4, np.random.default_rng(2))
    with Recorder(tmp_path / "a.npz") as recorder:
        for frame in frames:
            recorder.on_frame(frame)

    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        data = dict(file)

    assert data["poses"].shape == (4, 165)
    assert data["trans"].shape == (4, 3)
    assert data["expressions"].shape == (4, 100)
    assert data["betas"].shape == (300,)
    assert (str(data["model"]), str(data["gender"]), int(data["mocap_frame_rate"])) == ("smplx2020", "neutral", 30)
    assert_allclose(data["trans"] + SMPLX_PELVIS_M, [frame.root_m for frame in frames], atol=1e-6)
    assert_allclose(data["blendshapes"], [frame.blendshapes for frame in frames])
    for frame, pose in zip(frames, data["poses"].reshape(4, 55, 3), strict=True):
        angle = np.linalg.norm(pose, axis=-1, keepdims=True)
        quats = np.concatenate([pose / angle * np.sin(angle / 2), np.cos(angle / 2)], -1)
        assert_allclose(abs((quats * frame.quat_xyzw).sum(-1)), 1.0, atol=1e-6)


class Glb:
    """A glTF reader of a page: arrays by accessor, and where the scene's nodes stand at one key of its animation."""

    COMPONENTS: ClassVar = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
    WIDTHS: ClassVar = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, length, json_length, json_kind = struct.unpack_from("<4sIII4s", data)
        assert (magic, version, length, json_kind) == (b"glTF", 2, len(data), b"JSON")
        self.json = json.loads(data[20 : 20 + json_length])
        bin_length, bin_kind = struct.unpack_from("<I4s", data, 20 + json_length)
        self.bin = data[28 + json_length :]
        assert bin_kind == b"BIN\0" and len(self.bin) == bin_length == self.json["buffers"][0]["byteLength"]
        animation = self.json["animations"][0]
        self.tracks = {
            (channel["target"]["node"], channel["target"]["path"]): animation["samplers"][channel["sampler"]]
            for channel in animation["channels"]
        }

    def view(self, index, dtype, width, count, offset=0):
        view = self.json["bufferViews"][index]
        size = np.dtype(dtype).itemsize * width
        stride, begin = view.get("byteStride", size), view.get("byteOffset", 0) + offset
        rows = [np.frombuffer(self.bin, dtype, width, begin + i * stride) for i in range(count)]
        return np.array(rows).reshape(count, width)

    def array(self, index):
        entry = self.json["accessors"][index]
        dtype, width, count = self.COMPONENTS[entry["componentType"]], self.WIDTHS[entry["type"]], entry["count"]
        values = np.zeros((count, width), dtype)
        if "bufferView" in entry:
            values = self.view(entry["bufferView"], dtype, width, count)
        if "sparse" in entry:
            told = entry["sparse"]
            at = self.view(
                told["indices"]["bufferView"], self.COMPONENTS[told["indices"]["componentType"]], 1, told["count"]
            )
            values[at[:, 0]] = self.view(told["values"]["bufferView"], dtype, width, told["count"])
        if "min" in entry:
            assert_allclose([entry["min"], entry["max"]], [values.min(0), values.max(0)], atol=1e-6)
        return values / np.iinfo(dtype).max if entry.get("normalized") else values

    def world(self, key):
        """[nodes, 4, 4] matrices at key `key`, by the format's rules."""
        nodes = self.json["nodes"]
        out = np.tile(np.eye(4), (len(nodes), 1, 1))

        def place(index, above):
            local = np.eye(4)
            local[:3, 3] = nodes[index].get("translation", [0, 0, 0])
            if (track := self.tracks.get((index, "translation"))) is not None:
                local[:3, 3] = self.output(track)[key]
            if (track := self.tracks.get((index, "rotation"))) is not None:
                x, y, z, w = self.output(track)[key].astype(float)
                local[:3, :3] = [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                    [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                    [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
                ]
            out[index] = above @ local
            for child in nodes[index].get("children", []):
                place(child, out[index])

        for root in self.json["scenes"][0]["nodes"]:
            place(root, np.eye(4))
        return out

    @cached_property
    def _outputs(self):
        return {}

    def output(self, track):
        if track["output"] not in self._outputs:
            self._outputs[track["output"]] = self.array(track["output"])
        return self._outputs[track["output"]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """More frames than are written at once, and the files made of them."""
    folder = tmp_path_factory.mktemp("recorded")
    frames = random_frames(7, np.random.default_rng(4))
    fields = ("quat_xyzw", "root_m", "expressions", "blendshapes", "contacts")
    motion = FrameSequence(**{name: np.stack([getattr(frame, name) for frame in frames]) for name in fields})
    with (folder / "a.glb").open("wb") as file:
        write_glb(file, motion, block_frames=3)
    return frames, Glb(folder / "a.glb")


def test_a_glb_file_plays_the_same_motion(recorded):
    frames, glb = recorded
    names = [node["name"] for node in glb.json["nodes"]]
    joints = [names.index(name) for name in JOINT_NAMES]
    for key, frame in enumerate(frames):
        positions, rotations = forward_kinematics(
            quat_to_matrix(frame.quat_xyzw.astype(float)), frame.root_m.astype(float)
        )
        world = glb.world(key)[joints]
        assert_allclose(world[:, :3, 3], positions, atol=1e-5)
        assert_allclose(world[:, :3, :3], rotations, atol=1e-5)
    times = {track["input"] for track in glb.tracks.values()}
    assert len(times) == 1
    assert_allclose(glb.array(times.pop())[:, 0], np.arange(7) / 30, atol=1e-6)


def test_a_glb_files_rotations_take_the_shorter_way(recorded):
    _, glb = recorded
    signs = 0
    for (_, path), track in glb.tracks.items():
        if path == "rotation":
            quats = glb.output(track).astype(float)
            assert_allclose(np.linalg.norm(quats, axis=-1), 1.0, atol=1e-6)
            assert ((quats[1:] * quats[:-1]).sum(-1) >= 0).all()
            signs += (quats[:, 3] < 0).sum()
    assert signs > 0  # random poses do need it


def test_a_glb_files_face_moves_as_the_blendshapes_say(recorded):
    frames, glb = recorded
    (node,) = [i for i, entry in enumerate(glb.json["nodes"]) if entry["name"] == "face"]
    weights = glb.output(glb.tracks[node, "weights"]).reshape(7, 52)
    assert_allclose(weights, [frame.blendshapes for frame in frames], atol=1e-7)
    mesh = glb.json["meshes"][glb.json["nodes"][node]["mesh"]]
    assert mesh["extras"]["targetNames"] == list(ARKIT_NAMES)
    moves = {
        name: glb.array(target["POSITION"]).astype(float)
        for name, target in zip(ARKIT_NAMES, mesh["primitives"][0]["targets"], strict=True)
    }
    still = [name for name, move in moves.items() if abs(move).max() == 0]
    assert still == ["tongueOut"]  # the viewer's character keeps it in
    rest = glb.array(mesh["primitives"][0]["attributes"]["POSITION"])
    opened = rest + moves["jawOpen"]
    assert opened[:, 1].min() < rest[:, 1].min() - 0.005 and abs(moves["jawOpen"][rest[:, 1] > 1.62]).max() == 0
    left, right = (moves[f"mouthSmile{side}"] for side in ("Left", "Right"))
    assert (rest[abs(left).max(1) > 5e-3, 0] > 0).all() and (rest[abs(right).max(1) > 5e-3, 0] < 0).all()


def test_a_glb_files_skin_follows_its_bones(tmp_path):
    """At rest every vertex is where it was made; a raised left arm takes the left hand above the head, nothing else."""
    with Recorder(tmp_path / "a.glb") as recorder:
        recorder.append(make_frame(0))
        recorder.append(left_arm_raised(1))
    glb = Glb(tmp_path / "a.glb")
    skin = glb.json["skins"][0]
    bind = glb.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    for node, mesh in ((node, glb.json["meshes"][node["mesh"]]) for node in glb.json["nodes"] if "mesh" in node):
        attributes = mesh["primitives"][0]["attributes"]
        names = ("POSITION", "JOINTS_0", "WEIGHTS_0")
        position, joints, weights = (glb.array(attributes[name]).astype(float) for name in names)
        assert_allclose(weights.sum(1), 1.0, atol=1e-6)
        skinned = []
        for key in (0, 1):
            bones = glb.world(key)[skin["joints"]] @ bind
            each = np.einsum("vkab,vb->vka", bones[joints.astype(int)][..., :3, :3], position)
            each += bones[joints.astype(int)][..., :3, 3]
            skinned.append((weights[..., None] * each).sum(1))
        assert_allclose(skinned[0], position, atol=1e-5)
        moved = abs(skinned[1] - skinned[0]).max(1) > 0.02
        if node["name"] == "face":
            assert not moved.any()
        else:
            assert (position[moved, 0] > 0.03).all()  # the character's left
            hand = position[:, 0] > 0.7
            assert hand.any() and (skinned[1][hand, 1] > 1.75).all()
    assert abs(position[:, 1].max() - 1.7) < 0.1


def test_an_interrupted_recording_is_finished(tmp_path):
    frames = random_frames(3, np.random.default_rng(3))
    outputs = (tmp_path / "a.npz", tmp_path / "a.bvh", tmp_path / "a.glb")
    with pytest.raises(KeyboardInterrupt), Recorder(*outputs) as recorder:
        for frame in frames:
            recorder.append(frame)
        raise KeyboardInterrupt
    assert np.load(outputs[0])["poses"].shape == (3, 165)
    assert len(read_bvh(outputs[1].read_text())[4]) == 3
    assert len(Glb(outputs[2]).world(2)) == 67
    assert sorted(tmp_path.iterdir()) == sorted(outputs)


def test_a_recorder_says_what_it_cannot_write(tmp_path):
    with pytest.raises(ValueError, match=r"expected a name that ends in .npz or .bvh or .glb, got a.fbx"):
        Recorder(tmp_path / "a.fbx")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        Recorder(tmp_path / "missing" / "a.npz")
