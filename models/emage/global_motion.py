"""Global motion predictor G (EMAGE section 4.4): the lower body's motion and contacts to the root's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gesturestream.models.motion import FPS
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.state import Ring


class GlobalMotion(nn.Module):
    """Normalised lower body [B, T, 58] -> velocity (x, z) m/s and height above or below its mean, m: [B, T, 3].

    A position cannot be seen in a leg's angles, a velocity can. Summing velocities drifts without bound; in the stream
    the sum starts anew in each frame from the root that was shown, which the leash has bounded.
    """

    def __init__(self, inputs: int, width: int, *, causal: bool = True) -> None:
        super().__init__()
        self.stack = CausalStack(inputs, (width, width), causal)
        self.leave = nn.Linear(width, 3)
        nn.init.normal_(self.leave.weight, std=0.01)

    def init_state(self, rows: int) -> Ring:
        return self.stack.init_state(rows)

    def forward(self, lower: Tensor) -> Tensor:
        moved: Tensor = self.leave(self.stack(lower.transpose(1, 2)).transpose(1, 2))
        return moved

    def step(self, lower: Tensor, state: Ring) -> tuple[Tensor, Ring]:
        """The same for one frame, without the axis T."""
        hidden, after = self.stack.step(lower, state)
        return self.leave(hidden), after


def place(moved: Tensor, shown_m: Tensor, height_m: Tensor) -> Tensor:
    """What G gives [..., 3], the root shown before [..., 3] and the mean height -> the root now [..., 3], metres."""
    x, z = (shown_m[..., axis] + moved[..., i] / FPS for i, axis in enumerate((0, 2)))
    return torch.stack([x, height_m + moved[..., 2], z], -1)
