"""Rotations as 6D, matrix, quaternion (xyzw) and axis-angle, over any batch shape, for numpy and torch.

6D is the first two ROWS of the matrix (Zhou et al., "On the continuity of rotation representations"), as in the
papers' own code. Quaternions are xyzw and unit; those that leave through `matrix_to_quat` and `quat_canonical` have
w >= 0. Matrices act on column vectors: v' = R v.
"""

from __future__ import annotations

from gesturestream.models.body.arrays import Array, concatenate, cross, floor_at, namespace, norm, stack, where

_TINY = 1e-8


def normalize(x: Array) -> Array:
    """Unit vectors along the last axis; a zero vector stays finite (and zero)."""
    return x / floor_at(norm(x), _TINY)


def rot6d_to_matrix(rot6d: Array) -> Array:
    """[..., 6] -> [..., 3, 3] by Gram-Schmidt on the two rows; degenerate rows still give a rotation."""
    a, b = rot6d[..., :3], rot6d[..., 3:]
    x = normalize(_or_axis(a, 0))
    b = b - (x * b).sum(-1)[..., None] * x
    # When the second row is parallel to the first any perpendicular will do: take the axis least aligned with x.
    spare = where(abs(x[..., :1]) < 0.9, _axis_like(x, 0), _axis_like(x, 1))
    spare = spare - (x * spare).sum(-1)[..., None] * x
    y = normalize(where(norm(b) > 1e-6, b, spare))
    return stack([x, y, cross(x, y)], -2)


def matrix_to_rot6d(matrix: Array) -> Array:
    """[..., 3, 3] -> [..., 6]: the first two rows."""
    return concatenate([matrix[..., 0, :], matrix[..., 1, :]])


def quat_canonical(quat_xyzw: Array) -> Array:
    """The one of q, -q with w >= 0. [..., 4]."""
    return where(quat_xyzw[..., 3:] < 0, -quat_xyzw, quat_xyzw)


def quat_multiply(a: Array, b: Array) -> Array:
    """Hamilton product: the rotation b followed by a. [..., 4] x [..., 4] -> [..., 4]."""
    av, aw, bv, bw = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    v = aw * bv + bw * av + cross(av, bv)
    return concatenate([v, aw * bw - (av * bv).sum(-1)[..., None]])


def quat_conjugate(quat_xyzw: Array) -> Array:
    """The inverse of a unit quaternion. [..., 4]."""
    return concatenate([-quat_xyzw[..., :3], quat_xyzw[..., 3:]])


def quat_rotate(quat_xyzw: Array, vector: Array) -> Array:
    """Rotates vectors [..., 3] by quaternions [..., 4]."""
    v = quat_xyzw[..., :3]
    t = 2.0 * cross(v, vector)
    return vector + quat_xyzw[..., 3:] * t + cross(v, t)


def quat_to_matrix(quat_xyzw: Array) -> Array:
    """[..., 4] unit -> [..., 3, 3]."""
    x, y, z, w = (quat_xyzw[..., i] for i in range(4))
    return stack(
        [
            stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)]),
            stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)]),
            stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]),
        ],
        -2,
    )


def matrix_to_quat(matrix: Array) -> Array:
    """[..., 3, 3] -> [..., 4] xyzw, unit, w >= 0.

    Row i of the symmetric 4x4 matrix of products 4 q_i q_j is q scaled by 4 q_i: the row with the largest diagonal
    entry is taken, so the result is exact to rounding for every rotation, half turns included.
    """
    m = [[matrix[..., i, j] for j in range(3)] for i in range(3)]
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = m
    rows = stack(
        [
            stack([1 + xx - yy - zz, xy + yx, xz + zx, zy - yz]),
            stack([xy + yx, 1 - xx + yy - zz, yz + zy, xz - zx]),
            stack([xz + zx, yz + zy, 1 - xx - yy + zz, yx - xy]),
            stack([zy - yz, xz - zx, yx - xy, 1 + xx + yy + zz]),
        ],
        -2,
    )
    best = stack([rows[..., i, i] for i in range(4)]).argmax(-1)
    index = best[..., None, None]
    xp = namespace(matrix)
    if hasattr(xp, "take_along_axis"):
        picked = xp.take_along_axis(rows, index, -2)
    else:
        picked = xp.take_along_dim(rows, index, -2)
    return quat_canonical(normalize(picked[..., 0, :]))


def axis_angle_to_quat(axis_angle: Array) -> Array:
    """[..., 3] radians -> [..., 4] xyzw, unit; smooth through zero."""
    xp = namespace(axis_angle)
    square = (axis_angle * axis_angle).sum(-1)[..., None]
    angle = floor_at(square, _TINY**2) ** 0.5
    # sin(a/2)/a by its series near zero, where the quotient loses digits
    scale = where(square < 1e-8, 0.5 - square / 48.0, xp.sin(0.5 * angle) / angle)
    cosine = where(square < 1e-8, 1.0 - square / 8.0, xp.cos(0.5 * angle))
    return concatenate([axis_angle * scale, cosine])


def quat_to_axis_angle(quat_xyzw: Array) -> Array:
    """[..., 4] unit -> [..., 3] radians, angle in 0..pi."""
    xp = namespace(quat_xyzw)
    q = quat_canonical(quat_xyzw)
    sine = norm(q[..., :3])
    atan2 = xp.atan2 if hasattr(xp, "atan2") else xp.arctan2
    safe = floor_at(sine, 1e-12)
    scale = where(sine < 1e-6, 2.0 / floor_at(q[..., 3:], 0.5), 2.0 * atan2(safe, q[..., 3:]) / safe)
    return q[..., :3] * scale


def axis_angle_to_matrix(axis_angle: Array) -> Array:
    """[..., 3] radians -> [..., 3, 3]."""
    return quat_to_matrix(axis_angle_to_quat(axis_angle))


def matrix_to_axis_angle(matrix: Array) -> Array:
    """[..., 3, 3] -> [..., 3] radians, angle in 0..pi."""
    return quat_to_axis_angle(matrix_to_quat(matrix))


def quat_slerp(a: Array, b: Array, t: Array) -> Array:
    """Spherical interpolation on the shorter arc; t [...] or scalar in 0..1. [..., 4] -> [..., 4]."""
    delta = quat_to_axis_angle(quat_multiply(b, quat_conjugate(a)))
    weight = t if isinstance(t, float) else t[..., None]
    return quat_multiply(axis_angle_to_quat(delta * weight), a)


def angle_between(a: Array, b: Array) -> Array:
    """Geodesic distance of two unit quaternions, radians, 0..pi. [..., 4] x [..., 4] -> [...]."""
    return norm(quat_to_axis_angle(quat_multiply(b, quat_conjugate(a))))[..., 0]


def _axis_like(x: Array, axis: int) -> Array:
    unit = 0.0 * x
    unit[..., axis] = 1.0
    return unit


def _or_axis(x: Array, axis: int) -> Array:
    return where(norm(x) > 1e-6, x, _axis_like(x, axis))
