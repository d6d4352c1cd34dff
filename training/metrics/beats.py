"""Beat constancy: do pauses of the motion fall on onsets of the voice? In two published definitions.

Both are satisfied by any motion that is restless enough: with an onset every 0.2 s there is always one near by. So
each is to be read beside the score of the same motion against shifted audio (`against_shifted`): only what is above
that is timing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import INDEX, UPPER_JOINTS
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.training.metrics.motion import Array, Floats, central_speed

Score = Callable[[Array], float]
"""Onset times in seconds -> score; NaN where it is not defined."""

MARGIN_S = 2.0
"""EMAGE cuts the first and last two seconds of every file."""
ANGLES = tuple(
    (bones[0], bones[1])
    for side in ("left", "right")
    for bones in (
        ((INDEX["neck"], INDEX[f"{side}_shoulder"]), (INDEX[f"{side}_shoulder"], INDEX[f"{side}_elbow"])),
        ((INDEX[f"{side}_shoulder"], INDEX[f"{side}_elbow"]), (INDEX[f"{side}_elbow"], INDEX[f"{side}_wrist"])),
    )
)
"""DiffGesture's four angles on TED: clavicle to upper arm and upper arm to forearm, both sides, as pairs of bones."""


def audio_onsets(pcm: Floats) -> Array:
    """Onset times [n] in seconds of 16 kHz audio, by librosa's onset_detect at hop 512, as all the papers do.

    EmotionGesture converts frames to time at 22050 Hz although its audio has 16 kHz, which scales times by 0.726 [bug].
    """
    import librosa  # seconds to import, and only needed where there is audio

    found = librosa.onset.onset_detect(y=np.asarray(pcm, np.float32), sr=SAMPLE_RATE, hop_length=512, units="time")
    return np.asarray(found, np.float64)


def local_minima(x: Array, order: int) -> NDArray[np.int64]:
    """Indices where [T] is strictly below its `order` neighbours on both sides (scipy's argrelextrema, `clip`)."""
    last = len(x) - 1
    at = np.arange(len(x))
    below = np.ones(len(x), bool)
    for shift in range(1, order + 1):
        below &= (x < x[np.minimum(at + shift, last)]) & (x < x[np.maximum(at - shift, 0)])
    return np.flatnonzero(below)


class MotionBeats(NamedTuple):
    """Times in seconds of one clip's motion beats, per joint or angle set, and the clip's length."""

    times_s: tuple[Array, ...]
    seconds: float


def emage_motion_beats(
    places: Array,
    mean_speed_m_s: Array,
    *,
    threshold: float = 0.1,
    order: int = 7,
    joints: Sequence[int] = UPPER_JOINTS,
) -> MotionBeats:
    """Minima of each upper joint's speed (EMAGE supp. A): [T, 55, 3] places and [55] mean speed over a data set.

    As coded: a minimum over 7 frames both ways whose speed is over `threshold` times the joint's mean speed (0.3 in
    the paper's code, 0.1 since 2025), not in the first or last 2 s. The published code looks the threshold up in the
    uncut speeds with indices of the cut ones, 60 frames off [bug]; the paper's own code had moreover overwritten the
    places with |x - mean| in its diversity before it took speeds of them [bug]. Neither is repeated.
    """
    speed = central_speed(places) / np.maximum(mean_speed_m_s, 1e-9)
    margin = int(MARGIN_S * FPS)
    found = []
    for joint in joints:
        track = speed[margin : len(speed) - margin, joint]
        beats = local_minima(track, order)
        found.append((beats[track[beats] > threshold] + margin) / FPS)
    return MotionBeats(tuple(found), len(places) / FPS)


