"""espeak-ng through its C library: 16 kHz audio with the exact time of every word and phoneme.

Synchronous mode, about 1000 times real time. The library keeps one voice per process, so one process is one speaker
at a time; worker processes have their own.
"""

from __future__ import annotations

import ctypes as C
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import soxr

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.training.speech.lexicon import is_vowel
from gesturestream.training.speech.speech import Floats, Phoneme, Word

LIBRARY = "libespeak-ng.so.1"

_SYNCHRONOUS, _EVENTS = 2, 1 | 2 | 0x8000  # phoneme events, in IPA, and no exit() on errors
_UTF8_SSML = 1 | 0x10
_MARK, _PHONEME = 3, 7
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4


class _Id(C.Union):
    _fields_ = [("number", C.c_int), ("name", C.c_char_p), ("string", C.c_char * 8)]


class _Event(C.Structure):
    _fields_ = [
        ("type", C.c_int), ("unique_identifier", C.c_uint), ("text_position", C.c_int), ("length", C.c_int),
        ("audio_position", C.c_int), ("sample", C.c_int), ("user_data", C.c_void_p), ("id", _Id),
    ]  # fmt: skip


_Callback = C.CFUNCTYPE(C.c_int, C.POINTER(C.c_short), C.c_int, C.POINTER(_Event))


@dataclass(frozen=True, kw_only=True)
class Prosody:
    """How a sentence is spoken, in espeak's own units."""

    voice: str = "en-us"
    rate_wpm: int = 170
    pitch: int = 50
    pitch_range: int = 50
    volume: int = 100


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A synthesised sentence. `onsets_s[i]` is the onset of word i's stressed vowel."""

    pcm: Floats
    words: tuple[Word, ...]
    phonemes: tuple[Phoneme, ...]
    onsets_s: tuple[float, ...]


@lru_cache(maxsize=1)
def _installed() -> str:
    """Path of the installed library."""
    try:
        C.CDLL(LIBRARY)
    except OSError as error:
        raise RuntimeError(
            f"speech synthesis needs {LIBRARY}: install the Debian package libespeak-ng1 or espeak-ng"
        ) from error
    maps = Path("/proc/self/maps").read_text().splitlines()
    return next(line.split()[-1] for line in maps if LIBRARY.removesuffix(".1") in line)


class _Library:
    """A private copy of the library and what its callback has collected since the last call.

    espeak-ng keeps the phase of its voice flutter in static variables that nothing resets, so the second sentence of a
    process depends on the first: a copy of its own per clip makes clips reproducible in any order.
    """

    def __init__(self) -> None:
        with tempfile.NamedTemporaryFile(suffix=".so") as copy:
            shutil.copyfile(_installed(), copy.name)
            self.c: Any = C.CDLL(copy.name)
        self.rate: int = self.c.espeak_Initialize(_SYNCHRONOUS, 0, None, _EVENTS)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng could not start: is the Debian package espeak-ng-data installed?")
        self.c.espeak_TextToPhonemes.restype = C.c_char_p
        self.blocks: list[Any] = []
        self.events: list[tuple[int, int, str]] = []
        self._keep = _Callback(self._collect)  # ctypes does not hold a reference
        self.c.espeak_SetSynthCallback(self._keep)

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self.blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events[i].type != 0:
            event = events[i]
            if event.type in (_MARK, _PHONEME):
                name = event.id.name if event.type == _MARK else event.id.string
                self.events.append((event.type, event.sample, (name or b"").decode("utf-8", "ignore")))
            i += 1
        return 0

    def set_prosody(self, prosody: Prosody) -> None:
        if self.c.espeak_SetVoiceByName(prosody.voice.encode()) != 0:
            raise ValueError(f"voice: expected one that `espeak-ng --voices` lists, got {prosody.voice!r}")
        values = (prosody.rate_wpm, prosody.volume, prosody.pitch, prosody.pitch_range)
        for parameter, value in zip((_RATE, _VOLUME, _PITCH, _RANGE), values):
            self.c.espeak_SetParameter(parameter, int(value), 0)

    def synthesise(self, ssml: str) -> tuple[Floats, list[tuple[int, int, str]]]:
        self.blocks, self.events = [], []
        data = ssml.encode()
        if self.c.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8_SSML, None, None) != 0:
            raise RuntimeError(f"espeak-ng refused {ssml!r}")
        pcm = np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.int16)
        return pcm.astype(np.float32) / 32768.0, self.events


