"""The motion discriminator: real or made, and of which emotion, by what changes from frame to frame. Training only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gesturestream.models.motion import EMOTIONS

GAIN = 4.0
"""Changes of whitened components are about a tenth."""


class Discriminator(nn.Module):
    """Poses [B, T, P] and their emotion [B, 8] -> scores [B, T'], high for real; a projection discriminator."""

    def __init__(self, pose_size: int, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(pose_size, width, 5, stride=2), nn.LeakyReLU(0.2),
            nn.Conv1d(width, width, 5, stride=2), nn.LeakyReLU(0.2),
            nn.Conv1d(width, width, 3), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.score = nn.Linear(width, 1)
        self.classes = nn.Linear(len(EMOTIONS), width, bias=False)

    def forward(self, poses: Tensor, emotion: Tensor) -> Tensor:
        seen = self.layers(GAIN * poses.diff(dim=1).transpose(1, 2)).transpose(1, 2)
        score: Tensor = self.score(seen)[..., 0] + (seen * self.classes(emotion)[:, None]).mean(-1)
        return score

    def unmoved(self, poses: Tensor, emotion: Tensor) -> Tensor:
        """The same for whoever made the poses: what learns from it is the maker and not the discriminator."""
        frozen = {name: value.detach() for name, value in self.named_parameters()}
        score: Tensor = torch.func.functional_call(self, frozen, (poses, emotion))
        return score
