"""Planted feet: a foot in contact stays where it stands, flat on the floor; no sole sinks below it.

The pelvis comes to where the generator's own legs would stand on these feet: a generator whose root goes its own way
would lean, with feet that stay behind. It sinks where a planted foot would otherwise be out of reach, then two-bone
inverse kinematics turns hip and knee. In double precision: near a straight knee single precision is not enough to hold
a foot to a millimetre.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import INDEX, REST_M, REST_OFFSETS_M, SOLE_BELOW_FOOT_M
from gesturestream.models.motion import FPS
from gesturestream.realtime.finishing.components import (
    ARRAYS,
    FLOATS,
    Kind,
    Number,
    Quat,
    Vector,
    add,
    conjugate,
    from_rodrigues,
    multiply,
    pick,
    rotate,
    subtract,
    to_rodrigues,
)
from gesturestream.realtime.finishing.legs import Bones, Leg, pose_leg, reach
from gesturestream.realtime.finishing.pose import PoseBatch, Rows

Doubles = NDArray[np.float64]

_LEGS = [[INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle")] for side in ("left", "right")]
_LEG_JOINTS = [*_LEGS[0], *_LEGS[1]]
_JOINTS = [0, *_LEG_JOINTS]
_FARTHEST = 0.8
"""Share of the leg by which a planted foot may be away from under its hip before it is let go."""
FOLLOW = 0.15
"""Share of the way to above its standing feet that the pelvis goes in a frame."""
_DAMPING = 2.0 * float(np.log(2.0)) / 0.08
"""Of the critically damped spring by which a foot settles, 1/s: half-life 0.08 s."""
_FADE, _DT_S = float(np.exp(-_DAMPING / FPS)), 1.0 / FPS
_FREE, _FLAT, _BALL = 0.0, 1.0, 2.0
FEW = 8
"""Up to so many rows are worked on in plain floats."""


class _Side(NamedTuple):
    """One leg's measures: floats, or [2, 1] for both."""

    bones: Bones
    to_ball_m: Vector
    """From the ankle to the middle of the ball: a pad of radius `SOLE_BELOW_FOOT_M`, as the heel."""
    to_heel_m: Vector
    ankle_height_m: Number
    """Of a flat foot."""
    reach_m: Number
    """Longest leg: that of the rest pose, so that a knee always keeps its last few degrees."""


class _Foot(NamedTuple):
    """What is remembered of one foot."""

    mode: Number
    lost: Number
    """1: let go although in contact, until caught up."""
    fresh: Number
    """1: not shown yet."""
    place_m: Vector
    """Where it stands. Flat: the ankle; on its ball: the ball joint."""
    heading: tuple[Number, Number]
    """y and w of a flat foot's rotation."""
    shown_m: Vector
    shown: Quat
    moved_m: Vector
    """Its distance from where it should be, which decays, and the speed of that."""
    moving: Vector
    turned: Vector
    """The same of its rotation, as modified Rodrigues parameters."""
    turning: Vector


_SIZES = (0, 0, 0, 3, 2, 3, 4, 3, 3, 3, 3)
_VALUES = sum(size or 1 for size in _SIZES)


def _foot(values: Any) -> _Foot:
    parts, start = [], 0
    for size in _SIZES:
        parts.append(tuple(values[start : start + size]) if size else values[start])
        start += size or 1
    return _Foot(*parts)


def _side(side: int) -> _Side:
    hip, knee, ankle = _LEGS[side]
    height_m = float(REST_M[ankle, 1])
    vectors = [tuple(REST_OFFSETS_M[j].tolist()) for j in (hip, knee, ankle)]
    to_ball_m = tuple(REST_OFFSETS_M[INDEX[f"{('left', 'right')[side]}_foot"]].tolist())
    reach_m = float(np.linalg.norm(REST_M[ankle] - REST_M[hip]))
    return _Side(Bones(*vectors), to_ball_m, (0.0, SOLE_BELOW_FOOT_M - height_m, -0.05), height_m, reach_m)


