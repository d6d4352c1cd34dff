"""Selectable look-ahead from one set of weights: which audio codes motion frame m = a - L may see."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.motion import MAX_LOOKAHEAD

SPAN = MAX_LOOKAHEAD + 1
"""Audio codes under one motion frame: its own and those of up to 8 frames ahead."""


class LookaheadState(NamedTuple):
    """The last 8 audio codes and what is known of them."""

    codes: Tensor  # [B, 8, D] oldest first
    present: Tensor  # [B, 8] bool: heard (False: masked, after the audio's end)
    filled: Tensor  # [B] int64, audio frames so far, at most 8: whether look-ahead is filled


def init_state(rows: int, size: int) -> LookaheadState:
    return LookaheadState(
        torch.zeros(rows, MAX_LOOKAHEAD, size),
        torch.zeros(rows, MAX_LOOKAHEAD, dtype=torch.bool),
        torch.zeros(rows, dtype=torch.int64),
    )


def gather(
    code: Tensor, present: Tensor, lookahead: Tensor, state: LookaheadState
) -> tuple[Tensor, Tensor, Tensor, LookaheadState]:
    """The window of audio codes for motion frame m = a - lookahead.

    code [B, D] of audio frame a, present [B], lookahead [B] -> window [B, 9, D] of frames m..m+8 with zeros where
    masked, known [B, 9] bool, valid [B] bool (False while look-ahead fills), next state.
    """
    codes = torch.cat([state.codes, code[:, None]], 1)
    heard = torch.cat([state.present, present[:, None]], 1)
    index = MAX_LOOKAHEAD - lookahead[:, None] + torch.arange(SPAN, device=code.device)
    inside = index < SPAN
    index = index.clamp_max(SPAN - 1)
    known = inside & heard.gather(1, index)
    window = codes.gather(1, index[:, :, None].expand(-1, -1, codes.shape[2]))
    window = torch.where(known[:, :, None], window, 0.0)
    valid = state.filled >= lookahead
    after = LookaheadState(codes[:, 1:], heard[:, 1:], (state.filled + 1).clamp_max(MAX_LOOKAHEAD))
    return window, known, valid, after


def windows(codes: Tensor, lookahead: Tensor) -> tuple[Tensor, Tensor]:
    """The same for a whole sequence in training: codes [B, T, D] -> windows [B, T, 9, D], known [B, T, 9].

    Frames past the sequence's end are masked, as after the audio's end.
    """
    padded = torch.cat([codes, codes.new_zeros(codes.shape[0], MAX_LOOKAHEAD, codes.shape[2])], 1)
    spans = padded.unfold(1, SPAN, 1).transpose(2, 3)
    ahead = torch.arange(SPAN, device=codes.device)
    inside = torch.arange(codes.shape[1], device=codes.device)[:, None] + ahead < codes.shape[1]
    known = inside[None] & (ahead[None, None] <= lookahead[:, None, None])
    return spans * known[..., None], known
