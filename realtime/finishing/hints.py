"""Follows hints: which joints are taken where with this frame, for all slots as arrays.

Says WHERE the joints are to be. The way there and back is inertialisation (finishing/inertia.py), triggered whenever a
joint is taken, let go, or its target jumps. Python runs only for slots in which something changes with a frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.motion import ROT6D
from gesturestream.realtime.finishing.quaternions import rot6d_from_quats
from gesturestream.realtime.hints.clip import LEAD_FRAMES
from gesturestream.realtime.hints.requests import Placed

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Slots = NDArray[np.int64]

_SHARED_LEAD = LEAD_FRAMES // 2
"""From one hint to the next the way lies half in each."""
_JUMP_RAD = 0.5
"""Within a hint a joint may turn so far in one frame, 15 rad/s: nobody is faster, so it is a cut."""
_REPLACED_RAD = 0.1
"""A hint that replaces another may be so far away without a blend."""
_STREAMED_FRAMES = 3
"""Hints that replace each other faster than this are a motion and not blended."""
_NEVER = np.iinfo(np.int64).max
_SIZE = ROT6D.stop - ROT6D.start
_LEG = np.full(JOINT_COUNT, -1)
"""[55] 0 for the joints of the left leg, 1 for those of the right one: columns of a foot's contacts, and 2 on."""
for _side, _name in ((0, "left"), (1, "right")):
    _LEG[[INDEX[f"{_name}_{joint}"] for joint in ("hip", "knee", "ankle")]] = _side


@dataclass(slots=True, eq=False)
class _Plan:
    """A hint that a slot follows or is about to."""

    placed: Placed
    since: int
    """The frame with which it begins."""
    number: int
    unclaimed: Bools = field(init=False)

    @property
    def rank(self) -> int:
        """Of two plans for a joint the one that begins later has it, then the one that came later."""
        return (self.since << 32) + self.number

    def __post_init__(self) -> None:
        self.unclaimed = np.ones(len(self.placed.clip.joints), np.bool_)


