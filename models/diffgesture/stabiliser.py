"""The diffusion gesture stabiliser (DiffGesture section 3.3), causal: shared noise, annealed, and hard thresholding.

Noise drawn anew for each frame makes each frame another sample: motion twitches. The paper shares noise between all
frames of a window near the end of the schedule. A stream has no window: what is shared wanders slowly, and because each
frame is denoised by itself it is shared from the start (`wandering`). What is added between steps at `eta` > 0 is each
frame's own at first and shared more and more towards the end, as in the paper. At the end a frame may not be farther
from the one before than the corpus's motion ever is, and what trembles is smoothed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.streaming import wandering


class StabiliserState(NamedTuple):
    shared: wandering.ColourState
    last: Tensor  # [B, C] components of the frame before, not smoothed
    earlier: Tensor  # [B, C] and of the one before that
    started: Tensor  # [B, 1] 1 after the first frame


def new_stabiliser(rows: int, components: int) -> StabiliserState:
    return StabiliserState(
        wandering.new_colour(rows, components),
        torch.zeros(rows, components),
        torch.zeros(rows, components),
        torch.zeros(rows, 1),
    )


def annealed(own: Tensor, shared: Tensor, time: float) -> Tensor:
    """Noise of one denoising step at `time` 0..1: unit variance, shared as the square of how near the end is."""
    share = (1.0 - time) ** 2
    return math.sqrt(1.0 - share**2) * own + share * shared


class Steadied(NamedTuple):
    """A frame as it is shown, and what the next ones need of it; [..., C] each."""

    shown: Tensor
    last: Tensor
    earlier: Tensor


def steady(clean: Tensor, limit: Tensor, last: Tensor, earlier: Tensor, order: int) -> Steadied:
    """Components [B, C] no farther than `limit` [C] from the frame before, then smoothed with it and the one before it.

    order 0: not smoothed; 1 and 2: by the binomial weights of so many frames of the past. A denoiser that hears each
    frame anew errs a little differently each time, and of that the fastest part is seen as trembling; it costs half a
    frame of delay for each order.
    """
    change = torch.minimum(torch.maximum(clean - last, -limit), limit)
    bounded = last + change
    shown = (bounded, 0.5 * (bounded + last), 0.25 * (bounded + 2.0 * last + earlier))[order]
    return Steadied(shown, bounded, last)


def steady_step(clean: Tensor, limit: Tensor, state: StabiliserState, order: int) -> Steadied:
    """The same in a stream; a session's first frame may be anything."""
    begun = state.started > 0.5
    last, earlier = torch.where(begun, state.last, clean), torch.where(begun, state.earlier, clean)
    return steady(clean, limit, last, earlier, order)


def steady_sequence(clean: Tensor, limit: Tensor, order: int) -> Tensor:
    """The same from a new start: [B, T, C] -> [B, T, C]."""
    frame, out = Steadied(clean[:, 0], clean[:, 0], clean[:, 0]), []
    for t in range(clean.shape[1]):
        frame = steady(clean[:, t], limit, frame.last, frame.earlier, order)
        out.append(frame.shown)
    return torch.stack(out, 1)
