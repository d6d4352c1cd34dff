"""Vectors and quaternions as tuples of components, each a Python float or an array: the same lines serve both.

A few legs are quickest in plain floats, many in arrays. Only +, -, *, / and square roots are used, which IEEE 754 fixes
to the last bit: a row's result is the same either way.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

Number = Any
"""A Python float or an array."""
Vector = tuple[Number, Number, Number]
Quat = tuple[Number, Number, Number, Number]


class Kind(NamedTuple):
    """What floats and arrays spell differently."""

    sqrt: Any
    where: Any
    lower: Any
    higher: Any
    any: Any


FLOATS = Kind(math.sqrt, lambda condition, a, b: a if condition else b, min, max, bool)
ARRAYS = Kind(np.sqrt, np.where, np.minimum, np.maximum, np.any)


def add(a: Vector, b: Vector) -> Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def subtract(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def scale(a: Vector, by: Number) -> Vector:
    return a[0] * by, a[1] * by, a[2] * by


def dot(a: Vector, b: Vector) -> Number:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    (ax, ay, az), (bx, by, bz) = a, b
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


def multiply(a: Quat, b: Quat) -> Quat:
    """Hamilton product: the rotation b followed by a."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def conjugate(q: Quat) -> Quat:
    return -q[0], -q[1], -q[2], q[3]


def rotate(q: Quat, v: Vector) -> Vector:
    """Turns v by the unit quaternion q."""
    (x, y, z, w), (vx, vy, vz) = q, v
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return (
        vx + w * tx + (y * tz - z * ty),
        vy + w * ty + (z * tx - x * tz),
        vz + w * tz + (x * ty - y * tx),
    )


def pick(kind: Kind, condition: Number, a: tuple[Number, ...], b: tuple[Number, ...]) -> Any:
    """a where the condition holds, else b."""
    where = kind.where
    return tuple([where(condition, p, q) for p, q in zip(a, b)])


def unit_quat(kind: Kind, q: Quat) -> Quat:
    """Of unit length, the one of q, -q with w >= 0; finite for zeros."""
    x, y, z, w = q
    by = 1.0 / kind.higher(kind.sqrt(x * x + y * y + z * z + w * w), 1e-8)
    by = kind.where(w < 0.0, -by, by)
    return x * by, y * by, z * by, w * by


def to_rodrigues(kind: Kind, q: Quat) -> Vector:
    """Modified Rodrigues parameters times four: axis times 4 tan(angle / 4), close to the rotation vector."""
    by = 4.0 / (1.0 + abs(q[3]))
    by = kind.where(q[3] < 0.0, -by, by)
    return q[0] * by, q[1] * by, q[2] * by


def from_rodrigues(r: Vector) -> Quat:
    """The inverse of `to_rodrigues`."""
    x, y, z = 0.25 * r[0], 0.25 * r[1], 0.25 * r[2]
    square = x * x + y * y + z * z
    by = 1.0 / (1.0 + square)
    twice = 2.0 * by
    return x * twice, y * twice, z * twice, (1.0 - square) * by
