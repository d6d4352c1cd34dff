"""A cue as frames: which joints are taken to which pose, how far, and what is added on top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_quat, quat_canonical, quat_multiply, quat_slerp
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import FPS

Floats = NDArray[np.float32]

MAX_FRAMES = 20 * FPS
"""The longest cue."""


@dataclass(frozen=True, kw_only=True)
class CueClip:
    """T frames at 30 fps, 2 <= T <= MAX_FRAMES; weights rise from 0 and fall back to it by themselves."""

    take: Floats
    """[T, 55, 4] parent-local rotations xyzw that joints are taken to."""
    weight: Floats
    """[T, 55] how far, 0..1; 0 leaves a joint to the generator."""
    add: Floats
    """[T, 55, 3] turns on top, rotation vectors in radians."""
    overlay: float = 1.0
    """How much of it is laid over the generator's motion in finishing; 0: the clip only guides the generator."""

    def __post_init__(self) -> None:
        frames = len(self.take)
        assert 2 <= frames <= MAX_FRAMES
        assert self.take.shape == (frames, JOINT_COUNT, 4)
        assert self.weight.shape == (frames, JOINT_COUNT)
        assert self.add.shape == (frames, JOINT_COUNT, 3)

    def __len__(self) -> int:
        return len(self.take)


def lay_over(quat_xyzw: Floats, take: Floats, weight: Floats, add: Floats) -> Floats:
    """A cue's frames over the generator's: all [n, 55, ...] as in `CueClip` -> [n, 55, 4].

    Joints of which the cue says nothing stay as they are, bit for bit.
    """
    out = quat_multiply(quat_slerp(quat_xyzw, take, weight), axis_angle_to_quat(add))
    untouched = (weight == 0.0) & (add == 0.0).all(-1)
    return np.asarray(np.where(untouched[..., None], quat_xyzw, quat_canonical(out)), np.float32)


def ease(s: float) -> float:
    """Minimum jerk from 0 to 1; s up to 1."""
    s = max(s, 0.0)
    return s**3 * (10.0 - 15.0 * s + 6.0 * s * s)
