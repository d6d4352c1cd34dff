"""Spatial-Temporal Prompter (EmotionGesture section 3.3): from the last M poses to prompts for the frames to come.

Every row by itself: the published code contracts over the batch, so that its outputs depend on batch mates.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.emotiongesture.tokens import TokenLinear

FAR = 5.0
"""What a network is told of a pose ends here, deviations; how a plan begins is computed from the pose itself."""


class Past(NamedTuple):
    """What a plan continues, in whitened components."""

    poses: Tensor  # [B, M, P] shown so far, oldest first
    plan: Tensor  # [B, H, P] what was planned before for the frames to come
    planned: Tensor  # [B] 1 where there was a plan


class Prompter(nn.Module):
    """Prompts [B, H, D]: where the plan is to go, seen from where the body is."""

    def __init__(self, *, pose_size: int, seeds: int, horizon: int, transition: int, size: int) -> None:
        super().__init__()
        self.transition = transition
        self.ensemble = nn.Sequential(nn.Linear(seeds * pose_size, size), nn.GELU(), nn.Linear(size, size))
        self.initial = nn.Linear(size, size)
        self.frame = nn.Parameter(0.1 * torch.randn(horizon, size))
        self.planned = TokenLinear(pose_size, size)
        self.bias = nn.Parameter(torch.linspace(-1.0, 1.0, transition))
        self.moved = TokenLinear(2 * pose_size, size)
        self.key_value = TokenLinear(size, 2 * size)

    def forward(self, past: Past, feature: Tensor) -> Tensor:
        """`feature` [B, D]: emotion feature."""
        poses = past.poses.clamp(-FAR, FAR)
        seen: Tensor = self.ensemble(poses.flatten(1))
        plan = self.planned(past.plan.clamp(-FAR, FAR)) * past.planned[:, None, None]
        future = (self.initial(seen) + feature)[:, None] + self.frame + plan
        return self._reinforced(self._interpolated(future, seen), poses)

    def _interpolated(self, future: Tensor, seen: Tensor) -> Tensor:
        """Spatial interpolation: the first L prompts lie between what the poses say and what is to come."""
        head, tail = future[:, : self.transition], future[:, self.transition :]
        score = (head * seen[:, None]).mean(-1) + self.bias
        share = torch.sigmoid(score)[..., None]
        return torch.cat([share * head + (1.0 - share) * seen[:, None], tail], 1)

    def _reinforced(self, future: Tensor, poses: Tensor) -> Tensor:
        """Temporal reinforcement: every prompt attends to how the body came to be where it is."""
        changes = torch.cat([torch.zeros_like(poses[:, :1]), poses[:, 1:] - poses[:, :-1]], 1)
        key, value = self.key_value(functional.gelu(self.moved(torch.cat([poses, 4.0 * changes], -1)))).chunk(2, -1)
        weight = (future @ key.transpose(1, 2) * key.shape[-1] ** -0.5).softmax(-1)
        reinforced: Tensor = future + weight @ value
        return reinforced