class HintPlayer:
    """`start` with a frame's other commands, `advance` once a frame, then `told` and `apply` as often as wanted."""

    def __init__(self, slots: int) -> None:
        self._target = np.tile(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (slots, JOINT_COUNT, 1))
        self._taken = np.zeros((slots, JOINT_COUNT), np.bool_)
        self._given = np.zeros((slots, JOINT_COUNT), np.bool_)
        self._trigger = np.zeros((slots, JOINT_COUNT), np.bool_)  # begins a blend with this frame
        self._owner = np.full((slots, JOINT_COUNT), -1)  # number of the plan that has the joint
        self._rank = np.full((slots, JOINT_COUNT), -1)  # and its precedence
        self._replaced = np.full((slots, JOINT_COUNT), -_STREAMED_FRAMES - 1)  # the frame in which it changed hands
        self._busy = np.zeros(slots, np.bool_)
        self._next = np.full(slots, _NEVER)  # the motion frame with which something changes
        self._plans: dict[int, list[_Plan]] = {}
        self._numbers = count()

    def reset(self, slot: int) -> None:
        """A new tenant: follows nothing."""
        self.clear(slot)

    def clear(self, slot: int) -> Bools:
        """Follows nothing from the next frame on; [55] the joints that were taken, whose target now jumps."""
        taken: Bools = self._taken[slot].copy()
        self._taken[slot] = self._given[slot] = self._trigger[slot] = self._busy[slot] = False
        self._owner[slot] = self._rank[slot] = -1
        self._replaced[slot], self._next[slot] = -_STREAMED_FRAMES - 1, _NEVER
        self._plans.pop(slot, None)
        return taken

    def start(self, slot: int, placed: Placed, frame: int) -> None:
        """Follows a hint from motion frame `frame` on, or as soon as its way in begins."""
        plans = self._plans.setdefault(slot, [])
        plans.append(_Plan(placed, max(frame, placed.first), next(self._numbers)))
        plans.sort(key=lambda plan: plan.rank)
        self._next[slot] = min(self._next[slot], max(frame, placed.first - LEAD_FRAMES))

    def taken(self, slot: int) -> Bools:
        """[55] joints whose target is a hint's."""
        return np.asarray(self._taken[slot])

    def advance(self, slots: Slots, frames: NDArray[np.int64]) -> None:
        """Motion frame `frames` [n] of `slots` [n] is next; negative ones are those of look-ahead that still fills."""
        due = (frames >= self._next[slots]) & (frames >= 0)
        if due.any():
            for slot, frame in zip(slots[due].tolist(), frames[due].tolist()):
                self._evaluate(slot, frame)

    def told(self, slots: Slots) -> tuple[Floats, Bools]:
        """The step's inputs `hint` [n, 330] and `hinted` [n, 55]: what is given for the frame."""
        hinted = self._given[slots]
        hint = np.zeros((len(slots), JOINT_COUNT, 6), np.float32)
        rows, joints = np.nonzero(hinted)
        if len(rows):
            told = np.empty((1, len(rows), 6), np.float32)
            rot6d_from_quats(self._target[slots[rows], joints][None], told)
            hint[rows, joints] = told[0]
        return hint.reshape(len(slots), _SIZE), hinted

    def apply(self, slots: Slots, quat_xyzw: Floats, contacts: Floats) -> tuple[Slots, Bools] | None:
        """Puts taken joints where they are to be, in place; a leg that is taken stands nowhere.

        quat_xyzw [n, 55, 4], contacts [n, 4] -> slots [m] in which targets jump and their joints [m, 55], or None.
        """
        busy = self._busy[slots]
        if not busy.any():
            return None
        rows, joints = np.nonzero(self._taken[slots])
        quat_xyzw[rows, joints] = self._target[slots[rows], joints]
        leg = _LEG[joints]
        rows, leg = rows[leg >= 0], leg[leg >= 0]
        contacts[rows, leg] = contacts[rows, leg + 2] = 0.0
        jumping = slots[busy]
        trigger = self._trigger[jumping]
        if not trigger.any():
            return None
        self._trigger[jumping] = False
        self._busy[jumping] = self._taken[jumping].any(-1)
        return jumping, trigger

    def _evaluate(self, slot: int, frame: int) -> None:
        was_taken, was_target, owners = self._taken[slot].copy(), self._target[slot].copy(), self._owner[slot].copy()
        plans = self._plans[slot]
        for plan in plans:
            self._claim(slot, plan, frame)
        self._taken[slot] = self._given[slot] = False
        for plan in plans:
            self._lay(slot, plan, frame)
        plans = [plan for plan in plans if self._alive(slot, plan)]
        if plans:
            self._plans[slot] = plans
        else:
            del self._plans[slot]
        self._next[slot] = min((_next_change(plan, frame) for plan in plans), default=_NEVER)
        changed_hands = was_taken & self._taken[slot] & (self._owner[slot] != owners)
        streamed = frame - self._replaced[slot] <= _STREAMED_FRAMES
        self._replaced[slot] = np.where(changed_hands, frame, self._replaced[slot])
        most_rad = np.where(changed_hands & ~streamed, _REPLACED_RAD, _JUMP_RAD)
        cosine = np.abs((was_target * self._target[slot]).sum(-1)).clip(0.0, 1.0)
        jumped = was_taken & self._taken[slot] & (2.0 * np.arccos(cosine) > most_rad)
        self._trigger[slot] |= (was_taken != self._taken[slot]) | jumped
        self._busy[slot] = (self._taken[slot] | self._trigger[slot]).any()

    def _claim(self, slot: int, plan: _Plan, frame: int) -> None:
        """The plan takes its joints over; those that another one is still giving only shortly before."""
        if not plan.unclaimed.any():
            return
        to_go, joints = plan.placed.first - frame, plan.placed.clip.joints
        early = np.where(self._given[slot, joints], _SHARED_LEAD, LEAD_FRAMES) * plan.placed.clip.moves
        ready = plan.unclaimed & (to_go <= early)
        can = ready & (self._rank[slot, joints] <= plan.rank)
        self._owner[slot, joints[can]], self._rank[slot, joints[can]] = plan.number, plan.rank
        plan.unclaimed &= ~ready

    def _lay(self, slot: int, plan: _Plan, frame: int) -> None:
        clip, joints = plan.placed.clip, plan.placed.clip.joints
        mine = self._owner[slot, joints] == plan.number
        if plan.placed.last is not None and frame >= plan.placed.last:
            self._owner[slot, joints[mine]] = self._rank[slot, joints[mine]] = -1
            plan.unclaimed[:] = False
            return
        quat, taken, given = clip.laid
        at = min(frame - plan.placed.first + LEAD_FRAMES, len(quat) - 1)
        self._target[slot, joints[mine]] = quat[at, mine]
        self._taken[slot, joints[mine]] = taken[at, mine]
        self._given[slot, joints[mine]] = given[at, mine]
        idle = joints[mine & ~clip.moves]  # let go: nobody's any more
        self._owner[slot, idle] = self._rank[slot, idle] = -1

    def _alive(self, slot: int, plan: _Plan) -> bool:
        owned = self._owner[slot, plan.placed.clip.joints] == plan.number
        return bool(plan.unclaimed.any() or owned.any())


def _next_change(plan: _Plan, frame: int) -> int:
    """The next frame in which the plan may say something else."""
    placed = plan.placed
    if frame < placed.first - LEAD_FRAMES:
        return placed.first - LEAD_FRAMES
    if frame < placed.first + len(placed.clip) - 1:
        return frame + 1
    return _NEVER if placed.last is None else placed.last
