"""How fast the hands will move, foretold from the voice: the pace at which the sampling noise wanders."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STILL_M_S = 0.05
"""Added to speeds before their logarithm: what is slower counts as still."""
SLOWEST, FASTEST = 0.05, 4.0
SLOW_SHARE, SLOW_RATIO = 0.3, 0.12
"""Of each part's noise, what wanders at a fraction of the pace: where a unit of gestures is made, and in which manner,
lasts for seconds."""


class Tempo(nn.Module):
    """Voice [..., D] -> log speed of both wrists [..., 2] (m/s, `STILL_M_S` added), and from it the noise's pace.

    The paper draws no noise, and noise that wanders evenly moves a body evenly, however the voice goes. Between strokes
    hands hold: what is drawn must stay as it is until the voice moves it.
    """

    ratio: Tensor

    def __init__(self, size: int, noise_rank: int, parts: int) -> None:
        super().__init__()
        slow = round(SLOW_SHARE * noise_rank)
        each = torch.cat([torch.ones(noise_rank - slow), torch.full((slow,), SLOW_RATIO)])
        self.register_buffer("ratio", each.repeat(parts), persistent=False)
        self.speed = nn.Linear(size, 2)
        nn.init.normal_(self.speed.weight, std=0.01)
        nn.init.constant_(self.speed.bias, -1.2)
        # Pace 1 at 0.3 m/s. Steeper than the speed itself, because what is foretold is nearer to the mean.
        self.pace_of = nn.Parameter(torch.tensor([2.0, 2.4]))

    def forward(self, voice: Tensor) -> Tensor:
        speed: Tensor = self.speed(voice)
        return speed

    def pace(self, voice: Tensor) -> Tensor:
        """[..., D] -> [..., Z] for `models/streaming/wandering.py`; 1: a half-life of 0.3 s."""
        slope, height = self.pace_of
        pace: Tensor = (slope * self(voice).mean(-1, keepdim=True) + height).exp()
        return pace.clamp(SLOWEST, FASTEST) * self.ratio
