"""One part of the motion, body or face: what it hears, and how its components are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.diffgesture import guidance
from gesturestream.models.diffgesture.config import DiffGestureConfig
from gesturestream.models.diffgesture.denoiser import Clean, Context, Denoiser
from gesturestream.models.diffgesture.schedule import Step, advance, ddim
from gesturestream.models.diffgesture.space import Space
from gesturestream.models.diffgesture.stabiliser import (
    StabiliserState,
    Steadied,
    annealed,
    new_stabiliser,
    steady_sequence,
    steady_step,
)
from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming import wandering
from gesturestream.models.streaming.attention import AttentionState
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.level import FEATURES
from gesturestream.models.streaming.state import Ring


class Scales(NamedTuple):
    """Per-session controls of the sampler, [...] each."""

    voice: Tensor
    continuation: Tensor
    temperature: Tensor


class PartState(NamedTuple):
    stabiliser: StabiliserState
    layers: tuple[AttentionState, ...]


class Voice(nn.Module):
    """Features [B, T, 68] -> what is heard [B, T, D] and the convolutions' own output, from which emotion is told."""

    def __init__(self, widths: tuple[int, ...], size: int, *, causal: bool) -> None:
        super().__init__()
        self.stack = CausalStack(FEATURES, widths, causal)
        self.leave = nn.Linear(widths[-1], size)

    def init_state(self, rows: int) -> Ring:
        return self.stack.init_state(rows)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.stack(features.transpose(1, 2)).transpose(1, 2)
        return self.leave(hidden), hidden

    def step(self, features: Tensor, state: Ring) -> tuple[Tensor, Tensor, Ring]:
        """The same for one frame, without the axis T."""
        hidden, after = self.stack.step(features, state)
        return self.leave(hidden), hidden, after


