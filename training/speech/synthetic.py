"""A clip of synthetic speech: sentences of one mood and voice with pauses between them."""

from __future__ import annotations

import numpy as np

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.training.speech.espeak import Prosody, Spoken, restart, speak
from gesturestream.training.speech.lexicon import gesture_of
from gesturestream.training.speech.script import Line, write_line
from gesturestream.training.speech.speech import Floats, Phoneme, Speech, Stress, Word
from gesturestream.training.speech.voices import VOICES, prosody_of

PHRASE_GAP_S = 0.22
"""A pause longer than this parts two phrases."""


def synthetic_clip(seconds: float, emotion: str, rng: np.random.Generator) -> Speech:
    """About `seconds` of one voice in one mood, silence at both ends; deterministic by `rng`."""
    restart()
    voice = str(rng.choice(VOICES))
    prosody = prosody_of(emotion, voice, rng)
    at = float(rng.uniform(0.3, 1.5))
    spoken: list[tuple[float, Line, Spoken]] = []
    while at < seconds - 1.5:
        line = write_line(emotion, rng)
        part = speak(line.words, line.stressed, _vary(prosody, rng))
        spoken.append((at, line, part))
        at += len(part.pcm) / SAMPLE_RATE + line.pause_s
    total_s = max(at, seconds) if at < seconds + 1.0 else at
    return _join(spoken, total_s, emotion, voice, rng)


def _vary(prosody: Prosody, rng: np.random.Generator) -> Prosody:
    pitch = int(np.clip(prosody.pitch + rng.normal(0, 3), 10, 99))
    rate = int(np.clip(prosody.rate_wpm * rng.normal(1.0, 0.06), 100, 260))
    return Prosody(
        voice=prosody.voice, rate_wpm=rate, pitch=pitch, pitch_range=prosody.pitch_range, volume=prosody.volume
    )


def _join(
    spoken: list[tuple[float, Line, Spoken]], total_s: float, emotion: str, voice: str, rng: np.random.Generator
) -> Speech:
    words: list[Word] = []
    phonemes: list[Phoneme] = []
    stresses: list[Stress] = []
    for at, line, part in spoken:
        words += [Word(text=w.text, start_s=w.start_s + at, stop_s=w.stop_s + at) for w in part.words]
        phonemes += [Phoneme(symbol=p.symbol, start_s=p.start_s + at, stop_s=p.stop_s + at) for p in part.phonemes]
        stresses += [
            _stress(word.text, onset + at, rng)
            for word, onset, hit in zip(part.words, part.onsets_s, line.stressed)
            if hit
        ]
    return Speech(
        pcm=_mix(spoken, total_s, rng),
        words=tuple(words),
        phonemes=tuple(phonemes),
        stresses=tuple(stresses),
        phrases=phrases_of(words),
        emotion=emotion,
        voice=voice,
    )


def _stress(word: str, time_s: float, rng: np.random.Generator) -> Stress:
    return Stress(time_s=time_s, strength=float(rng.uniform(0.5, 1.0)), word=word, gesture=gesture_of(word))


def _mix(spoken: list[tuple[float, Line, Spoken]], total_s: float, rng: np.random.Generator) -> Floats:
    """The sentences over a faint noise floor, at a level that differs from clip to clip."""
    pcm = np.zeros(round(total_s * SAMPLE_RATE), np.float32)
    for at, _, part in spoken:
        start = round(at * SAMPLE_RATE)
        piece = part.pcm[: len(pcm) - start]
        pcm[start : start + len(piece)] += piece
    gain = 10 ** rng.uniform(-0.6, 0.15)
    floor = 10 ** rng.uniform(-4.5, -3.0) * rng.standard_normal(len(pcm))
    return np.clip(gain * pcm + floor, -1.0, 1.0).astype(np.float32)


def phrases_of(words: list[Word]) -> tuple[tuple[float, float], ...]:
    """Stretches of words without a pause longer than PHRASE_GAP_S."""
    phrases: list[tuple[float, float]] = []
    for word in words:
        if phrases and word.start_s - phrases[-1][1] < PHRASE_GAP_S:
            phrases[-1] = (phrases[-1][0], max(word.stop_s, phrases[-1][1]))
        else:
            phrases.append((word.start_s, word.stop_s))
    return tuple(phrases)
