"""Readers of corpora: files by each corpus's own conventions in, bodies whose places were worked out by hand out."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.bridge.recorders.bvh import write_bvh
from gesturestream.models import checkpoint
from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_quat, rot6d_to_matrix
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, REST_M
from gesturestream.models.motion import MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.realtime.frame import FrameSequence
from gesturestream.training.clips import clip_names, load_clip
from gesturestream.training.dataset import Corpus
from gesturestream.training.datasets.bvh import read_bvh
from gesturestream.training.datasets.directions import EXPRESSIVE_PAIRS, GESTURE_PAIRS, to_directions, to_rotations
from gesturestream.training.datasets.reader import ReaderOptions
from gesturestream.training.datasets.recognise import open_reader
from gesturestream.training.datasets.resample import resample_rotations, resample_values
from gesturestream.training.datasets.retarget import retarget
from gesturestream.training.datasets.swing import swing
from gesturestream.training.train import TrainAudio2Gestures, train
from gesturestream.training.trainer import TrainerConfig
from tests.models.laws import babble

UP = np.array([0.0, 1.0, 0.0])


def places(motion: np.ndarray) -> np.ndarray:
    """[T, 489] -> [T, 55, 3] joint positions, metres."""
    rotations = rot6d_to_matrix(motion[:, ROT6D].reshape(-1, JOINT_COUNT, 6).astype(np.float64))
    return forward_kinematics(rotations, motion[:, ROOT_M].astype(np.float64))[0]


def bone(at: np.ndarray, start: str, stop: str) -> np.ndarray:
    """Unit direction from joint to joint in the first frame."""
    way = at[0, INDEX[stop]] - at[0, INDEX[start]]
    return way / np.linalg.norm(way)


# --- BEAT2

FRAMES = 50


def write_beat2(root: Path) -> Path:
    """Two speakers by BEAT2's conventions: keys, dtypes, audio that is longer, weights beside, one folder deeper."""
    folder, generator = root / "beat_english_v2.0.0", np.random.default_rng(0)
    for name in ("smplxflame_30", "wave16k", "textgrid", "weights"):
        (folder / name).mkdir(parents=True)
    rows = [("2_scott_0_1_1", "train"), ("2_scott_0_73_73", "train"), ("4_lawrence_0_65_65", "train"),
            ("2_scott_0_111_118", "test"), ("30_katya_1_3_3", "additional")]  # fmt: skip
    for i, (name, _) in enumerate(rows):
        sway = 0.05 * np.sin(np.arange(FRAMES) / 15)
        np.savez(
            folder / "smplxflame_30" / f"{name}.npz",
            betas=generator.normal(0, 1, 300).astype(np.float32),
            poses=np.cumsum(generator.normal(0, 0.003, (FRAMES, 165)), 0).astype(np.float32),
            expressions=generator.normal(0, 1, (FRAMES, 100)).astype(np.float32),
            trans=np.stack([0.4 + sway, np.full(FRAMES, 1.3), 0.2 + 0 * sway], -1).astype(np.float32),
            model=np.array("smplx2020"), gender=np.array("neutral"), mocap_frame_rate=np.array(30),
        )  # fmt: skip
        soundfile.write(folder / "wave16k" / f"{name}.wav", babble(3.0, i), 16000, subtype="PCM_16")
    (folder / "train_test_split.csv").write_text("id,type\n" + "".join(f"{a},{b}\n" for a, b in rows))
    (folder / "textgrid" / "2_scott_0_1_1.TextGrid").write_text(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0 \nxmax = 4.0 \ntiers? <exists> \nsize = 1 \n'
        'item []: \n    item [1]:\n        class = "IntervalTier" \n        name = "words" \n        xmin = 0 \n'
        "        xmax = 4.0 \n        intervals: size = 2 \n        intervals [1]:\n            xmin = 0.0 \n"
        '            xmax = 0.07 \n            text = "" \n        intervals [2]:\n            xmin = 0.07 \n'
        '            xmax = 0.34 \n            text = "the" \n'
    )
    return root


