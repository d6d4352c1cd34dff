"""Windows of clips for training: features and packed motion, cached and memory-mapped, drawn deterministically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gesturestream.models.body.skeleton import FACE_JOINTS
from gesturestream.models.motion import BLENDSHAPES, EXPRESSIONS, FPS, LOOKAHEADS, MOTION_SIZE
from gesturestream.models.step import WORD_AHEAD_FRAMES
from gesturestream.models.streaming.level import FEATURES
from gesturestream.models.words import WORD_IDS, word_ids
from gesturestream.training.clips import Clip
from gesturestream.training.datasets.reader import Reader, ReaderOptions
from gesturestream.training.datasets.recognise import open_reader
from gesturestream.training.features import as_recorded, clip_features
from gesturestream.training.speech.speech import Word

CACHE_VERSION = 4
BODY_DELAY_FRAMES = 10
"""The body's target is the teacher delayed by 10 - L frames: an unheard stroke cannot be prepared (design.md 3.8).

Twelve were tried first: the median stroke then came 0.43 to 0.48 s late at look-ahead 0, where 0.45 is the aim."""
FACE_DELAY_FRAMES = 2
GUEST_SHARE = 0.4
"""Of each batch's windows, of all guests together."""
BUILD_CLIPS = 16
"""Clips whose features are computed together."""
MOTION_FILE, FEATURES_FILE, WORDS_FILE = "motion.f32", "features.f16", "words.i16"

Progress = Callable[[int, int], None]
"""Told how many clips of how many are read."""


