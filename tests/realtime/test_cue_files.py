"""Cue files: what is written is read, a recording becomes a cue, and what is no cue is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gesturestream import realtime
from gesturestream.models.body import rotations as rot
from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.cues.files import FORMAT, MAX_BYTES, CueError, read_cue, write_cue
from gesturestream.models.cues.making import joints_of, make_clip, read_rotations
from gesturestream.realtime.cues import CUE_NAMES, shipped_cues
from gesturestream.realtime.finishing import Finisher, rest_packed

ARM = INDEX["right_shoulder"]


def recording(path: Path, rate_hz: float, seconds: float = 3.0) -> Path:
    """An npz in BEAT2's layout: the right shoulder turns by 0.4 rad a second about z, the pelvis about y."""
    times = np.arange(round(seconds * rate_hz) + 1) / rate_hz
    poses = np.zeros((len(times), 55, 3), np.float32)
    poses[:, ARM, 2], poses[:, 0, 1] = 0.4 * times, 0.3
    np.savez(path, poses=poses.reshape(len(times), -1), mocap_frame_rate=np.array(rate_hz), gender=np.array("neutral"))
    return path


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0, 25.0])
def test_a_recording_of_any_rate_becomes_30_frames_a_second(tmp_path, rate_hz) -> None:
    quats = read_rotations(recording(tmp_path / "a.npz", rate_hz), 0.5, 2.0)
    assert len(quats) == 46
    angles = rot.quat_to_axis_angle(quats[:, ARM])[:, 2]
    np.testing.assert_allclose(angles, 0.4 * (0.5 + np.arange(46) / 30), atol=1e-5)


def test_what_is_written_is_read(tmp_path) -> None:
    quats = read_rotations(recording(tmp_path / "a.npz", 30.0), 0.0, 2.0)
    clip = make_clip(quats, joints_of("upper"), overlay=0.5)
    for half, tolerance in ((False, 1e-6), (True, 2e-3)):
        path = tmp_path / "my-move_2.safetensors"
        write_cue(path, clip, source="test", half=half)
        again = read_cue(path)
        taken = clip.weight.any(0)
        np.testing.assert_allclose(again.take[:, taken], clip.take[:, taken], atol=tolerance)
        np.testing.assert_allclose(again.weight, clip.weight, atol=tolerance)
        assert again.overlay == 0.5
    assert not (set(joints_of("upper")) & {0, INDEX["left_hip"], INDEX["jaw"]}) and len(joints_of("arms")) == 38
    assert set(joints_of("all")) > set(joints_of("upper")) > set(joints_of("arms"))


def test_a_made_cue_plays_smoothly_over_the_body(tmp_path) -> None:
    clip = make_clip(read_rotations(recording(tmp_path / "a.npz", 30.0)), joints_of("arms"))
    write_cue(tmp_path / "lift.safetensors", clip, source="test")
    library = shipped_cues().extended([tmp_path])
    assert library.names == (*CUE_NAMES, "lift")
    finish = Finisher(1, library)
    finish.reset(0, seed=0, leash_m=0.5)
    frames = finish.play_cue(0, "lift")
    quats = np.concatenate([finish.step(np.array([0]), rest_packed()[None]).quat_xyzw for _ in range(frames + 3)])
    assert frames == 91 and rot.angle_between(quats[1:], quats[:-1]).max() < 0.4
    np.testing.assert_allclose(rot.angle_between(quats[45, ARM], clip.take[45, ARM]), 0.0, atol=0.02)
    np.testing.assert_allclose(rot.angle_between(quats[-1], quats[0]), 0.0, atol=0.02)


def write_raw(path: Path, *, frames: int = 30, joints: tuple[str, ...] = ("head", "neck"), **changes) -> Path:
    quats = np.tile(np.array([0, 0, 0, 1], np.float32), (frames, len(joints), 1))
    tensors = {"quat_xyzw": quats, "weight": np.ones((frames, len(joints)), np.float32)}
    metadata = {"format": FORMAT, "joints": json.dumps(joints), "overlay": "1.0"}
    tensors |= {name: value for name, value in changes.items() if isinstance(value, np.ndarray)}
    metadata |= {name: value for name, value in changes.items() if isinstance(value, str)}
    save_file(tensors, path, metadata=metadata)
    return path