def test_beat2_as_it_is_published(tmp_path: Path) -> None:
    root = write_beat2(tmp_path)
    assert clip_names(root, "train") == ["2_scott_0_1_1", "2_scott_0_73_73", "4_lawrence_0_65_65"]
    assert clip_names(root, "additional") == ["30_katya_1_3_3"]
    clip = load_clip(root, "2_scott_0_1_1")
    assert clip.motion.shape == (FRAMES, MOTION_SIZE) and len(clip.pcm) == FRAMES * 16000 // 30
    assert [(w.text, w.start_s, w.stop_s) for w in clip.words] == [("the", 0.07, 0.34)]
    assert load_clip(root, "2_scott_0_111_118").emotion == 7 and load_clip(root, "30_katya_1_3_3").emotion == 0
    soles = places(clip.motion)[:, [10, 11], 1].min(1) - REST_M[10, 1]
    assert abs(np.median(soles)) < 0.03, "trans is 1.3 m high, yet the feet are on our floor"
    sway = clip.motion[:, ROOT_M][:, 0]
    scale = np.ptp(sway) / np.ptp(0.05 * np.sin(np.arange(FRAMES) / 15))
    assert abs(np.median(sway)) < 1e-6 and scale == pytest.approx(np.median(clip.motion[:, ROOT_M][:, 1]) / 0.95, 1e-4)


def test_speakers_are_kept_and_numbered(tmp_path: Path) -> None:
    root = write_beat2(tmp_path)
    everyone = open_reader(root)
    assert [everyone.load(n).speaker for n in ("2_scott_0_1_1", "4_lawrence_0_65_65", "30_katya_1_3_3")] == [0, 1, 2]
    one = open_reader(root, ReaderOptions(speakers=(4,), first_speaker=3))
    assert one.names("train") == ["4_lawrence_0_65_65"] and one.load("4_lawrence_0_65_65").speaker == 3
    with pytest.raises(ValueError, match=r"expected some of \[2, 4, 30\].*got \[7\]"):
        open_reader(root, ReaderOptions(speakers=(7,)))


def test_fingers_take_the_mean_of_the_users_model(tmp_path: Path) -> None:
    root, model = write_beat2(tmp_path), tmp_path / "SMPLX_NEUTRAL_2020.npz"
    left = np.zeros(45)
    left[2] = -0.5  # the first index joint about z
    np.savez(model, hands_meanl=left, hands_meanr=np.zeros(45))
    name, joint = "2_scott_0_1_1", INDEX["left_index1"]
    mean = open_reader(root, ReaderOptions(hand_mean=model)).load(name).motion[0, 6 * joint : 6 * joint + 6]
    with np.load(root / "beat_english_v2.0.0" / "smplxflame_30" / f"{name}.npz") as file:
        turn = file["poses"][0, 3 * joint : 3 * joint + 3] + np.array([0, 0, -0.5])
    np.testing.assert_allclose(mean, axis_angle_to_matrix(turn)[:2].reshape(-1), atol=1e-5)


def test_trains_on_beat2_to_a_checkpoint_that_loads(tmp_path: Path) -> None:
    root = write_beat2(tmp_path / "data")
    small = Audio2GesturesConfig(
        audio_widths=(8, 8), decoder_widths=(8, 8), motion_widths=(8, 8), mapping_width=8, styles=4, condition_size=8
    )
    quick = TrainerConfig(steps=3, rows=2, frames=24, checkpoint_every=3, warm_up_steps=1)
    one = TrainAudio2Gestures(
        corpus=(root,), out=tmp_path / "run", model=replace(small, speakers=1), trainer=quick, threads=1
    )
    with pytest.raises(ValueError, match="expected a model of at least 2 speakers"):
        train(one)
    path = train(replace(one, reader=ReaderOptions(speakers=(2,))))
    assert isinstance(checkpoint.load(path), Audio2Gestures)


def test_caches_tell_options_apart_and_stay(tmp_path: Path) -> None:
    root, cache = write_beat2(tmp_path / "data"), tmp_path / "cache"
    both = Corpus.open([root], "train", cache=cache)
    one = Corpus.open([root], "train", cache=cache, options=ReaderOptions(speakers=(2,)))
    assert (both.frames, both.speakers, one.frames, one.speakers) == (3 * FRAMES, 2, 2 * FRAMES, 1)
    built = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    again = Corpus.open([root], "train", cache=cache, options=ReaderOptions(speakers=(2,)))
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == built
    for a, b in zip(next(one.batches(2, 20, seed=3)), next(again.batches(2, 20, seed=3))):
        assert torch.equal(a, b)
    assert not (root / "beat_english_v2.0.0" / ".cache").exists()