def _both(left: Any, right: Any) -> Any:
    if isinstance(left, tuple):
        parts = [_both(a, b) for a, b in zip(left, right)]
        return type(left)(*parts) if hasattr(left, "_fields") else tuple(parts)
    return np.array([[left], [right]])


_SIDES = (_side(0), _side(1))
_BOTH: _Side = _both(*_SIDES)


class Feet:
    """Remembers both feet of `capacity` rows."""

    def __init__(self, capacity: int) -> None:
        self._feet = np.zeros((capacity, 2, _VALUES))
        self._pull_m = np.zeros((capacity, 2))
        for row in range(capacity):
            self.reset(row)

    def reset(self, row: int) -> None:
        self._feet[row] = self._pull_m[row] = 0.0
        self._feet[row, :, _Foot._fields.index("fresh")] = 1.0

    def pull(self, rows: Rows, pose: PoseBatch) -> None:
        """Moves the pelvis of `pose` towards above the feet that stood in the frame before, in place."""
        pose.root_m[:, ::2] += self._pull_m[rows]

    def apply(self, rows: Rows, pose: PoseBatch) -> None:
        """Plants the feet of `pose`, in place: root height, hips, knees, ankles; contact of a foot let go falls."""
        lost = self._in_floats(rows, pose) if len(rows) <= FEW else self._in_arrays(rows, pose)
        if lost is not None:
            pose.contacts[np.tile(lost, 2)] = 0.0

    def _in_floats(self, rows: Rows, pose: PoseBatch) -> NDArray[np.bool_] | None:
        quats = pose.quat_xyzw[:, _JOINTS].astype(np.float64).tolist()
        roots, contacts, feet = pose.root_m.tolist(), (pose.contacts > 0.5).tolist(), self._feet[rows].tolist()
        sinks, pulls, lost = [], [], False
        turns: list[Quat] = []
        for i, (pelvis, *joints) in enumerate(quats):
            plans = []
            for s, side in enumerate(_SIDES):
                leg = pose_leg(side.bones, roots[i], _unit(FLOATS, pelvis), *joints[3 * s : 3 * s + 3])
                plan = _plan(FLOATS, side, leg, contacts[i][s], contacts[i][2 + s], _foot(feet[i][s]))
                feet[i][s] = _values(plan.foot)
                lost |= plan.foot.lost > 0
                plans.append(plan)
            sink = min(plans[0].drop_m, plans[1].drop_m, 0.0)
            sinks.append(sink)
            gaps = (subtract(plan.goal_m, plan.leg.ankle_m) for plan in plans)
            pulls.append(_pull(FLOATS, [(plan.foot.mode != _FREE) * 1.0 for plan in plans], *gaps))
            for plan in plans:
                turns.extend(_reach(FLOATS, plan, sink))
        self._feet[rows], self._pull_m[rows] = feet, pulls
        pose.root_m[:, 1] += sinks
        pose.quat_xyzw[:, _LEG_JOINTS] = np.array(turns).reshape(len(rows), 6, 4)
        return self._feet[rows, :, _Foot._fields.index("lost")] > 0 if lost else None

    def _in_arrays(self, rows: Rows, pose: PoseBatch) -> NDArray[np.bool_] | None:
        quats = np.ascontiguousarray(pose.quat_xyzw[:, _JOINTS].astype(np.float64).transpose(1, 2, 0))  # [7, 4, n]
        root_m = tuple(pose.root_m.astype(np.float64).T)
        joints = (tuple(quats[j::3].swapaxes(0, 1)) for j in (1, 2, 3))  # each 4 times [2, n]
        leg = pose_leg(_BOTH.bones, root_m, _unit(ARRAYS, tuple(quats[0])), *joints)
        flat, ball = (pose.contacts > 0.5).T.reshape(2, 2, -1)
        plan = _plan(ARRAYS, _BOTH, leg, flat, ball, _foot(np.ascontiguousarray(self._feet[rows].transpose(2, 1, 0))))
        sink = np.minimum(np.minimum(*plan.drop_m), 0.0)
        gap = subtract(plan.goal_m, plan.leg.ankle_m)
        left, right = (tuple(v[side] for v in gap) for side in (0, 1))
        self._pull_m[rows] = np.stack(_pull(ARRAYS, (plan.foot.mode != _FREE) * 1.0, left, right), 1)
        shape = flat.shape
        self._feet[rows] = np.stack([np.broadcast_to(v, shape) for v in _values(plan.foot)], -1).swapaxes(0, 1)
        pose.root_m[:, 1] += sink
        turns = np.stack([np.stack(turn) for turn in _reach(ARRAYS, plan, sink)])  # [3, 4, 2, n]
        pose.quat_xyzw[:, _LEG_JOINTS] = turns.transpose(3, 2, 0, 1).reshape(len(rows), 6, 4)
        lost = plan.foot.lost > 0
        return lost.T if lost.any() else None


