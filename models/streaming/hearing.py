"""The emotion heard in a voice: a head's answers frame by frame, averaged over speech; and what is heard when."""

from __future__ import annotations

import torch
from torch import Tensor

from gesturestream.models.streaming.level import FEATURES

PRESENCE = FEATURES - 1
"""Index of the presence feature: 1 while there is speech."""
EMOTION_RATE = 1.0 / 45.0
"""Share of a frame of speech in the heard emotion: a memory of 1.5 s of speech."""


def smooth_logits(instant: Tensor, presence: Tensor, before: Tensor) -> Tensor:
    """Averages emotion logits over speech: instant [B, 8], presence [B], before [B, 8] -> [B, 8]."""
    return before + EMOTION_RATE * presence[:, None] * (instant - before)


def smooth_sequence(instant: Tensor, presence: Tensor) -> Tensor:
    """The same over a sequence: [B, T, 8], [B, T] -> [B, T, 8]."""
    logits, out = torch.zeros_like(instant[:, 0]), []
    for t in range(instant.shape[1]):
        logits = smooth_logits(instant[:, t], presence[:, t], logits)
        out.append(logits)
    return torch.stack(out, 1)


def ahead(heard: Tensor, frames: Tensor, absent: Tensor | float | None = None) -> Tensor:
    """What had been heard when motion frame m was made: audio frame m + frames; after the audio's end the last one, or
    `absent` [D]. [B, T, D], [B] -> [B, T, D].
    """
    index, last = torch.arange(heard.shape[1], device=heard.device) + frames[:, None], heard.shape[1] - 1
    found = heard.gather(1, index.clamp_max(last)[:, :, None].expand_as(heard))
    return found if absent is None else torch.where((index <= last)[:, :, None], found, absent)


def emotion_weights(given: Tensor, heard: Tensor) -> Tensor:
    """[..., 8] each: the emotion that is given, or where all its weights are zero (`auto`) the one that is heard."""
    auto = given.sum(-1, keepdim=True) < 1e-6
    return torch.where(auto, heard, given)
