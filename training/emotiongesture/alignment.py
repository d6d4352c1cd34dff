"""Transcript-based contrastive loss (EmotionGesture section 3.2): beat features are aligned with the words uttered."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.emotiongesture.beats import Transcript

TEMPERATURE = 0.1
UTTERED, SILENT = 16, 8
"""Frames per clip that are compared."""
MASKED = -1e4


def alignment_loss(transcript: Transcript, beats: Tensor, words: Tensor, shift: int = 0) -> Tensor:
    """beats [B, T, C], n-gram ids of the word spoken at each frame [B, T, N] -> nats.

    Only frames of uttered words are positives. Negatives are silence, the other words of the clip (the transcript
    shifted in time) and those of other clips; another frame of the same word is neither. `shift`: frames by which the
    transcript comes late, to see what a transcript that is not in time does.
    """
    words = words.roll(shift, 1) if shift else words
    uttered = words.gt(0).any(-1)
    if not uttered.any():
        return beats.sum() * 0.0
    said, spoken = _draw(uttered, UTTERED)
    mute, quiet = _draw(~uttered, SILENT)
    heard = transcript.heard(_at(beats, said)).flatten(0, 1)
    ids = _at(words, said).flatten(0, 1)
    text, real = transcript.words(ids), spoken.flatten()
    other = ~(ids[:, None] == ids).all(-1) & real
    own = torch.eye(len(ids), dtype=torch.bool, device=ids.device)
    scores = (heard @ text.T / TEMPERATURE).masked_fill(~(other | own), MASKED)
    back = (text @ heard.T / TEMPERATURE).masked_fill(~(other | own), MASKED)
    silence = (heard @ functional.normalize(transcript.silence, dim=-1) / TEMPERATURE)[:, None]
    unspoken = transcript.heard(_at(beats, mute)).flatten(0, 1)
    between = (text @ unspoken.T / TEMPERATURE).masked_fill(~quiet.flatten(), MASKED)
    return 0.5 * (_own(torch.cat([scores, silence], 1), real) + _own(torch.cat([back, between], 1), real))


def _own(scores: Tensor, real: Tensor) -> Tensor:
    """Cross-entropy of each row's own column over the rows that are real."""
    each = functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device), reduction="none")
    return (each * real).sum() / real.sum().clamp_min(1)


def _draw(mask: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`count` frames per clip of `mask` [B, T], again and again where there are few -> frames [B, count], in mask."""
    frames = torch.multinomial(mask.float() + 1e-6, count, replacement=True)
    return frames, mask.gather(1, frames)


def _at(values: Tensor, frames: Tensor) -> Tensor:
    """[B, T, D], [B, K] -> [B, K, D]."""
    return values.gather(1, frames[..., None].expand(-1, -1, values.shape[2]))
