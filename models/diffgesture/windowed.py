"""The paper's own form: windows of 34 frames, the first four of them seed poses of the window before, blended.

A reference to compare the stream with. Frames of a window are denoised together and see all of its voice.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gesturestream.models.diffgesture.part import Part, Scales
from gesturestream.models.diffgesture.schedule import ddim


def sequence(part: Part, heard: Tensor, noise: Tensor, scales: Scales, unseen: int = 0) -> Tensor:
    """What is heard [B, T, D] and normals [B, T, Z] -> components [B, T, C]. `unseen`: of the components, how many at
    the end are not told of seed poses (the root: a pose does not tell how it moves)."""
    frames, seeds = heard.shape[1], part.config.seed_frames
    hop = part.config.window_frames - seeds
    out = heard.new_zeros(len(heard), 0, part.components)
    for start in range(0, max(1, frames - seeds), hop):
        index = torch.arange(start, start + hop + seeds, device=heard.device).clamp_max(frames - 1)
        known = out[:, start:]  # empty in the first window
        made = _window(part, heard[:, index], noise[:, index], Scales(*(s[:, index] for s in scales)), known, unseen)
        out = torch.cat([out[:, :start], blended(known, made[:, : known.shape[1]]), made[:, known.shape[1] :]], 1)
    return out[:, :frames]


def _window(part: Part, heard: Tensor, noise: Tensor, scales: Scales, known: Tensor, unseen: int) -> Tensor:
    """[B, W, ...] and what the window before made of its last frames [B, M or 0, C] -> [B, W, C]."""
    shown, flags = seed_poses(known, heard.shape[1], unseen)
    own = part.draws(noise)
    shared = own[:, :1, 0].expand_as(own[:, :, 0])  # one draw for the whole window
    start = own[:, :, 0] * scales.temperature[..., None]
    seeds = part.config.seed_frames, flags
    return part.walk(ddim(part.config), shown, heard, start, scales, (own, shared), seeds)


def seed_poses(poses: Tensor, frames: int, unseen: int) -> tuple[Tensor, Tensor]:
    """The first poses [B, M, C] of a window -> what it is shown [B, T, C] and where that is known [B, T]."""
    rows, count, size = poses.shape
    told = torch.cat([poses[..., : size - unseen], torch.zeros_like(poses[..., size - unseen :])], -1)
    shown = torch.cat([told, poses.new_zeros(rows, frames - count, size)], 1)
    flags = torch.arange(frames, device=poses.device) < count
    return shown, flags.to(poses.dtype).expand(rows, -1)


def blended(before: Tensor, after: Tensor) -> Tensor:
    """The same n frames as two windows have them [B, n, C], from the first to the second, linearly."""
    count = before.shape[1]
    share = (torch.arange(count, device=before.device, dtype=before.dtype) + 1.0) / (count + 1.0)
    return before + share[:, None] * (after - before)
