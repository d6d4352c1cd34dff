"""Planted feet: a foot in contact stays where it stands, flat on the floor; no sole sinks below it.

The pelvis sinks where a planted foot would otherwise be out of reach, then two-bone inverse kinematics turns hip and
knee. Float64: near a straight knee single precision is not enough to hold a foot to a millimetre.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.ik import two_bone_turns
from gesturestream.models.body.rotations import (
    axis_angle_to_quat,
    normalize,
    quat_canonical,
    quat_to_axis_angle,
)
from gesturestream.models.body.skeleton import INDEX, REST_M, REST_OFFSETS_M, SOLE_BELOW_FOOT_M
from gesturestream.models.motion import FPS
from gesturestream.realtime.finishing.pose import PoseBatch, Rows
from gesturestream.realtime.finishing.quaternions import conjugate, matrices, multiply, rotate

Doubles = NDArray[np.float64]

_HIP, _KNEE, _ANKLE, _FOOT = (
    [INDEX[f"{side}_{name}"] for side in ("left", "right")] for name in ("hip", "knee", "ankle", "foot")
)
_LEG_JOINTS = [*_HIP, *_KNEE, *_ANKLE]
_TO_BALL_M = REST_OFFSETS_M[_FOOT]  # [2, 3] from the ankle
_ANKLE_HEIGHT_M = REST_M[_ANKLE, 1]  # [2] of a flat foot
_SOLE_M = np.stack([_TO_BALL_M, [[0.0, SOLE_BELOW_FOOT_M, -0.05]] * 2 - _ANKLE_HEIGHT_M[:, None] * [0, 1, 0]], 1)
"""[2, 2, 3] from the ankle to the middle of ball and heel: two pads of radius `SOLE_BELOW_FOOT_M`."""
_REACH_M = np.linalg.norm(REST_M[_ANKLE] - REST_M[_HIP], axis=-1)
"""[2] longest leg: that of the rest pose, so that a knee always keeps its last few degrees."""
_FARTHEST = 0.8
"""Share of the leg by which a planted foot may be away from under its hip before it is let go."""
_HALFLIFE_S = 0.08
_FREE, _FLAT, _BALL = range(3)


class _Legs(NamedTuple):
    """World positions [n, 2, 3] and rotations [n, 2, 4] of both legs."""

    hip_m: Doubles
    knee_m: Doubles
    ankle_m: Doubles
    pelvis: Doubles  # [n, 1, 4]
    hip: Doubles
    knee: Doubles
    ankle: Doubles


class Feet:
    def __init__(self, capacity: int) -> None:
        self._fresh = np.ones(capacity, np.bool_)
        self._mode = np.zeros((capacity, 2), np.int8)
        self._lost = np.zeros((capacity, 2), np.bool_)  # let go although in contact, until caught up
        self._place_m = np.zeros((capacity, 2, 3))  # flat: of the ankle; ball: of the ball joint
        self._heading = np.zeros((capacity, 2, 4))
        self._shown_m = np.zeros((capacity, 2, 3))
        self._shown = np.zeros((capacity, 2, 4))
        self._offset = np.zeros((capacity, 2, 6))  # metres, then radians
        self._speed = np.zeros((capacity, 2, 6))

    def reset(self, row: int) -> None:
        self._fresh[row] = True
        self._mode[row] = _FREE
        self._lost[row] = False
        self._offset[row] = self._speed[row] = 0.0

    def apply(self, rows: Rows, pose: PoseBatch) -> None:
        """Plants the feet of `pose`, in place: root height, hips, knees, ankles; contact of a foot let go falls."""
        legs = _legs(pose)
        self._first_frame(rows, legs)
        mode = self._modes(rows, legs, pose)
        self._switch(rows, mode, legs)
        goal_m, goal = self._goals(rows, legs)
        sink = _sink(legs, goal_m)
        pose.root_m[:, 1] += sink
        _solve(pose, legs, goal_m, goal, sink)
        self._shown_m[rows], self._shown[rows] = goal_m, goal
        lost = self._lost[rows]
        if lost.any():
            pose.contacts[np.tile(lost, 2)] = 0.0

    def _first_frame(self, rows: Rows, legs: _Legs) -> None:
        fresh = self._fresh[rows]
        if not fresh.any():
            return
        self._shown_m[rows[fresh]], self._shown[rows[fresh]] = legs.ankle_m[fresh], legs.ankle[fresh]
        self._fresh[rows] = False

    def _modes(self, rows: Rows, legs: _Legs, pose: PoseBatch) -> NDArray[np.int8]:
        """How each foot stands in this frame, [n, 2]."""
        flat, ball = pose.contacts[:, :2] > 0.5, pose.contacts[:, 2:] > 0.5
        away = (self._shown_m[rows] - legs.hip_m)[..., [0, 2]]
        out_of_reach = np.sqrt((away * away).sum(-1)) > _FARTHEST * _REACH_M
        offset = self._offset[rows][..., :3]
        behind = (offset * offset).sum(-1) > 0.01**2
        held = self._mode[rows] != _FREE
        lost = (flat | ball) & ((held & out_of_reach) | (self._lost[rows] & (behind | out_of_reach)))
        self._lost[rows] = lost
        return np.where(lost, _FREE, np.where(flat, _FLAT, np.where(ball, _BALL, _FREE))).astype(np.int8)

    def _switch(self, rows: Rows, mode: NDArray[np.int8], legs: _Legs) -> None:
        """Feet whose mode changed get a new place, and carry their distance from it as a decaying offset."""
        switched = mode != self._mode[rows]
        self._mode[rows] = mode
        if not switched.any():
            return
        shown_m, shown = self._shown_m[rows], self._shown[rows]
        ball_m = shown_m + rotate(shown, _TO_BALL_M)
        place = np.where((mode == _BALL)[..., None], ball_m, shown_m)
        place[..., 1] = np.where(mode == _BALL, SOLE_BELOW_FOOT_M, _ANKLE_HEIGHT_M)
        self._place_m[rows] = np.where(switched[..., None], place, self._place_m[rows])
        self._heading[rows] = np.where(switched[..., None], _heading(shown), self._heading[rows])
        turn = self._base_turn(rows, legs)
        turned = quat_to_axis_angle(multiply(shown, conjugate(turn)))
        moved = shown_m - self._base_place(rows, legs, multiply(axis_angle_to_quat(turned), turn))
        # A planted foot has no business sliding: only height and tilt may still settle.
        moved[..., [0, 2]] *= (mode == _FREE)[..., None]
        offset = np.concatenate([moved, turned], -1)
        self._offset[rows] = np.where(switched[..., None], offset, self._offset[rows])
        self._speed[rows] = np.where(switched[..., None], 0.0, self._speed[rows])

    def _goals(self, rows: Rows, legs: _Legs) -> tuple[Doubles, Doubles]:
        """Where each ankle is to be: [n, 2, 3] metres and [n, 2, 4] world rotation."""
        self._offset[rows], self._speed[rows] = decay(self._offset[rows], self._speed[rows], _HALFLIFE_S, 1.0 / FPS)
        offset = self._offset[rows]
        goal = multiply(axis_angle_to_quat(offset[..., 3:]), self._base_turn(rows, legs))
        goal_m = self._base_place(rows, legs, goal) + offset[..., :3]
        goal_m[..., 1] = np.maximum(goal_m[..., 1], _lowest_ankle(goal))
        return goal_m, goal

    def _base_turn(self, rows: Rows, legs: _Legs) -> Doubles:
        flat = (self._mode[rows] == _FLAT)[..., None]
        return np.where(flat, self._heading[rows], legs.ankle)

    def _base_place(self, rows: Rows, legs: _Legs, turn: Doubles) -> Doubles:
        mode, place = self._mode[rows][..., None], self._place_m[rows]
        on_ball = place - rotate(turn, _TO_BALL_M)
        return np.where(mode == _FLAT, place, np.where(mode == _BALL, on_ball, legs.ankle_m))


def decay(x: Doubles, speed: Doubles, halflife_s: float, dt_s: float) -> tuple[Doubles, Doubles]:
    """Critically damped spring towards zero, exact in `dt_s`: x and its speed one step on."""
    damping = 2.0 * np.log(2.0) / halflife_s
    push = speed + x * damping
    fade = np.exp(-damping * dt_s)
    return fade * (x + push * dt_s), fade * (speed - push * damping * dt_s)


def _legs(pose: PoseBatch) -> _Legs:
    quat = pose.quat_xyzw.astype(np.float64)
    pelvis = normalize(quat[:, :1])
    hip = multiply(pelvis, quat[:, _HIP])
    knee = multiply(hip, quat[:, _KNEE])
    hip_m = pose.root_m[:, None].astype(np.float64) + rotate(pelvis, REST_OFFSETS_M[_HIP])
    knee_m = hip_m + rotate(hip, REST_OFFSETS_M[_KNEE])
    ankle_m = knee_m + rotate(knee, REST_OFFSETS_M[_ANKLE])
    return _Legs(hip_m, knee_m, ankle_m, pelvis, hip, knee, multiply(knee, quat[:, _ANKLE]))


def _lowest_ankle(turn: Doubles) -> Doubles:
    """[n, 2] height of the ankle at which the lower of ball and heel just touches the floor."""
    upwards = matrices(turn)[..., 1:2, :]  # [n, 2, 1, 3] the row that gives the height
    return np.asarray(SOLE_BELOW_FOOT_M - np.matmul(upwards, _SOLE_M.swapaxes(-1, -2)).min((-1, -2)))


def _sink(legs: _Legs, goal_m: Doubles) -> Doubles:
    """[n] metres (<= 0) by which the pelvis has to come down so that both legs reach."""
    away = goal_m - legs.hip_m
    flat = np.minimum((away[..., 0] ** 2 + away[..., 2] ** 2), (_FARTHEST * _REACH_M) ** 2)
    highest = np.sqrt(_REACH_M**2 - flat)
    return np.asarray(np.minimum(highest + away[..., 1], 0.0).min(-1))


def _solve(pose: PoseBatch, legs: _Legs, goal_m: Doubles, goal: Doubles, sink_m: Doubles) -> None:
    """Turns hips, knees and ankles of `pose` so that the ankles come to their goals once the pelvis has sunk."""
    shift_m = np.zeros((len(sink_m), 1, 3))
    shift_m[:, 0, 1] = sink_m
    ahead = matrices(legs.pelvis)[..., 2]
    hip_turn, knee_turn = two_bone_turns(legs.hip_m, legs.knee_m, legs.ankle_m, goal_m - shift_m, ahead)
    hip = multiply(hip_turn, legs.hip)
    knee = multiply(hip_turn, multiply(knee_turn, legs.knee))
    parents = np.concatenate([np.repeat(legs.pelvis, 2, 1), hip, knee], 1)
    local = multiply(conjugate(parents), np.concatenate([hip, knee, goal], 1))
    pose.quat_xyzw[:, _LEG_JOINTS] = quat_canonical(normalize(local))


def _heading(turn: Doubles) -> Doubles:
    """The part of world rotations [..., 4] about the vertical: a flat foot that points where this one does."""
    return np.asarray(quat_canonical(normalize(turn * [0.0, 1.0, 0.0, 1.0] + [0.0, 0.0, 0.0, 1e-9])))
