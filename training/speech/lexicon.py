"""Sounds to visemes and words to the gestures they call for."""

from __future__ import annotations

import re

VOWELS = "aeiouyæɑɐɒʌəɚɜɛɪɔʊᵻøœɝ"


def is_vowel(symbol: str) -> bool:
    """Whether an IPA symbol is a vowel or diphthong."""
    return bool(symbol) and symbol.lstrip("ˈˌ")[:1] in VOWELS


_VISEME_LETTERS: tuple[tuple[str, str], ...] = (
    ("p b m", "closed"), ("f v", "teeth"), ("θ ð", "tongue"), ("t d n l ɾ ʔ ɫ", "alveolar"), ("s z ts", "hiss"),
    ("ʃ ʒ tʃ dʒ", "hush"), ("k ɡ g ŋ x ç h", "back"), ("ɹ r ɻ ʁ", "r"), ("w", "round"), ("j", "spread"),
    ("a ɑ æ ʌ ɐ", "open"), ("e ɛ ɜ ə ɚ ɝ", "mid"), ("i ɪ ᵻ", "spread"), ("o ɔ ɒ", "oh"), ("u ʊ y ø œ", "round"),
)  # fmt: skip
_VISEMES = {letter: viseme for letters, viseme in _VISEME_LETTERS for letter in letters.split()}


def viseme_of(symbol: str) -> str:
    """The mouth shape of an IPA symbol; `rest` for a pause."""
    bare = symbol.lstrip("ˈˌ")
    if not bare:
        return "rest"
    return _VISEMES.get(bare[:2]) or _VISEMES.get(bare[:1]) or "mid"


_GESTURE_WORDS: dict[str, str] = {
    "self": "i me my mine myself i'm i've i'll ich mir mein",
    "you": "you your yours you're you've yourself du dir dein sie",
    "here": "this here these now today hier dies jetzt",
    "there": "that there those away outside yesterday tomorrow dort das",
    "many": "many all everyone everything everybody lots several every thousands we us our alle viele wir",
    "no": "no not never nothing nobody don't can't won't didn't isn't nein nie nicht",
    "big": "big huge enormous whole large giant gigantic great groß riesig",
    "small": "small little tiny bit slightly almost klein wenig",
    "wave": "hello hi welcome goodbye hallo",
    "one": "one first single eins",
    "two": "two second twice zwei",
    "three": "three third drei",
    "shrug": "why what how who maybe perhaps whatever somehow warum was wie vielleicht",
    "up": "up high higher grow rise top above rose",
    "down": "down low lower under fell drop below sank",
    "stop": "stop wait enough halt careful",
    "head": "think idea know remember understand believe imagine denke weiß",
    "heart": "love feel heart hope dear loved liebe",
    "circle": "around again circle turn change always rolling",
    "cut": "absolutely definitely exactly clear must done finished genau",
    "give": "offer give show look see tell explain ask question example",
}
GESTURE_OF_WORD: dict[str, str] = {word: name for name, words in _GESTURE_WORDS.items() for word in words.split()}
"""The gesture a stressed word calls for; other words are beaten."""


def gesture_of(word: str) -> str | None:
    """The gesture a word as written (case, punctuation) calls for, or None."""
    return GESTURE_OF_WORD.get(re.sub(r"[^\w']", "", word).lower())
