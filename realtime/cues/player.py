"""Plays cues over the generator's motion: rows of precomputed joint targets and weights, one per frame."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import (
    axis_angle_to_quat,
    quat_canonical,
    quat_multiply,
    quat_slerp,
    quat_to_axis_angle,
)
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import FPS
from gesturestream.realtime.cues.gestures import CUE_NAMES, GESTURES, Gesture, Track

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class CueTable(NamedTuple):
    """All cues one after another, one entry per frame."""

    start: NDArray[np.int64]  # [cues + 1] first frame of each; the last entry is the length of the table
    take: Floats  # [frames, 55, 4] poses that joints are taken to
    weight: Floats  # [frames, 55] how far, 0..1
    add: Floats  # [frames, 55, 3] turns on top, radians


class CuePlayer:
    """At most one cue per row; a new one replaces it (the caller inertialises the jump)."""

    def __init__(self, capacity: int) -> None:
        self._frame = np.full(capacity, -1, np.int64)  # within the table; -1: none
        self._end = np.zeros(capacity, np.int64)

    def reset(self, row: int) -> None:
        self._frame[row] = -1

    def play(self, row: int, name: str) -> int:
        """Starts a cue with the next frame; how many frames it lasts. ValueError: no such cue."""
        if name not in GESTURES:
            raise ValueError(f"cue: expected one of {', '.join(CUE_NAMES)}, got {name!r}")
        start = cue_table().start[CUE_NAMES.index(name) :]
        self._frame[row], self._end[row] = start[0], start[1]
        return int(start[1] - start[0])

    def playing(self, row: int) -> bool:
        return bool(self._frame[row] >= 0)

    def apply(self, rows: Rows, quat_xyzw: Floats) -> NDArray[np.bool_]:
        """Lays each row's cue over `quat_xyzw` [n, 55, 4], in place, and moves on a frame; [n] rows that play one."""
        playing = np.asarray(self._frame[rows] >= 0)
        if playing.any():
            active = rows[playing]
            quat_xyzw[playing] = _overlay(quat_xyzw[playing], self._frame[active])
            following = self._frame[active] + 1
            self._frame[active] = np.where(following < self._end[active], following, -1)
        return playing


def _overlay(quat_xyzw: Floats, frame: Rows) -> Floats:
    table = cue_table()
    taken = quat_slerp(quat_xyzw, table.take[frame], table.weight[frame])
    out = quat_multiply(taken, axis_angle_to_quat(table.add[frame]))
    untouched = (table.weight[frame] == 0.0) & (table.add[frame] == 0.0).all(-1)
    return np.asarray(np.where(untouched[..., None], quat_xyzw, quat_canonical(out)), np.float32)


@lru_cache(maxsize=1)
def cue_table() -> CueTable:
    """Every gesture sampled at the frame rate (about a thousand frames, made on first use)."""
    parts = [_sample(GESTURES[name]) for name in CUE_NAMES]
    start = np.cumsum([0, *(len(weight) for _, weight, _ in parts)])
    take, weight, add = (np.concatenate(columns).astype(np.float32) for columns in zip(*parts, strict=True))
    return CueTable(start, take, weight, add)


def _sample(gesture: Gesture) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    frames = round(gesture.duration_s * FPS)
    take = np.tile([0.0, 0.0, 0.0, 1.0], (frames, JOINT_COUNT, 1))
    weight, add = np.zeros((frames, JOINT_COUNT)), np.zeros((frames, JOINT_COUNT, 3))
    for k in range(frames):
        time_s = (k + 1) / FPS
        for track in gesture.tracks:
            fade = _fade(track, time_s, gesture.duration_s)
            for joint, quat in _pose_at(track, time_s).items():
                if track.add:
                    add[k, joint] += fade * quat_to_axis_angle(quat)
                else:
                    take[k, joint], weight[k, joint] = quat, fade
    return take, weight, add


def _fade(track: Track, time_s: float, duration_s: float) -> float:
    """0 at both ends of the cue, 1 between the first and the last key."""
    first, last = track.keys[0][0], track.keys[-1][0]
    return _ease(min(time_s / first, (duration_s - time_s) / (duration_s - last), 1.0))


def _pose_at(track: Track, time_s: float) -> dict[int, NDArray[np.float64]]:
    times = [t for t, _ in track.keys]
    after = int(np.searchsorted(times, time_s))
    if after in (0, len(times)):
        return track.keys[min(after, len(times) - 1)][1]
    (t0, a), (t1, b) = track.keys[after - 1], track.keys[after]
    s = _ease((time_s - t0) / (t1 - t0))
    return {joint: quat_slerp(a[joint], b[joint], s) for joint in a}


def _ease(s: float) -> float:
    """Minimum jerk from 0 to 1."""
    s = max(s, 0.0)
    return s**3 * (10.0 - 15.0 * s + 6.0 * s * s)
