"""Selectable look-ahead from one set of weights: which audio codes motion frame m = a - L may see.

Codes are told by how long ago they were heard, the newest last, whatever the look-ahead: what a body does about a sound
some frames after it is then the same at every look-ahead, and is learned once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.motion import LOOKAHEADS, MAX_LOOKAHEAD

SPAN = MAX_LOOKAHEAD + 1
"""Audio codes under one motion frame: the newest, of frame a = m + L, and those of the 8 frames before it."""


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

    code [B, D] of audio frame a, present [B], lookahead [B] -> window [B, 9, D] of frames a-8..a with zeros where
    masked, known [B, 9] bool, valid [B] bool (False while look-ahead fills), next state.
    """
    codes = torch.cat([state.codes, code[:, None]], 1)
    known = torch.cat([state.present, present[:, None]], 1)
    window = torch.where(known[:, :, None], codes, 0.0)
    valid = state.filled >= lookahead
    after = LookaheadState(codes[:, 1:], known[:, 1:], (state.filled + 1).clamp_max(MAX_LOOKAHEAD))
    return window, known, valid, after


def windows(codes: Tensor, lookahead: Tensor) -> tuple[Tensor, Tensor]:
    """The same for a whole sequence in training: codes [B, T, D] -> windows [B, T, 9, D], known [B, T, 9].

    Frames past the sequence's end are masked, as after the audio's end.
    """
    frames = torch.arange(codes.shape[1], device=codes.device)[:, None] + torch.arange(
        -MAX_LOOKAHEAD, 1, device=codes.device
    )
    index = frames + lookahead[:, None, None]  # [B, T, 9]
    known = (index >= 0) & (index < codes.shape[1])
    flat = index.clamp(0, codes.shape[1] - 1).flatten(1)
    spans = codes.gather(1, flat[:, :, None].expand(-1, -1, codes.shape[2])).view(*index.shape, -1)
    return spans * known[..., None], known


def choice(lookahead: Tensor, like: Tensor) -> Tensor:
    """Which look-ahead a row has, one of four: [B] -> [B, 4] in the precision of `like`."""
    offered = torch.tensor(LOOKAHEADS, device=lookahead.device)
    return (lookahead[:, None] == offered).to(like.dtype)
