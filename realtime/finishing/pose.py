"""The batch of poses that passes through the stages, and its way from and to the packed motion vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import BLENDSHAPES, CONTACTS, EXPRESSIONS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.realtime.finishing.quaternions import quats_from_rot6d, rot6d_from_quats

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]

_LARGEST = 1e3
"""Nothing in a motion vector is this large; a bound keeps squares finite in float32."""
_LARGEST_EXPRESSION = 10.0


@dataclass(slots=True)
class PoseBatch:
    """n poses. The stages change the arrays in place, in order; nobody keeps them."""

    quat_xyzw: Floats  # [n, 55, 4] parent-local, unit, w >= 0
    root_m: Floats  # [n, 3]
    contacts: Floats  # [n, 4] 0..1
    blendshapes: Floats  # [n, 52] 0..1
    expressions: Floats  # [n, 100]


def sanitise(motion: Floats, fallback: Floats) -> Floats:
    """Non-finite values of `motion` [n, 489] are replaced by those of `fallback` [n, 489], absurd ones bounded."""
    finite = np.isfinite(motion)
    if not finite.all():
        motion = np.where(finite, motion, fallback)
    return np.asarray(motion.clip(-_LARGEST, _LARGEST), np.float32)


def decode(motion: Floats) -> PoseBatch:
    """[n, 489] finite -> poses; ranges are enforced, rotations orthonormalised."""
    n = len(motion)
    return PoseBatch(
        quat_xyzw=quats_from_rot6d(motion[:, ROT6D].reshape(n, JOINT_COUNT, 6)),
        root_m=motion[:, ROOT_M].copy(),
        contacts=motion[:, CONTACTS].clip(0.0, 1.0),
        blendshapes=motion[:, BLENDSHAPES].clip(0.0, 1.0),
        expressions=motion[:, EXPRESSIONS].clip(-_LARGEST_EXPRESSION, _LARGEST_EXPRESSION),
    )


def encode(pose: PoseBatch) -> Floats:
    """Poses -> [n, 489], the inverse of `decode`."""
    n = len(pose.root_m)
    packed = np.empty((n, MOTION_SIZE), np.float32)
    packed[:, ROT6D] = rot6d_from_quats(pose.quat_xyzw).reshape(n, -1)
    packed[:, ROOT_M] = pose.root_m
    packed[:, CONTACTS] = pose.contacts
    packed[:, BLENDSHAPES] = pose.blendshapes
    packed[:, EXPRESSIONS] = pose.expressions
    return packed
