"""Motion finishing: a generator's packed motion in, what the viewer is shown out. Batched and torch-free.

Stages, in order: sanitise and decode; posture override; retraction after an interrupt; cue; hints; joint limits;
inertialisation of whatever jumped; root leash; planted feet. The engine's model thread is the only caller.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gesturestream.realtime.config import Posture
from gesturestream.realtime.cues import CueLibrary, CuePlayer, Playing
from gesturestream.realtime.finishing.feet import Feet
from gesturestream.realtime.finishing.hints import HintPlayer
from gesturestream.realtime.finishing.inertia import (
    JOINTS_LOWER,
    JOINTS_UPPER,
    SCALARS_FACE,
    SCALARS_ROOT,
    Inertia,
)
from gesturestream.realtime.finishing.leash import Leash
from gesturestream.realtime.finishing.limits import clamp
from gesturestream.realtime.finishing.pose import (
    Bools,
    Floats,
    History,
    Place,
    PoseBatch,
    Rows,
    decode,
    encode,
    sanitise,
    span,
)
from gesturestream.realtime.finishing.posture import BLEND_FRAMES as POSTURE_FRAMES
from gesturestream.realtime.finishing.posture import PostureOverride
from gesturestream.realtime.finishing.rest import rest_packed
from gesturestream.realtime.finishing.retraction import RETRACT_FRAMES, RETRACTED_JOINTS, Retraction
from gesturestream.realtime.hints.clip import LEAD_FRAMES

_CROSS_FADE_FRAMES = 12
_NO_SCALARS = SCALARS_ROOT & SCALARS_FACE


class FinishedBatch(NamedTuple):
    """What is shown: n frames. The arrays are new with every step."""

    quat_xyzw: Floats  # [n, 55, 4] parent-local, unit, w >= 0
    root_m: Floats  # [n, 3]
    expressions: Floats  # [n, 100]
    blendshapes: Floats  # [n, 52] 0..1
    contacts: Floats  # [n, 4] 0..1
    packed: Floats  # [n, 489] the same poses as the next step's `emitted` input
    retracting: Bools  # [n] on the way to rest after an interrupt
    cue_playing: Bools  # [n]


class Finisher:
    """Finishing state of `capacity` rows. `reset` a row before its first step."""

    def __init__(self, capacity: int, cues: CueLibrary | None = None) -> None:
        """cues: None: those that ship."""
        self._shown = History(capacity, rest_packed())
        self._posture = PostureOverride(capacity)
        self._retraction = Retraction(capacity)
        self._cues = CuePlayer(capacity, cues)
        self.hints = HintPlayer(capacity)
        """What joints are hinted to; the engine starts hints and moves them on a frame before each step."""
        self._inertia = Inertia(capacity)
        self._leash = Leash(capacity)
        self._feet = Feet(capacity)

    def reset(self, row: int, *, seed: int, leash_m: float) -> None:
        """A new tenant: nothing of the former one is left."""
        self._shown.reset(row)
        self._posture.reset(row)
        self._retraction.reset(row, seed)
        self._cues.reset(row)
        self.hints.clear(row)
        self._inertia.reset(row)
        self._leash.reset(row, leash_m)
        self._feet.reset(row)

    def step(self, rows: Rows, motion: Floats) -> FinishedBatch:
        """Finishes one frame of each of `rows` [n] (no row twice); motion [n, 489] as models/motion.py says.

        Non-finite values are replaced by the row's last shown ones. Rows do not influence each other, bit for bit.
        """
        place = span(rows)
        pose = decode(sanitise(motion, self._shown.packed(place)))
        self._leash.begin(place, pose.root_m)
        self._posture.apply(rows, pose)
        retracting = self._retraction.apply(rows, pose)
        cue_playing = self._cues.apply(rows, pose.quat_xyzw)
        jumps = self.hints.apply(rows, pose.quat_xyzw, pose.contacts)
        if jumps is not None:
            self._inertia.trigger_turns(*jumps, LEAD_FRAMES)
        # Before the blends, which then run between legal poses: a clamp on the sum would jump where an offset passes
        # behind a joint.
        clamp(pose.quat_xyzw)
        self._inertia.apply(rows, pose, self._shown)
        self._feet.pull(rows, pose)
        self._leash.apply(place, pose)
        self._feet.apply(rows, pose)
        return self._emit(place, pose, retracting, cue_playing)

    def _emit(self, place: Place, pose: PoseBatch, retracting: Bools, cue_playing: Bools) -> FinishedBatch:
        packed, quat_xyzw = encode(pose), np.ascontiguousarray(pose.quat_xyzw)
        self._shown.push(place, packed, quat_xyzw)
        return FinishedBatch(
            quat_xyzw,
            pose.root_m,
            pose.expressions,
            pose.blendshapes,
            pose.contacts,
            packed,
            retracting,
            cue_playing,
        )

    def interrupt(self, row: int) -> None:
        """Barge-in: the next frame begins the retraction; rest is reached with the ninth (0.3 s)."""
        self._cues.reset(row)
        self._retraction.begin(row)
        self._inertia.trigger(row, RETRACT_FRAMES, RETRACTED_JOINTS | self.hints.clear(row), _NO_SCALARS)

    def resume(self, row: int) -> None:
        """Speech is back: blends from rest to the generator within 0.4 s. Without a retraction nothing happens."""
        if self._retraction.active(row):
            self._retraction.end(row)
            self._blend(row, _CROSS_FADE_FRAMES, RETRACTED_JOINTS, _NO_SCALARS)

    def set_posture(self, row: int, posture: Posture) -> None:
        """Legs and root from the next frame on, blended within a second."""
        rows = np.array([row])
        self._posture.set(
            row, posture, self._shown.last(rows), self._leash.start_m(rows)[0], float(self._leash.leash_m(rows)[0])
        )
        self._blend(row, POSTURE_FRAMES, JOINTS_LOWER, SCALARS_ROOT)

    def set_leash(self, row: int, leash_m: float) -> None:
        """How far the root may be from where it started, metres; eased in."""
        self._leash.set(row, leash_m)

    def play_cue(self, row: int, name: str) -> int:
        """Plays a named gesture from the next frame on, instead of one that runs; its length in frames.

        ValueError: no such cue.
        """
        replaced = self._cues.playing(row)
        frames = self._cues.play(row, name)
        if replaced:
            self._blend(row, _CROSS_FADE_FRAMES, JOINTS_UPPER, _NO_SCALARS)
        return frames

    @property
    def cues_play(self) -> bool:
        """Some row may play a cue."""
        return self._cues.busy

    def cue_position(self, rows: Rows) -> Playing:
        """What the next step of each of `rows` plays."""
        return self._cues.position(rows)

    def clear_cues(self, row: int) -> None:
        """Stops a cue that plays; the body blends back to the generator."""
        if self._cues.playing(row):
            self._cues.reset(row)
            self._blend(row, _CROSS_FADE_FRAMES, JOINTS_UPPER, _NO_SCALARS)

    def cross_fade(self, row: int) -> None:
        """The generator's motion may jump with the next frame: blends over 0.4 s, face and root too."""
        joints = JOINTS_UPPER | JOINTS_LOWER
        if self._retraction.active(row):
            joints = joints & ~RETRACTED_JOINTS  # their target is rest, whatever the generator does
        self._blend(row, _CROSS_FADE_FRAMES, joints, SCALARS_ROOT | SCALARS_FACE)

    def _blend(self, row: int, frames: int, joints: Bools, scalars: Bools) -> None:
        """What these joints would show jumps; those that follow a hint do not show it."""
        follow = self.hints.taken(row) & ~self._inertia.turning(row)
        self._inertia.trigger(row, frames, joints & ~follow, scalars)
