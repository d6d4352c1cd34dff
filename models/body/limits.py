"""Joint limits: how far each joint of a person turns, and a soft clamp that leaves legal poses untouched.

A joint's local rotation is split into a twist about its bone's axis and a swing (rotation vector without a component
along that axis): q = swing * twist. Each of the three angles has its own range. Ranges are wider than a clinician's
because the joints of SMPL-X share motion (a raised arm is partly in the collar) and because corpora are noisy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.arrays import Array, floor_at, namespace, stack, where
from gesturestream.models.body.rotations import axis_angle_to_quat, quat_canonical, quat_multiply
from gesturestream.models.body.skeleton import JOINT_NAMES

SOFT_RAD = 0.06
"""How far beyond its range a joint may be pushed at most."""

Range = tuple[float, float]
# Degrees about the local x, y and z axis, for the left side and the middle; the right side is the mirror image. The
# first letter is the twist axis. Left arm: bone +x, so y < 0 forward, z < 0 down; legs: x < 0 forward; curl: z < 0.
_LIMITS_DEG: dict[str, tuple[str, Range, Range, Range]] = {
    "pelvis": ("y", (-360, 360), (-360, 360), (-360, 360)),
    "left_hip": ("y", (-125, 35), (-55, 55), (-40, 60)),
    "left_knee": ("y", (-8, 150), (-30, 30), (-18, 18)),
    "left_ankle": ("y", (-40, 60), (-40, 40), (-40, 40)),
    "left_foot": ("y", (-65, 50), (-25, 25), (-25, 25)),
    "spine1": ("y", (-30, 50), (-35, 35), (-30, 30)),
    "spine2": ("y", (-30, 50), (-35, 35), (-30, 30)),
    "spine3": ("y", (-30, 50), (-35, 35), (-30, 30)),
    "neck": ("y", (-50, 50), (-60, 60), (-40, 40)),
    "head": ("y", (-50, 50), (-60, 60), (-40, 40)),
    "jaw": ("y", (-6, 40), (-12, 12), (-10, 10)),
    "left_eye_smplhf": ("z", (-40, 40), (-50, 50), (-15, 15)),
    "right_eye_smplhf": ("z", (-40, 40), (-50, 50), (-15, 15)),
    "left_collar": ("x", (-35, 35), (-45, 45), (-30, 50)),
    "left_shoulder": ("x", (-140, 140), (-150, 80), (-130, 115)),
    "left_elbow": ("x", (-120, 120), (-155, 10), (-35, 35)),
    "left_wrist": ("x", (-75, 75), (-55, 55), (-90, 90)),
    "left_thumb1": ("x", (-75, 75), (-75, 75), (-75, 75)),
    "left_thumb2": ("x", (-75, 75), (-90, 90), (-75, 75)),
    "left_thumb3": ("x", (-60, 60), (-95, 95), (-75, 75)),
}  # fmt: skip
_KNUCKLE: tuple[str, Range, Range, Range] = ("x", (-40, 40), (-40, 40), (-105, 40))
_FINGER: tuple[str, Range, Range, Range] = ("x", (-30, 30), (-30, 30), (-120, 20))


def _row(name: str) -> tuple[str, Range, Range, Range]:
    if name in _LIMITS_DEG:
        return _LIMITS_DEG[name]
    if name.startswith("right_"):
        twist, x, y, z = _row("left_" + name.removeprefix("right_"))
        return twist, x, (-y[1], -y[0]), (-z[1], -z[0])
    return _KNUCKLE if name.endswith("1") else _FINGER


TWIST_AXIS: NDArray[np.int64] = np.array(["xyz".index(_row(name)[0]) for name in JOINT_NAMES])
"""[55] index of each joint's twist axis."""
LOW_RAD: NDArray[np.float64] = np.radians([[low for low, _ in _row(name)[1:]] for name in JOINT_NAMES])
"""[55, 3] lowest angle about the local x, y, z axis, radians."""
HIGH_RAD: NDArray[np.float64] = np.radians([[high for _, high in _row(name)[1:]] for name in JOINT_NAMES])
"""[55, 3] highest angle."""
_NO_TWIST = 1e-9
_TWIST_MASK = np.eye(3)[TWIST_AXIS]  # [55, 3]


