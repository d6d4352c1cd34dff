"""Recordings as corpus clips: any folder of wav or flac, an index.csv with emotions where there is one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from gesturestream.models.motion import EMOTIONS, SAMPLE_RATE
from gesturestream.training.corpus.textgrid import read_textgrid
from gesturestream.training.speech.speech import Floats, Word

SUFFIXES = (".wav", ".flac")
CLIP_S = 40.0
"""Longer recordings are cut, shorter ones of one speaker and mood are joined, to about this length."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Pieces that make one clip, silence between them."""

    pieces: tuple[tuple[Path, float, float], ...]
    """File, start and stop in seconds."""
    emotion: str
    voice: str


def recordings(folder: Path) -> list[Recording]:
    """All clips of a folder. Files whose index says an emotion outside the eight (boredom) are left out."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    if not files:
        raise ValueError(f"speech: expected {' or '.join(SUFFIXES)} files under {folder}, found none")
    index = _index(folder)
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in files:
        row = index.get(path.relative_to(folder).as_posix(), {})
        emotion = row.get("emotion") or "neutral"
        if emotion in EMOTIONS:
            voice = f"{path.parent.name}/{row.get('speaker') or path.parent.name}"
            groups.setdefault((voice, emotion), []).append(path)
    return [clip for (voice, emotion), paths in groups.items() for clip in _cut(paths, emotion, voice)]


def _index(folder: Path) -> dict[str, dict[str, str]]:
    table = folder / "index.csv"
    if not table.exists():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _cut(paths: list[Path], emotion: str, voice: str) -> Iterator[Recording]:
    pieces: list[tuple[Path, float, float]] = []
    held_s = 0.0
    for path in paths:
        seconds = soundfile.info(path).duration
        parts = max(1, round(seconds / CLIP_S))
        for k in range(parts):
            pieces.append((path, k * seconds / parts, (k + 1) * seconds / parts))
            held_s += seconds / parts
            if held_s > 0.75 * CLIP_S:
                yield Recording(pieces=tuple(pieces), emotion=emotion, voice=voice)
                pieces, held_s = [], 0.0
    if held_s > 1.0:
        yield Recording(pieces=tuple(pieces), emotion=emotion, voice=voice)


def read_recording(recording: Recording, rng: np.random.Generator) -> tuple[Floats, tuple[Word, ...]]:
    """The clip's audio at 16 kHz, its pieces with 0.4-1.6 s of near silence around each, and its words if known."""
    parts: list[Floats] = [_quiet(rng)]
    words: list[Word] = []
    for path, start_s, stop_s in recording.pieces:
        shift_s = sum(len(part) for part in parts) / SAMPLE_RATE - start_s
        words += [
            Word(text=w.text, start_s=w.start_s + shift_s, stop_s=w.stop_s + shift_s)
            for w in _words(path)
            if start_s <= w.start_s and w.stop_s <= stop_s
        ]
        parts += [_faded(_read(path, start_s, stop_s)), _quiet(rng)]
    return np.clip(np.concatenate(parts), -1.0, 1.0).astype(np.float32), tuple(words)


def _words(path: Path) -> tuple[Word, ...]:
    """Words of NAME.TextGrid beside NAME.wav, or in textgrid/ beside the wav's folder (BEAT2); none without it.

    Intervals that hold more than a word (utterances) tell nothing about which word is stressed and are left out.
    """
    for place in (path.with_suffix(".TextGrid"), path.parent.parent / "textgrid" / f"{path.stem}.TextGrid"):
        if place.is_file():
            return tuple(word for word in read_textgrid(place) if " " not in word.text.strip())
    return ()


def _read(path: Path, start_s: float, stop_s: float) -> Floats:
    rate = soundfile.info(path).samplerate
    pcm, _ = soundfile.read(path, start=int(start_s * rate), stop=int(stop_s * rate), dtype="float32", always_2d=True)
    mono: Floats = pcm.mean(1)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE).astype(np.float32)
    return mono


def _faded(pcm: Floats) -> Floats:
    """10 ms fades, so that a cut is no click."""
    size = min(160, len(pcm) // 2)
    ramp = np.linspace(0.0, 1.0, size, dtype=np.float32)
    out = pcm.copy()
    out[:size] *= ramp
    out[len(out) - size :] *= ramp[::-1]
    return out


def _quiet(rng: np.random.Generator) -> Floats:
    count = int(rng.uniform(0.4, 1.6) * SAMPLE_RATE)
    return (2e-4 * rng.standard_normal(count)).astype(np.float32)
