"""Causal convolution over frames: whole sequences in training, one frame and a ring of the past when streaming."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.state import Ring, append, look_back, new_ring


class CausalConv1d(nn.Module):
    """1D convolution over frames that sees no future.

    forward: x [B, C, T] -> y [B, O, T], the past before frame 0 being zeros.
    step: x [B, C] and its taps of the past [B, K-1, C] -> y [B, O]; `Past` keeps them.

    `causal` False centres the kernel, as the papers do: a reference to compare with, which cannot step.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, dilation: int = 1, causal: bool = True) -> None:
        super().__init__()
        self.kernel, self.dilation, self.causal = kernel, dilation, causal
        self.inputs, self.outputs = inputs, outputs
        # [O, K * C], taps oldest first: a step is one matrix product, without a copy of the weights
        self.weight = nn.Parameter(torch.empty(outputs, kernel * inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight)  # Audio2Gestures section 5.3

    @property
    def ages(self) -> tuple[int, ...]:
        """Frames ago of its taps of the past, oldest first."""
        return tuple(i * self.dilation for i in range(self.kernel - 1, 0, -1))

    @property
    def reach(self) -> int:
        """Frames of the past that one output depends on."""
        return (self.kernel - 1) * self.dilation

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.view(self.outputs, self.kernel, self.inputs).transpose(1, 2)
        past = self.reach if self.causal else self.reach // 2
        padded = functional.pad(x, (past, self.reach - past))
        return functional.conv1d(padded, kernel, self.bias, dilation=self.dilation)

    def step(self, x: Tensor, past: Tensor) -> Tensor:
        taps = torch.cat([past, x[:, None]], 1)  # contiguous, so that flattening it copies nothing
        return functional.linear(taps.flatten(1), self.weight, self.bias)


class Past(nn.Module):
    """One ring for the past of several convolutions: one look back and one write a frame instead of one for each."""

    ages: Tensor

    def __init__(self, convolutions: Sequence[CausalConv1d]) -> None:
        super().__init__()
        ages = sorted({age for c in convolutions for age in c.ages}, reverse=True)
        self.reach = max(ages, default=0)
        self.size = sum(c.inputs for c in convolutions)
        self._taps = []
        first = 0
        for convolution in convolutions:
            self._taps.append((_places(ages, convolution.ages), slice(first, first + convolution.inputs)))
            first += convolution.inputs
        self.register_buffer("ages", torch.tensor(ages, dtype=torch.int64), persistent=False)

    def init_state(self, rows: int) -> Ring:
        return new_ring(rows, self.reach, self.size)

    def taps(self, ring: Ring) -> list[Tensor]:
        """The taps [B, K-1, C] of every convolution."""
        rows = look_back(ring, self.ages)
        return [rows[:, places, columns] for places, columns in self._taps]


def _places(ages: list[int], wanted: tuple[int, ...]) -> slice | list[int]:
    """Where `wanted` lies in `ages`; a slice, which copies nothing, where it can be one."""
    places = [ages.index(age) for age in wanted]
    first = places[0] if places else 0
    adjacent = places == list(range(first, first + len(places)))
    return slice(first, first + len(places)) if adjacent else places


class ResidualBlock(nn.Module):
    """Two causal convolutions and a skip, as in Audio2Gestures' encoders and decoder (section 5.3)."""

    def __init__(self, inputs: int, outputs: int, dilation: int, causal: bool = True) -> None:
        super().__init__()
        self.first = CausalConv1d(inputs, outputs, dilation=dilation, causal=causal)
        self.second = CausalConv1d(outputs, outputs, dilation=dilation, causal=causal)
        self.skip = nn.Linear(inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(self.first(x), 0.2)
        hidden = self.second(hidden)
        return functional.leaky_relu(hidden + self.skip(x.transpose(1, 2)).transpose(1, 2), 0.2)

    def step(self, x: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, C] and both convolutions' taps -> y [B, O] and what the second convolution was given."""
        hidden = functional.leaky_relu(self.first.step(x, first), 0.2)
        return functional.leaky_relu(self.second.step(hidden, second) + self.skip(x), 0.2), hidden


class CausalStack(nn.Module):
    """Residual blocks with dilations 1, 2, 4, ...: x [B, C, T] -> [B, widths[-1], T], or frame by frame."""

    def __init__(self, inputs: int, widths: tuple[int, ...], causal: bool = True) -> None:
        super().__init__()
        sizes = (inputs, *widths)
        self.blocks = nn.ModuleList(ResidualBlock(a, b, 2**i, causal) for i, (a, b) in enumerate(zip(sizes, widths)))
        self.past = Past([c for block in self._blocks() for c in (block.first, block.second)])

    def init_state(self, rows: int) -> Ring:
        return self.past.init_state(rows)

    def forward(self, x: Tensor) -> Tensor:
        for block in self._blocks():
            x = block(x)
        return x

    def step(self, x: Tensor, state: Ring) -> tuple[Tensor, Ring]:
        """x [B, C] -> y [B, widths[-1]] and the next state."""
        taps, given = iter(self.past.taps(state)), []
        for block in self._blocks():
            given.append(x)
            x, hidden = block.step(x, next(taps), next(taps))
            given.append(hidden)
        return x, append(state, torch.cat(given, 1))

    def _blocks(self) -> list[ResidualBlock]:
        return [block for block in self.blocks if isinstance(block, ResidualBlock)]
