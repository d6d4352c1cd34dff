"""The face: it follows the voice within two frames, so it is not planned but answers frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gesturestream.models.emotiongesture.pose_space import FACE
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.state import Ring


class FaceBranch(nn.Module):
    """Face codes [B, T, F], emotion feature [B, T, D] and wandering noise [B, T, N] -> normalised face [B, T, 170]."""

    def __init__(
        self, code_size: int, feature_size: int, noise_size: int, widths: tuple[int, ...], causal: bool
    ) -> None:
        super().__init__()
        self.mood = nn.Linear(feature_size, code_size)
        self.stack = CausalStack(2 * code_size + noise_size, widths, causal)
        self.leave = nn.Linear(widths[-1], len(FACE))
        nn.init.normal_(self.leave.weight, std=0.01)

    def init_state(self, rows: int) -> Ring:
        return self.stack.init_state(rows)

    def forward(self, code: Tensor, feature: Tensor, noise: Tensor) -> Tensor:
        x = self._enter(code, feature, noise)
        face: Tensor = self.leave(self.stack(x.transpose(1, 2)).transpose(1, 2))
        return face

    def step(self, code: Tensor, feature: Tensor, noise: Tensor, state: Ring) -> tuple[Tensor, Ring]:
        """The same for one frame, without the axis T."""
        x, after = self.stack.step(self._enter(code, feature, noise), state)
        return self.leave(x), after

    def _enter(self, code: Tensor, feature: Tensor, noise: Tensor) -> Tensor:
        return torch.cat([code, torch.tanh(self.mood(feature)), noise], -1)
