"""What `render` is told beside the voice: files of hints and words, given to a session in order with its audio."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesturestream.models.motion import FPS

if TYPE_CHECKING:
    from gesturestream.realtime.hints import HintClip, Word
    from gesturestream.realtime.session import Session

WORDS_AHEAD_S = 2.0
"""Words are told so long before they are spoken: more than a generator looks ahead, few enough to wait."""
MAX_BYTES = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Told:
    """Hints and words of one recording; times from its first sample."""

    hints: HintClip | None = None
    words: tuple[Word, ...] = ()
    """In order of their start."""

    def begin(self, session: Session) -> None:
        """Before the first sample."""
        if self.hints is not None:
            session.hint(self.hints, 0.0, len(self.hints) / FPS)

    def say(self, session: Session, from_s: float, to_s: float) -> None:
        """Before the samples of this stretch of time."""
        begin_s = from_s + WORDS_AHEAD_S if from_s > 0 else 0.0
        due = [word for word in self.words if begin_s <= word.start_s < to_s + WORDS_AHEAD_S]
        if due:
            session.words(due)


def read_told(hints: Path | None, words: Path | None) -> Told:
    """ValueError names the file and what is wrong with it."""
    from gesturestream.realtime.hints.files import read_hints

    return Told(hints=None if hints is None else read_hints(hints), words=() if words is None else read_words(words))


def read_words(path: Path) -> tuple[Word, ...]:
    """Praat's TextGrid, or JSON as the message `words` has it. ValueError names the file and what is wrong with it."""
    from gesturestream.realtime.hints.requests import check_word

    if not path.is_file():
        raise ValueError(f"expected a transcript at {path}, found no such file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
    try:
        words = _json_words(path) if path.suffix.lower() == ".json" else _textgrid_words(path)
        for i, word in enumerate(words):
            check_word(i, word)
    except (ValueError, IndexError, RecursionError) as error:  # also what is no JSON and no text
        raise ValueError(f"{path} is no transcript: {error}") from error
    return tuple(sorted(words, key=lambda word: word.start_s))


def _textgrid_words(path: Path) -> list[Word]:
    from gesturestream.realtime.hints import Word
    from gesturestream.training.corpus.textgrid import read_textgrid

    return [Word(word.text.strip(), word.start_s, word.stop_s) for word in read_textgrid(path)]


def _json_words(path: Path) -> list[Word]:
    from gesturestream.realtime.hints import Word

    data = json.loads(path.read_bytes())
    words = data.get("words") if isinstance(data, dict) else data
    if not isinstance(words, list):
        raise ValueError('expected a list of words, or an object that has one under "words"')
    return [Word(*_fields(i, word)) for i, word in enumerate(words)]


def _fields(i: int, word: Any) -> tuple[str, float, float]:
    if not isinstance(word, dict) or not isinstance(word.get("text"), str):
        raise ValueError(f"words.{i}: expected an object with text, start_s and end_s, got {word!r:.60}")
    start_s, end_s = word.get("start_s"), word.get("end_s")
    if not isinstance(start_s, int | float) or not isinstance(end_s, int | float):
        raise ValueError(f"words.{i}: expected numbers start_s and end_s, got {start_s!r:.20} and {end_s!r:.20}")
    return word["text"], float(start_s), float(end_s)
