"""Smooth curves over time: minimum-jerk submovements, band-limited noise, bumps; vectorised over T frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import FPS

Array = NDArray[np.float64]


def minimum_jerk(phase: Array) -> Array:
    """0 before phase 0, 1 after phase 1, and the quintic of least jerk between (Flash and Hogan 1985)."""
    s = np.clip(phase, 0.0, 1.0)
    return s * s * s * (10.0 + s * (6.0 * s - 15.0))


@dataclass(frozen=True, kw_only=True)
class Move:
    """One submovement: from wherever the curve is heading to `target` [D] between two times, along an arc."""

    start_s: float
    stop_s: float
    target: Array
    arc: Array | None = None
    """[D] offset from the straight path at its middle."""


def submovements(times_s: Array, start: Array, moves: Sequence[Move]) -> Array:
    """Superposed minimum-jerk moves (Morasso): overlaps blend without a stop. times [T], start [D] -> [T, D]."""
    if not moves:
        return np.tile(start, (len(times_s), 1))
    targets = np.stack([start] + [m.target for m in moves])
    begin = np.array([m.start_s for m in moves])
    length = np.maximum(np.array([m.stop_s for m in moves]) - begin, 1.0 / FPS)
    phase = (times_s[:, None] - begin) / length
    curve: Array = start + minimum_jerk(phase) @ np.diff(targets, axis=0)
    arcs = np.stack([np.zeros_like(start) if m.arc is None else m.arc for m in moves])
    s = np.clip(phase, 0.0, 1.0)
    bent: Array = curve + (64.0 * (s * (1.0 - s)) ** 3) @ arcs
    return bent


def smooth_noise(rng: np.random.Generator, frames: int, dims: int, cutoff_hz: float) -> Array:
    """[T, D] Gaussian noise of unit deviation and no power far above `cutoff_hz`."""
    size = frames + int(4 * FPS / cutoff_hz)
    spectrum = np.fft.rfft(rng.standard_normal((size, dims)), axis=0)
    hz = np.fft.rfftfreq(size, 1.0 / FPS)
    weight = np.exp(-0.5 * (hz / cutoff_hz) ** 2)
    noise = np.fft.irfft(spectrum * weight[:, None], size, axis=0)[:frames]
    return noise / max(float(np.sqrt(np.mean(weight**2))), 1e-6)


def bursts(rng: np.random.Generator, frames: int, depth: float) -> Array:
    """[T] lognormal envelope of mean square 1 that waxes and wanes over about a second: people move, then linger."""
    wave: Array = np.exp(depth * smooth_noise(rng, frames, 1, 0.45)[:, 0] - depth**2)
    return wave


def gaussian(track: Array, sigma_s: float) -> Array:
    """Gaussian smoothing of [T] or [T, D] along time, edges held."""
    radius = max(1, int(np.ceil(4 * sigma_s * FPS)))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / (sigma_s * FPS)) ** 2)
    kernel /= kernel.sum()
    flat = track.reshape(len(track), -1)
    padded = np.pad(flat, ((radius, radius), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
    return (windows @ kernel).reshape(track.shape)


def bumps(times_s: Array, centres_s: Array, rise_s: float, fall_s: float, heights: Array) -> Array:
    """[T] sum of smooth bumps that rise for `rise_s` up to each centre and fall for `fall_s` after it."""
    if len(centres_s) == 0:
        return np.zeros_like(times_s)
    up = minimum_jerk((times_s[:, None] - centres_s + rise_s) / rise_s)
    down = minimum_jerk((times_s[:, None] - centres_s) / fall_s)
    return (up - down) @ heights


def soft_floor(x: Array, low: Array | float, softness: float) -> Array:
    """max(x, low) with a rounded corner `softness` wide."""
    return low + softness * np.logaddexp(0.0, (x - low) / softness)


def soft_ceiling(x: Array, high: Array | float, softness: float) -> Array:
    """min(x, high) with a rounded corner."""
    return high - softness * np.logaddexp(0.0, (high - x) / softness)
