"""Causal audio encoders to choose from: features [B, T, 68] to [B, T, W], whole or frame by frame."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.emotiongesture.config import Encoder
from gesturestream.models.streaming.attention import RingAttention
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.level import FEATURES
from gesturestream.models.streaming.state import State

REACH_FRAMES = 60


class AudioEncoder(nn.Module, ABC):
    @abstractmethod
    def init_state(self, rows: int) -> State: ...

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor:
        """[B, T, 68] -> [B, T, W]."""

    @abstractmethod
    def step(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """[B, 68] -> [B, W] and the next state."""


def audio_encoder(kind: Encoder, width: int, causal: bool) -> AudioEncoder:
    """ValueError: a recurrent encoder cannot see both ways."""
    if kind == "convolution":
        return Convolutions(width, causal)
    if kind == "attention":
        return Attending(width, causal)
    if not causal:
        raise ValueError("expected convolution or attention as the reference's audio encoder, got recurrent")
    return Recurrent(width)


class Convolutions(AudioEncoder):
    """Residual blocks of dilations 1, 2, 4, 8, which see two seconds of the past."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.stack = CausalStack(FEATURES, (width,) * 4, causal)

    def init_state(self, rows: int) -> State:
        return self.stack.init_state(rows)

    def forward(self, features: Tensor) -> Tensor:
        hidden: Tensor = self.stack(features.transpose(1, 2)).transpose(1, 2)
        return hidden

    def step(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        return self.stack.step(features, state)


class Recurrent(AudioEncoder):
    """A gated recurrent unit; its step is written out because runtimes need no loop for one frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.unit = nn.GRU(FEATURES, width, batch_first=True)

    def init_state(self, rows: int) -> State:
        return torch.zeros(rows, self.unit.hidden_size)

    def forward(self, features: Tensor) -> Tensor:
        hidden: Tensor = self.unit(features)[0]
        return hidden

    def step(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        of_input, of_state, input_bias, state_bias = self.unit.parameters()
        heard = functional.linear(features, of_input, input_bias).chunk(3, -1)
        kept = functional.linear(state, of_state, state_bias).chunk(3, -1)
        reset, update = (torch.sigmoid(heard[i] + kept[i]) for i in (0, 1))
        after = (1.0 - update) * torch.tanh(heard[2] + reset * kept[2]) + update * state
        return after, after


class Attending(AudioEncoder):
    """Two layers of attention over a ring of the past."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.enter = nn.Linear(FEATURES, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attentions = nn.ModuleList(RingAttention(width, 4, REACH_FRAMES, causal=causal) for _ in range(2))
        self.feeds = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(2)
        )

    def init_state(self, rows: int) -> State:
        return tuple(attention.init_state(rows) for attention in self._attentions())

    def forward(self, features: Tensor) -> Tensor:
        x: Tensor = self.enter(features)
        for norm, attention, feed in zip(self.norms, self._attentions(), self.feeds, strict=True):
            x = x + attention(norm(x))
            x = x + feed(x)
        return x

    def step(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        x, after = self.enter(features), []
        for norm, attention, feed, ring in zip(self.norms, self._attentions(), self.feeds, state, strict=True):
            y, one = attention.step(norm(x), ring)
            x = x + y
            x = x + feed(x)
            after.append(one)
        return x, tuple(after)

    def _attentions(self) -> list[RingAttention]:
        return [a for a in self.attentions if isinstance(a, RingAttention)]
