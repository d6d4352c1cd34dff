"""The masked audio gesture transformer (EMAGE section 4.3): attention over rings, whole sequences in training."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.attention import AttentionState, RingAttention


class FeedForward(nn.Module):
    """x + W2 gelu(W1 norm(x))."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.first, self.second = nn.Linear(size, hidden), nn.Linear(hidden, size)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(functional.gelu(self.first(self.norm(x))))
        return y


class Attention(nn.Module):
    """x + attention(norm(x), memory): over its own past, or over that of a memory [..., D]."""

    def __init__(self, size: int, heads: int, window: int, *, causal: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.attend = RingAttention(size, heads, window, causal=causal)

    def init_state(self, rows: int) -> AttentionState:
        return self.attend.init_state(rows)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        y: Tensor = x + self.attend(self.norm(x), memory)
        return y

    def step(self, x: Tensor, state: AttentionState, memory: Tensor | None = None) -> tuple[Tensor, AttentionState]:
        """The same for one frame [B, D]; the memory's frame is appended to the ring."""
        y, after = self.attend.step(self.norm(x), state, memory)
        return x + y, after


class LayerState(NamedTuple):
    own: AttentionState
    memory: AttentionState


class CrossLayer(nn.Module):
    """One layer of TCAT: self-attention, cross-attention to the memory, feed-forward."""

    def __init__(self, size: int, heads: int, window: int, hidden: int, *, causal: bool = True) -> None:
        super().__init__()
        self.own = Attention(size, heads, window, causal=causal)
        self.memory = Attention(size, heads, window, causal=causal)
        self.feed_forward = FeedForward(size, hidden)

    def init_state(self, rows: int) -> LayerState:
        return LayerState(self.own.init_state(rows), self.memory.init_state(rows))

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        y: Tensor = self.feed_forward(self.memory(self.own(x), memory))
        return y

    def step(self, x: Tensor, memory: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        x, own = self.own.step(x, state.own)
        x, of_memory = self.memory.step(x, state.memory, memory)
        return self.feed_forward(x), LayerState(own, of_memory)


class BodyState(NamedTuple):
    gesture: AttentionState
    audio: AttentionState
    layers: tuple[LayerState, ...]


class BodyTransformer(nn.Module):
    """Body hints and voice to what the body's codes are chosen from: TSA, TCA and TCAT of eqs. 6, 7 and 9.

    `listen` 1 is the audio-to-gesture path (eq. 9); 0 the gesture-to-gesture path (eq. 7), which reconstructs masked
    gestures without a voice.
    """

    def __init__(self, size: int, heads: int, window: int, layers: int, hidden: int, *, causal: bool = True) -> None:
        super().__init__()
        self.gesture = Attention(size, heads, window, causal=causal)  # TSA, without feed-forward
        self.audio = Attention(size, heads, window, causal=causal)  # TCA
        self.layers = nn.ModuleList(CrossLayer(size, heads, window, hidden, causal=causal) for _ in range(layers))
        self.norm = nn.LayerNorm(size)

    def init_state(self, rows: int) -> BodyState:
        layers = tuple(layer.init_state(rows) for layer in self._layers())
        return BodyState(self.gesture.init_state(rows), self.audio.init_state(rows), layers)

    def forward(
        self, token: Tensor, place: Tensor, voice: Tensor, listen: Tensor | float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Tokens of the masked gesture, speaker and position p_t, voice: [B, T, D] each; listen [B, 1, 1]
        -> hints h (eq. 6) and what the codes are chosen from."""
        hints = self.gesture(token + place)
        merged = hints + listen * (self.audio(hints + place, voice) - hints)
        x = token + place
        for layer in self._layers():
            x = layer(x, merged)
        return hints, self.norm(x)

    def step(self, token: Tensor, place: Tensor, voice: Tensor, state: BodyState) -> tuple[Tensor, Tensor, BodyState]:
        """The same for one frame [B, D], listening."""
        hints, gesture = self.gesture.step(token + place, state.gesture)
        merged, audio = self.audio.step(hints + place, state.audio, voice)
        x, after = token + place, []
        for layer, before in zip(self._layers(), state.layers, strict=True):
            x, one = layer.step(x, merged, before)
            after.append(one)
        return hints, self.norm(x), BodyState(gesture, audio, tuple(after))

    def _layers(self) -> list[CrossLayer]:
        return [layer for layer in self.layers if isinstance(layer, CrossLayer)]


class FaceTransformer(nn.Module):
    """Voice beside the body hints to what the face's codes are chosen from (eq. 10)."""

    def __init__(self, size: int, heads: int, window: int, hidden: int, *, causal: bool = True) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * size, size)
        self.own = Attention(size, heads, window, causal=causal)
        self.feed_forward = FeedForward(size, hidden)
        self.norm = nn.LayerNorm(size)

    def init_state(self, rows: int) -> AttentionState:
        return self.own.init_state(rows)

    def forward(self, voice: Tensor, hints: Tensor, place: Tensor) -> Tensor:
        """[B, T, D] each -> [B, T, D]."""
        y: Tensor = self.norm(self.feed_forward(self.own(self._enter(voice, hints, place))))
        return y

    def step(self, voice: Tensor, hints: Tensor, place: Tensor, state: AttentionState) -> tuple[Tensor, AttentionState]:
        """The same for one frame [B, D]."""
        y, after = self.own.step(self._enter(voice, hints, place), state)
        return self.norm(self.feed_forward(y)), after

    def _enter(self, voice: Tensor, hints: Tensor, place: Tensor) -> Tensor:
        entered: Tensor = self.enter(torch.cat([voice, hints], -1)) + place
        return entered
