"""Arms by analytic two-bone inverse kinematics with elbow swivel: the left one; the right is its mirror image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix, normalize
from gesturestream.models.body.skeleton import INDEX, REST_OFFSETS_M
from gesturestream.training.teacher.curves import soft_ceiling, soft_floor
from gesturestream.training.teacher.hands import DEVIATION, ELBOW, FLEX, ROLL

Array = NDArray[np.float64]

_UPPER = REST_OFFSETS_M[INDEX["left_elbow"]]
_FORE = REST_OFFSETS_M[INDEX["left_wrist"]]
_UPPER_M, _FORE_M = float(np.linalg.norm(_UPPER)), float(np.linalg.norm(_FORE))
_AXIS = np.array([0.0, 1.0, 0.0])  # the elbow's hinge at rest

REACH_M = 0.955 * (_UPPER_M + _FORE_M)
NEAREST_M = 0.19
ROLL_LIMIT_DEG, FLEX_LIMIT_DEG, DEVIATION_LIMIT_DEG = 85.0, 55.0, 24.0


class Arm(NamedTuple):
    """Local rotation matrices [T, 3, 3] and the wrist's world position [T, 3]."""

    shoulder: Array
    elbow: Array
    wrist: Array
    wrist_m: Array


def solve_left(collar_world: Array, shoulder_m: Array, target_m: Array, channels: Array, yaw: Array) -> Arm:
    """Left arm from shoulder to hand.

    collar_world [T, 3, 3] and shoulder_m [T, 3] in the world, target_m [T, 3] wrist in the world, channels [T, 13],
    yaw [T, 3, 3] the torso's heading, in which the elbow's direction is meant.
    """
    reach = target_m - shoulder_m
    distance = np.linalg.norm(reach, axis=1)
    length = soft_floor(soft_ceiling(distance, REACH_M, 0.02), NEAREST_M, 0.02)[:, None]
    along = normalize(reach)
    pole = (yaw @ _pole(channels[:, ELBOW])[..., None])[..., 0]
    side = normalize(pole - (pole * along).sum(1, keepdims=True) * along)
    cosine = (_UPPER_M**2 + length**2 - _FORE_M**2) / (2 * _UPPER_M * length)
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 1e-9))
    upper = cosine * along + sine * side
    fore = normalize(length * along - _UPPER_M * upper)
    hinge = np.cross(along, side)
    upper_world = _frame(upper, hinge) @ _frame(_UPPER / _UPPER_M, _AXIS).swapaxes(-1, -2)
    fore_world = _frame(fore, hinge) @ _frame(_FORE / _FORE_M, _AXIS).swapaxes(-1, -2)
    shoulder = collar_world.swapaxes(-1, -2) @ upper_world
    roll, hand = _forearm_and_hand(channels)
    elbow = upper_world.swapaxes(-1, -2) @ fore_world @ roll
    return Arm(shoulder, elbow, hand, shoulder_m + along * length)


def _pole(elbow: Array) -> Array:
    """Where the elbow points in the torso's heading: from down and slightly back to out, as `elbow` goes 0..1."""
    swing = np.radians(24.0 + 52.0 * np.clip(elbow, -0.35, 1.2))
    return np.stack([np.sin(swing), -np.cos(swing), np.full_like(swing, -0.32)], axis=1)


def _frame(x: Array, y: Array) -> Array:
    """Rotation whose columns are x, y and x cross y; [..., 3] perpendicular unit vectors -> [..., 3, 3]."""
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _forearm_and_hand(channels: Array) -> tuple[Array, Array]:
    """Pronation is shared: 60 % twists the forearm (in the elbow joint), the rest and the bending are the wrist's."""
    roll = _limit(channels[:, ROLL], ROLL_LIMIT_DEG)
    flex, deviation = _limit(channels[:, FLEX], FLEX_LIMIT_DEG), _limit(channels[:, DEVIATION], DEVIATION_LIMIT_DEG)
    zero = np.zeros_like(roll)
    # Left arm along +x, thumb +z, palm -y: pronation turns the thumb (up when bent) inwards, about +x
    twist = _rotation(np.stack([0.6 * roll, zero, zero], 1))
    rest = _rotation(np.stack([0.4 * roll, zero, zero], 1))
    bend = _rotation(np.stack([zero, -deviation, zero], 1)) @ _rotation(np.stack([zero, zero, -flex], 1))
    return twist, rest @ bend


def _rotation(degrees: Array) -> Array:
    matrix: Array = axis_angle_to_matrix(np.radians(degrees))
    return matrix


def _limit(x: Array, bound: float) -> Array:
    return bound * np.tanh(x / bound)


MIRROR = np.diag([-1.0, 1.0, 1.0])


def mirror(rotations: Array) -> Array:
    """Rotations [..., 3, 3] seen in the sagittal plane: left becomes right."""
    return MIRROR @ rotations @ MIRROR


def clear_of_torso(position: Array, lean_m: Array) -> Array:
    """Wrist positions [T, 3] (out, up, forward) kept outside the trunk; lean_m [T] how far the chest is forward."""
    out, up, forward = position[:, 0], position[:, 1], position[:, 2]
    out = soft_floor(out, 0.0, 0.02)
    inside = 1.0 / (1.0 + np.exp((np.abs(out) - 0.27) / 0.02))  # 1 in front of the trunk, 0 beside it
    height = np.clip(up / 0.45, 0.0, 1.0)
    front = 0.20 + lean_m * height
    forward = inside * soft_floor(forward, front, 0.02) + (1 - inside) * soft_floor(forward, -0.05, 0.02)
    return np.stack([out, soft_floor(up, -0.16, 0.03), forward], axis=1)


def keep_apart(left: Array, right: Array, least_m: float = 0.20) -> tuple[Array, Array]:
    """Both wrists [T, 3] pushed outwards where they come closer sideways than `least_m`, less when apart otherwise."""
    gap = left[:, 0] + right[:, 0]
    other = np.linalg.norm(left[:, 1:] - right[:, 1:], axis=1)
    needed = np.sqrt(np.maximum(least_m**2 - np.minimum(other, least_m * 0.8) ** 2, 0.0))
    push = 0.5 * (soft_floor(gap, needed, 0.015) - gap)
    shift = np.stack([push, np.zeros_like(push), np.zeros_like(push)], axis=1)
    return left + shift, right + shift
