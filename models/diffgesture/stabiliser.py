"""The diffusion gesture stabiliser (DiffGesture section 3.3), causal: shared noise, annealed, and hard thresholding.

Noise drawn anew for each frame makes each frame another sample: motion twitches. The paper shares noise between all
frames of a window near the end of the schedule. A stream has no window: what is shared wanders slowly, and because each
frame is denoised by itself it is shared from the start (`wandering`). What is added between steps at `eta` > 0 is each
frame's own at first and shared more and more towards the end, as in the paper. At the end a frame may not be farther
from the one before than the corpus's motion ever is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.streaming import wandering


class StabiliserState(NamedTuple):
    shared: wandering.ColourState
    last: Tensor  # [B, C] components of the frame before
    started: Tensor  # [B, 1] 1 after the first frame


def new_stabiliser(rows: int, components: int) -> StabiliserState:
    return StabiliserState(wandering.new_colour(rows, components), torch.zeros(rows, components), torch.zeros(rows, 1))


def annealed(own: Tensor, shared: Tensor, time: float) -> Tensor:
    """Noise of one denoising step at `time` 0..1: unit variance, shared as the square of how near the end is."""
    share = (1.0 - time) ** 2
    return math.sqrt(1.0 - share**2) * own + share * shared


def threshold(clean: Tensor, limit: Tensor, last: Tensor, started: Tensor) -> Tensor:
    """Components [B, C] no farther than `limit` [C] from the frame before; the first frame may be anything."""
    change = clean - last
    bounded = torch.minimum(torch.maximum(change, -limit), limit)
    return last + torch.where(started > 0.5, bounded, change)


def threshold_sequence(clean: Tensor, limit: Tensor) -> Tensor:
    """The same from a new start: [B, T, C] -> [B, T, C]."""
    out = [clean[:, 0]]
    for t in range(1, clean.shape[1]):
        out.append(threshold(clean[:, t], limit, out[-1], torch.ones_like(clean[:, t, :1])))
    return torch.stack(out, 1)
