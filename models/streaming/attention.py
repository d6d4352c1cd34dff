"""Attention over a sliding window of the past, one's own or a memory's: rings of keys and values when streaming."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.state import Ring, append, new_ring, slot_ages


class AttentionState(NamedTuple):
    """Keys and values of the `window` - 1 frames before, apart: each is multiplied as it lies, without a copy."""

    keys: Ring
    values: Ring


class RingAttention(nn.Module):
    """Causal multi-head attention over the last `window` frames, this one included.

    Position enters only as age (a learned bias per head and age), never as an absolute index: an index would lose
    its digits after a day. forward: x [B, T, D] -> [B, T, D] under the same window mask; step: x [B, D] and the state.
    Keys and values are those of x, or of a memory of its shape.

    `causal` False sees as far ahead as back, as the papers do: a reference to compare with, which cannot step.
    """

    slots: Tensor
    of_head: Tensor

    def __init__(self, size: int, heads: int, window: int, *, causal: bool = True) -> None:
        super().__init__()
        if size % heads:
            raise ValueError(f"expected a size divisible by {heads} heads, got {size}")
        self.heads, self.window, self.causal = heads, window, causal
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.age_bias = nn.Parameter(torch.zeros(heads, window if causal else 2 * window - 1))
        self.register_buffer("slots", torch.arange(window), persistent=False)
        self.register_buffer("of_head", torch.eye(heads).repeat_interleave(size // heads, 1), persistent=False)

    def init_state(self, rows: int) -> AttentionState:
        size = self.out.in_features
        return AttentionState(new_ring(rows, self.window - 1, size), new_ring(rows, self.window - 1, size))

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

    def step(self, x: Tensor, state: AttentionState, memory: Tensor | None = None) -> tuple[Tensor, AttentionState]:
        """The order of frames does not matter to attention: rings are read as they lie, and the bias is put in order.

        Each head's query is padded with zeros to the whole width, so that keys need not be taken apart by heads.
        """
        key, value = self.key_value(x if memory is None else memory).chunk(2, -1)
        query = self.query(x)[:, None] * (self.of_head * (self.heads / x.shape[-1]) ** 0.5)  # [B, H, D]
        past = query @ state.keys.rows.transpose(1, 2) + self._bias(state.keys)
        now = (query * key[:, None]).sum(-1, keepdim=True) + self.age_bias[:, :1]
        share = torch.cat([past, now], -1).softmax(-1)
        seen = share[..., :-1] @ state.values.rows + share[..., -1:] * value[:, None]
        mixed: Tensor = self.out((seen * self.of_head).sum(1))
        return mixed, AttentionState(append(state.keys, key), append(state.values, value))

    def _bias(self, ring: Ring) -> Tensor:
        """[B, H, window] for every slot of the ring, the spare one last; minus infinity where nothing was written."""
        ages = slot_ages(ring, self.slots)
        unseen = (ages > ring.written[:, None]) | (self.slots >= ring.capacity)
        return self.age_bias.T[ages].transpose(1, 2).masked_fill(unseen[:, None], float("-inf"))

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)
