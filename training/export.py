"""From trained weights to the streamable checkpoint: written, read back, proved to stream, then put in its place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gesturestream.models import checkpoint
from gesturestream.models.generator import Generator
from gesturestream.models.motion import EMOTIONS, LOOKAHEADS, SAMPLE_RATE
from gesturestream.models.noise import normals
from gesturestream.models.step import StepInputs, neutral_inputs
from gesturestream.models.streaming.state import StateStore, map_leaves
from gesturestream.training.features import frame_windows

PARITY = 1e-9
"""Farthest that streamed motion may be from the whole file's, both in float64: rounding and nothing else."""

Floats = NDArray[np.float32]


class NotStreamable(RuntimeError):
    """The stream computes something else than the training forward: a defect of the generator, never of the data."""


def export(
    generator: Generator, path: Path, *, card: str, details: dict[str, Any], pcm: Floats, streamable: bool = True
) -> Path:
    """Writes `path` when what was written streams what it was trained to do; else the file that was there stays.

    pcm [n] held-out voice at 16 kHz. NotStreamable: frame by frame and the whole file at once differ.
    """
    candidate = path.with_name(f"{path.stem}.candidate{path.suffix}")
    checkpoint.save(generator, candidate, card=card, details=details)
    loaded = checkpoint.load(candidate)
    for lookahead in LOOKAHEADS if streamable else ():
        apart = stream_apart_from_whole(loaded, pcm, lookahead)
        if not apart <= PARITY:
            raise NotStreamable(
                f"{candidate} does not stream: at look-ahead {lookahead} frame by frame and the whole file differ by "
                f"{apart:.2g}, expected at most {PARITY:g}; {path} was left as it was"
            )
    candidate.replace(path)
    return path


@torch.inference_mode()
def stream_apart_from_whole(generator: Generator, pcm: Floats, lookahead: int) -> float:
    """Largest difference of a closed-loop stream of one frame a step and one forward over the whole file.

    The whole file is given the stream's poses and noise as history; both run in float64, so that only a difference
    of structure (padding, state, look-ahead) shows.
    """
    model = copy.deepcopy(generator).double()
    windows = frame_windows(pcm).double()
    fixed = _inputs(model, lookahead)
    state = map_leaves(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf, model.init_state(1))
    store, frames = StateStore(state), len(windows)
    emitted, noises, shown, streamed = torch.zeros(1, fixed.emitted.shape[-1]).double(), [], [], []
    for t in range(frames + lookahead):
        noise = torch.from_numpy(normals(np.ones(1, np.uint64), np.array([t]), model.info.noise_size)).double()
        pcm_t = windows[t] if t < frames else torch.zeros_like(windows[0])
        step = fixed._replace(pcm=pcm_t[None], audio_present=torch.tensor([t < frames]), emitted=emitted, noise=noise)
        outputs, after = model(step, store.view(1))
        store.commit(after, fixed.active)
        if t >= lookahead:
            noises.append(noise[0])
            shown.append(emitted[0])
            emitted = outputs.motion
            streamed.append(emitted[0])
    whole = model.forward_sequence(_whole(fixed, windows, torch.stack(shown), torch.stack(noises)))
    return float((whole.motion[0] - torch.stack(streamed)).abs().max())


def _inputs(model: Generator, lookahead: int) -> StepInputs:
    """What does not change from step to step; a told emotion and a middling speaker, float64."""
    blank = StepInputs(*map(torch.from_numpy, neutral_inputs(model.info, 1)))
    doubles = StepInputs(*(value.double() if value.is_floating_point() else value for value in blank))
    return doubles._replace(
        emotion=functional.one_hot(torch.tensor([1]), len(EMOTIONS)).double(),
        speaker=torch.full((1, model.info.speakers), 1 / model.info.speakers).double(),
        lookahead=torch.tensor([lookahead]),
    )


def _whole(fixed: StepInputs, windows: Tensor, shown: Tensor, noise: Tensor) -> StepInputs:
    """The same inputs with an axis T after B for everything but the look-ahead."""

    def along(value: Tensor) -> Tensor:
        return value[:, None].expand(-1, len(windows), *value.shape[1:])

    return StepInputs(*map(along, fixed))._replace(
        pcm=windows[None],
        audio_present=torch.ones(1, len(windows), dtype=torch.bool),
        emitted=shown[None],
        noise=noise[None],
        lookahead=fixed.lookahead,
    )


def first_seconds(pcm: Floats, seconds: float) -> Floats:
    """[n] -> at most `seconds` of it."""
    return pcm[: int(seconds * SAMPLE_RATE)]
