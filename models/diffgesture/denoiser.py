"""The diffusion audio-gesture transformer (DiffGesture section 3.2), block-causal.

Two kinds of tokens, one set of weights. A *clean* token is a pose that was shown; it sees the clean tokens before it,
whose keys and values lie in rings. A *noisy* token is the present frame under noise, with the noise level, the pose
shown last (the paper's seed poses) and what is heard; it sees the clean tokens and itself. So context carries poses
only, all branches of guidance share it, and a frame costs the same whatever came before.

The paper's own form (`causal` False) denoises a window together: noisy tokens see each other, and as clean tokens the
seed poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.diffgesture.schedule import LEVEL_FEATURES, level_features
from gesturestream.models.streaming.attention import AttentionState
from gesturestream.models.streaming.state import Ring, append, new_ring, slot_ages

NEVER = float("-inf")


class Clean(NamedTuple):
    """Keys and values of clean tokens in one layer [B, T, D], each frame's the pose shown before it."""

    keys: Tensor
    values: Tensor


class Seen(NamedTuple):
    """What a noisy token sees in one layer of a step: the rings as they lie, and the newest clean token."""

    keys: Tensor  # [B, S, D]
    values: Tensor  # [B, S, D]
    bias: Tensor  # [B, H, S] minus infinity where nothing was written
    key: Tensor  # [B, D]
    value: Tensor  # [B, D]


class Rows(NamedTuple):
    """Which of R tokens side by side see the past, and which themselves: 0 or minus infinity, [R]."""

    past: Tensor
    own: Tensor


