"""f_A: features of the voice to the shared code S_A and to the emotion heard."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.hearing import PRESENCE, smooth_logits
from gesturestream.models.streaming.level import FEATURES
from gesturestream.models.streaming.state import Ring


class AudioState(NamedTuple):
    stack: Ring
    logits: Tensor  # [B, 8] emotion heard so far


class AudioEncoder(nn.Module):
    """Features [B, 68] per frame to the shared code [B, S] and emotion probabilities [B, 8]."""

    def __init__(self, widths: tuple[int, ...], shared_size: int, causal: bool = True) -> None:
        super().__init__()
        self.stack = CausalStack(FEATURES, widths, causal)
        self.shared = nn.Linear(widths[-1], shared_size)
        self.emotion = nn.Linear(widths[-1], len(EMOTIONS))

    def init_state(self, rows: int) -> AudioState:
        return AudioState(self.stack.init_state(rows), torch.zeros(rows, len(EMOTIONS)))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, 68] -> S_A [B, T, S], instantaneous emotion logits [B, T, 8]."""
        hidden = self.stack(features.transpose(1, 2)).transpose(1, 2)
        return self.shared(hidden), self.emotion(hidden)

    def step(self, features: Tensor, state: AudioState) -> tuple[Tensor, Tensor, AudioState]:
        hidden, stack = self.stack.step(features, state.stack)
        logits = smooth_logits(self.emotion(hidden), features[:, PRESENCE], state.logits)
        return self.shared(hidden), logits.softmax(-1), AudioState(stack, logits)
