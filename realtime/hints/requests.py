"""What owners ask for, and what the model thread is handed of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from gesturestream.realtime.hints.clip import HintClip

MAX_WORDS = 1024
"""Words that a session keeps until they have been spoken."""
MAX_WORD_CHARS = 100


class Word(NamedTuple):
    """One word of a transcript and when it sounds, seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HintRequest:
    """A hint as it was asked for. Times are seconds of the utterance, or of samples the client has sent."""

    clip: HintClip
    from_s: float | None
    """None: with the next frame."""
    to_s: float | None
    """None: until replaced."""
    utterance: str | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WordsRequest:
    """Words as they were sent. Times as in `HintRequest`."""

    words: tuple[Word, ...]
    utterance: str | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Placed:
    """A hint on the clock of motion frames."""

    clip: HintClip
    first: int
    """The motion frame that is given the clip's first frame; the way there begins up to `LEAD_FRAMES` before."""
    last: int | None
    """The first motion frame that is given nothing any more; None: until replaced."""


def check_span(from_s: float | None, to_s: float | None) -> None:
    """ValueError names the field."""
    for name, value in (("from_s", from_s), ("to_s", to_s)):
        if value is not None and not (isfinite(value) and value >= 0.0):
            raise ValueError(f"{name}: expected a time of 0 s or more, or none, got {value}")
    if from_s is not None and to_s is not None and to_s < from_s:
        raise ValueError(f"to_s: expected a time not before from_s = {from_s:g}, got {to_s:g}")


def checked_words(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words in order of their start. ValueError names the field."""
    if len(words) > MAX_WORDS:
        raise ValueError(f"words: expected at most {MAX_WORDS} words, got {len(words)}")
    for i, word in enumerate(words):
        check_word(i, Word(*word))
    return tuple(sorted((Word(*word) for word in words), key=lambda word: word.start_s))


def check_word(i: int, word: Word) -> None:
    """ValueError names the field of the i-th word."""
    if len(word.text) > MAX_WORD_CHARS:
        raise ValueError(f"words.{i}.text: expected at most {MAX_WORD_CHARS} characters, got {len(word.text)}")
    if not (isfinite(word.start_s) and word.start_s >= 0.0):
        raise ValueError(f"words.{i}.start_s: expected a time of 0 s or more, got {word.start_s}")
    if not (isfinite(word.end_s) and word.end_s >= word.start_s):
        expected = f"a time not before start_s = {word.start_s:g}"
        raise ValueError(f"words.{i}.end_s: expected {expected}, got {word.end_s}")
