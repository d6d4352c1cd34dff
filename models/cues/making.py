"""Cues from recorded motion: BEAT2 and SMPL-X npz, and the recordings this program writes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_quat, quat_slerp
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, JOINT_NAMES
from gesturestream.models.cues.clip import MAX_FRAMES, CueClip, ease
from gesturestream.models.motion import FPS
from gesturestream.models.recordings import read_recording

Joints = Literal["arms", "upper", "all"]
Array = NDArray[np.float64]

FADE_FRAMES = 12
"""A cue comes in and goes out within 0.4 s, or half its length."""
_LEAST_FRAMES = 9
_ARM = ("collar", "shoulder", "elbow", "wrist", "index", "middle", "ring", "pinky", "thumb")
_TRUNK = ("spine1", "spine2", "spine3", "neck", "head")
_LEFT_OUT = ("pelvis", "jaw", "left_eye_smplhf", "right_eye_smplhf")
"""The pelvis goes with the root, which stays the generator's; jaw and eyes belong to the voice."""


def joints_of(which: Joints, sides: tuple[str, ...] = ("left", "right")) -> list[int]:
    """Indices of the joints a cue takes over: `arms` from the collars to the fingertips, `upper` the trunk too, `all`
    the legs too."""
    if which == "all":
        return [INDEX[name] for name in JOINT_NAMES if name not in _LEFT_OUT]
    arms = [INDEX[n] for n in JOINT_NAMES if n.startswith(tuple(f"{side}_{part}" for side in sides for part in _ARM))]
    return sorted(arms + [INDEX[name] for name in _TRUNK]) if which == "upper" else arms


def make_clip(quat_xyzw: Array, joints: list[int], *, overlay: float = 1.0) -> CueClip:
    """A cue of T frames [T, 55, 4] at 30 fps that takes `joints` over and fades in and out. ValueError: T, overlay."""
    frames = len(quat_xyzw)
    if not _LEAST_FRAMES <= frames <= MAX_FRAMES:
        raise ValueError(
            f"expected {_LEAST_FRAMES / FPS:.1f} to {MAX_FRAMES / FPS:.0f} s of motion, got {frames / FPS:.1f} s: "
            "choose a part with --start-s and --end-s"
        )
    if not 0.0 <= overlay <= 1.0:
        raise ValueError(f"overlay: expected 0..1, got {overlay}")
    fade = min(FADE_FRAMES, frames // 2)
    k = np.arange(frames)
    shape = np.array([ease(min(1.0, (i + 1) / fade, (frames - i) / fade)) for i in k])
    weight = np.zeros((frames, JOINT_COUNT), np.float32)
    weight[:, joints] = shape[:, None]
    add = np.zeros((frames, JOINT_COUNT, 3), np.float32)
    return CueClip(take=quat_xyzw.astype(np.float32), weight=weight, add=add, overlay=overlay)


def read_rotations(path: Path, start_s: float = 0.0, end_s: float | None = None) -> Array:
    """Parent-local rotations [T, 55, 4] at 30 fps of a part of a recording.

    BEAT2's layout (`poses` [T, 165] axis-angle, `mocap_frame_rate`), also what `gesturestream render` writes.
    ValueError: the file is none, or has nothing between the two times.
    """
    recording = read_recording(path)
    poses, rate_hz = recording.poses, recording.rate_hz
    last_s = (len(poses) - 1) / rate_hz
    stop_s = last_s if end_s is None else min(end_s, last_s)
    if not (0.0 <= start_s < stop_s):
        raise ValueError(f"{path}: expected a part of its {last_s:.1f} s, got {start_s:g} to {stop_s:g} s")
    times_s = np.arange(start_s, stop_s + 1e-6, 1.0 / FPS)
    at = np.clip(times_s * rate_hz, 0.0, len(poses) - 1.0)
    before = np.floor(at).astype(int)
    after = np.minimum(before + 1, len(poses) - 1)
    first, second = (axis_angle_to_quat(poses[i].reshape(-1, JOINT_COUNT, 3)) for i in (before, after))
    return np.asarray(quat_slerp(first, second, (at - before)[:, None]))