def emage_bc(beats: MotionBeats, onsets_s: Array, *, sigma_s: float = 0.3, over: str = "onsets") -> float:
    """mean of exp(-d^2 / (2 sigma^2)), d to the nearest event of the other kind, mean over the 13 upper joints.

    over = `onsets` (as coded): for each audio onset the nearest motion beat. over = `beats` (EMAGE eq. 13 as written:
    1/g sum over gesture beats): for each motion beat the nearest onset. A joint without beats scores 0 as coded. NaN
    without onsets between the margins. A file's weight in the published mean is its length.
    """
    kept = onsets_s[(onsets_s >= MARGIN_S) & (onsets_s <= beats.seconds - MARGIN_S)]
    if not len(kept):
        return float("nan")
    pairs = [(kept, b) if over == "onsets" else (b, kept) for b in beats.times_s]
    return float(np.mean([_closeness(of, to, sigma_s) for of, to in pairs]))


def mean_angle_change(places: Array) -> Array:
    """[4] mean change per frame at 15 fps of DiffGesture's angles, in units of pi: its `change_angle`, from data."""
    change: Array = np.abs(np.diff(_angles(places[::2]), axis=0)).mean(0)
    return change


def diffgesture_motion_beats(places: Array, change: Array, *, threshold: float = 0.03) -> MotionBeats:
    """Minima of the normalised change of four arm angles at 15 fps (HA2G's metric in DiffGesture's code, TED).

    [T, 55, 3] at 30 fps and `mean_angle_change` of a data set. A beat is a frame whose change is below both
    neighbours' and by at least `threshold` below one's; the first change is 0 by definition, so frame 1 is none.
    On TED Expressive DiffGesture divides the whole 132-value vector by its norm instead of each bone [bug] and uses
    0.001; HA2G divides per bone and uses 0.03; only the TED form is given here.
    """
    angles = _angles(places[::2])
    rate = np.concatenate([[0.0], (np.abs(np.diff(angles, axis=0)) / np.maximum(change, 1e-9)).mean(1)])
    at = np.arange(2, len(rate) - 1)
    before, after = rate[at - 1] - rate[at], rate[at + 1] - rate[at]
    beats = at[(before > 0) & (after > 0) & (np.maximum(before, after) >= threshold)]
    return MotionBeats((beats / (FPS / 2),), len(places) / FPS)


def diffgesture_bc(beats: MotionBeats, onsets_s: Array, *, sigma_s: float = 0.1) -> float:
    """For each onset exp(-d^2 / (2 sigma^2)) to the nearest motion beat, averaged; NaN (skipped) without beats.

    The published code scores windows of 34 frames at 15 fps and weights them by their onsets; here whole clips.
    """
    if not len(beats.times_s[0]) or not len(onsets_s):
        return float("nan")
    return _closeness(onsets_s, beats.times_s[0], sigma_s)


def against_shifted(score: Score, onsets_s: Array, start_s: float, stop_s: float, shifts: int = 4) -> float:
    """The mean score when the onsets between start and stop are shifted in a circle by 1/5, 2/5, ... of that span.

    The same onsets, equally dense, with the motion's timing taken away: what the score is by chance.
    """
    inside = onsets_s[(onsets_s >= start_s) & (onsets_s <= stop_s)]
    span = stop_s - start_s
    if span <= 0 or not len(inside):
        return float("nan")
    moved = [np.sort(start_s + (inside - start_s + span * k / (shifts + 1)) % span) for k in range(1, shifts + 1)]
    return float(np.mean([score(times) for times in moved]))


def _closeness(of: Array, to: Array, sigma_s: float) -> float:
    """Mean over `of` of exp(-d^2 / (2 sigma^2)), d to the nearest of `to`; 0 where either is empty."""
    if not len(of) or not len(to):
        return 0.0
    nearest = np.abs(of[:, None] - to[None]).min(1)
    return float(np.exp(-(nearest**2) / (2 * sigma_s**2)).mean())


def _angles(places: Array) -> Array:
    """[T, 55, 3] -> [T, 4] angles between the bones of ANGLES, units of pi."""
    out = []
    for first, second in ANGLES:
        u, v = (places[:, b] - places[:, a] for a, b in (first, second))
        cosine = (u * v).sum(-1) / (np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1))
        out.append(np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi)
    return np.stack(out, -1)
