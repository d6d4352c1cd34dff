"""What of the past is shown in training: off by as much as the network is told, or nothing of it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gesturestream.models.streaming import wandering

WITHOUT_PAST = 0.25
"""Share of clips that see nothing of the past: for guidance, and so that what is heard has to do."""
WITHOUT_VOICE = 0.15
TREMBLE = 0.15
"""Of the errors of poses shown, how much is new in every frame; the rest wanders."""

LEAD_IN = 40
"""Frames after which the noise, which starts still, is at its full strength."""


def before(motion: Tensor) -> Tensor:
    """The pose shown before each frame: [B, T, D] -> [B, T, D]."""
    return torch.cat([motion[:, :1], motion[:, :-1]], 1)


def doubts(rows: int, device: torch.device) -> Tensor:
    """[B] 0..1: how far off the poses shown will be, in deviations."""
    return torch.rand(rows, device=device)


def misremembered(shown: Tensor, doubt: Tensor) -> Tensor:
    """Components [B, T, C] with errors such as a stream makes, `doubt` [B] of a deviation.

    A stream's errors are not new in every frame: it went another way than the corpus did. So they wander as the
    sampler's noise does, around an offset. Without them a long stream drifts: it has never seen its own errors, and
    continues them.
    """
    offset = torch.randn_like(shown[:, :1])
    error = math.sqrt(0.5) * (offset + wander(shown)) + TREMBLE * torch.randn_like(shown)
    return shown + doubt[:, None, None] * error


def wander(like: Tensor) -> Tensor:
    """Noise [B, T, C] as the sampler's is in speech: of unit variance from the first frame on."""
    drawn = torch.randn(len(like), LEAD_IN + like.shape[1], like.shape[2], device=like.device)
    return wandering.coloured(drawn, torch.ones_like(drawn[..., 0]))[:, LEAD_IN:]


def kept(rows: int, dropped: float, device: torch.device) -> Tensor:
    """[B] 1, or 0 for the share that is dropped."""
    return (torch.rand(rows, device=device) >= dropped).float()
