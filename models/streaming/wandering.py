"""Noise that wanders: normals drawn anew each frame, smoothed in time, at the pace of the speech."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.streaming.state import map_leaves

KEEP = 0.9
"""Share of itself that the noise keeps per frame, twice over: a half-life of about 0.3 s."""
ACTIVITY_RATE = 0.1
IDLE_PACE = 0.1
"""How fast the noise wanders in silence, beside its pace in speech."""
_SLOW_GAIN = (1.0 + KEEP) / math.sqrt(1.0 + KEEP**2)  # gives the twice smoothed noise unit variance


class ColourState(NamedTuple):
    """The noise smoothed once and twice; it starts still and is at full strength after a second of speech."""

    activity: Tensor  # [B] presence of speech, smoothed
    once: Tensor  # [B, I]
    twice: Tensor  # [B, I]


def new_colour(rows: int, size: int) -> ColourState:
    return ColourState(torch.zeros(rows), torch.zeros(rows, size), torch.zeros(rows, size))


def colour(e: Tensor, presence: Tensor, state: ColourState) -> tuple[Tensor, ColourState]:
    """Normals [B, I] drawn anew each frame to noise of unit variance that wanders.

    Codes drawn anew 30 times a second twitch; the papers' own noise is smoothed by non-causal networks. The noise
    wanders while there is speech (presence [B], 0..1) and hardly in silence: hands at rest stay where they are.
    """
    activity = state.activity + ACTIVITY_RATE * (presence - state.activity)
    keep = KEEP ** (IDLE_PACE + (1.0 - IDLE_PACE) * activity)[:, None]
    once = keep * state.once + (1.0 - keep.square()).sqrt() * e
    twice = keep * state.twice + (1.0 - keep) * once
    return _SLOW_GAIN * twice, ColourState(activity, once, twice)


def coloured(e: Tensor, presence: Tensor) -> Tensor:
    """`colour` over a sequence [B, T, I], presence [B, T], from a new state."""
    state, out = map_leaves(lambda leaf: leaf.to(e), new_colour(e.shape[0], e.shape[2])), []
    for t in range(e.shape[1]):
        value, state = colour(e[:, t], presence[:, t], state)
        out.append(value)
    return torch.stack(out, 1)