class _Plan(NamedTuple):
    """Where a foot is to be, and how far the pelvis has to come down for it (<= 0 where it has to)."""

    leg: Leg
    goal_m: Vector
    goal: Quat
    foot: _Foot
    drop_m: Number


def _pull(kind: Kind, stand: Any, left: Vector, right: Vector) -> tuple[Number, Number]:
    """x and z by which the pelvis comes nearer to above its standing feet. Of both feet: 1 where one stands, and how
    far its place is from where the generator's leg has it."""
    share = FOLLOW / kind.higher(stand[0] + stand[1], 1.0)
    return share * (stand[0] * left[0] + stand[1] * right[0]), share * (stand[0] * left[2] + stand[1] * right[2])


def _plan(kind: Kind, side: _Side, leg: Leg, flat: Number, ball: Number, foot: _Foot) -> _Plan:
    if kind.any(foot.fresh):
        shown_m = pick(kind, foot.fresh > 0, leg.ankle_m, foot.shown_m)
        foot = foot._replace(shown_m=shown_m, shown=pick(kind, foot.fresh > 0, leg.ankle, foot.shown))
    mode, lost = _mode(kind, side, leg, flat, ball, foot)
    switched = mode != foot.mode
    if kind.any(switched):
        foot = _switch(kind, side, leg, mode, switched, foot)
    moved_m, moving = _decay(foot.moved_m, foot.moving)
    turned, turning = _decay(foot.turned, foot.turning)
    goal = multiply(from_rodrigues(turned), _base_turn(kind, mode, foot.heading, leg))
    x, y, z = add(_base_place(kind, side, mode, foot.place_m, goal, leg), moved_m)
    goal_m = x, kind.higher(y, _lowest_ankle(kind, side, goal)), z
    foot = _Foot(
        mode, lost * 1.0, 0.0 * mode, foot.place_m, foot.heading, goal_m, goal, moved_m, moving, turned, turning
    )
    return _Plan(leg, goal_m, goal, foot, _drop(kind, side, leg, goal_m))


def _mode(kind: Kind, side: _Side, leg: Leg, flat: Number, ball: Number, foot: _Foot) -> tuple[Number, Number]:
    """How a foot stands in this frame, and whether it is let go although in contact."""
    x, _, z = subtract(foot.shown_m, leg.hip_m)
    out_of_reach = kind.sqrt(x * x + z * z) > _FARTHEST * side.reach_m
    x, y, z = foot.moved_m
    behind = x * x + y * y + z * z > 0.01**2
    held = foot.mode != _FREE
    lost = (flat | ball) & ((held & out_of_reach) | ((foot.lost > 0) & (behind | out_of_reach)))
    where = kind.where
    return where(lost, _FREE, where(flat, _FLAT, where(ball, _BALL, _FREE))), lost


