"""Self-attention over a sliding window of the past: a ring of keys and values when streaming."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.state import Ring, append, known, look_back, new_ring


class RingAttention(nn.Module):
    """Causal multi-head self-attention over the last `window` frames, this one included.

    Position enters only as age (a learned bias per head and age), never as an absolute index: an index would lose
    its digits after a day. forward: x [B, T, D] -> [B, T, D] under the same window mask; step: x [B, D] and a ring
    of keys and values of the `window` - 1 frames before.
    """

    ages: Tensor

    def __init__(self, size: int, heads: int, window: int) -> None:
        super().__init__()
        if size % heads:
            raise ValueError(f"expected a size divisible by {heads} heads, got {size}")
        self.heads, self.window = heads, window
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.age_bias = nn.Parameter(torch.zeros(heads, window))
        self.register_buffer("ages", torch.arange(window - 1, 0, -1), persistent=False)

    def init_state(self, rows: int) -> Ring:
        return new_ring(rows, self.window - 1, 2 * self.out.in_features)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self._split(part) for part in self.qkv(x).chunk(3, -1))
        frames = torch.arange(x.shape[1], device=x.device)
        age = frames[:, None] - frames
        seen = (age >= 0) & (age < self.window)
        bias = self.age_bias[:, age.clamp(0, self.window - 1)].masked_fill(~seen, float("-inf"))
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return mixed

    def step(self, x: Tensor, state: Ring) -> tuple[Tensor, Ring]:
        q, k, v = self.qkv(x)[:, None].chunk(3, -1)
        row = torch.cat([k, v], -1)
        keys, values = torch.cat([look_back(state, self.ages), row], 1).chunk(2, -1)
        written = known(state, self.ages)
        seen = torch.cat([written, torch.ones_like(written[:, :1])], 1)
        bias = self.age_bias.flip(-1)[None, :, None].masked_fill(~seen[:, None, None], float("-inf"))
        y = functional.scaled_dot_product_attention(
            self._split(q), self._split(keys), self._split(values), attn_mask=bias
        )
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(1))
        return mixed, append(state, row[:, 0])

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)
