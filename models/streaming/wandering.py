"""Noise that wanders: normals drawn anew each frame, smoothed in time, at the pace of the speech."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.streaming.state import map_leaves

KEEP = 0.9
"""Share of itself that the noise keeps per frame at pace 1, twice over: a half-life of about 0.3 s."""
ACTIVITY_RATE = 0.1
IDLE_PACE = 0.1
"""How fast the noise wanders in silence, beside its pace in speech."""
_SLOW_GAIN = (1.0 + KEEP) / math.sqrt(1.0 + KEEP**2)  # gives the twice smoothed noise unit variance


class WanderState(NamedTuple):
    """The noise smoothed once and twice; it starts still and is at full strength after a second of speech."""

    once: Tensor  # [B, I]
    twice: Tensor  # [B, I]


def new_wander(rows: int, size: int) -> WanderState:
    return WanderState(torch.zeros(rows, size), torch.zeros(rows, size))


def somewhere(like: Tensor) -> WanderState:
    """Where the noise may be after a long while at pace 1: for training windows from amid a stream. like [B, I]."""
    once = torch.randn_like(like)
    shared = 1.0 / (1.0 + KEEP)  # covariance of once and twice
    apart = math.sqrt(1.0 / _SLOW_GAIN**2 - shared**2)
    return WanderState(once, shared * once + apart * torch.randn_like(like))


def wander(e: Tensor, pace: Tensor, state: WanderState) -> tuple[Tensor, WanderState]:
    """Normals [B, I] drawn anew each frame to noise of unit variance that wanders at a pace [B, 1 or I] >= 0.

    Codes drawn anew 30 times a second twitch; the papers' own noise is smoothed by non-causal networks. At pace 0 the
    noise stays where it is.
    """
    keep = KEEP**pace
    once = keep * state.once + (1.0 - keep.square()).clamp_min(1e-12).sqrt() * e
    twice = keep * state.twice + (1.0 - keep) * once
    return _SLOW_GAIN * twice, WanderState(once, twice)


def wandered(e: Tensor, pace: Tensor, start: WanderState | None = None) -> Tensor:
    """`wander` over a sequence [B, T, I], pace [B, T, 1 or I], from a new state or from `start`."""
    state = start or map_leaves(lambda leaf: leaf.to(e), new_wander(e.shape[0], e.shape[2]))
    out = []
    for t in range(e.shape[1]):
        value, state = wander(e[:, t], pace[:, t], state)
        out.append(value)
    return torch.stack(out, 1)


class ColourState(NamedTuple):
    activity: Tensor  # [B] presence of speech, smoothed
    once: Tensor  # [B, I]
    twice: Tensor  # [B, I]


def new_colour(rows: int, size: int) -> ColourState:
    return ColourState(torch.zeros(rows), *new_wander(rows, size))


def colour(e: Tensor, presence: Tensor, state: ColourState) -> tuple[Tensor, ColourState]:
    """`wander` while there is speech (presence [B], 0..1) and hardly in silence: hands at rest stay where they are."""
    activity = state.activity + ACTIVITY_RATE * (presence - state.activity)
    pace = IDLE_PACE + (1.0 - IDLE_PACE) * activity
    noise, after = wander(e, pace[:, None], WanderState(state.once, state.twice))
    return noise, ColourState(activity, *after)


def coloured(e: Tensor, presence: Tensor) -> Tensor:
    """`colour` over a sequence [B, T, I], presence [B, T], from a new state."""
    state, out = map_leaves(lambda leaf: leaf.to(e), new_colour(e.shape[0], e.shape[2])), []
    for t in range(e.shape[1]):
        value, state = colour(e[:, t], presence[:, t], state)
        out.append(value)
    return torch.stack(out, 1)
