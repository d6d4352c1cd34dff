"""How it moves: speeds, stillness, reach, jerk, sliding feet, the mouth's bond to the voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import CONTACT_JOINTS, INDEX
from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPES, FPS
from gesturestream.models.streaming.level import FEATURES
from gesturestream.training.metrics.motion import Array, Floats

WRISTS = (INDEX["left_wrist"], INDEX["right_wrist"])
BODY = slice(0, 22)
STILL_M_S = 0.05
JAW = BLENDSHAPES.start + ARKIT_NAMES.index("jawOpen")
LEVEL, PRESENCE = FEATURES - 4, FEATURES - 1


def wrist_speeds(places: Array) -> Array:
    """[T, 55, 3] -> [T - 1, 2] m/s of both wrists relative to the pelvis."""
    wrists = places[:, list(WRISTS)] - places[:, :1]
    speed: Array = np.linalg.norm(np.diff(wrists, axis=0), axis=-1) * FPS
    return speed


def speech_share(features: Floats, frames: int) -> Array:
    """[T, 68] features -> [frames] share of the second before each frame in which a voice was heard."""
    heard = np.convolve(features[:, PRESENCE], np.full(FPS, 1.0 / FPS), "full")
    return np.pad(heard[: min(frames, len(features))], (0, max(0, frames - len(features)))).astype(np.float64)


def speaking_and_idle(speeds: Array, features: Floats) -> tuple[Array, Array]:
    """Wrist speeds while more than half of the last second was speech, and while next to none of it was."""
    share = speech_share(features, len(speeds))
    return speeds[share > 0.5].ravel(), speeds[share < 0.05].ravel()


def held_still(speeds: Array) -> float:
    """Share of frames and wrists slower than 0.05 m/s."""
    return float((speeds < STILL_M_S).mean())


def reach_m(places: Array) -> float:
    """Standard deviation of the wrists' places (about the pelvis) within a clip, mean over axes and wrists, metres."""
    wrists = places[:, list(WRISTS)] - places[:, :1]
    return float(wrists.std(0).mean())


def jerk_m_s3(places: Array) -> float:
    """Mean |third difference| of the 22 body joints, m/s^3."""
    return float(np.linalg.norm(np.diff(places[:, BODY], n=3, axis=0), axis=-1).mean() * FPS**3)


def foot_sliding_m_s(places: Array, contacts: NDArray[np.floating]) -> float:
    """Mean horizontal speed of ankles and feet where they are said to stand (contact over 0.5 in both frames).

    contacts [T, 4] in the order of CONTACT_JOINTS. NaN when nothing ever stands.
    """
    feet = places[:, list(CONTACT_JOINTS)][..., [0, 2]]
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS
    standing = (contacts[1:] > 0.5) & (contacts[:-1] > 0.5)
    return float(speed[standing].mean()) if standing.any() else float("nan")


def jaw_loudness(motion: Floats, features: Floats) -> float:
    """Correlation of jaw opening with loudness at lag 0; NaN where either does not vary."""
    frames = min(len(motion), len(features))
    jaw, loudness = motion[:frames, JAW], features[:frames, LEVEL] * features[:frames, PRESENCE]
    if jaw.std() < 1e-6 or loudness.std() < 1e-6:
        return float("nan")
    return float(np.corrcoef(jaw, loudness)[0, 1])


def wrist_spread_cm(a: Sequence[Array], b: Sequence[Array]) -> list[float]:
    """Mean distance of the wrists of two runs, per clip, centimetres: how far another seed leads."""
    return [float(100.0 * np.linalg.norm((x - y)[:, list(WRISTS)], axis=-1).mean()) for x, y in zip(a, b, strict=True)]
