"""Attention over a sliding window of the past, one's own or a memory's: a ring of keys and values when streaming."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.state import Ring, append, known, look_back, new_ring


class RingAttention(nn.Module):
    """Causal multi-head attention over the last `window` frames, this one included.

    Position enters only as age (a learned bias per head and age), never as an absolute index: an index would lose
    its digits after a day. forward: x [B, T, D] -> [B, T, D] under the same window mask; step: x [B, D] and a ring
    of keys and values of the `window` - 1 frames before. Keys and values are those of x, or of a memory of its shape.

    `causal` False sees as far ahead as back, as the papers do: a reference to compare with, which cannot step.
    """

    ages: Tensor

    def __init__(self, size: int, heads: int, window: int, *, causal: bool = True) -> None:
        super().__init__()
        if size % heads:
            raise ValueError(f"expected a size divisible by {heads} heads, got {size}")
        self.heads, self.window, self.causal = heads, window, causal
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.age_bias = nn.Parameter(torch.zeros(heads, window if causal else 2 * window - 1))
        self.register_buffer("ages", torch.arange(window - 1, 0, -1), persistent=False)

    def init_state(self, rows: int) -> Ring:
        return new_ring(rows, self.window - 1, 2 * self.out.in_features)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        q, (k, v) = self.query(x), self.key_value(x if memory is None else memory).chunk(2, -1)
        frames = torch.arange(x.shape[1], device=x.device)
        age = frames[:, None] - frames
        seen = (age < self.window) & (age >= (0 if self.causal else 1 - self.window))
        place = age if self.causal else age + self.window - 1
        bias = self.age_bias[:, place.clamp(0, self.age_bias.shape[1] - 1)].masked_fill(~seen, float("-inf"))
        y = functional.scaled_dot_product_attention(
            self._split(q), self._split(k), self._split(v), attn_mask=bias.to(q.dtype)
        )
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return mixed

    def step(self, x: Tensor, state: Ring, memory: Tensor | None = None) -> tuple[Tensor, Ring]:
        q, row = self.query(x)[:, None], self.key_value(x if memory is None else memory)
        keys, values = torch.cat([look_back(state, self.ages), row[:, None]], 1).chunk(2, -1)
        written = known(state, self.ages)
        seen = torch.cat([written, torch.ones_like(written[:, :1])], 1)
        bias = self.age_bias.flip(-1)[None, :, None].masked_fill(~seen[:, None, None], float("-inf"))
        y = functional.scaled_dot_product_attention(
            self._split(q), self._split(keys), self._split(values), attn_mask=bias
        )
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(1))
        return mixed, append(state, row)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)