# --- Trinity

LEG = "OFFSET {x} 0 0 CHANNELS 3 Zrotation Xrotation Yrotation JOINT {s}Leg {{ OFFSET 0 -42 0 CHANNELS 3 Zrotation \
Xrotation Yrotation JOINT {s}Foot {{ OFFSET 0 -43 0 CHANNELS 3 Zrotation Xrotation Yrotation JOINT {s}ForeFoot {{ \
OFFSET 0 -6 13 CHANNELS 3 Zrotation Xrotation Yrotation End Site {{ OFFSET 0 0 5 }} }} }} }}"
ARM = "OFFSET {x} 12 0 CHANNELS 3 Zrotation Xrotation Yrotation JOINT {s}Arm {{ OFFSET {a} 0 0 CHANNELS 3 Zrotation \
Xrotation Yrotation JOINT {s}ForeArm {{ OFFSET {f} CHANNELS 3 Zrotation Xrotation Yrotation JOINT {s}Hand {{ OFFSET \
{h} CHANNELS 3 Zrotation Xrotation Yrotation End Site {{ OFFSET {h} }} }} }} }}"
TURNS = "OFFSET 0 {y} 0 CHANNELS 3 Zrotation Xrotation Yrotation"


def write_trinity_bvh(path: Path, frames: list[dict[str, float]], fps: int = 60, hanging: bool = False) -> None:
    """A body of Trinity's joints, centimetres, Y up; T-pose at rest or with arms `hanging`. frames: degrees about z by
    joint, in the order of the file."""
    arms = {}
    for side, sign in (("Left", 1), ("Right", -1)):
        forearm, hand = ("0 -28 0", "0 -25 0") if hanging else (f"{28 * sign} 0 0", f"{25 * sign} 0 0")
        arms[side] = ARM.format(s=side, x=4 * sign, a=14 * sign, f=forearm, h=hand)
    legs = {side: LEG.format(s=side, x=9 * sign) for side, sign in (("Left", 1), ("Right", -1))}
    head = f"JOINT Neck {{ {TURNS.format(y=20)} JOINT Head {{ {TURNS.format(y=10)} End Site {{ OFFSET 0 15 0 }} }} }}"
    chest = f"{head} JOINT LeftShoulder {{ {arms['Left']} }} JOINT RightShoulder {{ {arms['Right']} }}"
    spine = "".join(f"JOINT {n} {{ {TURNS.format(y=10)} " for n in ("Spine", "Spine1", "Spine2", "Spine3")) + chest
    text = (
        "HIERARCHY ROOT Hips { OFFSET 0 95 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation "
        + spine + "}" * 4 + f" JOINT LeftUpLeg {{ {legs['Left']} }} JOINT RightUpLeg {{ {legs['Right']} }} }}"
    )  # fmt: skip
    order = ["Hips", "Spine", "Spine1", "Spine2", "Spine3", "Neck", "Head"]
    order += [f"{s}{j}" for s in ("Left", "Right") for j in ("Shoulder", "Arm", "ForeArm", "Hand")]
    order += [f"{s}{j}" for s in ("Left", "Right") for j in ("UpLeg", "Leg", "Foot", "ForeFoot")]
    rows = ["120 91 -40 " + " ".join(f"{turn.get(j, 0.0)} 0 0" for j in order) for turn in frames]
    path.write_text(
        text.replace("{", "\n{\n").replace("}", "\n}\n")
        + f"\nMOTION\nFrames: {len(rows)}\nFrame Time: {1 / fps:.7f}\n" + "\n".join(rows) + "\n"
    )  # fmt: skip


