"""The one small interface between the engine and whatever runs a generator's step. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class GeneratorInfo:
    """What the engine has to know of a loaded generator."""

    name: str
    window_samples: int
    """W: raw samples each step is given, ending at the frame's end."""
    noise_size: int
    """Z: normals each step is given."""
    speakers: int
    settings: dict[str, Any] = field(default_factory=dict)
    """Generator-specific settings and their defaults, as `ready.settings` shows them."""


class StepInputs(NamedTuple):
    """One step's inputs for B rows; field names are the step's input names in every runtime."""

    pcm: Floats  # [B, W] right-aligned raw samples, -1..1; zeros before the session's first sample
    audio_present: Bools  # [B] False: the audio has ended, look-ahead is flushed (features are masked)
    emitted: Floats  # [B, 489] the last emitted pose, after finishing (packed as models/motion.py says)
    noise: Floats  # [B, Z] standard normals keyed by (session seed, frame index)
    emotion: Floats  # [B, 8] weights summing to 1, or all zero: `auto`
    speaker: Floats  # [B, S] weights summing to 1
    intensity: Floats  # [B] 0..2
    lookahead: NDArray[np.int64]  # [B] in {0, 2, 4, 8}
    reset: Bools  # [B] this row starts afresh before the step
    active: Bools  # [B] this row runs; the state of others is left untouched bit for bit


class StepOutputs(NamedTuple):
    """One step's outputs for B rows; rows that were not active hold anything."""

    motion: Floats  # [B, 489] packed motion of frame a - lookahead
    valid: Bools  # [B] False while look-ahead fills
    heard_emotion: Floats  # [B, 8] probabilities heard in the voice


class Executor(Protocol):
    """Owns the state of `capacity` rows and steps a prefix of them."""

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
