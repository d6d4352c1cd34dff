"""Writing arm poses as a person would say them: where the hand is, where the elbow points, which way the palm looks.

Everything is written for the LEFT side and mirrored. Directions and places are (out, up, forward): away from the
midline, up, ahead; in metres from the shoulder joint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_quat, matrix_to_quat
from gesturestream.models.body.skeleton import FINGERS, INDEX, REST_OFFSETS_M

Side = Literal["left", "right"]
Vector = tuple[float, float, float]
Array = NDArray[np.float64]
JointQuats = dict[int, Array]
"""Parent-local quaternions xyzw by joint index."""

_UPPER_M = REST_OFFSETS_M[INDEX["left_elbow"]]
_LOWER_M = REST_OFFSETS_M[INDEX["left_wrist"]]
_PRONATION_SHARE = 0.65  # forearm bones turn over each other: most of a hand's roll happens below the elbow


def arm(side: Side, *, hand: Vector, elbow: Vector, fingers: Vector, palm: Vector) -> JointQuats:
    """Shoulder, elbow and wrist rotations that bring the wrist to `hand`.

    hand: wrist place from the shoulder (metres); elbow: direction in which the elbow bulges; fingers, palm:
    directions of the straight fingers and of the palm's face.
    """
    target = _within_reach(np.array(hand))
    middle = _elbow_place(target, np.array(elbow))
    upper, lower = _unit(middle), _unit(target - middle)
    hinge = _unit(np.cross(upper, lower))
    # At rest the elbow bends from +x towards +z, about -y.
    shoulder = _frame(upper, hinge) @ _frame(_UPPER_M, -np.eye(3)[1]).T
    forearm = _frame(lower, hinge) @ _frame(_LOWER_M, -np.eye(3)[1]).T
    wrist = _frame(np.array(fingers), np.array(palm)) @ _frame(np.eye(3)[0], -np.eye(3)[1]).T
    roll = _roll(forearm.T @ wrist) * _PRONATION_SHARE
    forearm = forearm @ _about_x(roll)
    locals_ = {"shoulder": shoulder, "elbow": shoulder.T @ forearm, "wrist": forearm.T @ wrist}
    return {INDEX[f"{side}_{name}"]: _sided(side, matrix_to_quat(matrix)) for name, matrix in locals_.items()}


Hand = Mapping[str, tuple[float, float, float]]
"""Curl of each finger's three joints, degrees; the thumb: how far it lies across the palm, and its two bends."""

RELAXED: Hand = {
    "index": (25, 30, 18), "middle": (30, 35, 20), "ring": (34, 38, 22), "pinky": (36, 38, 22), "thumb": (18, 10, 12),
}  # fmt: skip
OPEN: Hand = {"index": (4, 5, 3), "middle": (4, 5, 3), "ring": (6, 6, 4), "pinky": (6, 6, 4), "thumb": (-10, 0, 0)}
FIST: Hand = {
    "index": (80, 95, 60), "middle": (82, 98, 60), "ring": (84, 98, 60), "pinky": (84, 95, 60), "thumb": (38, 35, 40),
}  # fmt: skip
POINTING: Hand = {**FIST, "index": (2, 4, 2)}
TWO: Hand = {**POINTING, "middle": (2, 4, 2)}
THREE: Hand = {**TWO, "thumb": (-25, -5, -5)}
THUMB_UP: Hand = {**FIST, "thumb": (-40, -10, -15)}


def fingers(side: Side, hand: Hand) -> JointQuats:
    """All fifteen finger joints of one hand."""
    out: JointQuats = {}
    for finger in FINGERS:
        for k, degrees in enumerate(hand[finger], start=1):
            out[INDEX[f"{side}_{finger}{k}"]] = _sided(side, _curl(finger, k, np.radians(degrees)))
    return out


def turn(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Array:
    """A rotation vector in degrees (x: nod down, y: look to the character's left, z: tilt to its right) as xyzw."""
    quat: Array = axis_angle_to_quat(np.radians([x, y, z]))
    return quat


def _curl(finger: str, k: int, angle: float) -> Array:
    if finger != "thumb":
        return np.array([0.0, 0.0, -np.sin(angle / 2), np.cos(angle / 2)])
    # The thumb's first joint swings under the palm, its other two bend towards the little finger.
    axis = _unit(np.array([0.8, 0.6, 0.0] if k == 1 else [0.2, 0.95, -0.25]))
    return np.append(axis * np.sin(angle / 2), np.cos(angle / 2))


def _within_reach(target: Array) -> Array:
    reach = 0.995 * (_length(_UPPER_M) + _length(_LOWER_M))
    return np.asarray(target * min(1.0, reach / _length(target)))


def _elbow_place(target: Array, pole: Array) -> Array:
    a, b, d = _length(_UPPER_M), _length(_LOWER_M), _length(target)
    along = (a * a - b * b + d * d) / (2 * d)
    towards = target / d
    out = _unit(pole - towards * (pole @ towards))
    return np.asarray(towards * along + out * np.sqrt(max(a * a - along * along, 0.0)))


def _length(vector: Array) -> float:
    return float(np.linalg.norm(vector))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(_length(vector), 1e-9))


def _frame(x: Array, y: Array) -> Array:
    """Orthonormal axes as columns: the first along x, the second as near to y as it can be."""
    first = _unit(x)
    second = _unit(y - first * (first @ y))
    return np.stack([first, second, np.cross(first, second)], -1)


def _roll(matrix: Array) -> float:
    """Twist of a rotation about the x axis, radians."""
    x, _, _, w = matrix_to_quat(matrix)
    return float(2.0 * np.arctan2(x, w))


def _about_x(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _sided(side: Side, quat_xyzw: Array) -> Array:
    """A left-side rotation as it is, or mirrored at the plane x = 0."""
    return quat_xyzw if side == "left" else quat_xyzw * np.array([1.0, -1.0, -1.0, 1.0])
