"""The 55 SMPL-X joints and the project's own rest skeleton (adult, 1.70 m).

SMPL-X's own rest joints are under a non-commercial licence; these were written from published anthropometry and
from the segment lengths of the Apache-2.0 SOMA skeleton, so that nobody needs an SMPL-X file to run.

Right-handed, +Y up, facing +Z, +X = the character's left, metres. T-pose, palms down, soles on y = 0, pelvis over
the origin. An identity rotation is the rest pose and joint axes are parallel to the world's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SKELETON_REVISION = 1
"""Rises whenever names, parents or rest positions change."""

FINGERS = ("index", "middle", "pinky", "ring", "thumb")  # SMPL-X's order: pinky comes before ring

_BODY: tuple[tuple[str, int], ...] = (
    ("pelvis", -1), ("left_hip", 0), ("right_hip", 0), ("spine1", 0), ("left_knee", 1), ("right_knee", 2),
    ("spine2", 3), ("left_ankle", 4), ("right_ankle", 5), ("spine3", 6), ("left_foot", 7), ("right_foot", 8),
    ("neck", 9), ("left_collar", 9), ("right_collar", 9), ("head", 12), ("left_shoulder", 13),
    ("right_shoulder", 14), ("left_elbow", 16), ("right_elbow", 17), ("left_wrist", 18), ("right_wrist", 19),
    ("jaw", 15), ("left_eye_smplhf", 15), ("right_eye_smplhf", 15),
)  # fmt: skip


def _hand(side: str, wrist: int, first: int) -> list[tuple[str, int]]:
    """Three joints per finger; `first` is the index of the hand's first finger joint."""
    return [
        (f"{side}_{finger}{k + 1}", wrist if k == 0 else first + 3 * f + k - 1)
        for f, finger in enumerate(FINGERS)
        for k in range(3)
    ]


_JOINTS = (*_BODY, *_hand("left", 20, 25), *_hand("right", 21, 40))
JOINT_NAMES: tuple[str, ...] = tuple(name for name, _ in _JOINTS)
PARENTS: tuple[int, ...] = tuple(parent for _, parent in _JOINTS)
JOINT_COUNT = len(JOINT_NAMES)
INDEX: dict[str, int] = {name: j for j, name in enumerate(JOINT_NAMES)}
"""Joint index by SMPL-X name."""

FACE_JOINTS = (22, 23, 24)
UPPER_JOINTS = (3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
LOWER_JOINTS = (0, 1, 2, 4, 5, 7, 8, 10, 11)
HAND_JOINTS = tuple(range(25, 55))
CONTACT_JOINTS = (7, 8, 10, 11)
"""Left ankle, right ankle, left foot, right foot: the order of `contacts`."""

# Rest offsets of the left half and the middle, metres, relative to the parent; the right half is its mirror image.
_OFFSETS_M: dict[str, tuple[float, float, float]] = {
    "pelvis": (0.0, 0.950, 0.0),
    "left_hip": (0.092, -0.078, 0.010),
    "left_knee": (0.010, -0.392, 0.004),
    "left_ankle": (0.0, -0.400, -0.034),
    "left_foot": (0.012, -0.062, 0.128),
    "spine1": (0.0, 0.105, -0.012),
    "spine2": (0.0, 0.125, 0.002),
    "spine3": (0.0, 0.070, 0.012),
    "neck": (0.0, 0.195, -0.030),
    "head": (0.0, 0.105, 0.028),
    "left_collar": (0.055, 0.130, -0.008),
    "left_shoulder": (0.115, 0.022, -0.014),
    "left_elbow": (0.258, 0.0, -0.008),
    "left_wrist": (0.245, 0.0, 0.004),
    "jaw": (0.0, 0.012, 0.022),
    "left_eye_smplhf": (0.031, 0.055, 0.074),
    "left_index1": (0.092, 0.002, 0.024), "left_index2": (0.034, 0.0, 0.002), "left_index3": (0.023, 0.0, 0.001),
    "left_middle1": (0.096, 0.005, 0.001), "left_middle2": (0.037, 0.0, -0.001), "left_middle3": (0.026, 0.0, -0.001),
    "left_pinky1": (0.078, -0.004, -0.041), "left_pinky2": (0.024, 0.0, -0.005), "left_pinky3": (0.017, 0.0, -0.003),
    "left_ring1": (0.089, 0.002, -0.021), "left_ring2": (0.033, 0.0, -0.003), "left_ring3": (0.024, 0.0, -0.002),
    "left_thumb1": (0.024, -0.010, 0.026), "left_thumb2": (0.030, -0.008, 0.022), "left_thumb3": (0.027, -0.002, 0.013),
}  # fmt: skip


def _offset(name: str) -> tuple[float, float, float]:
    if name.startswith("right_"):
        x, y, z = _OFFSETS_M["left_" + name.removeprefix("right_")]
        return -x, y, z
    return _OFFSETS_M[name]


REST_OFFSETS_M: NDArray[np.float64] = np.array([_offset(name) for name in JOINT_NAMES])
"""[55, 3] rest position of each joint relative to its parent (the pelvis: to the origin), metres."""


def _positions() -> NDArray[np.float64]:
    positions = REST_OFFSETS_M.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            positions[joint] += positions[parent]
    return positions


REST_M: NDArray[np.float64] = _positions()
"""[55, 3] model-space rest positions in T-pose, metres."""

HEIGHT_M = 1.70
SOLE_BELOW_FOOT_M = float(REST_M[INDEX["left_foot"], 1])
"""Height of the ball joint above the sole, metres."""

for _array in (REST_OFFSETS_M, REST_M):
    _array.flags.writeable = False
