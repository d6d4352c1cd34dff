"""Real speech without words: phrases, prominent syllables and the opening of the mouth, found in the audio."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.training.speech.lexicon import gesture_of
from gesturestream.training.speech.speech import Floats, Speech, Stress, Word

HOP = 160
"""Samples between two analysis frames: 100 a second."""
RATE_HZ = SAMPLE_RATE / HOP
_WINDOW = 640

Track = NDArray[np.float64]


class Tracks(NamedTuple):
    """Analysis of a recording, 100 values a second, each [F]."""

    level_db: Track
    """Loudness of the band 80-4000 Hz."""
    pitch_hz: Track
    """Fundamental; 0 where unvoiced."""
    centroid_hz: Track
    """Centre of gravity of the spectrum 300-4000 Hz: low for round vowels, high for spread ones."""
    hiss: Track
    """Share of the energy above 4 kHz, 0..1: fricatives."""


def analyse(pcm: Floats) -> Tracks:
    """Tracks of pcm [N] at 16 kHz; frame f is centred on sample f * HOP."""
    padded = np.pad(pcm.astype(np.float64), (_WINDOW // 2, _WINDOW))
    count = len(pcm) // HOP + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][:count] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames, 1024)) ** 2
    hz = np.fft.rfftfreq(1024, 1 / SAMPLE_RATE)
    band = (hz > 80) & (hz < 4000)
    speech = (hz > 300) & (hz < 4000)
    level = 10 * np.log10(power[:, band].sum(1) + 1e-9)
    centroid = (power[:, speech] * hz[speech]).sum(1) / (power[:, speech].sum(1) + 1e-12)
    hiss = power[:, hz >= 4000].sum(1) / (power.sum(1) + 1e-12)
    return Tracks(level, _pitch_hz(power), centroid, hiss)


def _pitch_hz(power: Track) -> Track:
    """Autocorrelation peak between 70 and 400 Hz, relative height over 0.45."""
    correlation = np.fft.irfft(power, axis=1)
    low, high = SAMPLE_RATE // 400, SAMPLE_RATE // 70
    part = correlation[:, low:high] / (correlation[:, :1] + 1e-9)
    best = part.argmax(1)
    return np.where(part.max(1) > 0.45, SAMPLE_RATE / (best + low), 0.0)


def smooth(track: Track, sigma_s: float, rate_hz: float = RATE_HZ) -> Track:
    """Gaussian smoothing of [F] or [F, D] along the first axis, edges held."""
    radius = max(1, int(4 * sigma_s * rate_hz))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / (sigma_s * rate_hz)) ** 2)
    kernel /= kernel.sum()
    flat = track.reshape(len(track), -1)
    padded = np.pad(flat, ((radius, radius), (0, 0)), mode="edge")
    size = len(padded) + 2 * radius
    spectrum = np.fft.rfft(padded, size, axis=0) * np.fft.rfft(kernel, size)[:, None]
    out = np.fft.irfft(spectrum, size, axis=0)[2 * radius : 2 * radius + len(flat)]
    return out.reshape(track.shape)


def phrases_in(tracks: Tracks) -> tuple[tuple[float, float], ...]:
    """Stretches louder than half way (in dB) between noise floor and speech, gaps under 0.22 s closed."""
    level = smooth(tracks.level_db, 0.03)
    floor, top = np.percentile(level, 5), np.percentile(level, 95)
    if top - floor < 8.0:  # speech throughout, or silence throughout
        return ((0.0, len(level) / RATE_HZ),) if top > -30.0 else ()
    loud = np.flatnonzero(level > max(floor + 6.0, top - 28.0))
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 0.22 * RATE_HZ) + 1)
    spans = [(g[0] / RATE_HZ, (g[-1] + 1) / RATE_HZ) for g in groups if len(g) > 0.08 * RATE_HZ]
    return tuple((float(a), float(b)) for a, b in spans)


def _peaks(track: Track) -> NDArray[np.intp]:
    return np.flatnonzero((track[1:-1] > track[:-2]) & (track[1:-1] >= track[2:])) + 1


def prominences(tracks: Tracks, gap_s: float = 0.32) -> tuple[Stress, ...]:
    """Prominent syllables: voiced nuclei whose loudness and pitch stand out, at least `gap_s` apart."""
    level = smooth(tracks.level_db, 0.035)
    voiced = tracks.pitch_hz > 0
    if voiced.sum() < 5:
        return ()
    pitch = np.where(voiced, 12 * np.log2(np.maximum(tracks.pitch_hz, 1) / np.median(tracks.pitch_hz[voiced])), -3.0)
    pitch = smooth(np.clip(pitch, -8, 12), 0.05)
    local = level - smooth(level, 0.5)
    score = local / 6.0 + pitch / 4.0
    nuclei = [p for p in _peaks(level) if voiced[p] and level[p] > np.percentile(level, 40)]
    taken: list[int] = []
    for peak in sorted(nuclei, key=lambda p: -score[p]):
        if score[peak] > 0.1 and all(abs(peak - other) > gap_s * RATE_HZ for other in taken):
            taken.append(peak)
    return tuple(_stress_at(peak, level, float(score[peak])) for peak in sorted(taken))


def _stress_at(peak: int, level: Track, score: float) -> Stress:
    """The vowel's onset: where the level last crossed 3 dB under its peak, at most 0.12 s before."""
    first = max(0, peak - int(0.12 * RATE_HZ))
    below = np.flatnonzero(level[first:peak] < level[peak] - 3.0)
    onset = first + (below[-1] + 1 if len(below) else 0)
    return Stress(time_s=float(onset / RATE_HZ), strength=float(np.clip(0.5 + 0.25 * score, 0.3, 1.0)))


def _spoken(stress: Stress, words: tuple[Word, ...]) -> Stress:
    """A prominence with the word it falls into, and the gesture that word calls for."""
    for word in words:
        if word.start_s - 0.03 <= stress.time_s < word.stop_s:
            return replace(stress, word=word.text, gesture=gesture_of(word.text))
    return stress


def real_speech(pcm: Floats, *, words: tuple[Word, ...] = (), emotion: str = "neutral", voice: str = "") -> Speech:
    """A recording as the teacher sees it. pcm [N] at 16 kHz, -1..1; words as a TextGrid gives them, if there is one.

    Which syllables are prominent is heard in the audio either way.
    """
    tracks = analyse(pcm)
    return Speech(
        pcm=pcm,
        words=words,
        phonemes=(),
        stresses=tuple(_spoken(stress, words) for stress in prominences(tracks)),
        phrases=phrases_in(tracks),
        emotion=emotion,
        voice=voice,
        is_real=True,
    )