def test_a_raised_arm_in_trinitys_bvh_is_raised_in_ours(tmp_path: Path) -> None:
    write_trinity_bvh(tmp_path / "Recording_001.bvh", [{"LeftArm": 90.0, "RightForeArm": -60.0}] * 60)
    (tmp_path / "Audio").mkdir()
    soundfile.write(tmp_path / "Audio" / "Recording_001.wav", np.zeros(44100), 44100)
    clip = load_clip(tmp_path, "Recording_001")
    assert len(clip.motion) == 30, "60 frames a second became 30"
    at = places(clip.motion)
    np.testing.assert_allclose(bone(at, "left_shoulder", "left_elbow"), UP, atol=1e-6)
    np.testing.assert_allclose(bone(at, "left_elbow", "left_wrist"), UP, atol=1e-6)
    np.testing.assert_allclose(bone(at, "right_shoulder", "right_elbow"), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(
        bone(at, "right_elbow", "right_wrist"), [-np.cos(np.pi / 3), np.sin(np.pi / 3), 0], atol=1e-6
    )
    assert at[0, [10, 11], 1].min() == pytest.approx(REST_M[10, 1], abs=0.01), "stands on the floor"
    np.testing.assert_allclose(clip.motion[0, ROOT_M][[0, 2]], 0, atol=1e-6)


def test_arms_that_hang_at_rest_are_aligned(tmp_path: Path) -> None:
    """At rest their arms hang; ours must hang then too, and be out to the side when they turn a quarter."""
    write_trinity_bvh(tmp_path / "a.bvh", [{}, {"LeftArm": 90.0}], hanging=True)
    rotations, root = retarget(read_bvh(tmp_path / "a.bvh"))
    at, world = forward_kinematics(rotations, root)
    np.testing.assert_allclose(bone(at, "left_shoulder", "left_wrist")[1], -1, atol=1e-3)
    np.testing.assert_allclose(bone(at, "right_shoulder", "right_wrist")[1], -1, atol=1e-3)
    np.testing.assert_allclose(bone(at[1:], "left_elbow", "left_wrist"), [1, 0, 0], atol=1e-6)
    palm_down = world[0, INDEX["left_wrist"]] @ -UP
    np.testing.assert_allclose(palm_down, [-1, 0, 0], atol=0.05, err_msg="hands were taken along: palms to the thighs")


def test_our_own_bvh_comes_back(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    turns = axis_angle_to_matrix(generator.normal(0, 0.3, (4, JOINT_COUNT, 3)))
    turns[:, 0] = np.eye(3)
    root = generator.normal(0, 0.1, (4, 3)) + REST_M[0]
    zeros = {
        key: np.zeros((4, n), np.float32) for key, n in (("expressions", 100), ("blendshapes", 52), ("contacts", 4))
    }
    file = BytesIO()
    write_bvh(file, FrameSequence(quat_xyzw=matrix_to_quat(turns), root_m=root, **zeros))
    (tmp_path / "a.bvh").write_bytes(file.getvalue())
    rotations, place = retarget(read_bvh(tmp_path / "a.bvh"))
    np.testing.assert_allclose(rotations, turns, atol=1e-5)
    np.testing.assert_allclose(place, root, atol=1e-5)


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.99])
def test_a_bvh_that_breaks_off_is_named(tmp_path: Path, cut: float) -> None:
    path = tmp_path / "short.bvh"
    write_trinity_bvh(path, [{}] * 3)
    text = path.read_text()
    path.write_text(text[: int(cut * len(text))])
    with pytest.raises(ValueError, match=r"short\.bvh: expected"):
        read_bvh(path)


# --- AMASS


