"""From key poses (gestures.py) to frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import quat_slerp, quat_to_axis_angle
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.cues.clip import CueClip, ease
from gesturestream.models.motion import FPS
from gesturestream.realtime.cues.gestures import Gesture, Track


def sample(gesture: Gesture) -> CueClip:
    """The gesture at the frame rate; each track fades in before its first key and out after its last."""
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
    return CueClip(take=take.astype(np.float32), weight=weight.astype(np.float32), add=add.astype(np.float32))


def _fade(track: Track, time_s: float, duration_s: float) -> float:
    """0 at both ends of the cue, 1 between the first and the last key."""
    first, last = track.keys[0][0], track.keys[-1][0]
    return ease(min(time_s / first, (duration_s - time_s) / (duration_s - last), 1.0))


def _pose_at(track: Track, time_s: float) -> dict[int, NDArray[np.float64]]:
    times = [t for t, _ in track.keys]
    after = int(np.searchsorted(times, time_s))
    if after in (0, len(times)):
        return track.keys[min(after, len(times) - 1)][1]
    (t0, a), (t1, b) = track.keys[after - 1], track.keys[after]
    s = ease((time_s - t0) / (t1 - t0))
    return {joint: quat_slerp(a[joint], b[joint], s) for joint in a}