def _switch(kind: Kind, side: _Side, leg: Leg, mode: Number, switched: Number, foot: _Foot) -> _Foot:
    """A foot whose mode changed gets a new place, and carries its distance from it as a decaying offset."""
    on_ball = mode == _BALL
    x, _, z = pick(kind, on_ball, add(foot.shown_m, rotate(foot.shown, side.to_ball_m)), foot.shown_m)
    place_m = x, kind.where(on_ball, SOLE_BELOW_FOOT_M, side.ankle_height_m), z
    place_m = pick(kind, switched, place_m, foot.place_m)
    heading = pick(kind, switched, _heading(kind, foot.shown), foot.heading)
    turned = to_rodrigues(kind, multiply(foot.shown, conjugate(_base_turn(kind, mode, heading, leg))))
    x, y, z = subtract(foot.shown_m, _base_place(kind, side, mode, place_m, foot.shown, leg))
    # A planted foot has no business sliding: only height and tilt may still settle.
    free = mode == _FREE
    nothing = (0.0, 0.0, 0.0)
    return foot._replace(
        place_m=place_m,
        heading=heading,
        moved_m=pick(kind, switched, (x * free, y, z * free), foot.moved_m),
        moving=pick(kind, switched, nothing, foot.moving),
        turned=pick(kind, switched, turned, foot.turned),
        turning=pick(kind, switched, nothing, foot.turning),
    )


def _decay(offset: Vector, speed: Vector) -> tuple[Any, Any]:
    """A critically damped spring towards zero, exact for a frame."""
    push = [v + x * _DAMPING for x, v in zip(offset, speed)]
    after = tuple([_FADE * (x + p * _DT_S) for x, p in zip(offset, push)])
    return after, tuple([_FADE * (v - p * (_DAMPING * _DT_S)) for v, p in zip(speed, push)])


def _base_turn(kind: Kind, mode: Number, heading: tuple[Number, Number], leg: Leg) -> Quat:
    x, y, z, w = leg.ankle
    where, flat = kind.where, mode == _FLAT
    return where(flat, 0.0, x), where(flat, heading[0], y), where(flat, 0.0, z), where(flat, heading[1], w)


def _base_place(kind: Kind, side: _Side, mode: Number, place_m: Vector, turn: Quat, leg: Leg) -> Vector:
    place: Vector = pick(kind, mode == _FLAT, place_m, leg.ankle_m)
    on_ball = mode == _BALL
    if kind.any(on_ball):
        place = pick(kind, on_ball, subtract(place_m, rotate(turn, side.to_ball_m)), place)
    return place


def _heading(kind: Kind, turn: Quat) -> tuple[Number, Number]:
    """The part of a world rotation about the vertical: a flat foot that points where this one does."""
    y, w = turn[1], turn[3] + 1e-9
    by = 1.0 / kind.higher(kind.sqrt(y * y + w * w), 1e-8)
    by = kind.where(w < 0.0, -by, by)
    return y * by, w * by


def _lowest_ankle(kind: Kind, side: _Side, turn: Quat) -> Number:
    """Height of the ankle at which the lower of ball and heel just touches the floor."""
    x, y, z, w = turn
    upwards = 2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)
    ball, heel = (upwards[0] * p[0] + upwards[1] * p[1] + upwards[2] * p[2] for p in (side.to_ball_m, side.to_heel_m))
    return SOLE_BELOW_FOOT_M - kind.lower(ball, heel)


def _drop(kind: Kind, side: _Side, leg: Leg, goal_m: Vector) -> Number:
    x, y, z = subtract(goal_m, leg.hip_m)
    flat = kind.lower(x * x + z * z, (_FARTHEST * side.reach_m) * (_FARTHEST * side.reach_m))
    return kind.sqrt(side.reach_m * side.reach_m - flat) + y


def _reach(kind: Kind, plan: _Plan, sink_m: Number) -> tuple[Quat, Quat, Quat]:
    x, y, z = plan.goal_m
    return reach(kind, plan.leg, (x, y - sink_m, z), plan.goal)


def _unit(kind: Kind, q: Any) -> Quat:
    x, y, z, w = q
    by = 1.0 / kind.higher(kind.sqrt(x * x + y * y + z * z + w * w), 1e-8)
    return x * by, y * by, z * by, w * by


def _values(foot: _Foot) -> list[Number]:
    values: list[Number] = []
    for part in foot:
        values.extend(part) if isinstance(part, tuple) else values.append(part)
    return values
