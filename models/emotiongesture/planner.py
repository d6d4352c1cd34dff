"""The planner: a window of H frames from the last M poses and the beats heard so far; and how windows continue."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.emotiongesture.config import EmotionGestureConfig
from gesturestream.models.emotiongesture.decoder import Decoder
from gesturestream.models.emotiongesture.prompter import Past, Prompter
from gesturestream.models.emotiongesture.tokens import TokenLinear

NEWEST = 12
"""Beats told to every frame of the plan directly: the body answers them 10 frames late."""
FASTEST = 1.0
"""Speed that is carried on at most, deviations a frame: a body that was just put somewhere else has none of its own."""
CARRIED = 0.7
"""Share of its speed that a body keeps per frame, at first; learned."""
REACHED = 0.15
"""Share of the way to its goal that a body goes per frame, at first; learned."""


class Voice(NamedTuple):
    """What is known of the voice when a plan is made; audio that is still to come is not in it."""

    beats: Tensor  # [B, K, C] oldest first
    known: Tensor  # [B, K] bool; False: before the session's first sound


class Planner(nn.Module):
    """Past, voice and emotion feature to the plan [B, H, P].

    Frame h of a plan lies between where the body would get by its own speed and a goal that the network sets, so a plan
    begins where the body is, wherever that is.
    """

    def __init__(self, config: EmotionGestureConfig) -> None:
        super().__init__()
        c = config
        self.prompter = Prompter(
            pose_size=c.pose_size, seeds=c.seeds, horizon=c.horizon, transition=c.transition, size=c.size
        )
        self.listen = nn.Linear(min(NEWEST, c.memory) * c.beat_size, c.size)
        self.decoder = Decoder(
            size=c.size,
            beat_size=c.beat_size,
            heads=c.heads,
            layers=c.layers,
            horizon=c.horizon,
            memory=c.memory,
            hidden=c.feed_forward,
        )
        self.goal, self.share = (TokenLinear(c.size, c.pose_size) for _ in range(2))
        nn.init.normal_(self.share.weight, std=0.01)
        nn.init.zeros_(self.share.bias)
        frames = torch.arange(1, c.horizon + 1)
        self.reach = nn.Parameter(torch.logit(1.0 - (1.0 - REACHED) ** frames)[:, None])
        self.carried = nn.Parameter((CARRIED**frames).cumsum(0)[:, None].repeat(1, c.pose_size))

    def forward(self, past: Past, voice: Voice, feature: Tensor) -> Tensor:
        newest = min(NEWEST, voice.beats.shape[1])
        heard = self.listen(voice.beats[:, -newest:].flatten(1))
        # networks are shown the past, and learn nothing by changing it: errors go back through the motion alone
        shown = past._replace(poses=past.poses.detach(), plan=past.plan.detach())
        prompts = self.prompter(shown, feature) + heard[:, None]
        x = self.decoder(prompts, voice.beats, voice.known)
        now = past.poses[:, -1:]
        speed = (now - past.poses[:, -2:-1]).clamp(-FASTEST, FASTEST)
        share = torch.sigmoid(self.share(x) + self.reach)
        drift = now + self.carried * speed
        plan: Tensor = drift + share * (self.goal(x) - drift)
        return plan


def follow(past: Past, plan: Tensor, shown: Tensor) -> Past:
    """How windows continue each other: after `shown` [B, k, P] the last M poses are seeds anew, and what is left of the
    plan is what was planned for the frames to come. In the stream k is 1, and the pose shown comes with the next step.
    """
    hop, seeds = shown.shape[1], past.poses.shape[1]
    poses = torch.cat([past.poses, shown], 1)[:, -seeds:]
    return Past(poses, shifted(plan, hop), torch.ones_like(past.planned))


def shifted(plan: Tensor, hop: int) -> Tensor:
    """[B, H, P] as seen `hop` frames later; its end is held."""
    return torch.cat([plan[:, hop:], plan[:, -1:].expand(-1, min(hop, plan.shape[1]), -1)], 1)


def windows(codes: Tensor, ends: Tensor, size: int, absent: Tensor) -> Voice:
    """The last `size` codes up to frame ends [B, S] of sequences [B, T, C] -> a voice with axes [B, S, K, ...].

    Past the sequence's end there is `absent` [C], as after the audio's end.
    """
    index = ends[..., None] + torch.arange(1 - size, 1, device=codes.device)  # [B, S, K]
    last = codes.shape[1] - 1
    flat = index.clamp(0, last).flatten(1)
    found = codes.gather(1, flat[..., None].expand(-1, -1, codes.shape[2])).view(*index.shape, -1)
    found = torch.where((index > last)[..., None], absent, found)
    known = index >= 0
    return Voice(torch.where(known[..., None], found, 0.0), known)
