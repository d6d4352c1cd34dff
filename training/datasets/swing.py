"""Rotations from directions: the least turn between two, and the frame that two of them span."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import normalize, quat_to_matrix

Array = NDArray[Any]


def swing(start: Array, stop: Array) -> Array:
    """[..., 3], [..., 3] of any length -> [..., 3, 3]: the least rotation that turns `start` into `stop`.

    Opposite directions are half a turn about some axis across; a zero vector turns nothing.
    """
    a, b = np.broadcast_arrays(normalize(np.asarray(start, float)), normalize(np.asarray(stop, float)))
    w = 1.0 + (a * b).sum(-1, keepdims=True)
    smallest = np.abs(a).argmin(-1)
    across = normalize(np.cross(a, np.eye(3)[smallest]))
    quat = np.where(w > 1e-9, np.concatenate([np.cross(a, b), w], -1), np.concatenate([across, 0 * w], -1))
    void = (np.linalg.norm(a, axis=-1, keepdims=True) < 0.5) | (np.linalg.norm(b, axis=-1, keepdims=True) < 0.5)
    return np.asarray(quat_to_matrix(normalize(np.where(void, np.array([0.0, 0.0, 0.0, 1.0]), quat))))


def basis(up: Array, left: Array) -> Array:
    """[..., 3], [..., 3] -> [..., 3, 3] whose columns are left, up, forward; `up` is kept, `left` made to be across."""
    y = normalize(up)
    x = normalize(left - (left * y).sum(-1, keepdims=True) * y)
    return np.stack([x, y, np.cross(x, y)], -1)
