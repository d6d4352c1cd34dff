"""Motion of any frame rate at this project's 30 frames a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import matrix_to_quat, quat_slerp, quat_to_matrix
from gesturestream.models.motion import FPS

Array = NDArray[Any]


def resample_rotations(rotations: Array, fps: float) -> Array:
    """[T, ..., 3, 3] at `fps` -> [T', ..., 3, 3] at 30 fps, spherically interpolated; frame 0 stays frame 0."""
    if fps == FPS:
        return rotations
    before, after, share = _places(len(rotations), fps)
    quats = matrix_to_quat(rotations)
    weight = np.broadcast_to(share.reshape(-1, *[1] * (quats.ndim - 2)), (len(share), *quats.shape[1:-1]))
    return np.asarray(quat_to_matrix(quat_slerp(quats[before], quats[after], weight)))


def resample_values(values: Array, fps: float) -> Array:
    """[T, ...] at `fps` -> [T', ...] at 30 fps, linearly interpolated."""
    if fps == FPS:
        return values
    before, after, share = _places(len(values), fps)
    weight = share.reshape(-1, *[1] * (values.ndim - 1))
    return values[before] * (1 - weight) + values[after] * weight


def _places(frames: int, fps: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Per new frame: the old ones on either side and how far it lies towards the second."""
    if not fps > 0 or frames < 1:
        raise ValueError(f"motion: expected frames at a positive rate, got {frames} at {fps}")
    count = int(np.floor((frames - 1) * FPS / fps + 1e-6)) + 1
    at = np.minimum(np.arange(count) * (fps / FPS), frames - 1)
    before = np.floor(at + 1e-9).astype(np.int64)
    return before, np.minimum(before + 1, frames - 1), np.clip(at - before, 0.0, 1.0)
