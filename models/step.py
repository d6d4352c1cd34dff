"""A generator's step: the names, shapes and order of what goes in and comes out, in every runtime. Torch-free.

The same tuples carry numpy arrays (engine, ONNX Runtime) and torch tensors (generators).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import EMOTIONS, MOTION_SIZE


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
    follows_hints: bool = False
    """Whether the step is told which joints are given (`StepInputs.hint`), and completes the rest around them."""
    word_ids: int = 0
    """N: hashed n-grams of a word that each step is given (`models/words.py`); 0: the generator hears no words."""
    settings: dict[str, float] = field(default_factory=dict)
    """Generator-specific settings and their defaults, as `ready.settings` shows them."""
    setting_ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest value of settings; one that is not named may have any."""

    def __post_init__(self) -> None:
        ranges = {name: (low, high) for name, (low, high) in self.setting_ranges.items()}  # JSON has lists
        object.__setattr__(self, "setting_ranges", ranges)


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
    hint: Any  # float32 [B, 330] rot6d of this motion frame's given joints; anything for the others
    hinted: Any  # bool [B, 55] which joints are given
    words: Any  # int64 [B, 2, N] n-gram ids of the word at audio frame a and, where known, 10 frames later
    settings: Any  # float32 [B, K] in the order of `GeneratorInfo.settings`
    lookahead: Any  # int64 [B] in {0, 2, 4, 8}
    reset: Any  # bool [B] this row starts afresh before the step
    active: Any  # bool [B] this row runs; the state of others is left untouched bit for bit


WORD_AHEAD_FRAMES = 10
"""How far ahead of the audio the second word of `StepInputs.words` lies: a stroke is prepared before its word."""
MASKS = ("reset", "active")
"""Inputs that only state stores know: no part of the step."""


class StepOutputs(NamedTuple):
    """One step's outputs for B rows; rows that were not active hold anything."""

    motion: Any  # float32 [B, 489] packed motion of frame a - lookahead
    valid: Any  # bool [B] False while look-ahead fills
    heard_emotion: Any  # float32 [B, 8] probabilities heard in the voice


def neutral_inputs(info: GeneratorInfo, rows: int) -> StepInputs:
    """Inputs of `rows` running sessions that hear silence and are told nothing: numpy arrays, each its own.

    An input that the generator does not know has a size of zero.
    """
    hinted = JOINT_COUNT if info.follows_hints else 0
    return StepInputs(
        pcm=np.zeros((rows, info.window_samples), np.float32),
        audio_present=np.ones(rows, np.bool_),
        emitted=np.zeros((rows, MOTION_SIZE), np.float32),
        noise=np.zeros((rows, info.noise_size), np.float32),
        emotion=np.zeros((rows, len(EMOTIONS)), np.float32),
        speaker=np.eye(info.speakers, dtype=np.float32)[np.zeros(rows, np.int64)],
        intensity=np.ones(rows, np.float32),
        guide=np.zeros((rows, info.guide_size + 1), np.float32),
        hint=np.zeros((rows, 6 * hinted), np.float32),
        hinted=np.zeros((rows, hinted), np.bool_),
        words=np.zeros((rows, 2, info.word_ids), np.int64),
        settings=np.tile(np.array([*info.settings.values()], np.float32), (rows, 1)),
        lookahead=np.zeros(rows, np.int64),
        reset=np.zeros(rows, np.bool_),
        active=np.ones(rows, np.bool_),
    )


def input_names(info: GeneratorInfo) -> tuple[str, ...]:
    """The inputs of an exported step, in order: no masks, and none that the generator does not know."""
    blank = neutral_inputs(info, 1)
    return tuple(n for n, array in zip(StepInputs._fields, blank) if n not in MASKS and array.size)
