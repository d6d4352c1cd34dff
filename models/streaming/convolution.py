"""Causal convolution over frames: whole sequences in training, one frame and a ring of the past when streaming."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.streaming.state import Ring, append, look_back, new_ring


class CausalConv1d(nn.Module):
    """1D convolution over frames that sees no future.

    forward: x [B, C, T] -> y [B, O, T], the past before frame 0 being zeros.
    step: x [B, C], ring of the last (K-1)*dilation inputs -> y [B, O] and the next ring.
    """

    ages: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> None:
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.inputs, self.outputs = inputs, outputs
        # [O, K * C], taps oldest first: a step is one matrix product, without a copy of the weights
        self.weight = nn.Parameter(torch.empty(outputs, kernel * inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.xavier_uniform_(self.weight)  # Audio2Gestures section 5.3
        self.register_buffer("ages", torch.arange(kernel - 1, 0, -1) * dilation, persistent=False)

    @property
    def reach(self) -> int:
        """Frames of the past that one output depends on."""
        return (self.kernel - 1) * self.dilation

    def init_state(self, rows: int) -> Ring:
        return new_ring(rows, self.reach, self.inputs)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.view(self.outputs, self.kernel, self.inputs).transpose(1, 2)
        return functional.conv1d(functional.pad(x, (self.reach, 0)), kernel, self.bias, dilation=self.dilation)

    def step(self, x: Tensor, state: Ring) -> tuple[Tensor, Ring]:
        taps = torch.cat([look_back(state, self.ages), x[:, None]], 1)  # [B, K, C], oldest first
        return functional.linear(taps.flatten(1), self.weight, self.bias), append(state, x)


class ResidualBlock(nn.Module):
    """Two causal convolutions and a skip, as in Audio2Gestures' encoders and decoder (section 5.3)."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.first = CausalConv1d(inputs, outputs, dilation=dilation)
        self.second = CausalConv1d(outputs, outputs, dilation=dilation)
        self.skip = nn.Linear(inputs, outputs) if inputs != outputs else nn.Identity()

    def init_state(self, rows: int) -> tuple[Ring, Ring]:
        return self.first.init_state(rows), self.second.init_state(rows)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(self.first(x), 0.2)
        hidden = self.second(hidden)
        return functional.leaky_relu(hidden + self.skip(x.transpose(1, 2)).transpose(1, 2), 0.2)

    def step(self, x: Tensor, state: tuple[Ring, Ring]) -> tuple[Tensor, tuple[Ring, Ring]]:
        hidden, first = self.first.step(x, state[0])
        hidden, second = self.second.step(functional.leaky_relu(hidden, 0.2), state[1])
        return functional.leaky_relu(hidden + self.skip(x), 0.2), (first, second)


class CausalStack(nn.Module):
    """Residual blocks with dilations 1, 2, 4, ...: x [B, C, T] -> [B, widths[-1], T], or frame by frame."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (inputs, *widths)
        self.blocks = nn.ModuleList(ResidualBlock(a, b, 2**i) for i, (a, b) in enumerate(zip(sizes, widths)))

    def init_state(self, rows: int) -> tuple[tuple[Ring, Ring], ...]:
        return tuple(block.init_state(rows) for block in self._blocks())

    def forward(self, x: Tensor) -> Tensor:
        for block in self._blocks():
            x = block(x)
        return x

    def step(self, x: Tensor, state: tuple[tuple[Ring, Ring], ...]) -> tuple[Tensor, tuple[tuple[Ring, Ring], ...]]:
        after = []
        for block, before in zip(self._blocks(), state, strict=True):
            x, next_state = block.step(x, before)
            after.append(next_state)
        return x, tuple(after)

    def _blocks(self) -> list[ResidualBlock]:
        return [block for block in self.blocks if isinstance(block, ResidualBlock)]
