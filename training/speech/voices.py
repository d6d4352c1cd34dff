"""Voices and how the eight emotions sound with them."""

from __future__ import annotations

import numpy as np

from gesturestream.training.speech.espeak import Prosody

VOICES: tuple[str, ...] = (
    "en-us", "en-us+f2", "en-us+f3", "en-us+f4", "en-us+f5", "en-us+m1", "en-us+m3", "en-us+m4", "en-us+m7",
    "en-us+steph", "en-us+belinda", "en-us+Andrea", "en-us+adam", "en-us+Mike", "en", "en+f3", "en+m3", "en+f5",
    "en-gb-x-rp", "en-gb-x-rp+f2", "en-gb-scotland+m4", "en-gb-scotland+f3", "en-029", "en-us-nyc", "en-us-nyc+f4",
)  # fmt: skip

_BY_EMOTION: dict[str, tuple[int, int, int, int]] = {  # words a minute, pitch, pitch range, volume
    "neutral": (168, 50, 50, 95),
    "happiness": (184, 62, 75, 108),
    "anger": (188, 50, 64, 135),
    "sadness": (132, 38, 24, 72),
    "contempt": (148, 40, 38, 88),
    "surprise": (180, 72, 92, 112),
    "fear": (202, 68, 42, 82),
    "disgust": (146, 42, 58, 104),
}


def prosody_of(emotion: str, voice: str, rng: np.random.Generator) -> Prosody:
    """The prosody of one clip: the emotion's own, spread by about 7 % from speaker to speaker."""
    rate, pitch, spread, volume = np.array(_BY_EMOTION[emotion]) * rng.normal(1.0, 0.07, 4)
    return Prosody(
        voice=voice,
        rate_wpm=int(np.clip(rate, 110, 240)),
        pitch=int(np.clip(pitch, 15, 95)),
        pitch_range=int(np.clip(spread, 5, 99)),
        volume=int(np.clip(volume, 50, 160)),
    )