class Part(nn.Module):
    """Draws components from noise, by what is heard and what was shown.

    `extra` components are not of the space: the body's root.
    """

    limit: Tensor

    def __init__(
        self,
        config: DiffGestureConfig,
        values: tuple[int, ...],
        components: int,
        *,
        extra: int,
        size: int,
        window: int,
        widths: tuple[int, ...],
        smoothing: int,
    ) -> None:
        super().__init__()
        self.config, self.smoothing = config, smoothing
        self.space = Space(values, components)
        self.voice = Voice(widths, size, causal=config.causal)
        self.place = nn.Linear(len(EMOTIONS) + config.speakers + 1, size)
        self.absent = nn.Parameter(torch.zeros(size))
        """Instead of what is heard after the audio's end."""
        self.deaf = nn.Parameter(torch.zeros(size))
        """Instead of what is heard and of all controls where the voice is not to be followed."""
        self.components = components + extra
        self.denoiser = Denoiser(
            self.components,
            self.components,
            size=size,
            heads=config.heads,
            layers=config.layers,
            window=window if config.causal else config.window_frames,
            hidden=config.expansion * size,
            causal=config.causal,
        )
        self.register_buffer("limit", torch.full((self.components,), 2.0))
        """[C] how much a component changes between frames at most, in deviations."""

    @property
    def noise_size(self) -> int:
        """Normals a frame: of the start, and between steps where noise is added there."""
        added = self.config.steps - 1 if self.config.eta > 0.0 else 0
        return self.components * (1 + added)

    def draws(self, noise: Tensor) -> Tensor:
        """Normals [..., Z] -> [..., K, C]: those of the start, and those between steps."""
        return noise.reshape(*noise.shape[:-1], -1, self.components)

    def init_state(self, rows: int) -> PartState:
        return PartState(new_stabiliser(rows, self.components), self.denoiser.init_state(rows))

    def step(
        self, shown: Tensor, heard: Tensor, noise: Tensor, pace: Tensor, scales: Scales, state: PartState
    ) -> tuple[Tensor, PartState]:
        """Pose shown last [B, C], what is heard [B, D], normals [B, Z], pace of the noise [B] -> components [B, C]."""
        own = self.draws(noise)
        shared, colour = wandering.colour(own[:, 0], pace, state.stabiliser.shared)
        remembers = guidance.REMEMBERS if self.config.guided else (True,)
        context = self._branches(shown, heard)
        x = self._start(own, shared) * scales.temperature[:, None]
        seen, layers, clean = None, state.layers, x
        for i, step in enumerate(ddim(self.config)):
            rows = x[:, None].expand(-1, len(remembers), -1)
            if seen is None:
                said, seen, layers = self.denoiser.commit(rows, step.time, context, shown, remembers, state.layers)
            else:
                said = self.denoiser.again(rows, step.time, context, remembers, seen)
            x, clean = advance(step, x, self._guided(said, scales), self._fresh(i, step, own, shared))
        frame = Steadied(clean, clean, clean)
        if self.config.stabilise:
            frame = steady_step(clean, self.limit, state.stabiliser, self.smoothing)
        stabiliser = StabiliserState(colour, frame.last, frame.earlier, torch.ones_like(state.stabiliser.started))
        return frame.shown, PartState(stabiliser, layers)

    def sequence(self, shown: Tensor, heard: Tensor, noise: Tensor, pace: Tensor, scales: Scales) -> Tensor:
        """The same over sequences [B, T, ...] from a new state, given what was shown."""
        own = self.draws(noise)
        shared = wandering.coloured(own[:, :, 0], pace)
        x = self._start(own, shared) * scales.temperature[..., None]
        clean = self.walk(ddim(self.config), shown, heard, x, scales, (own, shared))
        return steady_sequence(clean, self.limit, self.smoothing) if self.config.stabilise else clean

    def walk(
        self, steps: Sequence[Step], shown: Tensor, heard: Tensor, x: Tensor, scales: Scales,
        noise: tuple[Tensor, Tensor] | None = None, seeds: tuple[int, Tensor] | None = None,
    ) -> Tensor:  # fmt: skip
        """Takes noisy components x [B, T, C] through denoising steps, in all branches of guidance.

        noise: each frame's own draws [B, T, K, C] and the shared one, added where steps ask for it; seeds: how many
        seed poses there are, and in which frames [B, T] they are known, in the paper's form.
        """
        context = self._branches(shown, heard)
        if seeds is not None:
            context = context._replace(known=context.known * seeds[1][..., None, None])
        count = None if seeds is None else seeds[0]
        rows = [Context(*(part[..., i, :] for part in context)) for i in range(context.known.shape[-2])]
        memory = self.denoiser.read(shown, rows[-1].doubt, count)
        for i, step in enumerate(steps):
            time = torch.full_like(x[..., 0], step.time)
            said = torch.stack([self.denoiser.denoise(x, time, row, memory, count) for row in rows], -2)
            fresh = None if noise is None else self._fresh(i, step, *noise)
            x, _ = advance(step, x, self._guided(said, scales), fresh)
        return x

    def _branches(self, shown: Tensor, heard: Tensor) -> Context:
        """[..., R, ...]: one row per branch."""
        flags = guidance.REMEMBERS if self.config.guided else (True,)
        heard = guidance.hearing(heard, self.deaf) if self.config.guided else heard[..., None, :]
        known = torch.tensor(flags, dtype=shown.dtype, device=shown.device)[:, None].expand(*shown.shape[:-1], -1, -1)
        shown = shown[..., None, :].expand(*known.shape[:-1], -1)
        return Context(shown, known, torch.full_like(known, self.config.doubt), heard)

    def _guided(self, said: Tensor, scales: Scales) -> Tensor:
        if not self.config.guided:
            return said[..., 0, :]
        return guidance.combine(said, scales.voice, scales.continuation)

    def _start(self, own: Tensor, shared: Tensor) -> Tensor:
        """A stream's noise wanders; where a window is denoised together, or without the stabiliser, it does not."""
        return shared if self.config.stabilise and self.config.causal else own[..., 0, :]

    def _fresh(self, i: int, step: Step, own: Tensor, shared: Tensor) -> Tensor | None:
        """Noise added after step i of the sampler."""
        if step.fresh == 0.0:
            return None
        drawn = own[..., i + 1, :]
        return annealed(drawn, shared, step.time) if self.config.stabilise else drawn

    def masked(self, heard: Tensor, present: Tensor) -> Tensor:
        """Voice [..., D] where there is audio [...], else what stands for its absence."""
        return torch.where(present[..., None], heard, self.absent)

    def training_context(
        self, shown: Tensor, known: Tensor, doubt: Tensor, heard: Tensor
    ) -> tuple[Context, list[Clean]]:
        """Sequences [B, T, ...], known [B, T] and doubt [B] -> what noisy tokens are told, and what they see."""
        off = doubt[:, None, None].expand(-1, shown.shape[1], -1)
        seeds = None if self.config.causal else self.config.seed_frames
        return Context(shown, known[..., None], off, heard), self.denoiser.read(shown, off, seeds)
