"""Real emotional speech for the emotion listener: a folder of recordings with an `index.csv`, split by speaker."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from gesturestream.models.motion import EMOTIONS, FPS, SAMPLE_RATE
from gesturestream.training.features import as_recorded, clip_features

Floats = NDArray[np.float32]

LONGEST_FRAMES = 5 * FPS // 2
SPEEDS = (0.9, 0.95, 1.05, 1.1)
"""Other speakers: the same voice faster and higher, slower and lower."""
TOGETHER = 64


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One labelled recording."""

    path: Path
    language: str
    speaker: str
    emotion: int


class Voices:
    """Recordings as features [N, V, T, 68] in V variants each (the first as recorded), labels [N]."""

    def __init__(self, recordings: list[Recording], variants: int, seed: int = 0) -> None:
        if not recordings:
            raise ValueError("expected labelled recordings, got none: the folder's index.csv names file and emotion")
        self.recordings = recordings
        self.labels = torch.tensor([r.emotion for r in recordings])
        random = np.random.default_rng([seed, 31])
        voices = [variant for r in recordings for variant in _variants(read(r.path), variants, random)]
        features = [f for i in range(0, len(voices), TOGETHER) for f in clip_features(voices[i : i + TOGETHER])]
        padded = torch.stack([_padded(f) for f in features])
        self.features = padded.view(len(recordings), variants, *padded.shape[1:])

    def draw(self, rows: int) -> tuple[Tensor, Tensor]:
        """Features [rows, T, 68] of any variant and their labels, every emotion as often; by torch's generator."""
        share = 1.0 / torch.bincount(self.labels, minlength=len(EMOTIONS)).clamp_min(1).float()
        picks = torch.multinomial(share[self.labels], rows, replacement=True)
        variants = torch.randint(self.features.shape[1], (rows,))
        return self.features[picks, variants], self.labels[picks]


def read_index(folder: Path, emotions_of: str = "") -> list[Recording]:
    """Recordings of `folder`/index.csv (file, language, speaker, emotion) whose emotion is one of the eight.

    emotions_of: only files that begin so. Other labels (boredom) are none of the eight and left out. ValueError: no
    index.
    """
    index = folder / "index.csv"
    if not index.is_file():
        raise ValueError(f"expected {index} with the columns file, language, speaker and emotion, found none")
    with index.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith(emotions_of)]
    return [
        Recording(
            path=folder / row["file"],
            language=row["language"],
            speaker=row["speaker"],
            emotion=EMOTIONS.index(row["emotion"]),
        )
        for row in rows
        if row["emotion"] in EMOTIONS
    ]


def without(recordings: list[Recording], speakers: tuple[str, ...]) -> list[Recording]:
    return [r for r in recordings if r.speaker not in speakers]


def of(recordings: list[Recording], speakers: tuple[str, ...]) -> list[Recording]:
    return [r for r in recordings if r.speaker in speakers]


def read(path: Path) -> Floats:
    """Mono at 16 kHz."""
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = pcm.mean(1)
    return mono if rate == SAMPLE_RATE else np.asarray(soxr.resample(mono, rate, SAMPLE_RATE), np.float32)


def _variants(pcm: Floats, count: int, random: np.random.Generator) -> list[Floats]:
    """The voice as it is, then through other microphones and from other throats."""
    out = [pcm]
    for _ in range(count - 1):
        speed = float(random.choice(SPEEDS))
        other = np.asarray(soxr.resample(pcm, SAMPLE_RATE * speed, SAMPLE_RATE), np.float32)
        out.append(as_recorded(other, random))
    return out


def _padded(features: Floats) -> Tensor:
    """[T, 68] -> [LONGEST_FRAMES, 68], zeros (no presence of speech) after its end."""
    out = torch.zeros(LONGEST_FRAMES, features.shape[1])
    kept = features[:LONGEST_FRAMES]
    out[: len(kept)] = torch.from_numpy(np.ascontiguousarray(kept))
    return out