class Layer(nn.Module):
    """Attention over clean tokens and oneself, and a feed-forward layer."""

    slots: Tensor
    of_head: Tensor

    def __init__(self, size: int, heads: int, window: int, hidden: int, *, causal: bool = True) -> None:
        super().__init__()
        self.heads, self.window, self.causal = heads, window, causal
        self.norm, self.forward_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query, self.key_value = nn.Linear(size, size), nn.Linear(size, 2 * size)
        self.out = nn.Linear(size, size)
        self.first, self.second = nn.Linear(size, hidden), nn.Linear(hidden, size)
        reach = 1 if causal else 2 * window - 1
        self.clean_bias = nn.Parameter(torch.zeros(heads, window if causal else reach))
        """Per head and age of a clean token; the paper's form also has those of seeds to come."""
        self.own_bias = nn.Parameter(torch.zeros(heads, reach))
        """The same of noisy tokens: of oneself, or of a window's."""
        self.register_buffer("slots", torch.arange(window), persistent=False)
        self.register_buffer("of_head", torch.eye(heads).repeat_interleave(size // heads, 1), persistent=False)

    def init_state(self, rows: int) -> AttentionState:
        size = self.out.in_features
        return AttentionState(new_ring(rows, self.window - 1, size), new_ring(rows, self.window - 1, size))

    def clean(self, x: Tensor, seeds: int | None) -> tuple[Tensor, Clean]:
        """Clean tokens [B, T, D] -> the same one layer on, and their keys and values. seeds: how many of them are
        seen, by all of them; None: each sees those before it."""
        normed = self.norm(x)
        clean = Clean(*self.key_value(normed).chunk(2, -1))
        bias = self._clean_bias(x.shape[1], seeds)
        y = self._mixed(normed, clean.keys, clean.values, bias[None])
        return self._forward(x + y), clean

    def noisy(self, x: Tensor, clean: Clean, known: Tensor, seeds: int | None) -> Tensor:
        """Noisy tokens [B, T, D] that see `clean` where it is known [B] and themselves -> the same one layer on."""
        normed, frames = self.norm(x), x.shape[1]
        keys, values = self.key_value(normed).chunk(2, -1)
        past = self._clean_bias(frames, seeds)[None].masked_fill(~known[:, None, None, None], NEVER)
        bias = torch.cat([past, self._own_bias(frames).expand(len(x), -1, -1, -1)], -1)
        y = self._mixed(normed, torch.cat([clean.keys, keys], 1), torch.cat([clean.values, values], 1), bias)
        return self._forward(x + y)

    def commit(self, x: Tensor, state: AttentionState, rows: Rows) -> tuple[Tensor, Seen, AttentionState]:
        """One step of the clean token and, beside it, R - 1 noisy ones: [B, R, D], the clean one first. It is appended
        to the rings."""
        query, keys, values = self._projected(x)
        seen = Seen(state.keys.rows, state.values.rows, self._ring_bias(state.keys), keys[:, 0], values[:, 0])
        after = AttentionState(append(state.keys, seen.key), append(state.values, seen.value))
        return self._attended(x, query, keys, values, seen, rows), seen, after

    def again(self, x: Tensor, seen: Seen, rows: Rows) -> Tensor:
        """Noisy tokens [B, R, D] at a lower noise level, with the same context."""
        return self._attended(x, *self._projected(x), seen, rows)

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each head's query is padded with zeros to the whole width, so that keys need not be taken apart by heads."""
        normed = self.norm(x)
        keys, values = self.key_value(normed).chunk(2, -1)
        scale = (self.heads / x.shape[-1]) ** 0.5
        return self.query(normed)[:, :, None] * (self.of_head * scale), keys, values

    def _attended(self, x: Tensor, query: Tensor, keys: Tensor, values: Tensor, seen: Seen, rows: Rows) -> Tensor:
        """query [B, R, H, D]; keys and values [B, R, D] of the tokens themselves."""
        count, heads = x.shape[1], self.heads
        past = (query.flatten(1, 2) @ seen.keys.transpose(1, 2)).view(x.shape[0], count, heads, -1) + seen.bias[:, None]
        newest = (query * seen.key[:, None, None]).sum(-1, keepdim=True) + self.clean_bias[:, :1]
        own = (query * keys[:, :, None]).sum(-1, keepdim=True) + self.own_bias[:, :1]
        see_past, see_own = rows.past[:, None, None], rows.own[:, None, None]
        share = torch.cat([past + see_past, newest + see_past, own + see_own], -1).softmax(-1)
        mixed = (share[..., :-2].flatten(1, 2) @ seen.values).view(x.shape[0], count, heads, -1)
        mixed = mixed + share[..., -2:-1] * seen.value[:, None, None] + share[..., -1:] * values[:, :, None]
        return self._forward(x + self.out((mixed * self.of_head).sum(2)))

    def _forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(functional.gelu(self.first(self.forward_norm(x))))
        return y

    def _mixed(self, normed: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """Attention over sequences: bias [1 or B, H, T, S]."""
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (self.query(normed), keys, values))
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return mixed

    def _clean_bias(self, frames: int, seeds: int | None) -> Tensor:
        """[H, T, T] of clean token j for a token at i."""
        age = self._ages(frames)
        if seeds is None:
            seen = (age >= 0) & (age < self.window)
            return self.clean_bias[:, age.clamp(0, self.window - 1)].masked_fill(~seen, NEVER)
        seed = torch.arange(frames, device=age.device) < seeds
        return self.clean_bias[:, age + self.window - 1].masked_fill(~seed, NEVER)

    def _own_bias(self, frames: int) -> Tensor:
        """[H, T, T] of noisy token j for the one at i: oneself, or the whole window."""
        age = self._ages(frames)
        if self.causal:
            return self.own_bias[:, :, None].expand(-1, frames, frames).masked_fill(age != 0, NEVER)
        return self.own_bias[:, age + self.window - 1]

    def _ages(self, frames: int) -> Tensor:
        index = torch.arange(frames, device=self.slots.device)
        return index[:, None] - index

    def _ring_bias(self, ring: Ring) -> Tensor:
        ages = slot_ages(ring, self.slots)
        unseen = (ages > ring.written[:, None]) | (self.slots >= ring.capacity)
        return self.clean_bias.T[ages].transpose(1, 2).masked_fill(unseen[:, None], NEVER)


class Context(NamedTuple):
    """What a noisy token is told beside its noise."""

    shown: Tensor  # [..., P] the pose shown last
    known: Tensor  # [..., 1] 1: it and the ones before may be seen
    doubt: Tensor  # [..., 1] how far poses shown may be off
    heard: Tensor  # [..., D] voice and controls


class Denoiser(nn.Module):
    """Noisy components [..., C] at a noise level, in a context -> v [..., C] (v = alpha noise - sigma clean)."""

    def __init__(
        self,
        components: int,
        shown_size: int,
        *,
        size: int,
        heads: int,
        layers: int,
        window: int,
        hidden: int,
        causal: bool = True,
    ) -> None:
        super().__init__()
        self.enter_clean = nn.Linear(shown_size + 1, size)
        self.enter_noisy = nn.Linear(components + shown_size + 2 + LEVEL_FEATURES, size)
        self.gate = nn.Linear(LEVEL_FEATURES, components)
        """How much of v is the noisy components themselves, by noise level."""
        self.layers = nn.ModuleList(Layer(size, heads, window, hidden, causal=causal) for _ in range(layers))
        self.norm = nn.LayerNorm(size)
        self.leave = nn.Linear(size, components)
        nn.init.normal_(self.leave.weight, std=0.01)

    def init_state(self, rows: int) -> tuple[AttentionState, ...]:
        return tuple(layer.init_state(rows) for layer in self._layers())

    def read(self, shown: Tensor, doubt: Tensor, seeds: int | None = None) -> list[Clean]:
        """Poses shown [B, T, P], doubt [B, T, 1] -> keys and values of every layer."""
        x, out = self.enter_clean(torch.cat([shown, doubt], -1)), []
        for layer in self._layers():
            x, clean = layer.clean(x, seeds)
            out.append(clean)
        return out

    def denoise(
        self, noisy: Tensor, time: Tensor, context: Context, clean: Sequence[Clean], seeds: int | None = None
    ) -> Tensor:
        """Sequences: noisy [B, T, C], time [B, T], context [B, T, ...] -> v [B, T, C]. Whether clean tokens
        are seen at all is what the first frame knows."""
        level = level_features(time)
        x = self._token(noisy, level, context)
        known = context.known[:, 0, 0] > 0.5
        for layer, one in zip(self._layers(), clean, strict=True):
            x = layer.noisy(x, one, known, seeds)
        return self._velocity(x, noisy, level)

    def commit(
        self,
        noisy: Tensor,
        time: float,
        context: Context,
        shown: Tensor,
        remembers: Sequence[bool],
        state: Sequence[AttentionState],
    ) -> tuple[Tensor, list[Seen], tuple[AttentionState, ...]]:
        """A frame's first step: noisy [B, R, C] beside the pose shown last [B, P], which joins the context.

        remembers [R]: which of the rows see the past. -> v [B, R, C], what later steps see, and the state.
        """
        level = level_features(torch.full_like(noisy[..., 0], time))
        clean = self.enter_clean(torch.cat([shown, context.doubt[:, 0]], -1))
        x = torch.cat([clean[:, None], self._token(noisy, level, context)], 1)
        rows, seen, after = _rows(remembers, x, clean=True), [], []
        for layer, before in zip(self._layers(), state, strict=True):
            x, one, moved = layer.commit(x, before, rows)
            seen.append(one)
            after.append(moved)
        return self._velocity(x[:, 1:], noisy, level), seen, tuple(after)

    def again(
        self, noisy: Tensor, time: float, context: Context, remembers: Sequence[bool], seen: Sequence[Seen]
    ) -> Tensor:
        """A frame's later steps: noisy [B, R, C] -> v [B, R, C]."""
        level = level_features(torch.full_like(noisy[..., 0], time))
        x = self._token(noisy, level, context)
        rows = _rows(remembers, x, clean=False)
        for layer, one in zip(self._layers(), seen, strict=True):
            x = layer.again(x, one, rows)
        return self._velocity(x, noisy, level)

    def _token(self, noisy: Tensor, level: Tensor, context: Context) -> Tensor:
        known = context.known
        told = torch.cat([noisy, context.shown * known, context.doubt * known, known, level], -1)
        token: Tensor = self.enter_noisy(told) + context.heard
        return token

    def _velocity(self, x: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
        velocity: Tensor = self.leave(self.norm(x)) + self.gate(level) * noisy
        return velocity

    def _layers(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]


def _rows(remembers: Sequence[bool], like: Tensor, *, clean: bool) -> Rows:
    """Masks of the noisy rows and, before them, of the clean token, which is itself the newest of the past."""
    past = [0.0] * clean + [0.0 if seen else NEVER for seen in remembers]
    own = [NEVER] * clean + [0.0] * len(remembers)
    return Rows(*(torch.tensor(mask, dtype=like.dtype, device=like.device) for mask in (past, own)))
