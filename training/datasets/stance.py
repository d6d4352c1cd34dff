"""Where a captured body stands: on the floor, at the origin, facing +Z, whatever body and space it was captured in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix
from gesturestream.models.body.skeleton import CONTACT_JOINTS, REST_M

Array = NDArray[Any]

SMPLX_PELVIS_M = np.array([0.0, -0.35, 0.01])
"""Rest pelvis of the neutral SMPL-X body seen from its origin, metres, to the centimetre: pelvis = this + `trans`."""
SIMILAR = (0.75, 1.3)
"""Pelvis heights whose ratio lies in here are those of one pose of two bodies; others come of another floor."""

_SOLES_M = REST_M[list(CONTACT_JOINTS), 1]
"""Height of ankles and feet over the sole, metres."""


def standing_height_m(rotations: Array) -> Array:
    """Local rotations [T, 55, 3, 3] -> [T] pelvis height at which our skeleton's lower foot is on the floor, metres."""
    joints = max(CONTACT_JOINTS) + 1
    places, _ = forward_kinematics(rotations[:, :joints], np.zeros((len(rotations), 3)))
    return np.asarray(-np.min(places[:, list(CONTACT_JOINTS), 1] - _SOLES_M, axis=1))


def stand(rotations: Array, root_m: Array) -> Array:
    """Pelvis [T, 3] of another body (Y up, metres) -> [T, 3] of ours: feet on the floor, its middle over the origin.

    The whole path is scaled by the ratio of the two median pelvis heights, ours as the pose asks and theirs as
    recorded: a longer-legged body sways and steps farther. Where that ratio is no ratio of two bodies (SIMILAR) the
    recording's floor was not at height 0, and the path is moved instead.
    """
    ours, theirs = float(np.median(standing_height_m(rotations))), float(np.median(root_m[:, 1]))
    middle = np.array([np.median(root_m[:, 0]), 0.0, np.median(root_m[:, 2])])
    if theirs > 0 and SIMILAR[0] < ours / theirs < SIMILAR[1]:
        return np.asarray((root_m - middle) * (ours / theirs))
    return np.asarray(root_m - middle + np.array([0.0, ours - theirs, 0.0]))


def stand_smplx(rotations: Array, trans_m: Array) -> Array:
    """SMPL-X's `trans` [T, 3] -> our pelvis [T, 3], metres.

    BEAT2 measures it from SMPL-X's origin, about 1.3 m over the floor; files of this project from the rest pelvis,
    about 0. They are told apart by which of the two lets the body stand.
    """
    smplx = trans_m + SMPLX_PELVIS_M
    if np.median(smplx[:, 1]) < 0.5 * np.median(standing_height_m(rotations)):
        return np.asarray(trans_m + REST_M[0])
    return stand(rotations, smplx)


def face_forward(root_rotation: Array, root_m: Array) -> tuple[Array, Array]:
    """Turns root rotations [T, 3, 3] and pelvis [T, 3] about the vertical so that the mean heading is +Z."""
    forward = root_rotation[:, :, 2].mean(0)
    turn = axis_angle_to_matrix(np.array([0.0, -np.arctan2(forward[0], forward[2]), 0.0]))
    return turn @ root_rotation, root_m @ turn.T
