"""After an interrupt the arms, hands and head go to the rest pose within 0.3 s and stay there, alive, until `resume`.

This stage only says WHERE the body should be; the blends there and back are inertialisation (inertia.py).
"""

from __future__ import annotations

import numpy as np

from gesturestream.models.body.rotations import axis_angle_to_quat, quat_canonical, quat_multiply
from gesturestream.models.body.skeleton import FACE_JOINTS, INDEX
from gesturestream.models.motion import ARKIT_NAMES, FPS
from gesturestream.realtime.finishing.inertia import JOINTS_UPPER, turn_from_to
from gesturestream.realtime.finishing.pose import Bools, Floats, PoseBatch, Rows
from gesturestream.realtime.finishing.rest import rest_quats

RETRACT_FRAMES = 9
_IDLE_RAMP_FRAMES = 45
_IDLE_RAD = 0.10
"""How far from rest the generator's own idling may take a joint."""
_BREATH_RAD, _BREATH_HZ = 0.012, 0.25
_MOUTH_STEP = 0.25
"""Share of the mouth that closes, or opens again, per frame."""

RETRACTED_JOINTS = JOINTS_UPPER & ~np.isin(np.arange(len(JOINTS_UPPER)), FACE_JOINTS)
"""[55] spine, head, arms and hands; the face closes its mouth by itself, legs and root stand as they do."""
_RETRACTED = np.flatnonzero(RETRACTED_JOINTS)
_MOUTH = np.array([name.startswith(("jaw", "mouth", "tongue", "cheek")) for name in ARKIT_NAMES])
_JAW, _CHEST = INDEX["jaw"], INDEX["spine3"]


class Retraction:
    def __init__(self, capacity: int) -> None:
        self._active = np.zeros(capacity, np.bool_)
        self._frame = np.zeros(capacity, np.int64)
        self._mouth = np.ones(capacity, np.float32)  # 1: the generator's, 0: closed
        self._breath = np.zeros(capacity, np.float32)  # phase, cycles
        self._busy = False  # some row is retracted, or its mouth not yet open again

    def reset(self, row: int, seed: int) -> None:
        self._active[row] = False
        self._mouth[row] = 1.0
        self._breath[row] = (seed % 997) / 997.0

    def begin(self, row: int) -> None:
        self._active[row] = True
        self._frame[row] = 0
        self._busy = True

    def end(self, row: int) -> None:
        self._active[row] = False

    def active(self, row: int) -> bool:
        return bool(self._active[row])

    def apply(self, rows: Rows, pose: PoseBatch) -> Bools:
        """Sets the targets of retracted rows, in place; [n] rows that are on their way to rest."""
        if not self._busy:
            return np.zeros(len(rows), np.bool_)
        self._close_mouths(rows, pose)
        self._busy = bool(self._active.any() or (self._mouth < 1.0).any())
        active = self._active[rows]
        self._frame[rows] += active
        if active.any():
            rest = rest_quats()[_RETRACTED]
            idle = self._idle(rows[active], turn_from_to(rest[None], pose.quat_xyzw[active][:, _RETRACTED]))
            target = quat_canonical(quat_multiply(axis_angle_to_quat(idle), rest[None]))
            pose.quat_xyzw[np.ix_(active, _RETRACTED)] = target
        return np.asarray(active & (self._frame[rows] <= RETRACT_FRAMES))

    def _idle(self, rows: Rows, turns: Floats) -> Floats:
        """The generator's deviation from rest, [n, joints, 3] radians, faded in and kept small, and a breath."""
        ramp = ((self._frame[rows] - RETRACT_FRAMES) / _IDLE_RAMP_FRAMES).clip(0.0, 1.0).astype(np.float32)
        ramp = (ramp * ramp * (3.0 - 2.0 * ramp))[:, None, None]
        square = (turns * turns).sum(-1, keepdims=True)
        idle = ramp * turns / np.sqrt(1.0 + square / _IDLE_RAD**2)
        phase = self._breath[rows] + self._frame[rows] * np.float32(_BREATH_HZ / FPS)
        breath = _BREATH_RAD * (1.0 - np.cos(2.0 * np.pi * (phase % 1.0))).astype(np.float32)
        idle[:, np.flatnonzero(_RETRACTED == _CHEST)[0], 0] -= ramp[:, 0, 0] * breath
        return np.asarray(idle, np.float32)

    def _close_mouths(self, rows: Rows, pose: PoseBatch) -> None:
        wanted = np.where(self._active[rows], 0.0, 1.0).astype(np.float32)
        mouth = self._mouth[rows]
        mouth = mouth + (wanted - mouth).clip(-_MOUTH_STEP, _MOUTH_STEP)
        self._mouth[rows] = mouth
        if (mouth == 1.0).all():
            return
        gated = mouth < 1.0
        gate = mouth[gated, None]
        pose.blendshapes[np.ix_(gated, _MOUTH)] *= gate
        pose.expressions[gated] *= gate
        rest = rest_quats()[_JAW]
        turn = turn_from_to(rest[None], pose.quat_xyzw[gated, _JAW]) * gate
        pose.quat_xyzw[gated, _JAW] = quat_canonical(quat_multiply(axis_angle_to_quat(turn), rest[None]))
