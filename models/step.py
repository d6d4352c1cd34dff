"""A generator's step: the names, shapes and order of what goes in and comes out, in every runtime. Torch-free.

The same tuples carry numpy arrays (engine, ONNX Runtime) and torch tensors (generators).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, kw_only=True)
class GeneratorInfo:
    """What the engine has to know of a loaded generator."""

    name: str
    window_samples: int
    """W: raw samples each step is given, ending at the frame's end."""
    noise_size: int
    """Z: normals each step is given."""
    speakers: int
    guide_size: int = 0
    """G: channels of an authored clip's motion-specific code; 0: the generator follows no clips."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Generator-specific settings and their defaults, as `ready.settings` shows them."""


class StepInputs(NamedTuple):
    """One step's inputs for B rows; field names are the step's input names in every runtime."""

    pcm: Any  # float32 [B, W] right-aligned raw samples, -1..1; zeros before the session's first sample
    audio_present: Any  # bool [B] False: the audio has ended, look-ahead is flushed (features are masked)
    emitted: Any  # float32 [B, 489] the last emitted pose, after finishing (packed as models/motion.py says)
    noise: Any  # float32 [B, Z] standard normals keyed by (session seed, frame index)
    emotion: Any  # float32 [B, 8] weights summing to 1, or all zero: `auto`
    speaker: Any  # float32 [B, S] weights summing to 1
    intensity: Any  # float32 [B] 0..2
    guide: Any  # float32 [B, G + 1] an authored clip's code for this motion frame and, last, how far it counts, 0..1
    lookahead: Any  # int64 [B] in {0, 2, 4, 8}
    reset: Any  # bool [B] this row starts afresh before the step
    active: Any  # bool [B] this row runs; the state of others is left untouched bit for bit


class StepOutputs(NamedTuple):
    """One step's outputs for B rows; rows that were not active hold anything."""

    motion: Any  # float32 [B, 489] packed motion of frame a - lookahead
    valid: Any  # bool [B] False while look-ahead fills
    heard_emotion: Any  # float32 [B, 8] probabilities heard in the voice
