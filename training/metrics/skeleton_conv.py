"""Convolution along time that knows the skeleton: an output node sees joints near it in the kinematic tree only.

The idea is of Aberman et al., "Skeleton-Aware Networks for Deep Motion Retargeting" (2020), which EMAGE's evaluator
(VAESKConv) builds on. There, convolution and pooling along the bones are two layers; here the output nodes may be
coarser than the input nodes, which is both in one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, PARENTS

Nodes = tuple[tuple[int, ...], ...]
"""Each node's joints."""


def _named(*names: str) -> tuple[int, ...]:
    return tuple(INDEX[name] for name in names)


def _both(*names: str) -> Nodes:
    return tuple(_named(*(f"{side}_{name}" for name in names)) for side in ("left", "right"))


_FINGERS: Nodes = tuple(tuple(range(first, first + 3)) for first in range(25, JOINT_COUNT, 3))
_HEAD = _named("head", "jaw", "left_eye_smplhf", "right_eye_smplhf")

JOINTS: Nodes = tuple((joint,) for joint in range(JOINT_COUNT))
SEGMENTS: Nodes = (
    _named("pelvis"), _named("spine1", "spine2", "spine3"), _named("neck", "head"), _HEAD[1:],
    *_both("collar", "shoulder"), *_both("elbow", "wrist"), *_both("hip", "knee"), *_both("ankle", "foot"), *_FINGERS,
)  # fmt: skip
REGIONS: Nodes = (
    _named("pelvis", "spine1", "spine2", "spine3"), _named("neck") + _HEAD,
    *_both("collar", "shoulder", "elbow", "wrist"), *_both("hip", "knee", "ankle", "foot"),
    tuple(range(25, 40)), tuple(range(40, JOINT_COUNT)),
)  # fmt: skip


class SkeletonConv(nn.Module):
    """[B, nodes_in * C, T] -> [B, nodes_out * D, T / stride]; kernel 4 at stride 2, 3 at stride 1, zero-padded."""

    connected: Tensor

    def __init__(self, nodes: tuple[Nodes, Nodes], channels: tuple[int, int], reach: int, stride: int = 2) -> None:
        """reach: how many bones away from its own joints an output node sees; 0, same nodes: itself."""
        super().__init__()
        into, out = nodes
        alone = reach == 0 and into == out
        self.stride, self.groups = stride, len(into) if alone else 1
        sizes = len(into) * channels[0], len(out) * channels[1]
        self.conv = nn.Conv1d(*sizes, 4 if stride == 2 else 3, stride, padding=1, groups=self.groups)
        seen = torch.ones(len(out), 1, dtype=torch.bool) if alone else connections(into, out, reach)
        mask = seen.repeat_interleave(channels[1], 0).repeat_interleave(channels[0], 1)[..., None].float()
        self.register_buffer("connected", mask, persistent=False)
        with torch.no_grad():  # the usual spread for the inputs that are really there
            self.conv.weight.mul_(mask * (mask[:, :, 0].mean(1) ** -0.5)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        weight = self.conv.weight * self.connected
        return functional.conv1d(x, weight, self.conv.bias, self.stride, padding=1, groups=self.groups)


def connections(into: Nodes, out: Nodes, reach: int) -> Tensor:
    """[nodes_out, nodes_in] bool: some of their joints are at most `reach` bones apart."""
    apart = _bones_apart()
    return torch.tensor([[bool((apart[list(o)][:, list(i)] <= reach).any()) for i in into] for o in out])


def _bones_apart() -> Tensor:
    """[55, 55] number of bones between two joints."""
    apart = torch.full((JOINT_COUNT, JOINT_COUNT), JOINT_COUNT)
    apart.fill_diagonal_(0)
    for joint, parent in enumerate(PARENTS[1:], start=1):
        apart[joint, parent] = apart[parent, joint] = 1
    for via in range(JOINT_COUNT):
        apart = torch.minimum(apart, apart[:, via, None] + apart[None, via])
    return apart
