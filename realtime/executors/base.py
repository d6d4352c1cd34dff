"""The one small interface between the engine and whatever runs a generator's step. Torch-free."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import EMOTIONS, MOTION_SIZE
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs

__all__ = ["Bools", "Executor", "Floats", "GeneratorInfo", "StepInputs", "StepOutputs", "buckets_up_to", "silence"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Executor(Protocol):
    """Owns the state of `capacity` rows and steps a prefix of them. Arrays in and out are numpy's."""

    info: GeneratorInfo
    capacity: int
    buckets: tuple[int, ...]
    """Batch sizes it runs, ascending, the last one = capacity."""

    def warm_up(self) -> None:
        """Runs every bucket once so that no session pays for first calls; leaves the state new."""
        ...

    def step(self, inputs: StepInputs) -> StepOutputs:
        """Steps rows 0..B-1, B one of `buckets`. The engine's model thread is the only caller."""
        ...

    def guide_codes(self, motion: Floats) -> Floats:
        """Codes [T, info.guide_size] by which the generator follows a clip [T, 489]. Any thread may call it."""
        ...


def buckets_up_to(capacity: int) -> tuple[int, ...]:
    """Powers of two below the capacity, and the capacity. ValueError: there is not one row."""
    if capacity < 1:
        raise ValueError(f"expected a capacity of at least one row, got {capacity}")
    powers = [2**i for i in range(capacity.bit_length()) if 2**i < capacity]
    return (*powers, capacity)


def silence(info: GeneratorInfo, rows: int) -> StepInputs:
    """Inputs of `rows` sessions that run and hear nothing."""
    return StepInputs(
        pcm=np.zeros((rows, info.window_samples), np.float32),
        audio_present=np.ones(rows, np.bool_),
        emitted=np.zeros((rows, MOTION_SIZE), np.float32),
        noise=np.zeros((rows, info.noise_size), np.float32),
        emotion=np.zeros((rows, len(EMOTIONS)), np.float32),
        speaker=np.eye(info.speakers, dtype=np.float32)[np.zeros(rows, np.int64)],
        intensity=np.ones(rows, np.float32),
        guide=np.zeros((rows, info.guide_size + 1), np.float32),
        lookahead=np.zeros(rows, np.int64),
        reset=np.zeros(rows, np.bool_),
        active=np.ones(rows, np.bool_),
    )
