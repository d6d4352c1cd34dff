"""Streams a generator over whole clips in a closed loop, many clips as rows of one batch: for evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gesturestream.models.generator import Generator
from gesturestream.models.motion import EMOTIONS, MOTION_SIZE
from gesturestream.models.noise import normals
from gesturestream.models.step import WORD_AHEAD_FRAMES, StepInputs, neutral_inputs
from gesturestream.models.streaming.state import StateStore
from gesturestream.training.clips import Clip
from gesturestream.training.dataset import spoken
from gesturestream.training.features import frame_windows

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a generator is told of a clip beside its voice; who speaks and how intensely always is."""

    emotion: bool = True
    words: bool = False
    """As a client that knows what will be said: while a word is spoken, and ahead."""


EMOTION = Told()
"""As most clients do."""


@torch.inference_mode()
def stream(
    generator: Generator, clips: list[Clip], *, seed: int = 0, lookahead: int = 0, told: Told = EMOTION
) -> list[Floats]:
    """Motion [T_i, 489] for every clip, each started from the mean pose; what was emitted is the next step's input."""
    rows = len(clips)
    windows = [frame_windows(clip.pcm) for clip in clips]
    longest = max(map(len, windows))
    pcm = torch.stack([functional.pad(w, (0, 0, 0, longest + lookahead - len(w))) for w in windows], 1)
    store, out = StateStore(generator.init_state(rows)), []
    fixed = _controls(generator, clips, lookahead, told)
    words = _words(generator, clips, longest + lookahead, told)
    emitted = getattr(generator, "motion_mean", torch.zeros(MOTION_SIZE)).repeat(rows, 1)
    seeds = np.arange(rows, dtype=np.uint64) + np.uint64(1000 * seed)
    for t in range(longest + lookahead):
        noise = torch.from_numpy(normals(seeds, np.full(rows, t), generator.info.noise_size))
        present = torch.tensor([t < len(w) for w in windows])
        inputs = fixed._replace(pcm=pcm[t], audio_present=present, emitted=emitted, noise=noise, words=words[:, t])
        outputs, after = generator(inputs, store.view(rows))
        store.commit(after, fixed.active)
        if t >= lookahead:
            emitted = outputs.motion
            out.append(emitted.numpy())
    motion = np.stack(out, 1)
    return [motion[i, : len(w)] for i, w in enumerate(windows)]


@torch.inference_mode()
def whole(generator: Generator, clips: list[Clip], *, seed: int = 0, told: Told = EMOTION) -> list[Floats]:
    """The same of a reference that sees whole clips: motion [T_i, 489], one clip after the other."""
    out = []
    for i, clip in enumerate(clips):
        windows = frame_windows(clip.pcm)
        frames = len(windows)
        noise = normals(np.full(frames, i + 1000 * seed, np.uint64), np.arange(frames), generator.info.noise_size)
        fixed = _controls(generator, [clip], 0, told)
        inputs = StepInputs(*(_along(value, frames) for value in fixed))._replace(
            pcm=windows[None],
            audio_present=torch.ones(1, frames, dtype=torch.bool),
            emitted=torch.zeros(1, frames, MOTION_SIZE),
            noise=torch.from_numpy(noise)[None],
            words=_words(generator, [clip], frames, told),
            lookahead=fixed.lookahead,
        )
        out.append(generator.forward_sequence(inputs).motion[0].numpy())
    return out


def _words(generator: Generator, clips: list[Clip], frames: int, told: Told) -> Tensor:
    """[B, T, 2, N] ids of what is said and what will be; zeros where it is not told or not heard."""
    if not (told.words and generator.info.word_ids):
        return torch.zeros(len(clips), frames, 2, generator.info.word_ids, dtype=torch.int64)
    said = np.stack([spoken(clip.words, frames + WORD_AHEAD_FRAMES) for clip in clips]).astype(np.int64)
    return torch.from_numpy(np.stack([said[:, :frames], said[:, WORD_AHEAD_FRAMES:]], 2))


def _along(value: Tensor, frames: int) -> Tensor:
    """A control [1, ...] held for all frames: [1, T, ...]."""
    return value[:, None].expand(-1, frames, *value.shape[1:])


def _controls(generator: Generator, clips: list[Clip], lookahead: int, told: Told) -> StepInputs:
    blank = StepInputs(*map(torch.from_numpy, neutral_inputs(generator.info, len(clips))))
    return blank._replace(
        emotion=functional.one_hot(torch.tensor([c.emotion for c in clips]), len(EMOTIONS)).float() * told.emotion,
        speaker=functional.one_hot(torch.tensor([c.speaker for c in clips]), generator.info.speakers).float(),
        intensity=torch.tensor([c.intensity for c in clips]),
        lookahead=torch.full((len(clips),), lookahead),
    )
