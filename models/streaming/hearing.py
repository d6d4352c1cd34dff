"""The emotion heard in a voice: a head's answers frame by frame, averaged over speech."""

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