def restart() -> None:
    """Makes what is spoken next independent of all that was spoken before; costs 20 ms and about 2 MB each time."""
    _library.cache_clear()
    _stressed_vowel.cache_clear()  # a look-up leaves its traces in the library too
    C.CDLL(None).srand(1)  # its breath noise comes from the C library


@lru_cache(maxsize=1)
def _library() -> _Library:
    return _Library()


def speak(words: Sequence[str], stressed: Sequence[bool], prosody: Prosody) -> Spoken:
    """One sentence, words with their punctuation; stressed words are higher, longer and louder.

    Raises RuntimeError when the library is missing and ValueError for an unknown voice.
    """
    library = _library()
    library.set_prosody(prosody)
    raw, events = library.synthesise(_ssml(words, stressed))
    pcm = soxr.resample(raw, library.rate, SAMPLE_RATE).astype(np.float32)
    phonemes = _phonemes(events, library.rate)
    marks = _marks(events, library.rate, len(words))
    spans = [[p for p in phonemes if a <= p.start_s < b and p.symbol] for a, b in zip(marks, marks[1:] + [np.inf])]
    timed, onsets = [], []
    for text, mark_s, span in zip(words, marks, spans):
        # A mark may lie a little before the end of the word before it; the sounds are exact.
        start_s, stop_s = (span[0].start_s, span[-1].stop_s) if span else (mark_s, mark_s)
        timed.append(Word(text=re.sub(r"[^\w'-]", "", text), start_s=start_s, stop_s=stop_s))
        onsets.append(_stressed_onset(text, span, start_s))
    return Spoken(pcm=pcm, words=tuple(timed), phonemes=tuple(phonemes), onsets_s=tuple(onsets))


def _ssml(words: Sequence[str], stressed: Sequence[bool]) -> str:
    parts = []
    for i, (word, loud) in enumerate(zip(words, stressed)):
        text = escape(word)
        if loud:
            # <emphasis> would raise loudness only
            text = f'<prosody pitch="+22%" rate="80%" volume="+35%">{text}</prosody>'
        parts.append(f'<mark name="{i}"/>{text}')
    return f"<speak>{' '.join(parts)}</speak>"


def _phonemes(events: list[tuple[int, int, str]], rate: int) -> list[Phoneme]:
    sounds = [(sample / rate, symbol) for kind, sample, symbol in events if kind == _PHONEME]
    stops = [start for start, _ in sounds[1:]] + [sounds[-1][0] if sounds else 0.0]
    return [Phoneme(symbol=s, start_s=a, stop_s=b) for (a, s), b in zip(sounds, stops) if b > a]


def _marks(events: list[tuple[int, int, str]], rate: int, count: int) -> list[float]:
    """Start of every word; a mark the library lost takes the time of the next one."""
    found = {int(name): sample / rate for kind, sample, name in events if kind == _MARK and name.isdigit()}
    marks, after = [], max(found.values(), default=0.0)
    for i in reversed(range(count)):
        after = found.get(i, after)
        marks.append(after)
    return marks[::-1]


def _stressed_onset(text: str, span: list[Phoneme], start_s: float) -> float:
    vowels = [p.start_s for p in span if is_vowel(p.symbol)]
    if not vowels:
        return start_s
    return vowels[min(_stressed_vowel(text), len(vowels) - 1)]


@lru_cache(maxsize=4096)
def _stressed_vowel(text: str) -> int:
    """How many vowels stand before the primary stress of the word."""
    pointer = C.c_char_p(text.encode())
    ipa = (_library().c.espeak_TextToPhonemes(C.byref(pointer), 1, 2) or b"").decode("utf-8", "ignore")
    before = ipa.split("ˈ")[0] if "ˈ" in ipa else ""
    return len(re.findall(r"[aeiouæɑɐɒʌəɚɜɛɪɔʊiyøœ]+[ːɪʊə]?", before))
