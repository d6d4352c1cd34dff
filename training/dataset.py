"""Windows of clips for training: features and packed motion, cached and memory-mapped, drawn deterministically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gesturestream.models.body.skeleton import FACE_JOINTS
from gesturestream.models.motion import BLENDSHAPES, EXPRESSIONS, LOOKAHEADS, MOTION_SIZE
from gesturestream.models.streaming.level import FEATURES
from gesturestream.training.clips import clip_names, load_clip
from gesturestream.training.features import as_recorded, clip_features

CACHE_VERSION = 2
BODY_DELAY_FRAMES = 12
"""The body's target is the teacher delayed by 12 - L frames: an unheard stroke cannot be prepared (design.md 3.8)."""
FACE_DELAY_FRAMES = 2


class Batch(NamedTuple):
    """B windows of T frames."""

    features: Tensor  # [B, T, 68]
    motion: Tensor  # [B, T, 489] the target: body and face delayed as the look-ahead asks
    emotion: Tensor  # [B] class index
    speaker: Tensor  # [B] index
    intensity: Tensor  # [B]
    lookahead: Tensor  # [B] frames


@dataclass(frozen=True, kw_only=True)
class _Entry:
    name: str
    start: int
    frames: int
    emotion: int
    speaker: int
    intensity: float


class Part:
    """One corpus folder's clips; features in two recordings each (clean, and as another microphone hears it)."""

    def __init__(self, folder: Path) -> None:
        self.entries = [_Entry(**e) for e in json.loads((folder / "entries.json").read_text())]
        self.motion: NDArray[np.float32] = np.load(folder / "motion.npy", mmap_mode="r")
        self.features: NDArray[np.float16] = np.load(folder / "features.npy", mmap_mode="r")

    def window(
        self, entry: _Entry, length: int, generator: np.random.Generator, lookaheads: tuple[int, ...]
    ) -> tuple[object, ...]:
        first = int(generator.integers(0, max(1, entry.frames - length)))
        lookahead = int(generator.choice(lookaheads))
        recording = int(generator.integers(2))
        frames = entry.start + np.minimum(np.arange(first, first + length), entry.frames - 1)
        return (
            self.features[frames, recording].astype(np.float32),
            delayed_target(self.motion, frames, entry.start, lookahead),
            entry.emotion,
            entry.speaker,
            entry.intensity,
            lookahead,
        )


class Corpus:
    """All clips of one split of one or several corpus folders, drawn in proportion to their length."""

    def __init__(self, parts: list[Part]) -> None:
        self._clips = [(part, entry) for part in parts for entry in part.entries]
        self.parts = parts
        self.lookaheads = LOOKAHEADS
        """What a window's look-ahead is drawn from; `(BODY_DELAY_FRAMES,)`: targets that are not delayed."""

    @classmethod
    def open(cls, corpora: Sequence[Path], split: str, progress: Callable[[int, int], None] | None = None) -> Corpus:
        """Reads the caches of `corpora`/`split`, made first when missing or stale. ValueError: a wrong folder."""
        return cls([cls._open_part(corpus, split, progress) for corpus in corpora])

    @staticmethod
    def _open_part(corpus: Path, split: str, progress: Callable[[int, int], None] | None) -> Part:
        names = clip_names(corpus, split)
        if not names:
            raise ValueError(f"expected clips of split {split!r} in {corpus / 'train_test_split.csv'}, found none")
        key = hashlib.sha256(json.dumps([CACHE_VERSION, split, names, _stamp(corpus)]).encode()).hexdigest()[:16]
        folder = corpus / ".cache" / f"{split}-{key}"
        if not (folder / "entries.json").is_file():
            _build(corpus, names, folder, progress)
        return Part(folder)

    @property
    def frames(self) -> int:
        return sum(len(part.motion) for part in self.parts)

    def sample_motion(self, count: int) -> NDArray[np.float32]:
        """About `count` frames of motion, evenly spread, [N, 489]."""
        stride = max(1, self.frames // count)
        return np.concatenate([part.motion[::stride] for part in self.parts])

    def batches(self, rows: int, length: int, seed: int, start: int = 0) -> Iterator[Batch]:
        """Endless random windows; batch i depends on (seed, i) alone, so a resumed run sees what it would have seen."""
        weights = np.array([entry.frames for _, entry in self._clips], np.float64)
        step = start
        while True:
            generator = np.random.default_rng([seed, step])
            picks = generator.choice(len(self._clips), rows, p=weights / weights.sum())
            clips = (self._clips[i] for i in picks)
            yield _collate([part.window(entry, length, generator, self.lookaheads) for part, entry in clips])
            step += 1


def delayed_target(
    motion: NDArray[np.float32], frames: NDArray[np.int64], first: int, lookahead: int
) -> NDArray[np.float32]:
    """What is to be shown at `frames`: the body 12 - L frames late, the face max(0, 2 - L); never before `first`."""
    target = np.array(motion[np.maximum(frames - (BODY_DELAY_FRAMES - lookahead), first)])
    face = motion[np.maximum(frames - max(0, FACE_DELAY_FRAMES - lookahead), first)]
    target[:, FACE] = face[:, FACE]
    return target


def _face_mask() -> NDArray[np.bool_]:
    mask = np.zeros(MOTION_SIZE, bool)
    for joint in FACE_JOINTS:
        mask[6 * joint : 6 * joint + 6] = True
    mask[BLENDSHAPES] = mask[EXPRESSIONS] = True
    return mask


FACE = _face_mask()
"""[489] which values belong to the face."""


def _collate(windows: list[tuple[object, ...]]) -> Batch:
    features, motion, emotion, speaker, intensity, lookahead = zip(*windows)
    return Batch(
        torch.from_numpy(np.stack(features)),
        torch.from_numpy(np.stack(motion)),
        torch.tensor(emotion),
        torch.tensor(speaker),
        torch.tensor(intensity, dtype=torch.float32),
        torch.tensor(lookahead),
    )


def _build(corpus: Path, names: list[str], folder: Path, progress: Callable[[int, int], None] | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    motions, features, start = [], [], 0
    entries: list[_Entry] = []
    for i in range(0, len(names), 16):
        clips = [load_clip(corpus, name) for name in names[i : i + 16]]
        generator = np.random.default_rng([i, 1])
        clean = clip_features([clip.pcm for clip in clips])
        other = clip_features([as_recorded(clip.pcm, generator) for clip in clips])
        for clip, a, b in zip(clips, clean, other):
            frames = min(len(clip.motion), len(a))
            motions.append(clip.motion[:frames])
            features.append(np.stack([a[:frames], b[:frames]], 1).astype(np.float16))
            entries.append(
                _Entry(
                    name=clip.name,
                    start=start,
                    frames=frames,
                    emotion=clip.emotion,
                    speaker=clip.speaker,
                    intensity=clip.intensity,
                )
            )
            start += frames
        if progress:
            progress(i + len(clips), len(names))
    np.save(folder / "motion.npy", np.concatenate(motions))
    np.save(folder / "features.npy", np.concatenate(features))
    partial = folder / "entries.json.partial"
    partial.write_text(json.dumps([asdict(entry) for entry in entries]))
    partial.replace(folder / "entries.json")  # last, so that a cache that was cut off is made anew


def _stamp(corpus: Path) -> list[float]:
    table = corpus / "train_test_split.csv"
    sidecar = corpus / "gesturestream.json"
    return [FEATURES, *(p.stat().st_mtime for p in (table, sidecar) if p.is_file())]
