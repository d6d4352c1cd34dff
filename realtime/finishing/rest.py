"""The relaxed standing rest pose: hands low in front of the belly, elbows bent, feet planted, mouth closed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import matrix_to_rot6d, quat_to_matrix
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, REST_M
from gesturestream.models.motion import CONTACTS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.realtime.cues.arms import RELAXED, Side, arm, fingers, turn

Floats = NDArray[np.float32]


@lru_cache(maxsize=1)
def rest_quats() -> Floats:
    """[55, 4] parent-local rotations xyzw of the rest pose, read-only."""
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (JOINT_COUNT, 1))
    quats[INDEX["spine1"]] = turn(x=2.0)
    quats[INDEX["spine3"]] = turn(x=1.0)
    quats[INDEX["neck"]] = turn(x=4.0)
    quats[INDEX["head"]] = turn(x=-5.0)
    sides: tuple[Side, ...] = ("left", "right")
    for side in sides:
        for joint, quat in {**_arm(side), **fingers(side, RELAXED)}.items():
            quats[joint] = quat
    out = quats.astype(np.float32)
    out.flags.writeable = False
    return out


def _arm(side: Side) -> dict[int, NDArray[np.float64]]:
    return arm(
        side, hand=(-0.05, -0.40, 0.20), elbow=(0.9, -0.3, -0.6), fingers=(-0.62, -0.35, 0.70), palm=(-0.5, -0.6, -0.6)
    )


@lru_cache(maxsize=1)
def _packed() -> Floats:
    packed = np.zeros(MOTION_SIZE, np.float32)
    packed[ROT6D] = matrix_to_rot6d(quat_to_matrix(rest_quats())).reshape(-1)
    packed[ROOT_M] = REST_M[0]
    packed[CONTACTS] = 1.0
    return packed


def rest_packed() -> Floats:
    """[489] the rest pose as packed motion (models/motion.py); a fresh copy."""
    return _packed().copy()
