"""Motion files are read back by code that shares nothing with their writers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gesturestream.bridge.recorders import Recorder
from gesturestream.bridge.recorders.bvh import continuous, matrix_to_zxy
from gesturestream.bridge.recorders.npz import SMPLX_PELVIS_M
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_to_matrix
from gesturestream.models.body.skeleton import JOINT_NAMES
from gesturestream.realtime.frame import Frame, FrameFlag


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


def test_an_interrupted_recording_is_finished(tmp_path):
    frames = random_frames(3, np.random.default_rng(3))
    outputs = (tmp_path / "a.npz", tmp_path / "a.bvh")
    with pytest.raises(KeyboardInterrupt), Recorder(*outputs) as recorder:
        for frame in frames:
            recorder.append(frame)
        raise KeyboardInterrupt
    assert np.load(outputs[0])["poses"].shape == (3, 165)
    assert len(read_bvh(outputs[1].read_text())[4]) == 3
    assert sorted(tmp_path.iterdir()) == sorted(outputs)


def test_a_recorder_says_what_it_cannot_write(tmp_path):
    with pytest.raises(ValueError, match=r"expected a name that ends in .npz or .bvh, got a.fbx"):
        Recorder(tmp_path / "a.fbx")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        Recorder(tmp_path / "missing" / "a.npz")
