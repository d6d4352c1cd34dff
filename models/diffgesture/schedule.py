"""The forward process, and DDIM over a few of its steps (Ho et al. 2020; Song et al. 2021, eq. 12).

A few lines of mathematics instead of a library: solvers there keep the index of their step as hidden state, which no
exported step may. `tests/models/test_diffgesture.py` compares them with diffusers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gesturestream.models.diffgesture.config import DiffGestureConfig

CLIP = 5.0
"""Estimates of clean latents are never farther out, in deviations: guidance overshoots."""
LEVEL_FEATURES = 8


class Step(NamedTuple):
    """One step of DDIM, from a noise level to the next lower one."""

    time: float
    """Of the level, 0..1: 0 no noise, 1 nothing but noise."""
    alpha: float
    sigma: float
    next_alpha: float
    kept: float
    """Of the noise that was found, how much stays."""
    fresh: float
    """How much new noise is added; none at eta 0 and in the last step."""
    next_time: float


def cumulative(config: DiffGestureConfig) -> NDArray[np.float64]:
    """[N + 1] products of 1 - beta of the linear schedule; the first is 1: no noise."""
    betas = np.linspace(config.beta_first, config.beta_last, config.schedule_steps)
    return np.concatenate([[1.0], np.cumprod(1.0 - betas)])


def ddim(config: DiffGestureConfig, steps: int | None = None) -> tuple[Step, ...]:
    """The K steps of the sampler, from noise to motion."""
    count = config.steps if steps is None else steps
    if not 1 <= count <= config.schedule_steps:
        raise ValueError(f"expected 1 to {config.schedule_steps} denoising steps, got {count}")
    last = config.schedule_steps
    times = [max(1, round(last * (1.0 - i / count) ** config.spacing)) for i in range(count)] + [0]
    return through(config, times, config.eta)


def through(config: DiffGestureConfig, times: Sequence[int], eta: float = 0.0) -> tuple[Step, ...]:
    """The steps of a sampler that stops at `times` of the schedule, falling."""
    products = cumulative(config)
    return tuple(_step(products, now, after, eta) for now, after in pairwise(times))


def _step(products: NDArray[np.float64], now: int, after: int, eta: float) -> Step:
    a, b = float(products[now]), float(products[after])
    fresh = eta * math.sqrt((1.0 - b) / (1.0 - a) * (1.0 - a / b))
    kept = math.sqrt(max(0.0, 1.0 - b - fresh**2))
    last = len(products) - 1
    return Step(now / last, math.sqrt(a), math.sqrt(1.0 - a), math.sqrt(b), kept, fresh, after / last)


def advance(step: Step, noisy: Tensor, velocity: Tensor, fresh: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What the denoiser says (v = alpha noise - sigma clean) of `noisy` -> the next noisy latents, and the clean ones
    as estimated. The clean estimate is bounded (hard thresholding)."""
    clean = (step.alpha * noisy - step.sigma * velocity).clamp(-CLIP, CLIP)
    noise = (noisy - step.alpha * clean) / step.sigma
    after = step.next_alpha * clean + step.kept * noise
    return (after if fresh is None else after + step.fresh * fresh), clean


def level_features(time: Tensor) -> Tensor:
    """Times 0..1 [...] -> [..., 8] what a denoiser is told of the noise level."""
    turns = torch.arange(LEVEL_FEATURES, device=time.device, dtype=time.dtype)
    return torch.cos(math.pi * turns * time[..., None])
