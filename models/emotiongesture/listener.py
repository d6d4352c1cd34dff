"""The emotion half of Emotion-Beat Mining: which of the eight emotions a voice has, frame by frame, causal.

Stands alone: features in, calibrated probabilities out, no body needed (`EmotionEar`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.hearing import PRESENCE
from gesturestream.models.streaming.level import FEATURES
from gesturestream.models.streaming.state import Ring, map_leaves

MEMORY_FRAMES = 75.0
"""Of speech: what was heard earlier fades, so that a change of mood is heard within some seconds."""


class Pooled(NamedTuple):
    """Sums over the speech so far; what fades and counts are frames of speech, silence leaves them as they are."""

    weight: Tensor  # [B]
    sums: Tensor  # [B, E]
    squares: Tensor  # [B, E]


class ListenerState(NamedTuple):
    stack: Ring
    pooled: Pooled


class EmotionListener(nn.Module):
    """Mean and deviation, over the speech so far, of what causal convolutions make of each frame, to eight classes.

    An utterance's emotion lies in how pitch, timbre and pace are spread over it; each frame counts as far as there is
    speech in it, so the first second is judged as what it is and not as an average with silence.
    """

    temperature: Tensor

    def __init__(self, widths: tuple[int, ...], causal: bool = True) -> None:
        super().__init__()
        size = widths[-1]
        self.stack = CausalStack(FEATURES, widths, causal)
        self.drop = nn.Dropout(0.3)
        self.feature = nn.Sequential(nn.Linear(2 * size, size), nn.GELU())
        self.verdict = nn.Linear(size, len(EMOTIONS))
        self.register_buffer("temperature", torch.ones(1))
        """Logits are divided by it: set on held-out speech so that probabilities are as often right as they say."""

    def init_state(self, rows: int) -> ListenerState:
        size = self.verdict.in_features
        return ListenerState(
            self.stack.init_state(rows), Pooled(torch.zeros(rows), torch.zeros(rows, size), torch.zeros(rows, size))
        )

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, 68] -> calibrated logits [B, T, 8], each of the speech up to its frame."""
        hidden = self.stack(features.transpose(1, 2)).transpose(1, 2)
        pooled, out = self.init_state(len(features)).pooled, []
        pooled = map_leaves(lambda leaf: leaf.to(hidden), pooled)
        for t in range(features.shape[1]):
            pooled = _pool(hidden[:, t], features[:, t, PRESENCE], pooled)
            out.append(_statistics(pooled))
        return self._judge(torch.stack(out, 1))

    def step(self, features: Tensor, present: Tensor, state: ListenerState) -> tuple[Tensor, ListenerState]:
        """[B, 68], present [B] (False: the audio has ended, nothing is heard) -> logits [B, 8] and the next state."""
        hidden, stack = self.stack.step(features, state.stack)
        pooled = _pool(hidden, features[:, PRESENCE] * present.to(hidden.dtype), state.pooled)
        return self._judge(_statistics(pooled)), ListenerState(stack, pooled)

    def _judge(self, statistics: Tensor) -> Tensor:
        verdict: Tensor = self.verdict(self.drop(self.feature(self.drop(statistics)))) / self.temperature
        return verdict


def _pool(hidden: Tensor, presence: Tensor, before: Pooled) -> Pooled:
    keep = 1.0 - presence / MEMORY_FRAMES
    counted = presence[:, None]
    return Pooled(
        keep * before.weight + presence,
        keep[:, None] * before.sums + counted * hidden,
        keep[:, None] * before.squares + counted * hidden.square(),
    )


def _statistics(pooled: Pooled) -> Tensor:
    """[B, 2 E] mean and deviation; a fraction of a frame of silence is added so that nothing is divided by zero."""
    weight = pooled.weight[:, None] + 0.1
    mean = pooled.sums / weight
    variance = (pooled.squares / weight - mean.square()).clamp_min(0.0)
    return torch.cat([mean, (variance + 1e-3).sqrt()], -1)
