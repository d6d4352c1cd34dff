"""A grammar that writes varied everyday English for the synthetic voices, with marked stresses and eight moods.

A template holds [slots], filled at random from `SLOTS`, and `*` before each word that may carry a stroke.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from gesturestream.training.speech.templates import SLOTS, TEMPLATES


@dataclass(frozen=True, kw_only=True)
class Line:
    """One sentence: words with punctuation, which of them are stressed, and the silence after it (s)."""

    words: tuple[str, ...]
    stressed: tuple[bool, ...]
    pause_s: float


def write_line(emotion: str, rng: np.random.Generator) -> Line:
    """A sentence in the wording of `emotion` (one in three is plain) and a pause after it."""
    pool = TEMPLATES[emotion] if rng.random() < 0.67 else TEMPLATES["neutral"]
    words = _fill(str(rng.choice(pool)), rng).split()
    stressed = tuple(word.startswith("*") for word in words)
    bare = tuple(word.lstrip("*") for word in words)
    return Line(words=bare, stressed=stressed, pause_s=_pause_s(rng))


def _fill(template: str, rng: np.random.Generator) -> str:
    while match := re.search(r"\[(\w+)\]", template):
        choice = str(rng.choice(SLOTS[match[1]]))
        template = template[: match.start()] + choice + template[match.end() :]
    return template[0].upper() + template[1:] if template[0] != "*" else template


def _pause_s(rng: np.random.Generator) -> float:
    """Mostly the breath between sentences, one in eleven a silence of 3-5 s, so that the corpus holds idle too."""
    if rng.random() < 0.09:
        return float(rng.uniform(3.0, 5.0))
    return float(0.3 + 2.2 * rng.beta(1.0, 4.0))
