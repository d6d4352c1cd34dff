"""What a client received and showed, told by figures that are the same for all of them.

Each client of `benchmarks.clients` writes one record per frame as it arrives and one per picture as it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import angle_between
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.motion import FPS

RECORD = np.dtype(
    [
        ("picture", "<f8"),  # 0 a frame arrived, 1 a pose was shown
        ("unix_s", "<f8"),
        ("age_s", "<f8"),  # since the step that made it, by the client's idea of the server's clock; or NaN
        ("over_s", "<f8"),  # of a picture: delay of the jitter buffer less the delay that it aims at
        ("sequence", "<f8"),  # of a frame
        ("epoch", "<f8"),  # of the frame, or that the jitter buffer held when the picture was made
        ("quat_xyzw", "<f4", (JOINT_COUNT, 4)),
    ]
)
WARM_UP_S = 2.0
"""Left out at the beginning."""
MOVING_RAD_S = 0.5
"""Joints whose fastest moment is slower are left out of the ratio: rounding would decide it."""
STILL_RAD = 1e-6
RECOVERY_S = 1.0
"""After the end of a stall the delay is looked at."""

Trace = NDArray[np.void]


def read_trace(path: Path) -> Trace:
    """[records] of RECORD, in order of time."""
    trace = np.fromfile(path, RECORD)
    return trace[np.argsort(trace["unix_s"], kind="stable")]


def figures(trace: Trace, stalls_s: Sequence[float] = ()) -> dict[str, Any]:
    """`stalls_s`: when stalls of the network ended, UNIX time."""
    frames, pictures = split(trace)
    return {
        "frames": len(frames),
        "latency_ms_p50": milliseconds(frames["age_s"], 50),
        "latency_ms_p99": milliseconds(frames["age_s"], 99),
        "pictures": len(pictures),
        "shown_ms_p50": milliseconds(pictures["age_s"], 50),
        "shown_ms_p99": milliseconds(pictures["age_s"], 99),
        **smoothness(frames, pictures),
        **recovery(pictures, stalls_s),
    }


def split(trace: Trace) -> tuple[Trace, Trace]:
    """Frames and pictures behind the first seconds."""
    if not len(trace):
        raise ValueError("expected a trace with frames and pictures, got an empty one")
    settled = trace[trace["unix_s"] > trace["unix_s"][0] + WARM_UP_S]
    return settled[settled["picture"] == 0], settled[settled["picture"] == 1]


def smoothness(frames: Trace, pictures: Trace) -> dict[str, Any]:
    """How much faster than the source anything turns, and how often nothing moves."""
    sent = turns_rad(frames)[np.diff(frames["sequence"]) == 1] * FPS
    shown = turns_rad(pictures)
    passed_s = np.diff(pictures["unix_s"])
    moving = sent.max(0) > MOVING_RAD_S
    speeds = shown[passed_s > 0] / passed_s[passed_s > 0, None]
    return {
        "speed_ratio": round(float((speeds.max(0) / sent.max(0))[moving].max()), 3),
        "frozen_percent": round(100 * float(np.mean(shown.max(1) < STILL_RAD)), 2),
    }


def recovery(pictures: Trace, stalls_s: Sequence[float]) -> dict[str, Any]:
    """By how much the delay is over its target a second after each stall."""
    first_s, last_s = pictures["unix_s"][[0, -1]]
    checked = np.array([end_s + RECOVERY_S for end_s in stalls_s])
    checked = checked[(checked > first_s + RECOVERY_S) & (checked < last_s)]
    if not len(checked):
        return {}
    over_ms = 1000 * pictures["over_s"][np.searchsorted(pictures["unix_s"], checked)]
    return {"stalls": len(checked), "over_target_1s_after_ms": [round(float(over), 1) for over in over_ms]}


def back_after_s(trace: Trace, unix_s: float) -> float | None:
    """How long after that moment the next frame arrived; None: none did."""
    since_s = _arrivals_s(trace) - unix_s
    return round(float(since_s[since_s > 0].min()), 2) if (since_s > 0).any() else None


def frames_since(trace: Trace, unix_s: float) -> int:
    """How many arrived after that moment."""
    return int(np.sum(_arrivals_s(trace) > unix_s))


def old_pictures(trace: Trace) -> int:
    """Pictures of an epoch older than that of a frame which had arrived before, or with what the kit marks as old."""
    late = 0
    for session in sessions(trace):
        epoch = _unwrapped(session["epoch"])
        newest = np.maximum.accumulate(np.where(session["picture"] == 0, epoch, -np.inf))
        late += int(np.sum((session["picture"] == 1) & (epoch < newest)))
    marked = (trace["picture"] == 1) & (trace["quat_xyzw"][:, INDEX["left_shoulder"], 2] > 0.5)
    return late + int(np.sum(marked))


def sessions(trace: Trace) -> list[Trace]:
    """Cut where frames are counted anew: another session, whose epochs begin anew too."""
    arrived = np.flatnonzero(trace["picture"] == 0)
    anew = np.diff(trace["sequence"][arrived]) < -FPS / 3  # what comes after an interrupt and is old is not so old
    return np.split(trace, arrived[1:][anew])


def epochs(trace: Trace) -> int:
    """How many interrupts were followed by frames."""
    return len(np.unique(trace["epoch"][trace["picture"] == 0])) - 1


def turns_rad(trace: Trace) -> NDArray[np.float64]:
    """[n - 1, 55] by how much each joint turns from one record to the next."""
    quats = trace["quat_xyzw"].astype(np.float64)
    quats /= np.linalg.norm(quats, axis=-1, keepdims=True)
    angles: NDArray[np.float64] = angle_between(quats[:-1], quats[1:])
    return angles


def milliseconds(seconds: NDArray[np.float64], percentile: float) -> float | None:
    """None where the client knew no clock."""
    known = seconds[np.isfinite(seconds)]
    return round(1000 * float(np.percentile(known, percentile)), 1) if len(known) else None


def _arrivals_s(trace: Trace) -> NDArray[np.float64]:
    arrivals_s: NDArray[np.float64] = trace["unix_s"][trace["picture"] == 0]
    return arrivals_s


def _unwrapped(epoch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Epochs are 16 bits wide; the kit begins just before they wrap."""
    return np.where(epoch >= 0x8000, epoch - 0x10000, epoch)
