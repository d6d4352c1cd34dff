"""Numpy kernels for the two shapes finishing meets: whole bodies [n, 55, ...] and legs [n, 2, ...].

The same operations as models/body/rotations.py, which works for torch too but costs three to ten times as much here.
Whole bodies are worked on component by component, so that numpy's inner loops are long; legs by one small matrix
product each, so that its call overhead is paid once. Elementwise only: a row's bits do not depend on its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import matrix_to_quat, rot6d_to_matrix

Array = NDArray[Any]

_DEGENERATE = 1e-5
# q p = L(q) p: entry (i, j) of L is SIGN[i, j] * q[PICK[i, j]]
_PICK = np.array([3, 2, 1, 0, 2, 3, 0, 1, 1, 0, 3, 2, 0, 1, 2, 3])
_SIGN = np.array([1, -1, 1, 1, 1, 1, -1, 1, -1, 1, 1, 1, -1, -1, -1, 1.0])
_SIGN_RIGHT = np.array([1, -1, 1, -1, 1, 1, -1, -1, -1, 1, 1, -1, 1, 1, 1, 1.0])  # the same of v q*, R(q*) v
_CONJUGATE = np.array([-1.0, -1.0, -1.0, 1.0])


def quats_from_rot6d(rot6d: Array) -> Array:
    """[n, J, 6] -> [n, J, 4] xyzw, unit, w >= 0. Degenerate rows fall back as `rot6d_to_matrix` does."""
    a, b = rot6d[..., :3], rot6d[..., 3:]
    x0, x1, x2, length_x = _unit(a[..., 0], a[..., 1], a[..., 2])
    y0, y1, y2 = (np.ascontiguousarray(b[..., i]) for i in range(3))
    size_y = np.sqrt(y0 * y0 + y1 * y1 + y2 * y2)
    along = x0 * y0 + x1 * y1 + x2 * y2
    y0, y1, y2, length_y = _unit(y0 - along * x0, y1 - along * x1, y2 - along * x2)
    quat = _from_rows(x0, x1, x2, y0, y1, y2)
    degenerate = (length_x < _DEGENERATE) | (length_y < _DEGENERATE * np.maximum(size_y, 1.0))
    if degenerate.any():
        quat[degenerate] = matrix_to_quat(rot6d_to_matrix(rot6d[degenerate]))
    return quat


def _unit(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array, Array]:
    length = np.sqrt(x * x + y * y + z * z)
    scale = 1.0 / np.maximum(length, 1e-8)
    return x * scale, y * scale, z * scale, length


def _from_rows(x0: Array, x1: Array, x2: Array, y0: Array, y1: Array, y2: Array) -> Array:
    """Quaternion of the matrix with rows x, y and x cross y: the largest of 4 q_i^2 picks the row of 4 q_i q_j."""
    z0, z1, z2 = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
    xy, xz, yz = x1 + y0, x2 + z0, y2 + z1
    wx, wy, wz = z1 - y2, x2 - z0, y0 - x1
    plus, minus = x0 + y1, x0 - y1
    xx, yy, zz, ww = (1 - z2) + minus, (1 - z2) - minus, (1 + z2) - plus, (1 + z2) + plus
    best = np.stack([xx, yy, zz, ww]).argmax(0)
    rows = ((xx, xy, xz, wx), (xy, yy, yz, wy), (xz, yz, zz, wz), (wx, wy, wz, ww))
    x, y, z, w = (np.choose(best, row) for row in rows)
    scale = np.copysign(1.0 / np.sqrt(x * x + y * y + z * z + w * w), w)
    return np.stack([x * scale, y * scale, z * scale, w * scale], -1)


def rot6d_from_quats(quat_xyzw: Array) -> Array:
    """[..., 4] unit -> [..., 6]: the first two rows of the matrix."""
    x, y, z, w = (np.ascontiguousarray(quat_xyzw[..., i]) for i in range(4))
    xx, yy, zz = x * x, y * y, z * z
    xy, xz, yz, wx, wy, wz = x * y, x * z, y * z, w * x, w * y, w * z
    columns = (0.5 - yy - zz, xy - wz, xz + wy, xy + wz, 0.5 - xx - zz, yz - wx)
    return 2 * np.stack(columns, -1)


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product of few quaternions: the rotation b followed by a. [..., 4] x [..., 4] -> [..., 4]."""
    left = (a.take(_PICK, -1) * _SIGN).reshape(*a.shape[:-1], 4, 4)
    return np.asarray(np.matmul(left, b[..., None])[..., 0])


def conjugate(quat_xyzw: Array) -> Array:
    """The inverse of unit quaternions. [..., 4]."""
    return np.asarray(quat_xyzw * _CONJUGATE)


def matrices(quat_xyzw: Array) -> Array:
    """Few unit quaternions [..., 4] -> [..., 3, 3]: q v q* = L(q) R(q*) v."""
    picked = quat_xyzw.take(_PICK, -1)
    shape = (*quat_xyzw.shape[:-1], 4, 4)
    product = np.matmul((picked * _SIGN).reshape(shape), (picked * _SIGN_RIGHT).reshape(shape))
    return np.asarray(product[..., :3, :3])


def rotate(quat_xyzw: Array, vector: Array) -> Array:
    """Turns few vectors [..., 3] by unit quaternions [..., 4]."""
    return np.asarray(np.matmul(matrices(quat_xyzw), vector[..., None])[..., 0])