ONE = np.ones((30, 2), np.float32)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frames": 601}, "2..600 frames"),
        ({"frames": 1}, "2..600 frames"),
        ({"joints": ("head", "head")}, "different joints"),
        ({"joints": ("head", "tail")}, "tail"),
        ({"format": "gesturestream.checkpoint.1"}, "format"),
        ({"overlay": "nan"}, "0..1"),
        ({"overlay": "much"}, "much"),
        ({"weight": 2 * ONE}, "0..1"),
        ({"weight": np.nan * ONE}, "0..1"),
        ({"weight": ONE[:, :1].copy()}, "weight"),
        ({"quat_xyzw": np.zeros((30, 2, 4), np.float32)}, "unit"),
        ({"quat_xyzw": np.full((30, 2, 4), np.nan, np.float32)}, "unit"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, changes, reason) -> None:
    assert len(read_cue(write_raw(tmp_path / "good.safetensors"))) == 30
    path = write_raw(tmp_path / "bad.safetensors", **changes)
    with pytest.raises(CueError, match=reason) as caught:
        read_cue(path)
    assert str(path) in str(caught.value)


def test_other_files_are_refused(tmp_path) -> None:
    good = write_raw(tmp_path / "good.safetensors")
    cut, pickled, large = (tmp_path / f"{name}.safetensors" for name in ("cut", "pickled", "large"))
    cut.write_bytes(good.read_bytes()[:-20])
    pickled.write_bytes(b"\x80\x04\x95" + bytes(100))
    large.write_bytes(bytes(MAX_BYTES + 1))
    for path in (cut, pickled, large, tmp_path / "none.safetensors", tmp_path / "Bad Name.safetensors"):
        with pytest.raises(CueError, match=path.stem):
            read_cue(path)
    empty = tmp_path / "empty"
    empty.mkdir()
    taken = write_raw(tmp_path / "wave.safetensors")
    with pytest.raises(CueError, match="taken"):
        shipped_cues().extended([taken])
    with pytest.raises(CueError, match="none"):
        shipped_cues().extended([empty])


def test_what_is_no_recording_is_refused(tmp_path) -> None:
    good = recording(tmp_path / "good.npz", 30.0)
    np.savez(tmp_path / "keys.npz", poses=np.zeros((9, 165)))
    np.savez(tmp_path / "shape.npz", poses=np.zeros((9, 72)), mocap_frame_rate=np.array(30))
    np.savez(tmp_path / "nan.npz", poses=np.full((9, 165), np.nan), mocap_frame_rate=np.array(30))
    np.savez(tmp_path / "object.npz", poses=np.array([{}], object), mocap_frame_rate=np.array(30))
    (tmp_path / "text.npz").write_text("poses")
    for name, reason in (
        ("keys", "mocap_frame_rate"), ("shape", "165"), ("nan", "finite"), ("object", "no SMPL-X"),
        ("text", "no SMPL-X"), ("absent", "no such file"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=reason):
            read_rotations(tmp_path / f"{name}.npz")
    with pytest.raises(ValueError, match=r"expected a part of its 3\.0 s"):
        read_rotations(good, 4.0, 5.0)
    with pytest.raises(ValueError, match=r"0\.3 to 20 s"):
        make_clip(read_rotations(good, 1.0, 1.1), joints_of("arms"))


def test_at_least_eight_cues_are_the_teachers() -> None:
    files = sorted((Path(realtime.__file__).parent / "assets" / "cues").glob("*.safetensors"))
    assert len(files) >= 8 and {file.stem for file in files} <= set(CUE_NAMES)
    assert sum(file.stat().st_size for file in files) < 400_000