@pytest.mark.parametrize(("width", "rate_key"), [(156, "mocap_framerate"), (165, "mocap_frame_rate")])
def test_amass_standing_z_up_stands_upright(tmp_path: Path, width: int, rate_key: str) -> None:
    poses = np.zeros((120, width))
    poses[:, 0] = np.pi / 2  # AMASS's upright: the model's y turned into z
    poses[:, 16 * 3 + 2] = np.pi / 2  # left arm up
    poses[:, -3 * 3 + 1] = 0.4  # a joint of the right thumb, the last finger in both models
    trans = np.tile([3.0, -2.0, 0.93], (120, 1)) + np.linspace(0, 0.1, 120)[:, None] * [0, 1, 0]
    folder = tmp_path / "CMU" / "01"
    folder.mkdir(parents=True)
    np.savez(
        folder / "01_01_poses.npz", poses=poses, trans=trans, betas=np.zeros(16), gender="male", **{rate_key: 120.0}
    )
    np.savez(folder / "shape.npz", betas=np.zeros(16))
    assert clip_names(tmp_path, "train") == ["CMU/01/01_01_poses"]
    clip = load_clip(tmp_path, "CMU/01/01_01_poses")
    at = places(clip.motion)
    assert clip.motion.shape[0] == 30 and not clip.voiced
    np.testing.assert_allclose(bone(at, "left_shoulder", "left_elbow"), UP, atol=0.05)
    assert at[0, INDEX["head"], 1] > 1.4 and at[0, [10, 11], 1].min() == pytest.approx(REST_M[10, 1], abs=0.01)
    assert at[0, INDEX["left_hip"], 0] > at[0, INDEX["right_hip"], 0], "faces +Z"
    thumb = rot6d_to_matrix(clip.motion[0, ROT6D].reshape(JOINT_COUNT, 6).astype(float))[INDEX["right_thumb1"]]
    np.testing.assert_allclose(thumb, axis_angle_to_matrix(np.array([0.0, 0.4, 0.0])), atol=1e-5)
    batch = next(Corpus.open([tmp_path], "train").batches(2, 16, seed=1))
    assert not batch.features.any() and batch.motion.any()


# --- TED


def ted_body(joints: int, left_arm: np.ndarray) -> np.ndarray:
    """[joints, 3] in the camera's space: upright, facing the camera, right arm down, left along `left_arm` [3]."""
    body = np.zeros((joints, 3))
    body[1] = [0, -0.26, 0]
    shoulders, arms = ((4, 7), ((4, 5, 6), (7, 8, 9))) if joints == 10 else ((2, 3), ((2, 4, 6), (3, 5, 7)))
    body[shoulders[0]], body[shoulders[1]] = body[1] + [0.22, 0.02, 0], body[1] + [-0.22, 0.02, 0]
    for (shoulder, elbow, wrist), way in zip(arms, (left_arm, np.array([0.0, 1.0, 0.0]))):
        body[elbow], body[wrist] = body[shoulder] + 0.36 * way, body[shoulder] + 0.69 * way
    if joints == 10:
        body[2], body[3] = body[1] + [0, -0.18, 0], body[1] + [0, -0.32, 0]
        return body
    for first, wrist, way in ((8, 6, left_arm), (23, 7, np.array([0.0, 1.0, 0.0]))):
        for finger, across in enumerate((0.03, 0.0, -0.04, -0.02, 0.05)):
            for k in range(3):
                body[first + 3 * finger + k] = body[wrist] + (0.08 + 0.03 * k) * way + [0, 0, -across]
    body[38], body[39], body[40] = (
        body[1] + [0, -0.2, -0.1],
        body[1] + [-0.03, -0.23, -0.08],
        body[1] + [0.03, -0.23, -0.08],
    )
    body[41], body[42] = body[1] + [-0.07, -0.23, 0.0], body[1] + [0.07, -0.23, 0.0]
    return body


@pytest.mark.parametrize("joints", [10, 43])
def test_teds_raised_arm_is_raised_in_ours(tmp_path: Path, joints: int) -> None:
    """y is down in TED's pictures: the arm that points to -y is up; 15 frames a second become 30."""
    skeletons = np.tile(ted_body(joints, np.array([0.0, -1.0, 0.0])), (30, 1, 1)).astype(np.float32)
    skeletons[7] = 0  # nobody was found in this frame
    (tmp_path / "train").mkdir()
    np.savez(
        tmp_path / "train" / "abc_0001.npz", skeletons_3d=skeletons, audio=np.zeros(32000, np.float16),
        start_time=10.0, end_time=12.0, words=np.array(["so"]), word_times=np.array([[10.5, 10.7]]),
    )  # fmt: skip
    clip = load_clip(tmp_path, "train/abc_0001")
    assert clip.directions is not None and clip.directions.shape == (60, 9 if joints == 10 else 42, 3)
    np.testing.assert_allclose(np.linalg.norm(clip.directions, axis=-1), 1, atol=1e-5)
    assert clip.words[0].start_s == pytest.approx(0.5)
    at = places(clip.motion)
    for frame in (at[:1], at[15:16]):
        np.testing.assert_allclose(bone(frame, "left_elbow", "left_wrist"), UP, atol=1e-5)
        np.testing.assert_allclose(bone(frame, "right_shoulder", "right_elbow"), -UP, atol=1e-5)
    np.testing.assert_allclose(bone(at, "left_hip", "right_hip")[0], -1, atol=0.01)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([10, 43]))
