"""Hints from a file: recorded motion of which a mask says what is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gesturestream.models.body.rotations import axis_angle_to_quat, quat_slerp
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import FPS
from gesturestream.models.recordings import read_recording
from gesturestream.realtime.hints.clip import HintClip


def read_hints(path: Path) -> HintClip:
    """`poses` [T, 165] axis-angle, `mask` [T, 55] bool and, unless it is 30, `mocap_frame_rate` of an npz.

    At another rate a joint is given at 30 Hz where it is in both frames around. ValueError names what is wrong.
    """
    poses, mask, rate_hz = read_recording(path, masked=True)
    if not mask.any():
        raise ValueError(f"{path}: expected a mask that gives at least one joint, got none")
    frames = int((len(poses) - 1) * FPS / rate_hz + 1e-6) + 1
    at = np.minimum(np.arange(frames) * rate_hz / FPS, len(poses) - 1.0)
    before = np.floor(at + 1e-9).astype(int)
    after = np.minimum(before + (at - before > 1e-9), len(poses) - 1)
    joints = np.flatnonzero(mask.any(0))
    turns = np.where(mask[..., None], poses.reshape(-1, JOINT_COUNT, 3), 0.0)[:, joints]
    share = np.repeat((at - before)[:, None], len(joints), 1)
    quat = quat_slerp(axis_angle_to_quat(turns[before]), axis_angle_to_quat(turns[after]), share)
    given = (mask[before] & mask[after])[:, joints]
    if not given.any():
        raise ValueError(f"{path}: expected a mask that gives a joint for longer than {2 / rate_hz:.3f} s, got none")
    whole = np.tile([0.0, 0.0, 0.0, 1.0], (frames, JOINT_COUNT, 1))
    told = np.zeros((frames, JOINT_COUNT), np.bool_)
    whole[:, joints], told[:, joints] = quat, given
    try:
        return HintClip.of(whole, told)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
