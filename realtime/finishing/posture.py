"""Posture override of root and legs: standing (the generator's), seated, or static (held where they are).

Only says where the lower body should be; the blend there and back is inertialisation (inertia.py). Sitting down moves
the pelvis back so that the feet can stay where they stand; where the leash is too short for that they come forward.
"""

from __future__ import annotations

import numpy as np

from gesturestream.models.body.rotations import quat_multiply
from gesturestream.models.body.skeleton import INDEX, LOWER_JOINTS, REST_OFFSETS_M
from gesturestream.realtime.config import POSTURES, Posture
from gesturestream.realtime.cues.arms import turn
from gesturestream.realtime.finishing.pose import Floats, PoseBatch, Rows

BLEND_FRAMES = 30
_STANDING, _SEATED, _STATIC = range(3)
_LOWER = list(LOWER_JOINTS)
_BACK_M = 0.36
_SHARE_OF_LEASH = 0.7  # the part of the leash that does not pull
SEAT_PELVIS_M = 0.555
"""Height of the pelvis on a seat."""
_FOOT_SHIFT_M = 0.06  # a foot that has to come forward by more than this is lifted off its place


def _seated_quats() -> Floats:
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (len(_LOWER), 1))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        quats[_LOWER.index(INDEX[f"{side}_hip"])] = quat_multiply(turn(y=8.0 * sign), turn(x=-85.0))
        quats[_LOWER.index(INDEX[f"{side}_knee"])] = turn(x=86.0)
        quats[_LOWER.index(INDEX[f"{side}_ankle"])] = turn(y=2.0 * sign)
    return quats.astype(np.float32)


_SEATED_QUATS = _seated_quats()


class PostureOverride:
    def __init__(self, capacity: int) -> None:
        self._posture = np.zeros(capacity, np.int8)
        self._quat = np.zeros((capacity, len(_LOWER), 4), np.float32)
        self._root_m = np.zeros((capacity, 3), np.float32)
        self._stepping = np.zeros(capacity, np.int32)  # frames during which the feet are free to move
        self._busy = False

    def reset(self, row: int) -> None:
        self._posture[row] = _STANDING
        self._stepping[row] = 0

    def set(self, row: int, posture: Posture, shown: PoseBatch, start_m: Floats, leash_m: float) -> None:
        """From the next frame on. shown: the row's last shown pose (a batch of one); start_m [2], where it started."""
        self._posture[row] = POSTURES.index(posture)
        self._busy = True
        if posture == "static":
            self._quat[row], self._root_m[row] = shown.quat_xyzw[0, _LOWER], shown.root_m[0]
        elif posture == "seated":
            back_m = min(_BACK_M, _SHARE_OF_LEASH * leash_m)
            self._quat[row] = _SEATED_QUATS
            self._root_m[row] = start_m[0], SEAT_PELVIS_M, start_m[1] - back_m
            if _BACK_M - back_m > _FOOT_SHIFT_M:
                self._stepping[row] = BLEND_FRAMES
        elif self._root_m[row, 2] > start_m[1] - _BACK_M + _FOOT_SHIFT_M:
            self._stepping[row] = BLEND_FRAMES

    def apply(self, rows: Rows, pose: PoseBatch) -> None:
        """Replaces root and legs of overridden rows, in place."""
        if not self._busy:
            return
        self._busy = bool((self._posture != _STANDING).any() or (self._stepping > 0).any())
        overridden = self._posture[rows] != _STANDING
        stepping = self._stepping[rows] > 0
        if overridden.any():
            pose.quat_xyzw[np.ix_(overridden, _LOWER)] = self._quat[rows[overridden]]
            pose.root_m[overridden] = self._root_m[rows[overridden]]
            pose.contacts[overridden] = 1.0
        if stepping.any():
            pose.contacts[stepping] = 0.0
            self._stepping[rows[stepping]] -= 1


def sitting_drop_m() -> float:
    """How far the pelvis sinks from the rest pose."""
    return float(REST_OFFSETS_M[0, 1]) - SEAT_PELVIS_M
