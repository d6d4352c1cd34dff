"""What the teacher knows about an utterance: the samples and, with exact times, what is said in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import SAMPLE_RATE

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Word:
    """One spoken word and when it sounds, seconds."""

    text: str
    start_s: float
    stop_s: float


@dataclass(frozen=True, kw_only=True)
class Phoneme:
    """One sound as an IPA symbol; an empty symbol is a pause."""

    symbol: str
    start_s: float
    stop_s: float


@dataclass(frozen=True, kw_only=True)
class Stress:
    """A prominent syllable: the onset of its vowel, how strong it is (0..1), the word and the gesture it calls for."""

    time_s: float
    strength: float
    word: str = ""
    gesture: str | None = None


@dataclass(frozen=True, kw_only=True)
class Speech:
    """An utterance or a whole clip. pcm [N] float32 at 16 kHz, -1..1; all lists in order of time."""

    pcm: Floats
    words: tuple[Word, ...]
    phonemes: tuple[Phoneme, ...]
    stresses: tuple[Stress, ...]
    phrases: tuple[tuple[float, float], ...]
    """Start and stop (s) of every stretch of speech without a pause."""
    emotion: str = "neutral"
    voice: str = ""
    is_real: bool = False

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.pcm) / SAMPLE_RATE
