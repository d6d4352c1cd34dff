"""The layout of one arm's curve and the hand shapes. Everything is written for the left hand; the right is mirrored.

An arm's curve has 13 channels: wrist position in the gesture frame (out to the own side, up, forward; metres from the
pelvis), forearm roll (degrees; 0 thumb up, positive palm down, negative palm up), wrist flexion (towards the palm) and
deviation (towards the thumb), curl of the five fingers (0 straight .. 1 fist; index, middle, pinky, ring, thumb),
spread of the fingers (0..1) and elbow swing (0 down .. 1 out).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix

Array = NDArray[np.float64]

POSITION = slice(0, 3)
ROLL, FLEX, DEVIATION = 3, 4, 5
CURLS = slice(6, 11)
SPREAD, ELBOW = 11, 12
CHANNELS = 13

# curl of index, middle, pinky, ring, thumb, then spread
SHAPES: dict[str, tuple[float, ...]] = {
    "relaxed": (0.24, 0.30, 0.38, 0.34, 0.30, 0.25),
    "open": (0.10, 0.12, 0.17, 0.14, 0.12, 0.60),
    "flat": (0.06, 0.06, 0.10, 0.08, 0.35, 0.10),
    "cup": (0.30, 0.34, 0.40, 0.37, 0.28, 0.45),
    "point": (0.03, 0.72, 0.85, 0.80, 0.55, 0.15),
    "fist": (0.88, 0.92, 0.95, 0.93, 0.75, 0.0),
    "pinch": (0.52, 0.40, 0.34, 0.36, 0.62, 0.30),
    "one": (0.03, 0.85, 0.92, 0.90, 0.70, 0.15),
    "two": (0.03, 0.04, 0.92, 0.90, 0.72, 0.70),
    "three": (0.03, 0.04, 0.92, 0.88, 0.05, 0.80),
    "spread": (0.05, 0.05, 0.10, 0.07, 0.05, 1.00),
    "clasp": (0.42, 0.46, 0.52, 0.50, 0.34, 0.10),
}


def pose(
    out: float, up: float, forward: float, roll: float, shape: str, *, flex: float = 0.0, deviation: float = 0.0,
    elbow: float = 0.3,
) -> Array:  # fmt: skip
    """One key of an arm's curve, [13]."""
    return np.array([out, up, forward, roll, flex, deviation, *SHAPES[shape], elbow])


_FINGERS_DEG = np.array([62.0, 88.0, 52.0])  # full curl of the three joints
_SPREAD_DEG = np.array([-7.0, -1.0, 11.0, 5.0])  # index, middle, pinky, ring: about +y, left hand
_BIAS_DEG = np.array([3.0, 6.0, 4.0])  # a hand is never quite flat


_GIVE_DEG = np.array([[1.6, 2.2], [1.0, 2.2], [1.0, 1.8]])  # by joint of a finger: sideways, bending


def finger_rotations(curls: Array, spread: Array, give: Array | None = None) -> Array:
    """curls [T, 5] and spread [T], 0..1 -> local rotations of the 15 joints of a LEFT hand, [T, 15, 3, 3].

    give [T, 15, 2]: noise of unit deviation by which each joint gives sideways and bends on its own.
    """
    angles = np.zeros((len(curls), 5, 3, 3))
    bent = np.clip(curls[:, :4, None], -0.12, 1.05)
    angles[:, :4, :, 2] = -(bent * _FINGERS_DEG + _BIAS_DEG)
    # A fist closes the spread
    angles[:, :4, 0, 1] = spread[:, None] * _SPREAD_DEG * (1.0 - 0.7 * np.clip(curls[:, :4], 0, 1))
    if give is not None:
        angles[..., 1:] += give.reshape(-1, 5, 3, 2) * _GIVE_DEG
    thumb = np.clip(curls[:, 4], 0.0, 1.0)[:, None]
    angles[:, 4, 0] += np.array([18.0, -6.0, -6.0]) + thumb * np.array([34.0, 26.0, -10.0])
    angles[:, 4, 1] += np.array([0.0, 6.0, -2.0]) + thumb * np.array([6.0, 30.0, -8.0])
    angles[:, 4, 2] += np.array([0.0, 8.0, -2.0]) + thumb * np.array([4.0, 42.0, -8.0])
    rotations: Array = axis_angle_to_matrix(np.radians(angles)).reshape(len(curls), 15, 3, 3)
    return rotations
