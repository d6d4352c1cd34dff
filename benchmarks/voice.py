"""The voice the benchmarks speak with: the bundled recording, repeated, with clicks at random instants."""

from __future__ import annotations

import importlib.resources

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray


def speech(seconds: float, rate: int) -> NDArray[np.float32]:
    """[seconds * rate] the bundled recording at `rate`, repeated, -1..1."""
    recording = importlib.resources.files("gesturestream.realtime") / "assets" / "demo_speech.flac"
    with importlib.resources.as_file(recording) as path:
        pcm, recorded_rate = soundfile.read(path, dtype="float32")
    return np.resize(soxr.resample(pcm, recorded_rate, rate), round(seconds * rate)).astype(np.float32)


def speech_with_clicks(
    seconds: float, rate: int, seed: int, per_second: float = 8.0
) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """16-bit speech with full-scale clicks and the samples they lie at, sorted, uniform over all phases of a frame."""
    pcm = (speech(seconds, rate) * 32767).astype(np.int16)
    clicks = np.random.default_rng(seed).choice(len(pcm), size=round(seconds * per_second), replace=False)
    pcm[clicks] = 32767
    return pcm, np.sort(clicks)
