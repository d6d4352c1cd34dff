"""Stroke lag: how late, and how reliably, a generated stroke's apex follows the one the teacher planned.

The corpus' sidecar holds the exact planned apexes. A stroke ends where it was aimed at: its apex is the standstill
that follows a peak of wrist speed. Apexes of both hands are read off the generated motion and matched one to one with
the planned ones at the lag that fits all clips best; scored beside the same motion against plans shifted in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import FPS
from gesturestream.training.metrics.dynamics import WRISTS
from gesturestream.training.metrics.motion import Array, central_speed

PEAK_M_S = 0.35
"""A slower movement is no stroke (the human profile counts strokes from here)."""
FALL = 0.5
"""The apex is where speed, after its peak, first stops falling below half of it."""
TOGETHER_S = 0.15
"""Both hands' apexes closer than this are one stroke."""
TOLERANCE_S = 0.3
"""A generated apex is matched when it is this close to where the lag puts the planned one."""
LAGS_S: Array = np.arange(-0.3, 1.0001, 1.0 / FPS)
"""Lags that are tried."""
_SIGMA_S = 0.1


class Matches(NamedTuple):
    """Matched strokes of several clips."""

    lag_s: float  # the common lag at which they were matched
    lags_s: tuple[Array, ...]  # per clip: generated apex - planned apex of each match
    planned: NDArray[np.int64]  # per clip: how many were planned

    def share(self, index: NDArray[np.int64]) -> float:
        """Matched share of the planned strokes of the clips `index`."""
        count = sum(len(self.lags_s[i]) for i in index)
        return count / max(1, int(self.planned[index].sum()))


def apexes(places: Array) -> Array:
    """[T, 55, 3] -> times in seconds of stroke apexes of either hand, ascending."""
    speed = central_speed(places - places[:, :1])
    found = [pair for wrist in WRISTS for pair in _hand_apexes(speed[:, wrist])]
    kept: list[tuple[float, float]] = []
    for time_s, peak in sorted(found):
        if kept and time_s - kept[-1][0] < TOGETHER_S:
            kept[-1] = max(kept[-1], (time_s, peak), key=lambda pair: pair[1])
        else:
            kept.append((time_s, peak))
    return np.array([time_s for time_s, _ in kept])


def _hand_apexes(speed: Array) -> list[tuple[float, float]]:
    """[T] m/s -> (time of the standstill, peak speed before it) of every stroke."""
    middle = speed[1:-1]
    peaks = np.flatnonzero((middle > speed[:-2]) & (middle >= speed[2:]) & (middle > PEAK_M_S)) + 1
    out: list[tuple[float, float]] = []
    for peak in peaks:
        at = int(peak)
        while at + 1 < len(speed) and speed[at + 1] < speed[at]:
            at += 1
        if speed[at] < FALL * speed[peak]:
            out.append(((at + _vertex(speed, at) + 0.5) / FPS, float(speed[peak])))
    return out


def _vertex(x: Array, at: int) -> float:
    """Where, between -0.5 and 0.5 frames from `at`, the parabola through it and its neighbours has its lowest point."""
    if not 0 < at < len(x) - 1:
        return 0.0
    before, here, after = x[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend > 1e-12 else 0.0


def match(generated: Sequence[Array], planned: Sequence[Array]) -> Matches:
    """Apex times of each clip, both in seconds -> matches at the common lag under which most plans are met."""
    scores = [sum(_score(g, p + lag) for g, p in zip(generated, planned, strict=True)) for lag in LAGS_S]
    lag = float(LAGS_S[int(np.argmax(scores))])
    found = tuple(_assigned(g, p, lag) for g, p in zip(generated, planned, strict=True))
    return Matches(lag, found, np.array([len(p) for p in planned]))


def match_shifted(
    generated: Sequence[Array], planned: Sequence[Array], seconds: Sequence[float], shifts: int = 4
) -> list[Matches]:
    """`match` against plans shifted in a circle by 1/5, 2/5, ... of each clip, each at its own best lag: chance."""
    out = []
    for k in range(1, shifts + 1):
        moved = [np.sort((p + s * k / (shifts + 1)) % s) for p, s in zip(planned, seconds, strict=True)]
        out.append(match(generated, moved))
    return out


def iqr(lags_s: Array) -> float:
    """Third quartile minus first, seconds."""
    low, high = np.percentile(lags_s, [25, 75])
    return float(high - low)


def _score(generated: Array, wanted: Array) -> float:
    if not len(generated) or not len(wanted):
        return 0.0
    nearest = np.abs(wanted[:, None] - generated[None]).min(1)
    return float(np.exp(-(nearest**2) / (2 * _SIGMA_S**2)).sum())


def _assigned(generated: Array, planned: Array, lag: float) -> Array:
    """One to one, closest pairs first, none farther than the tolerance: generated - planned of each."""
    if not len(generated) or not len(planned):
        return np.zeros(0)
    off = np.abs(generated[None] - planned[:, None] - lag)
    free_p, free_g = np.ones(len(planned), bool), np.ones(len(generated), bool)
    out = []
    for flat in np.argsort(off, axis=None):
        p, g = divmod(int(flat), len(generated))
        if off[p, g] > TOLERANCE_S:
            break
        if free_p[p] and free_g[g]:
            out.append(generated[g] - planned[p])
            free_p[p] = free_g[g] = False
    return np.sort(np.array(out))
