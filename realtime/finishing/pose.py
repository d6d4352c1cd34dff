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
Place = Rows | slice
"""Some rows of an array, as `span` gives them."""

_LARGEST = 1e3
"""Nothing in a motion vector is this large; a bound keeps squares finite in float32."""
_LARGEST_EXPRESSION = 10.0


def span(rows: Rows) -> Place:
    """`rows`, or the slice that means the same where they follow each other: numpy then makes no copies."""
    first, count = int(rows[0]), len(rows)
    if count == 1 or (rows == np.arange(first, first + count)).all():
        return slice(first, first + count)
    return rows


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
    if not np.logical_and.reduce(finite, None):
        motion = np.where(finite, motion, fallback)
    return np.asarray(_bounded(motion, -_LARGEST, _LARGEST), np.float32)


def decode(motion: Floats) -> PoseBatch:
    """[n, 489] finite -> poses; ranges are enforced, rotations orthonormalised."""
    rot6d = motion[:, ROT6D].reshape(len(motion), JOINT_COUNT, 6)
    return _unpack(motion, quats_from_rot6d(rot6d))


def _unpack(motion: Floats, quat_xyzw: Floats) -> PoseBatch:
    return PoseBatch(
        quat_xyzw=quat_xyzw,
        root_m=motion[:, ROOT_M].copy(),
        contacts=_bounded(motion[:, CONTACTS], 0.0, 1.0),
        blendshapes=_bounded(motion[:, BLENDSHAPES], 0.0, 1.0),
        expressions=_bounded(motion[:, EXPRESSIONS], -_LARGEST_EXPRESSION, _LARGEST_EXPRESSION),
    )


def _bounded(values: Floats, low: float, high: float) -> Floats:
    """`values.clip(low, high)`, a new array, at a third of its cost for few values."""
    out = np.maximum(values, np.float32(low))
    return np.minimum(out, np.float32(high), out=out)


def encode(pose: PoseBatch) -> Floats:
    """Poses -> [n, 489], the inverse of `decode`."""
    n = len(pose.root_m)
    packed = np.empty((n, MOTION_SIZE), np.float32)
    rot6d_from_quats(pose.quat_xyzw, packed[:, ROT6D].reshape(n, JOINT_COUNT, 6))
    packed[:, ROOT_M] = pose.root_m
    packed[:, CONTACTS] = pose.contacts
    packed[:, BLENDSHAPES] = pose.blendshapes
    packed[:, EXPRESSIONS] = pose.expressions
    return packed


class History:
    """The last two shown poses of `capacity` rows: what blends start from and what replaces values that are not."""

    def __init__(self, capacity: int, first: Floats) -> None:
        """first [489]: what counts as shown before a row's first frame."""
        self._first = first
        self._first_quat = decode(first[None]).quat_xyzw[0]
        self._fresh = np.ones(capacity, np.bool_)
        self._packed = np.tile(first, (2, capacity, 1))  # the last, the one before
        self._quat = np.tile(self._first_quat, (2, capacity, 1, 1))

    def reset(self, row: int) -> None:
        self._fresh[row] = True
        self._packed[:, row] = self._first
        self._quat[:, row] = self._first_quat

    def packed(self, place: Place) -> Floats:
        """[n, 489] the last shown poses: perhaps a view, for now only."""
        return np.asarray(self._packed[0, place])

    def last(self, rows: Rows) -> PoseBatch:
        return _unpack(self._packed[0, rows], self._quat[0, rows])

    def before(self, rows: Rows) -> PoseBatch:
        """The poses before the last; for a row with one frame that same one (it stood still)."""
        return _unpack(self._packed[1, rows], self._quat[1, rows])

    def push(self, place: Place, packed: Floats, quat_xyzw: Floats) -> None:
        """These are shown now."""
        self._packed[1, place], self._quat[1, place] = self._packed[0, place], self._quat[0, place]
        self._packed[0, place], self._quat[0, place] = packed, quat_xyzw
        fresh = self._fresh[place]
        if fresh.any():
            self._packed[1, place] = np.where(fresh[:, None], packed, self._packed[1, place])
            self._quat[1, place] = np.where(fresh[:, None, None], quat_xyzw, self._quat[1, place])
            self._fresh[place] = False
