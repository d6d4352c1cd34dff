"""Numpy kernels for whole bodies [n, 55, ...].

The same operations as models/body/rotations.py, which works for torch too but costs three to ten times as much here.
Arrays are worked on component first, so that numpy's inner loops are long, and three components at a time, so that its
call overhead is paid once. Elementwise only: a row's bits do not depend on its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import matrix_to_quat, rot6d_to_matrix

Array = NDArray[Any]

_DEGENERATE = 1e-5
# Entry (i, j) of 4 q q^T, by its place in `_products`.
_XX, _YY, _ZZ, _WW, _XY, _XZ, _YZ, _WX, _WY, _WZ = range(10)
_ROWS = np.array([[_XX, _XY, _XZ, _WX], [_XY, _YY, _YZ, _WY], [_XZ, _YZ, _ZZ, _WZ], [_WX, _WY, _WZ, _WW]])


def components(array: Array) -> Array:
    """[n, J, D] -> [D, n, J] contiguous; without a copy where the memory lies so already."""
    return np.ascontiguousarray(array.transpose(2, 0, 1))


def quats_from_rot6d(rot6d: Array) -> Array:
    """[n, J, 6] -> [n, J, 4] xyzw, unit, w >= 0, component first in memory. Degenerate rows fall back as
    `rot6d_to_matrix` does."""
    parts = components(rot6d)
    x, y = parts[:3], parts[3:]
    size_y = np.sqrt(np.add.reduce(y * y, 0))
    x, length_x = _unit(x)
    y, length_y = _unit(y - np.add.reduce(x * y, 0) * x)
    quat = _from_rows(x, y).transpose(1, 2, 0)
    degenerate = (length_x < _DEGENERATE) | (length_y < _DEGENERATE * np.maximum(size_y, 1.0))
    if np.logical_or.reduce(degenerate, None):
        quat[degenerate] = matrix_to_quat(rot6d_to_matrix(rot6d[degenerate]))
    return quat


def _unit(vectors: Array) -> tuple[Array, Array]:
    """[3, ...] -> unit vectors, and how long they were [...]."""
    length = np.sqrt(np.add.reduce(vectors * vectors, 0))
    return vectors * (1.0 / np.maximum(length, 1e-8)), length


def _from_rows(x: Array, y: Array) -> Array:
    """Quaternions [4, ...] of the matrices with rows x, y and x cross y [3, ...]."""
    products = _products(x.reshape(3, -1), y.reshape(3, -1))
    best = products[:4].argmax(0)  # the row of 4 q q^T with the largest diagonal is exact to rounding
    quat = products[_ROWS[3]]
    other = np.flatnonzero(best != 3)
    if len(other):
        quat[:, other] = products[_ROWS[best[other]].T, other]
    scale = 1.0 / np.sqrt(np.add.reduce(quat * quat, 0))
    quat *= np.copysign(scale, quat[3], out=scale)
    return np.asarray(quat.reshape(4, *x.shape[1:]))


def _products(x: Array, y: Array) -> Array:
    """[10, ...]: the different entries of 4 q q^T."""
    (x0, x1, x2), (y0, y1, y2) = x, y
    z0, z1, z2 = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
    plus, minus, less, more = x0 + y1, x0 - y1, 1 - z2, 1 + z2
    out = np.empty((10, *x0.shape), x0.dtype)
    np.add(less, minus, out[_XX])
    np.subtract(less, minus, out[_YY])
    np.subtract(more, plus, out[_ZZ])
    np.add(more, plus, out[_WW])
    np.add(x1, y0, out[_XY])
    np.add(x2, z0, out[_XZ])
    np.add(y2, z1, out[_YZ])
    np.subtract(z1, y2, out[_WX])
    np.subtract(x2, z0, out[_WY])
    np.subtract(y0, x1, out[_WZ])
    return out


def rot6d_from_quats(quat_xyzw: Array, out: Array) -> None:
    """[n, J, 4] unit -> out [n, J, 6]: the first two rows of the matrix."""
    quat = components(quat_xyzw)
    v, w = quat[:3], quat[3]
    square, (wx, wy, wz) = v * v, w * v
    x, y, z = v
    xy, xz, yz = x * y, x * z, y * z
    rest = 0.5 - square
    for i, column in enumerate((rest[1] - square[2], xy - wz, xz + wy, xy + wz, rest[0] - square[2], yz - wx)):
        np.multiply(column, 2, out[..., i])
