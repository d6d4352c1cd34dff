"""The transformer decoder: prompts attend to each other and to the beats that were heard."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.emotiongesture.tokens import TokenLinear


class WindowAttention(nn.Module):
    """Multi-head attention of a window's frames [N, H, D] to frames [N, K, C], each at its place by a learned bias."""

    def __init__(self, size: int, memory_size: int, heads: int, horizon: int, keys: int) -> None:
        super().__init__()
        if size % heads:
            raise ValueError(f"expected a size divisible by {heads} heads, got {size}")
        self.heads = heads
        self.query = TokenLinear(size, size)
        self.key_value = TokenLinear(memory_size, 2 * size)
        self.out = TokenLinear(size, size)
        self.bias = nn.Parameter(torch.zeros(heads, horizon, keys))

    def forward(self, x: Tensor, memory: Tensor, known: Tensor | None = None) -> Tensor:
        """known [N, K]: frames that are not are not looked at; at least one must be."""
        key, value = self.key_value(memory).chunk(2, -1)
        query, key, value = (self._split(part) for part in (self.query(x), key, value))
        score = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5 + self.bias
        if known is not None:
            score = score.masked_fill(~known[:, None, None], float("-inf"))
        mixed: Tensor = self.out((score.softmax(-1) @ value).transpose(1, 2).flatten(2))
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    def __init__(self, size: int, beat_size: int, heads: int, horizon: int, memory: int, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(3))
        self.own = WindowAttention(size, size, heads, horizon, horizon)
        self.beats = WindowAttention(size, beat_size, heads, horizon, memory)
        self.first, self.second = TokenLinear(size, hidden), TokenLinear(hidden, size)

    def forward(self, x: Tensor, beats: Tensor, known: Tensor) -> Tensor:
        own, heard, fed = self.norms
        before = own(x)
        x = x + self.own(before, before)
        x = x + self.beats(heard(x), beats, known)
        y: Tensor = x + self.second(functional.gelu(self.first(fed(x))))
        return y


class Decoder(nn.Module):
    """Prompts [N, H, D], beats [N, K, C] of which `known` [N, K] were heard -> [N, H, D]."""

    def __init__(
        self, *, size: int, beat_size: int, heads: int, layers: int, horizon: int, memory: int, hidden: int
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(size, beat_size, heads, horizon, memory, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(size)

    def forward(self, prompts: Tensor, beats: Tensor, known: Tensor) -> Tensor:
        x = prompts
        for layer in self.layers:
            x = layer(x, beats, known)
        y: Tensor = self.norm(x)
        return y
