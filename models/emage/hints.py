"""The masked gesture that the transformer is given: spatial encoder SC with learned mask embeddings (EMAGE eq. 6).

Causal: of the past the emitted pose is visible, of the present what is hinted; everything else is masked.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import CONTACT_COUNT

PER_JOINT = 6


class SpatialEncoder(nn.Module):
    """Joints of two poses, the one shown last and the present one's hints, to one token.

    A masked joint is a learned embedding, because the value zero is a pose too; each joint has a learned spatial
    position embedding p_s; a convolution over joints in SMPL-X's order, in which neighbours are mostly parent and
    child, summarises them.
    """

    def __init__(self, size: int, channels: int = 7) -> None:
        super().__init__()
        self.mask = nn.Parameter(torch.zeros(2, JOINT_COUNT, PER_JOINT))
        self.position = nn.Parameter(0.02 * torch.randn(JOINT_COUNT, channels))
        self.enter = nn.Linear(2 * (PER_JOINT + 1), channels)
        self.convolution = nn.Conv1d(channels, channels, 3, padding=1)
        self.leave = nn.Linear(JOINT_COUNT * channels + 3 + CONTACT_COUNT, size)

    def forward(self, shown: Tensor, shown_known: Tensor, hint: Tensor, hinted: Tensor, ground: Tensor) -> Tensor:
        """Normalised rot6d shown and hint [..., 330], which joints are known [..., 55] of each, root and contacts
        shown [..., 7] -> token [..., D]."""
        poses = [self._masked(i, pose, known) for i, (pose, known) in enumerate(((shown, shown_known), (hint, hinted)))]
        joints = self.enter(torch.cat(poses, -1)) + self.position
        flat = functional.leaky_relu(joints, 0.2).flatten(0, -3).transpose(1, 2)
        mixed = functional.leaky_relu(self.convolution(flat) + flat, 0.2).transpose(1, 2)
        token: Tensor = self.leave(torch.cat([mixed.reshape(*shown.shape[:-1], -1), ground], -1))
        return token

    def _masked(self, which: int, pose: Tensor, known: Tensor) -> Tensor:
        joints = pose.view(*pose.shape[:-1], JOINT_COUNT, PER_JOINT)
        there = known[..., None]
        return torch.cat([torch.where(there, joints, self.mask[which]), there.to(joints.dtype)], -1)