class Batch(NamedTuple):
    """B windows of T frames."""

    features: Tensor  # [B, T, 68]
    motion: Tensor  # [B, T, 489] the target: body and face delayed as the look-ahead asks
    emotion: Tensor  # [B] class index
    speaker: Tensor  # [B] index
    intensity: Tensor  # [B]
    lookahead: Tensor  # [B] frames
    words: Tensor  # int64 [B, T, 2, N] n-gram ids of the word spoken, and of the one WORD_AHEAD_FRAMES later
    corpus: Tensor  # [B] 0: the corpora that are learned; i: the i-th guest, which knows a part of the body only

    def of(self, corpus: int) -> Batch:
        """The windows of one of them."""
        rows = self.corpus == corpus
        return self if bool(rows.all()) else Batch(*(value[rows] for value in self))


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
        self.motion: NDArray[np.float32] = np.memmap(folder / MOTION_FILE, np.float32, "r").reshape(-1, MOTION_SIZE)
        self.features: NDArray[np.float16] = np.memmap(folder / FEATURES_FILE, np.float16, "r").reshape(-1, 2, FEATURES)
        self.words: NDArray[np.int16] = np.memmap(folder / WORDS_FILE, np.int16, "r").reshape(-1, WORD_IDS)

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
            self._heard_words(entry, frames),
        )

    def _heard_words(self, entry: _Entry, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """[T, 2, N] at `frames`; nothing is said after the clip's end."""
        later = frames + WORD_AHEAD_FRAMES
        last = entry.start + entry.frames - 1
        ahead = np.where((later <= last)[:, None], self.words[np.minimum(later, last)], 0)
        return np.stack([self.words[frames], ahead], 1).astype(np.int64)


class Corpus:
    """All clips of one split of one or several corpus folders, drawn in proportion to their length."""

    def __init__(self, parts: list[Part]) -> None:
        self._clips = _Clips(parts)
        self.parts = parts
        self.guests: list[Corpus] = []
        """Corpora that train along (EMAGE's Table 7): GUEST_SHARE of each batch's windows, the same number of each."""
        self.lookaheads = LOOKAHEADS
        """What a window's look-ahead is drawn from; `(BODY_DELAY_FRAMES,)`: targets that are not delayed."""

    @classmethod
    def open(
        cls,
        corpora: Sequence[Path],
        split: str,
        progress: Progress | None = None,
        options: ReaderOptions | Sequence[ReaderOptions] | None = None,
        cache: Path | None = None,
    ) -> Corpus:
        """Reads the caches of `corpora`/`split`, made first when missing or stale. ValueError: a wrong folder.

        options: how to read all corpora, or one for each; cache: where to keep the caches, for corpora that cannot be
        written to; None: `.cache` in each corpus.
        """
        each = list(options) if isinstance(options, Sequence) else [options or ReaderOptions()] * len(corpora)
        if len(each) != len(corpora):
            raise ValueError(f"options: expected one for each of {len(corpora)} corpora, got {len(each)}")
        parts = [_open_part(folder, split, progress, one, cache) for folder, one in zip(corpora, each)]
        return cls(parts)

    @property
    def frames(self) -> int:
        return sum(len(part.motion) for part in self.parts)

    @property
    def speakers(self) -> int:
        """How many speakers a model of this corpus must know: one more than the highest index."""
        return 1 + max(entry.speaker for _, entry in self._clips.all)

    def sample_motion(self, count: int) -> NDArray[np.float32]:
        """About `count` frames of motion, evenly spread, [N, 489]."""
        stride = max(1, self.frames // count)
        return np.concatenate([part.motion[::stride] for part in self.parts])

    def batches(self, rows: int, length: int, seed: int, start: int = 0) -> Iterator[Batch]:
        """Endless random windows; batch i depends on (seed, i) alone, so a resumed run sees what it would have seen."""
        step = start
        while True:
            generator = np.random.default_rng([seed, step])
            own, *guests = self._shares(rows)
            windows = [clip + (0,) for clip in self._clips.draw(own, length, generator, self.lookaheads)]
            for i, (guest, share) in enumerate(zip(self.guests, guests), 1):
                windows += [clip + (i,) for clip in guest._clips.draw(share, length, generator, self.lookaheads)]
            yield _collate(windows)
            step += 1

    def _shares(self, rows: int) -> list[int]:
        """Windows of the corpus itself and of each guest."""
        each = max(1, int(rows * GUEST_SHARE / len(self.guests))) if self.guests else 0
        if rows <= each * len(self.guests):
            raise ValueError(f"rows: expected more than the {len(self.guests)} corpora that train along, got {rows}")
        return [rows - each * len(self.guests)] + [each] * len(self.guests)


class _Clips:
    """The clips of several parts, drawn in proportion to their length."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.all = [(part, entry) for part in parts for entry in part.entries]
        frames = np.array([entry.frames for _, entry in self.all], np.float64)
        self._weights = frames / frames.sum()

    def draw(
        self, count: int, length: int, generator: np.random.Generator, lookaheads: tuple[int, ...]
    ) -> list[tuple[object, ...]]:
        """`count` windows."""
        picks = generator.choice(len(self.all), count, p=self._weights)
        return [part.window(entry, length, generator, lookaheads) for part, entry in (self.all[i] for i in picks)]


def delayed_target(
    motion: NDArray[np.float32], frames: NDArray[np.int64], first: int, lookahead: int
) -> NDArray[np.float32]:
    """What is to be shown at `frames`: the body 10 - L frames late, the face max(0, 2 - L); never before `first`."""
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
    features, motion, emotion, speaker, intensity, lookahead, words, corpus = zip(*windows)
    return Batch(
        torch.from_numpy(np.stack(features)),
        torch.from_numpy(np.stack(motion)),
        torch.tensor(emotion),
        torch.tensor(speaker),
        torch.tensor(intensity, dtype=torch.float32),
        torch.tensor(lookahead),
        torch.from_numpy(np.stack(words)),
        torch.tensor(corpus),
    )


def _open_part(folder: Path, split: str, progress: Progress | None, options: ReaderOptions, cache: Path | None) -> Part:
    reader = open_reader(folder, options)
    names = reader.names(split)
    if not names:
        raise ValueError(f"expected clips of split {split!r} in {reader.folder} ({reader.kind}), found none")
    place = (cache or reader.folder / ".cache") / f"{split}-{_key(reader, options, split, names)}"
    if not place.is_dir():
        _build(reader, names, place, progress)
    return Part(place)


def _key(reader: Reader, options: ReaderOptions, split: str, names: list[str]) -> str:
    """Everything that the cache's content depends on."""
    source = [reader.kind, reader.version, str(reader.folder.resolve()), asdict(options), reader.stamp()]
    parts = [CACHE_VERSION, FEATURES, split, names, source]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _build(reader: Reader, names: list[str], folder: Path, progress: Progress | None) -> None:
    """Makes the cache aside and puts it in place whole: a build that is cut off or another's does no harm."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    aside.mkdir(parents=True, exist_ok=True)
    try:
        _write(reader, names, aside, progress)
        if not folder.exists():  # else another process was faster, and what it wrote is the same
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(reader: Reader, names: list[str], folder: Path, progress: Progress | None) -> None:
    """Writes the cache clip by clip: no more than BUILD_CLIPS clips are ever in memory."""
    entries: list[_Entry] = []
    start = 0
    with ExitStack() as stack:
        motion, features, words = (
            stack.enter_context((folder / name).open("wb")) for name in (MOTION_FILE, FEATURES_FILE, WORDS_FILE)
        )
        for i in range(0, len(names), BUILD_CLIPS):
            clips = [reader.load(name) for name in names[i : i + BUILD_CLIPS]]
            for clip, heard in zip(clips, _two_recordings(clips, seed=i)):
                frames = min(len(clip.motion), len(heard))
                motion.write(np.ascontiguousarray(clip.motion[:frames], np.float32).tobytes())
                features.write(heard[:frames].astype(np.float16).tobytes())
                words.write(spoken(clip.words, frames).tobytes())
                entries.append(_entry(clip, start, frames))
                start += frames
            if progress:
                progress(i + len(clips), len(names))
    (folder / "entries.json").write_text(json.dumps([asdict(entry) for entry in entries]))


def _two_recordings(clips: list[Clip], seed: int) -> list[NDArray[np.float32]]:
    """Per clip [T, 2, 68]: features of the voice as it is and as another microphone hears it; no voice: zeros."""
    generator = np.random.default_rng([seed, 1])
    out = [np.zeros((len(clip.motion), 2, FEATURES), np.float32) for clip in clips]
    voiced = [i for i, clip in enumerate(clips) if clip.voiced]
    if voiced:
        clean = clip_features([clips[i].pcm for i in voiced])
        other = clip_features([as_recorded(clips[i].pcm, generator) for i in voiced])
        for i, a, b in zip(voiced, clean, other):
            out[i] = np.stack([a, b], 1)
    return out


def spoken(words: Sequence[Word], frames: int) -> NDArray[np.int16]:
    """[T, N] n-gram ids of the word that is being spoken when a frame ends; zeros between words."""
    out = np.zeros((frames, WORD_IDS), np.int16)
    for word in words:
        first, last = (max(0, round(s * FPS)) for s in (word.start_s, word.stop_s))
        out[first : max(first + 1, last)] = word_ids(word.text)
    return out


def _entry(clip: Clip, start: int, frames: int) -> _Entry:
    return _Entry(
        name=clip.name,
        start=start,
        frames=frames,
        emotion=clip.emotion,
        speaker=clip.speaker,
        intensity=clip.intensity,
    )
