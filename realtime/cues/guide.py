"""What a generator is told of the cue that plays: the clip's motion-specific code in the place of the sampled one.

Audio2Gestures' timeline: with the code of a clip for frames t..t+n the generated motion follows the clip while it stays
in step with the voice. A generator's own encoder gives the codes (`Executor.guide_codes`), once per cue.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import matrix_to_quat, matrix_to_rot6d, quat_to_matrix, rot6d_to_matrix
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.cues.clip import CueClip, Floats, lay_over
from gesturestream.models.motion import ROT6D
from gesturestream.realtime.cues.library import CueLibrary
from gesturestream.realtime.cues.player import Playing
from gesturestream.realtime.executors.base import Executor

Slots = NDArray[np.int64]
Bools = NDArray[np.bool_]

RAMP_FRAMES = 9
"""A code takes the sampled one's place, and gives it back, within 0.3 s."""
_AROUND = 15
"""Frames of rest around a clip when it is encoded, so that its ends are encoded as what they are."""
_FOLLOW = 0.3
"""Share of the way to another cue's code per frame."""


class GuideBlend:
    """Each slot's code and how far it counts; whatever starts, ends or is replaced does so smoothly."""

    def __init__(self, slots: int, size: int) -> None:
        """size: the largest G of all generators."""
        self._code = np.zeros((slots, size), np.float32)
        self._share = np.zeros(slots, np.float32)
        self.quiet = True
        """No code counts in any slot: without a cue `step` gives zeros."""

    def reset(self, slot: int) -> None:
        """No code counts: for a new tenant, and for a new generator, whose codes mean something else."""
        self._share[slot] = 0.0

    def step(self, slots: Slots, codes: Floats, left: Slots) -> Floats:
        """The step's input `guide` [n, G + 1]: from the frame's codes [n, G] and the frames left of each cue (or 0)."""
        size = codes.shape[1]
        out = np.zeros((len(slots), size + 1), np.float32)
        share = self._share[slots]
        if size == 0 or not (left.any() or share.any()):
            return out
        towards = np.where(left > RAMP_FRAMES, 1.0, -1.0)
        after = (share + towards / RAMP_FRAMES).clip(0.0, 1.0)
        known = self._code[slots, :size]
        follow = np.where(share == 0.0, 1.0, _FOLLOW)[:, None]
        self._code[slots, :size] = np.where(left[:, None] > 0, known + follow * (codes - known), known)
        self._share[slots] = after
        self.quiet = not self._share.any()
        out[:, :size], out[:, size] = self._code[slots, :size], after**3 * (10.0 - 15.0 * after + 6.0 * after**2)
        return out


def clip_motion(clip: CueClip, rest: Floats) -> Floats:
    """A cue's clip as packed motion [T + 2 * _AROUND, 489], laid over the pose `rest` [489]."""
    frames = np.arange(-_AROUND, len(clip) + _AROUND)
    inside = ((frames >= 0) & (frames < len(clip))).astype(np.float32)
    frames = frames.clip(0, len(clip) - 1)
    rest_quat = matrix_to_quat(rot6d_to_matrix(rest[ROT6D].reshape(JOINT_COUNT, 6).astype(np.float64)))
    weight, add = clip.weight[frames] * inside[:, None], clip.add[frames] * inside[:, None, None]
    posed = lay_over(np.tile(rest_quat, (len(frames), 1, 1)), clip.take[frames], weight, add)
    motion = np.tile(rest, (len(frames), 1))
    motion[:, ROT6D] = matrix_to_rot6d(quat_to_matrix(posed)).reshape(len(frames), -1)
    return motion


class GuideCodes:
    """The codes of all cues for one executor's generator, each made when it is first asked for."""

    def __init__(self, executor: Executor, library: CueLibrary, rest: Floats) -> None:
        self._executor, self._library, self._rest = executor, library, rest
        self._size = executor.info.guide_size
        self._codes: dict[int, Floats] = {}

    def warm_up(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Makes all of them, until `stop`. Another thread than the one that asks `at` may call it."""
        for cue in range(len(self._library.names) if self._size else 0):
            if stop():
                return
            self._of(cue)

    def at(self, playing: Playing) -> Floats:
        """[n, G] the codes of the frames that n rows play; zeros for rows that play none."""
        out = np.zeros((len(playing.cue), self._size), np.float32)
        if self._size:
            for i in np.flatnonzero(playing.left > 0):
                out[i] = self._of(int(playing.cue[i]))[playing.frame[i]]
        return out

    def _of(self, cue: int) -> Floats:
        if cue not in self._codes:
            codes = self._executor.guide_codes(clip_motion(self._library.clips[cue], self._rest))
            self._codes[cue] = codes[_AROUND : len(codes) - _AROUND]
        return self._codes[cue]
