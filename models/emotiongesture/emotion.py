"""The emotion-conditioned VAE: diverse emotion features of a class or a mixture; and how a change of mood blends."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming.state import map_leaves

BLEND_RATE = 0.2
"""Share of a change of mood that each frame takes over: 0.96 of it within half a second."""
SMOOTHING_FRAMES = 15
"""The latent is averaged over half a second: it says which variant of an emotion, the beats say when."""


class MoodState(NamedTuple):
    """What is shown of emotion weights and intensity; a session begins with what it is told first."""

    mood: Tensor  # [B, 9]
    begun: Tensor  # [B] 0 before the first frame


def new_mood(rows: int) -> MoodState:
    return MoodState(torch.zeros(rows, len(EMOTIONS) + 1), torch.zeros(rows))


def blend(wanted: Tensor, state: MoodState) -> tuple[Tensor, MoodState]:
    """Emotion weights and intensity [B, 9] as wanted -> as shown: a change blends within half a second."""
    began = state.begun[:, None] > 0.0
    now = torch.where(began, state.mood + BLEND_RATE * (wanted - state.mood), wanted)
    return now, MoodState(now, torch.ones_like(state.begun))


def blended(wanted: Tensor) -> Tensor:
    """`blend` over a sequence [B, T, 9] from a new state."""
    state, out = map_leaves(lambda leaf: leaf.to(wanted), new_mood(len(wanted))), []
    for t in range(wanted.shape[1]):
        mood, state = blend(wanted[:, t], state)
        out.append(mood)
    return torch.stack(out, 1)


class EmotionVae(nn.Module):
    """Latent and mood to the emotion feature; in training, motion to the latent.

    The feature is linear in the emotion's weights: half of one emotion and half of another is halfway between both. The
    paper encodes the audio's emotion feature; here the motion is encoded, which is where the variants are.
    """

    def __init__(self, pose_size: int, latent_size: int, size: int, speakers: int, width: int = 96) -> None:
        super().__init__()
        self.first = nn.Conv1d(pose_size + len(EMOTIONS), width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 5, padding=4, dilation=2)
        self.code = nn.Linear(width, 2 * latent_size)
        self.classes = nn.Linear(len(EMOTIONS), size, bias=False)
        self.variants = nn.Linear(len(EMOTIONS) * latent_size, size, bias=False)
        self.strength = nn.Linear(len(EMOTIONS) + 1 + speakers, size)
        nn.init.normal_(self.classes.weight, std=0.5)

    def encode(self, poses: Tensor, emotion: Tensor) -> tuple[Tensor, Tensor]:
        """Motion [B, T, P] and the emotion [B, 8] it shows -> mean and log variance of the latent [B, T, Z]."""
        told = emotion[:, :, None].expand(-1, -1, poses.shape[1])
        x = functional.leaky_relu(self.first(torch.cat([poses.transpose(1, 2), told], 1)), 0.2)
        x = functional.leaky_relu(self.second(x) + x, 0.2)
        slow = functional.avg_pool1d(x, SMOOTHING_FRAMES, 1, padding=SMOOTHING_FRAMES // 2, count_include_pad=False)
        mean, log_variance = self.code(slow.transpose(1, 2)).chunk(2, -1)
        return mean, log_variance.clamp(-8.0, 2.0)

    def forward(self, latent: Tensor, mood: Tensor, speaker: Tensor) -> Tensor:
        """Latent [..., Z], mood [..., 9] (weights, intensity), speaker [..., S] -> emotion feature [..., D]."""
        weights, intensity = mood[..., :-1], mood[..., -1:]
        variants = (weights[..., :, None] * latent[..., None, :]).flatten(-2)
        strength = self.strength(torch.cat([weights * intensity, intensity, speaker], -1))
        feature: Tensor = self.classes(weights) + self.variants(variants) + strength
        return feature