def joint_angles(quat_xyzw: Array) -> Array:
    """[..., 55, 4] unit, parent-local -> [..., 55, 3] angles about x, y, z: one of them the twist, two the swing."""
    return _angles(quat_xyzw, _TWIST_MASK)


def _angles(quat_xyzw: Array, twist_mask: NDArray[np.float64]) -> Array:
    # Component by component: with k the twist axis, q = (k s + swing part, w) and the twist is (k s, w) normalised.
    vector = [quat_xyzw[..., i] for i in range(3)]
    axis = [_constant(twist_mask[:, i], quat_xyzw) for i in range(3)]
    w, s = quat_xyzw[..., 3], sum(v * k for v, k in zip(vector, axis, strict=True))
    cosine = (w * w + s * s) ** 0.5
    scale = 1.0 / floor_at(cosine, _NO_TWIST)
    s, w = s * scale, w * scale
    x, y, z = (w * v - s * c for v, c in zip(vector, _cross(vector, axis), strict=True))
    swing = [x - axis[0] * (x * axis[0]), y - axis[1] * (y * axis[1]), z - axis[2] * (z * axis[2])]
    sine = floor_at(swing[0] * swing[0] + swing[1] * swing[1] + swing[2] * swing[2], 1e-24) ** 0.5
    atan2 = _atan2(quat_xyzw)
    bend = 2.0 * atan2(sine, cosine) / sine
    # atan gives the twist in -pi..pi whatever the sign of the quaternion; a half-turn swing leaves none to see.
    twist = 2.0 * atan2(where(w < 0, -s, s), abs(w))
    return stack([a * bend + k * twist for a, k in zip(swing, axis, strict=True)])


def _cross(a: list[Array], b: list[Array]) -> list[Array]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def from_joint_angles(angles_rad: Array) -> Array:
    """The inverse of `joint_angles`: [..., 55, 3] -> [..., 55, 4]."""
    return _from_angles(angles_rad, _TWIST_MASK)


def _from_angles(angles_rad: Array, twist_mask: NDArray[np.float64]) -> Array:
    twist = angles_rad * _constant(twist_mask, angles_rad)
    return quat_multiply(axis_angle_to_quat(angles_rad - twist), axis_angle_to_quat(twist))


def clamp_to_limits(quat_xyzw: Array) -> Array:
    """[..., 55, 4] -> the same rotations, those outside their limits brought to within `SOFT_RAD` of them, smoothly.

    Legal joints come back bit for bit.
    """
    return _clamp(quat_xyzw, LOW_RAD, HIGH_RAD, _TWIST_MASK)


def clamp_joints(quat_xyzw: Array, joints: NDArray[np.int64]) -> Array:
    """`clamp_to_limits` of some joints: [m, 4], of joints [m] -> [m, 4]."""
    return _clamp(quat_xyzw, LOW_RAD[joints], HIGH_RAD[joints], _TWIST_MASK[joints])


def _clamp(quat_xyzw: Array, low: NDArray[np.float64], high: NDArray[np.float64], mask: NDArray[np.float64]) -> Array:
    angles = _angles(quat_xyzw, mask)
    legal = namespace(angles).clip(angles, _constant(low, angles), _constant(high, angles))
    excess = angles - legal
    illegal = (excess != 0.0).any(-1)
    if not bool(illegal.any()):
        return quat_xyzw
    clamped = _from_angles(legal + SOFT_RAD * namespace(excess).tanh(excess / SOFT_RAD), mask)
    return where(illegal[..., None], quat_canonical(clamped), quat_xyzw)


def _atan2(like: Array) -> Array:
    xp = namespace(like)
    return xp.atan2 if hasattr(xp, "atan2") else xp.arctan2


def _constant(array: NDArray[np.float64], like: Array) -> Array:
    xp = namespace(like)
    if xp is np:
        return array.astype(like.dtype)
    return xp.as_tensor(array, dtype=like.dtype, device=like.device)


__all__: list[Any] = [
    "HIGH_RAD", "LOW_RAD", "SOFT_RAD", "TWIST_AXIS",
    "clamp_joints", "clamp_to_limits", "from_joint_angles", "joint_angles",
]  # fmt: skip
