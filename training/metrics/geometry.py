"""Distances between a motion and the one it should have been: L1, PCK, MSE, LVD.

All are paired, frame by frame. A streamed body is late by design (12 - L frames), so its pair is the delayed teacher
(`training.dataset.delayed_target`); who scores it against the undelayed one measures the delay above all. And all
punish another valid gesture as much as a wrong one: they are for the mouth and for deterministic generators.
"""

from __future__ import annotations

import numpy as np

from gesturestream.models.body.rotations import matrix_to_quat, rot6d_to_matrix
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.body.smplx_model import SmplxBody
from gesturestream.models.motion import EXPRESSIONS, ROT6D
from gesturestream.training.metrics.motion import Array, Floats, checked

BODY = slice(0, 22)
PCK_M = 0.2
"""Audio2Gestures' threshold; the published figures are in the units of its kinematics, metres for SMPL-X."""


def l1_cm(a: Array, b: Array) -> float:
    """Audio2Gestures eq. 13: mean over frames and 22 joints of |p - p'|_1, centimetres. Places [T, 55, 3]."""
    a, b = _same(a, b)
    return float(100.0 * np.abs(a[:, BODY] - b[:, BODY]).sum(-1).mean())


def pck(a: Array, b: Array, threshold_m: float = PCK_M) -> float:
    """Audio2Gestures eq. 14: share of the 22 joints and frames closer than the threshold. Places [T, 55, 3]."""
    a, b = _same(a, b)
    return float((np.linalg.norm(a[:, BODY] - b[:, BODY], axis=-1) < threshold_m).mean())


def mse(a: Array, b: Array) -> float:
    """Mean squared error of points [T, V, 3], square metres a coordinate (EMAGE: face vertices; its table: x 1e8)."""
    a, b = _same(a, b)
    return float(np.square(a - b).mean())


def lvd(a: Array, b: Array) -> float:
    """Mean |velocity difference| of points [T, V, 3], metres a frame and coordinate: EMAGE's LVD as coded since 2025.

    The paper's own code took (rec[t+1] - gt[t]) - (gt[t+1] - gt[t]), which is the plain L1 distance of positions
    [bug, admitted]: its numbers are no velocities. The later code divides T - 1 differences by T; here T - 1.
    """
    a, b = _same(a, b)
    return float(np.abs(np.diff(a, axis=0) - np.diff(b, axis=0)).mean())


def face_vertices(motion: Floats, body: SmplxBody) -> Array:
    """Packed motion [T, 489] -> SMPL-X vertices [T, V, 3] with only jaw and expression moving, as EMAGE compares."""
    motion = checked(motion)
    rotations = np.broadcast_to(np.eye(3), (len(motion), JOINT_COUNT, 3, 3)).copy()
    jaw = INDEX["jaw"]
    rotations[:, jaw] = rot6d_to_matrix(motion[:, ROT6D].reshape(len(motion), -1, 6)[:, jaw].astype(np.float64))
    posed = body.pose(matrix_to_quat(rotations), np.zeros((len(motion), 3)), motion[:, EXPRESSIONS])
    found: Array = posed.vertices_m.detach().numpy().astype(np.float64)
    return found


def face_points(motion: Floats, places: Array, body: SmplxBody | None) -> Array:
    """The points MSE and LVD are taken of: SMPL-X's vertices where a model is at hand, else all joints in place."""
    return places if body is None else face_vertices(motion, body)


def _same(a: Array, b: Array) -> tuple[Array, Array]:
    """Both cut to the shorter one. ValueError when they are not the same points."""
    if a.shape[1:] != b.shape[1:] or min(len(a), len(b)) < 2:
        raise ValueError(f"expected two motions [T >= 2, points, 3] of the same points, got {a.shape} and {b.shape}")
    frames = min(len(a), len(b))
    return a[:frames], b[:frames]
