"""Inertialisation: whatever jumps in the target pose is carried as an offset that decays smoothly to zero.

After Bollo, "Inertialization: high-performance animation transitions in Gears of War" (GDC 2018). The offset follows
the quintic that starts with the shown pose and its velocity and ends, after exactly the asked-for time, at rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import (
    axis_angle_to_quat,
    quat_canonical,
    quat_conjugate,
    quat_multiply,
    quat_to_axis_angle,
)
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import BLENDSHAPE_COUNT, EXPRESSION_COUNT, FPS
from gesturestream.realtime.finishing.pose import Bools, Floats, History, PoseBatch, Rows

SHORTEST_FRAMES = 9
"""0.3 s: a joint half a turn away then moves at 1.875 pi / 0.3 s."""
_MAX_START_RAD_S = 5.0
MAX_BLEND_RAD_S = 1.875 * np.pi * FPS / SHORTEST_FRAMES + 0.44 * _MAX_START_RAD_S
"""21.8 rad/s: the most a blend adds to a joint's own speed (peak of the two quintics below)."""
_MAX_START_M_S = 1.5

_SCALARS = 3 + BLENDSHAPE_COUNT + EXPRESSION_COUNT
JOINTS_UPPER = np.array([j not in (0, 1, 2, 4, 5, 7, 8, 10, 11) for j in range(JOINT_COUNT)])
JOINTS_LOWER = ~JOINTS_UPPER
SCALARS_ROOT = np.arange(_SCALARS) < 3
SCALARS_FACE = ~SCALARS_ROOT


class Inertia:
    """Offsets of `capacity` rows, each joint and each scalar (root, blendshapes, expressions) with its own clock."""

    def __init__(self, capacity: int) -> None:
        self._turn = _Channels(capacity, JOINT_COUNT, 3)
        self._scalar = _Channels(capacity, _SCALARS, 1)

    def reset(self, row: int) -> None:
        self._turn.reset(row)
        self._scalar.reset(row)

    def trigger(self, row: int, frames: int, joints: NDArray[np.bool_], scalars: NDArray[np.bool_]) -> None:
        """The target of these channels jumps with the next frame: reach it `frames` (>= 9) frames from now."""
        frames = max(frames, SHORTEST_FRAMES)
        self._turn.trigger(row, frames, joints)
        self._scalar.trigger(row, frames, scalars)

    def trigger_turns(self, rows: Rows, joints: Bools, frames: int) -> None:
        """The same for joints [n, 55] of `rows` [n], in any number of frames."""
        self._turn.trigger_each(rows, frames, joints)

    def turning(self, row: int) -> Bools:
        """[55] joints that carry an offset."""
        return self._turn.going(row)

    def apply(self, rows: Rows, pose: PoseBatch, shown: History) -> None:
        """Adds the offsets to `pose`, in place; new ones start from what was shown last."""
        if not (self._turn.running or self._scalar.running):
            return
        turning, moving = self._turn.busy(rows), self._scalar.busy(rows)
        if turning.any():
            pose.quat_xyzw[turning] = self._turned(rows[turning], pose.quat_xyzw[turning], shown)
        if moving.any():
            values = self._moved(rows[moving], _scalars(pose)[moving], shown)
            pose.root_m[moving] = values[:, :3]
            pose.blendshapes[moving] = values[:, 3 : 3 + BLENDSHAPE_COUNT].clip(0.0, 1.0)
            pose.expressions[moving] = values[:, 3 + BLENDSHAPE_COUNT :]

    def _turned(self, rows: Rows, quat: Floats, shown: History) -> Floats:
        if self._turn.pending(rows).any():
            last, before = shown.last(rows).quat_xyzw, shown.before(rows).quat_xyzw
            speed = _bounded(turn_from_to(before, last) * FPS, _MAX_START_RAD_S)
            self._turn.start(rows, turn_from_to(quat, last), speed)
        offset = axis_angle_to_quat(self._turn.advance(rows))
        return np.asarray(quat_canonical(quat_multiply(offset, quat)))

    def _moved(self, rows: Rows, values: Floats, shown: History) -> Floats:
        if self._scalar.pending(rows).any():
            last, before = _scalars(shown.last(rows)), _scalars(shown.before(rows))
            speed = ((last - before) * FPS).clip(-_MAX_START_M_S, _MAX_START_M_S)
            self._scalar.start(rows, (last - values)[..., None], speed[..., None])
        return values + self._scalar.advance(rows)[..., 0]


