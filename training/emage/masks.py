"""What of the gesture is shown in training: corrupted, dropped or own history, and hints of the present."""

from __future__ import annotations

import torch
from torch import Tensor

from gesturestream.models.body.skeleton import HAND_JOINTS, JOINT_COUNT, LOWER_JOINTS, UPPER_JOINTS

DROPPED_CLIPS = 0.2
"""Of all clips, those that see nothing of the past: what is heard has to do."""
GIVEN_AT_END = 0.3
"""Share of clips with hints at the end of training; all have some at its start."""

_GROUPS = (UPPER_JOINTS, HAND_JOINTS, LOWER_JOINTS, tuple(range(JOINT_COUNT)))


def corrupted(motion: Tensor) -> Tensor:
    """Poses [B, T, 489], normalised, with errors a stream might have: an offset per clip and noise per frame.

    Without them a long stream drifts: it has never seen its own small errors and continues them.
    """
    strength = 0.6 * torch.rand(len(motion), 1, 1, device=motion.device)
    offset = torch.randn_like(motion[:, :1]) * strength
    return motion + offset + 0.5 * strength * torch.randn_like(motion)


def before(motion: Tensor) -> Tensor:
    """The pose shown before each frame: [B, T, D] -> [B, T, D]."""
    return torch.cat([motion[:, :1], motion[:, :-1]], 1)


def known_history(rows: int, frames: int, progress: float, device: torch.device) -> Tensor:
    """Which joints of the past are visible, bool [B, T, 55]; the masked share of joints and frames rises to a tenth."""
    kept = torch.rand(rows, 1, 1, device=device) >= DROPPED_CLIPS
    frame = torch.rand(rows, frames, 1, device=device) >= 0.05 * progress
    joint = torch.rand(rows, frames, JOINT_COUNT, device=device) >= 0.05 * progress
    return kept & frame & joint


def hinted_joints(rows: int, frames: int, progress: float, device: torch.device) -> Tensor:
    """Which joints of the present are given, bool [B, T, 55]: some joints of a group over one span of time per clip.

    The masked ratio rises over training, as in the paper (section 4.3): most of the present is visible at first, nearly
    all of it masked at the end, when only three clips in ten have hints.
    """
    chance = 1.0 - (1.0 - GIVEN_AT_END) * progress
    given = torch.rand(rows, 1, 1, device=device) < chance
    groups = torch.zeros(len(_GROUPS), JOINT_COUNT, dtype=torch.bool, device=device)
    for i, joints in enumerate(_GROUPS):
        groups[i, list(joints)] = True
    chosen = groups[torch.randint(len(_GROUPS), (rows,), device=device)][:, None]
    share = torch.rand(rows, 1, 1, device=device)
    some = torch.rand(rows, 1, JOINT_COUNT, device=device) < share.clamp_min(0.1)
    ends = torch.rand(rows, 2, device=device).sort(-1).values * frames
    time = torch.arange(frames, device=device)[None]
    span = (time >= ends[:, :1]) & (time <= ends[:, 1:])
    return given & chosen & some & span[:, :, None]
