"""f_R: noise to the motion-specific code I_R (Audio2Gestures section 4.2, "Motion-specific code alignment")."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.convolution import CausalConv1d, Past
from gesturestream.models.streaming.state import Ring, append
from gesturestream.models.streaming.wandering import ColourState, colour, coloured, new_colour

Source = Literal["mapped", "normal", "none"]

STYLE_RATE = 1.0 / 30.0
"""Share of the way to a newly drawn style per frame."""
REDRAW_ABOVE = 2.9
"""A normal above this draws a new style: about once in 18 s."""


class StyleState(NamedTuple):
    """The statistics (mean and log std per channel of I) a session's noise has now, and those it moves to."""

    now: Tensor  # [B, 2 I]
    goal: Tensor  # [B, 2 I]
    drawn: Tensor  # [B] int64: 0 before the first frame


class MappingState(NamedTuple):
    style: StyleState
    colour: ColourState
    past: Ring


class MappingNet(nn.Module):
    """Three causal convolutions and a VAE head: coloured noise to codes that look like the motion encoder's.

    What the network learns is the difference between that noise and the codes. The noise of frame k is mean + std * e_k
    with the statistics of a training clip, as in the paper; which clip is drawn from the session's own noise, anew now
    and then, so that a long session does not keep one manner for ever.
    """

    bank: Tensor

    def __init__(
        self, size: int, width: int, styles: int, condition_size: int, *, source: Source = "mapped", causal: bool = True
    ) -> None:
        super().__init__()
        self.size, self.styles, self.source = size, styles, source
        self.condition = nn.Linear(condition_size, width)
        self.convolutions = nn.ModuleList(
            CausalConv1d(channels, width, dilation=dilation, causal=causal)
            for channels, dilation in ((size, 1), (width, 4), (width, 8))
        )
        self.past = Past(self._convolutions())
        self.head = nn.Linear(width, 2 * size)
        nn.init.normal_(self.head.weight, std=0.01)
        self.register_buffer("bank", torch.zeros(styles, 2 * size))

    @property
    def noise_size(self) -> int:
        """Normals per frame: one per channel of I, one per style (the largest is drawn), one that redraws."""
        return self.size + self.styles + 1

    def init_state(self, rows: int) -> MappingState:
        style = StyleState(
            torch.zeros(rows, 2 * self.size), torch.zeros(rows, 2 * self.size), torch.zeros(rows, dtype=torch.int64)
        )
        return MappingState(style, new_colour(rows, self.size), self.past.init_state(rows))

    def forward(self, signal: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Signal [B, T, I] (mean + std * e), condition [B, T, C] -> mean and log variance of I_R [B, T, I]."""
        x = signal.transpose(1, 2)
        for i, convolution in enumerate(self._convolutions()):
            x = convolution(x)
            if i == 0:
                x = x + self.condition(condition).transpose(1, 2)
            x = functional.leaky_relu(x, 0.2)
        difference, log_variance = self.head(x.transpose(1, 2)).chunk(2, -1)
        return signal + difference, log_variance

    def step(
        self, noise: Tensor, presence: Tensor, condition: Tensor, state: MappingState
    ) -> tuple[Tensor, MappingState]:
        """Noise [B, Z] -> I_R [B, I] (the head's mean: the randomness is in the input)."""
        style = self._style(noise, state.style)
        wandering, colour_state = colour(noise[:, : self.size], presence, state.colour)
        signal = self._signal(style.now, wandering)
        x, given = signal, []
        for i, (convolution, taps) in enumerate(zip(self._convolutions(), self.past.taps(state.past), strict=True)):
            given.append(x)
            x = convolution.step(x, taps)
            if i == 0:
                x = x + self.condition(condition)
            x = functional.leaky_relu(x, 0.2)
        past = append(state.past, torch.cat(given, 1))
        code = signal + self.head(x)[:, : self.size] if self.source == "mapped" else signal
        return code, MappingState(style, colour_state, past)

    def sequence(self, noise: Tensor, presence: Tensor, condition: Tensor) -> Tensor:
        """What `step` gives from a new state for T frames at once: [B, T, Z], [B, T], [B, T, C] -> I_R [B, T, I]."""
        style, signal = self.init_state(len(noise)).style, []
        wandering = coloured(noise[:, :, : self.size], presence)
        for t in range(noise.shape[1]):
            style = self._style(noise[:, t], style)
            signal.append(self._signal(style.now, wandering[:, t]))
        stacked = torch.stack(signal, 1)
        return self.forward(stacked, condition)[0] if self.source == "mapped" else stacked

    def _signal(self, style: Tensor, wandering: Tensor) -> Tensor:
        """Noise [..., I] with the statistics `style` [..., 2 I] of a training clip, where a mapping network follows."""
        if self.source == "none":
            return torch.zeros_like(wandering)
        if self.source == "normal":
            return wandering
        mean, log_std = style.chunk(2, -1)
        return mean + log_std.exp() * wandering

    def _style(self, noise: Tensor, state: StyleState) -> StyleState:
        pick = noise[:, self.size : self.size + self.styles].argmax(-1)
        drawn = self.bank[pick]
        first = state.drawn[:, None] == 0
        goal = torch.where(first | (noise[:, -1:] > REDRAW_ABOVE), drawn, state.goal)
        now = torch.where(first, drawn, state.now + STYLE_RATE * (goal - state.now))
        return StyleState(now, goal, torch.ones_like(state.drawn))

    def _convolutions(self) -> list[CausalConv1d]:
        return [c for c in self.convolutions if isinstance(c, CausalConv1d)]
