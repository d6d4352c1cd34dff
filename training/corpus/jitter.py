"""Capture jitter: what marker-based motion capture adds to a body that moved smoothly.

Solved joint angles tremble from frame to frame (temporally white), and now and then a marker is lost or swapped, so
that a joint jumps aside for a few frames and back. With it EmotionGesture's Motion-Smooth Loss has something to smooth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from gesturestream.models.body.skeleton import FACE_JOINTS, JOINT_COUNT
from gesturestream.models.motion import FPS

Array = NDArray[np.float64]

POPS_PER_MIN = 6.0
"""Jumps of the whole body a minute, each of one joint."""
_POP_FRAMES, _POP_SIZE = (1, 4), (6.0, 16.0)  # length in frames, size in deviations of the jitter


def add_capture_jitter(
    axis_angles: Array, root_m: Array, *, size: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Poses [T, 55, 3] (radians) and root [T, 3] (metres) as a capture of deviation `size` would give them.

    size: degrees of each joint about each axis and millimetres of the root; the face is not captured by markers and
    stays as it is. Raises ValueError for size < 0.
    """
    if size < 0.0:
        raise ValueError(f"jitter: expected 0 or more degrees and millimetres, got {size}")
    if size == 0.0:
        return axis_angles, root_m
    frames = len(axis_angles)
    turns = rng.normal(0.0, size, (frames, JOINT_COUNT, 3))
    body = [joint for joint in range(JOINT_COUNT) if joint not in FACE_JOINTS]
    for _ in range(rng.poisson(POPS_PER_MIN * frames / FPS / 60)):
        start, length = int(rng.integers(frames)), int(rng.integers(*_POP_FRAMES))
        aside = rng.normal(0.0, 1.0, 3)
        aside *= size * rng.uniform(*_POP_SIZE) / np.linalg.norm(aside)
        turns[start : start + length, body[int(rng.integers(len(body)))]] += aside
    turns[:, list(FACE_JOINTS)] = 0.0
    jittered = axis_angle_to_matrix(axis_angles) @ axis_angle_to_matrix(np.radians(turns))
    return matrix_to_axis_angle(jittered), root_m + rng.normal(0.0, size / 1000.0, (frames, 3))