class _Channels:
    """Quintic offsets of one kind: position x0 and velocity v0 at the start, all derivatives zero at the end."""

    def __init__(self, capacity: int, channels: int, size: int) -> None:
        self._x0 = np.zeros((capacity, channels, size), np.float32)
        self._v0 = np.zeros((capacity, channels, size), np.float32)
        self._frame = np.zeros((capacity, channels), np.int32)
        self._frames = np.zeros((capacity, channels), np.int32)  # 0: no offset
        self._pending = np.zeros((capacity, channels), np.bool_)
        self.running = False
        """Some row may have an offset."""

    def reset(self, row: int) -> None:
        self._frames[row] = 0
        self._pending[row] = False

    def trigger(self, row: int, frames: int, channels: NDArray[np.bool_]) -> None:
        self._pending[row, channels] = True
        self._frames[row, channels] = frames
        self.running = True

    def trigger_each(self, rows: Rows, frames: int, channels: Bools) -> None:
        self._pending[rows] |= channels
        self._frames[rows] = np.where(channels, frames, self._frames[rows])
        self.running = True

    def going(self, row: int) -> Bools:
        return np.asarray(self._frames[row] > 0)

    def busy(self, rows: Rows) -> Bools:
        return np.asarray((self._frames[rows] > 0).any(-1))

    def pending(self, rows: Rows) -> Bools:
        return self._pending[rows]

    def start(self, rows: Rows, x0: Floats, v0: Floats) -> None:
        pending = self._pending[rows]
        self._x0[rows] = np.where(pending[..., None], x0, self._x0[rows])
        self._v0[rows] = np.where(pending[..., None], v0, self._v0[rows])
        self._frame[rows] = np.where(pending, 0, self._frame[rows])
        self._pending[rows] = False

    def advance(self, rows: Rows) -> Floats:
        """One frame on: the offsets now."""
        self._frame[rows] += 1
        frame, frames = self._frame[rows], self._frames[rows]
        frames = np.where(frame >= frames, 0, frames)
        self._frames[rows] = frames
        self.running = bool((self._frames > 0).any())
        s = (frame / np.maximum(frames, 1)).astype(np.float32)[..., None]
        duration_s = (frames / np.float32(FPS)).astype(np.float32)[..., None]
        position = 1 - s**3 * (10 - 15 * s + 6 * s * s)
        velocity = s - s**3 * (6 - 8 * s + 3 * s * s)
        offset = self._x0[rows] * position + self._v0[rows] * duration_s * velocity
        return np.asarray(np.where(frames[..., None] > 0, offset, 0), np.float32)


def turn_from_to(a: Floats, b: Floats) -> Floats:
    """Rotation vectors r with exp(r) a = b. [..., 4] x [..., 4] -> [..., 3] radians."""
    return np.asarray(quat_to_axis_angle(quat_multiply(b, quat_conjugate(a))))


def _bounded(vectors: Floats, longest: float) -> Floats:
    length = np.sqrt((vectors * vectors).sum(-1, keepdims=True))
    return np.asarray(vectors * np.minimum(1.0, longest / np.maximum(length, 1e-6)), np.float32)


def _scalars(pose: PoseBatch) -> Floats:
    return np.concatenate([pose.root_m, pose.blendshapes, pose.expressions], -1)
