"""g: shared codes under the look-ahead window, the motion-specific code and the last emitted pose to one pose."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.motion import LOOKAHEADS, MOTION_SIZE
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.lookahead import SPAN
from gesturestream.models.streaming.state import Ring


class Heard(NamedTuple):
    """What a frame knows of the voice; with an axis T after B in sequences."""

    codes: Tensor  # [B, 9, S] the newest last
    known: Tensor  # [B, 9]
    lookahead: Tensor  # [B, 4] which one of those that are offered


class Decoder(nn.Module):
    """Normalised motion out; what it sees of the voice is the window of shared codes and which of them are known."""

    def __init__(
        self,
        widths: tuple[int, ...],
        *,
        shared_size: int,
        specific_size: int,
        condition_size: int,
        emitted_size: int,
        causal: bool = True,
    ) -> None:
        super().__init__()
        self.emitted = nn.Linear(MOTION_SIZE + 1, emitted_size)
        inputs = SPAN * (shared_size + 1) + len(LOOKAHEADS) + specific_size + condition_size + emitted_size
        self.enter = nn.Linear(inputs, widths[0])
        self.stack = CausalStack(widths[0], widths, causal)
        self.leave = nn.Linear(widths[-1], MOTION_SIZE)
        nn.init.normal_(self.leave.weight, std=0.01)

    def init_state(self, rows: int) -> Ring:
        return self.stack.init_state(rows)

    def forward(self, heard: Heard, specific: Tensor, condition: Tensor, emitted: Tensor) -> Tensor:
        """[B, T, I], [B, T, C], [B, T, 490] (pose and a flag) -> [B, T, 489]."""
        x = self._enter(heard, specific, condition, emitted)
        motion: Tensor = self.leave(self.stack(x.transpose(1, 2)).transpose(1, 2))
        return motion

    def step(
        self, heard: Heard, specific: Tensor, condition: Tensor, emitted: Tensor, state: Ring
    ) -> tuple[Tensor, Ring]:
        """The same for one frame, without the axis T."""
        x, after = self.stack.step(self._enter(heard, specific, condition, emitted), state)
        return self.leave(x), after

    def _enter(self, heard: Heard, specific: Tensor, condition: Tensor, emitted: Tensor) -> Tensor:
        codes = torch.cat([heard.codes, heard.known[..., None].to(heard.codes.dtype)], -1).flatten(-2)
        pose = torch.tanh(self.emitted(emitted))
        entered: Tensor = self.enter(torch.cat([codes, heard.lookahead, specific, condition, pose], -1))
        return entered
