"""The speaking mouth as blendshapes: from phonemes with coarticulation, or from loudness and spectrum alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.face import BLENDSHAPE_INDEX
from gesturestream.models.motion import BLENDSHAPE_COUNT, FPS
from gesturestream.training.speech.lexicon import viseme_of
from gesturestream.training.speech.prominence import RATE_HZ, Tracks, analyse, smooth
from gesturestream.training.speech.speech import Speech

Array = NDArray[np.float64]

VISEMES: dict[str, dict[str, float]] = {
    "rest": {},
    "closed": {"mouthClose": 0.12, "mouthPressLeft": 0.38, "mouthPressRight": 0.38, "mouthRollLower": 0.22,
               "mouthRollUpper": 0.16},
    "teeth": {"jawOpen": 0.06, "mouthRollLower": 0.42, "mouthUpperUpLeft": 0.24, "mouthUpperUpRight": 0.24},
    "tongue": {"jawOpen": 0.16, "tongueOut": 0.30, "mouthLowerDownLeft": 0.14, "mouthLowerDownRight": 0.14},
    "alveolar": {"jawOpen": 0.14, "mouthLowerDownLeft": 0.18, "mouthLowerDownRight": 0.18, "mouthShrugUpper": 0.06},
    "hiss": {"jawOpen": 0.05, "mouthStretchLeft": 0.26, "mouthStretchRight": 0.26, "mouthLowerDownLeft": 0.22,
             "mouthLowerDownRight": 0.22, "mouthSmileLeft": 0.08, "mouthSmileRight": 0.08},
    "hush": {"jawOpen": 0.09, "mouthFunnel": 0.48, "mouthPucker": 0.22, "mouthUpperUpLeft": 0.1,
             "mouthUpperUpRight": 0.1},
    "back": {"jawOpen": 0.20, "mouthLowerDownLeft": 0.14, "mouthLowerDownRight": 0.14},
    "r": {"jawOpen": 0.13, "mouthFunnel": 0.26, "mouthPucker": 0.18},
    "round": {"jawOpen": 0.14, "mouthPucker": 0.56, "mouthFunnel": 0.24},
    "spread": {"jawOpen": 0.17, "mouthSmileLeft": 0.28, "mouthSmileRight": 0.28, "mouthStretchLeft": 0.22,
               "mouthStretchRight": 0.22, "mouthUpperUpLeft": 0.08, "mouthUpperUpRight": 0.08},
    "open": {"jawOpen": 0.58, "mouthLowerDownLeft": 0.26, "mouthLowerDownRight": 0.26, "mouthUpperUpLeft": 0.14,
             "mouthUpperUpRight": 0.14},
    "mid": {"jawOpen": 0.36, "mouthLowerDownLeft": 0.22, "mouthLowerDownRight": 0.22, "mouthStretchLeft": 0.1,
            "mouthStretchRight": 0.1},
    "oh": {"jawOpen": 0.42, "mouthFunnel": 0.36, "mouthPucker": 0.16},
}  # fmt: skip
"""Blendshape weights of each mouth shape, spoken at ordinary loudness."""

_DOMINANCE = {"closed": 3.2, "teeth": 2.4, "round": 1.5, "hush": 1.5, "rest": 0.8}
"""Lips that must meet override their neighbours (Cohen and Massaro 1993)."""


def mouth_of(speech: Speech, times_s: Array, loudness: Array) -> Array:
    """[T, 52] the speaking mouth; times [T] s, loudness [T] 0..1."""
    mouth = _from_phonemes(speech, times_s) if speech.phonemes else _from_audio(analyse(speech.pcm), len(times_s))
    jaw = BLENDSHAPE_INDEX["jawOpen"]
    mouth[:, jaw] *= 0.5 + 0.75 * loudness
    return mouth


def _from_phonemes(speech: Speech, times_s: Array) -> Array:
    """Dominance-weighted average of the neighbouring visemes; consonants and vowels anticipate by about 30 ms."""
    sounds = [p for p in speech.phonemes if p.symbol]
    shapes = np.stack([_shape(viseme_of(p.symbol)) for p in sounds])
    weight = np.array([_DOMINANCE.get(viseme_of(p.symbol), 1.0) for p in sounds])
    start, stop = np.array([p.start_s for p in sounds]), np.array([p.stop_s for p in sounds])
    centre, width = 0.5 * (start + stop) - 0.02, np.clip(0.55 * (stop - start), 0.032, 0.09)
    pull = weight * np.exp(-(((times_s[:, None] - centre) / width) ** 2))
    mouth: Array = (pull @ shapes) / (pull.sum(1, keepdims=True) + 0.12)
    return mouth


def _shape(viseme: str) -> Array:
    row = np.zeros(BLENDSHAPE_COUNT)
    for name, value in VISEMES[viseme].items():
        row[BLENDSHAPE_INDEX[name]] = value
    return row


def _from_audio(tracks: Tracks, frames: int) -> Array:
    """Loud opens, low spectra round, high spectra spread, hiss closes the teeth, dips between vowels close the lips."""
    level = smooth(tracks.level_db, 0.02)
    top = np.percentile(level, 95)
    open_ = np.clip((level - top + 26.0) / 26.0, 0.0, 1.0) ** 1.4
    spread = np.clip((smooth(tracks.centroid_hz, 0.04) - 900.0) / 900.0, -1.0, 1.0) * (open_ > 0.1)
    hiss = np.clip(2.0 * smooth(tracks.hiss, 0.02), 0.0, 1.0)
    speaking = smooth((open_ > 0.25).astype(float), 0.12)
    vowel = open_ * (1 - hiss)
    closing = speaking * np.clip(0.35 - open_, 0.0, 0.35) / 0.35
    mouth = (
        vowel[:, None] * (0.75 * _shape("mid") + 0.25 * _shape("open"))
        + (vowel * np.clip(-spread, 0, 1))[:, None] * _shape("round")
        + (vowel * np.clip(spread, 0, 1))[:, None] * _shape("spread")
        + (hiss * speaking)[:, None] * _shape("hiss")
        + 0.7 * closing[:, None] * _shape("closed")
    )
    picks = np.clip(np.round((np.arange(frames) + 0.5) / FPS * RATE_HZ).astype(int), 0, len(level) - 1)
    shown: Array = smooth(mouth, 0.02)[picks]
    return shown