def test_arms_of_any_directions_point_along_them(seed: int, joints: int) -> None:
    """Arms are where the directions say, seen from a trunk that faces the camera (x right, y up, z to the camera)."""
    way = np.random.default_rng(seed).normal(size=3)
    way /= np.linalg.norm(way)
    directions = to_directions(ted_body(joints, way)[None])
    assert len(GESTURE_PAIRS) == 9 and len(EXPRESSIVE_PAIRS) == 42
    rotations = to_rotations(directions)
    at, _ = forward_kinematics(rotations, REST_M[:1])
    np.testing.assert_allclose(bone(at, "left_shoulder", "left_elbow"), way * [1, -1, -1], atol=1e-6)
    np.testing.assert_allclose(bone(at, "left_elbow", "left_wrist"), way * [1, -1, -1], atol=1e-6)
    np.testing.assert_allclose(
        rotations @ rotations.swapaxes(-1, -2), np.broadcast_to(np.eye(3), rotations.shape), atol=1e-9
    )


# --- what all share


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 50), st.sampled_from([15.0, 24.0, 25.0, 29.97, 59.94, 60.0, 100.0, 120.0]))
def test_a_steady_turn_stays_steady_at_any_rate(frames: int, fps: float) -> None:
    angle = 2.0 * np.arange(frames) / fps  # 2 rad/s about y
    turns = axis_angle_to_matrix(np.stack([0 * angle, angle, 0 * angle], -1))[:, None]
    out = resample_rotations(turns, fps)
    want = 2.0 * np.arange(len(out)) / 30
    np.testing.assert_allclose(out[:, 0, 0, 2], np.sin(want), atol=1e-6)
    np.testing.assert_allclose(resample_values(angle[:, None], fps)[:, 0], want, atol=1e-6)
    assert abs((len(out) - 1) / 30 - (frames - 1) / fps) < 1 / 30 + 1e-6


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, "same", "opposite"]))
def test_swing_turns_one_onto_the_other(seed: int, case: str | None) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, 3))
    b = {None: b, "same": 3 * a, "opposite": -a}[case]
    turn = swing(a, b)
    np.testing.assert_allclose(turn @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-6)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(swing(np.zeros(3), b), np.eye(3))


def _empty(root: Path) -> None:
    (root / "notes.txt").write_text("")


def _lmdb(root: Path) -> None:
    (root / "lmdb_train").mkdir()
    (root / "lmdb_train" / "data.mdb").write_bytes(b"")


def _two_languages(root: Path) -> None:
    for language in ("beat_english_v2.0.0", "beat_chinese_v2.0.0"):
        (root / language / "smplxflame_30").mkdir(parents=True)
        (root / language / "train_test_split.csv").write_text("id,type\n")


def _bvh_without_wave(root: Path) -> None:
    write_trinity_bvh(root / "a.bvh", [{}])


def _wrong_columns(root: Path) -> None:
    (root / "smplxflame_30").mkdir()
    (root / "train_test_split.csv").write_text("name,split\na,b\n")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_empty, r"expected a corpus in BEAT2's layout.*AMASS.*found: notes\.txt.*corpus build"),
        (_lmdb, r"expected TED as npz.*data\.mdb.*pyarrow\.serialize.*docs/datasets\.md"),
        (_two_languages, r"expected one corpus.*beat_chinese_v2\.0\.0, beat_english_v2\.0\.0"),
        (_bvh_without_wave, r"expected a \.wav for each \.bvh.*found 1 \.bvh \(a\) and 0 \.wav"),
        (_wrong_columns, r"expected columns id and type, got name, split"),
    ],
)
def test_a_wrong_folder_is_told_what_is_wrong_with_it(tmp_path: Path, make, message: str) -> None:
    make(tmp_path)
    with pytest.raises(ValueError, match=message):
        open_reader(tmp_path)
