"""How a checkpoint's motion for whole clips is produced, and how late it is by design."""

from __future__ import annotations

import numpy as np

from gesturestream.models.generator import Generator
from gesturestream.training.clips import Clip
from gesturestream.training.dataset import delayed_target
from gesturestream.training.metrics.motion import Floats
from gesturestream.training.streaming import EMOTION, Told, stream, whole


def is_causal(generator: Generator) -> bool:
    """False for a reference that sees whole clips (a configuration with `causal` false), which cannot stream."""
    return bool(generator.config_dict().get("causal", True))


def motions(
    generator: Generator, clips: list[Clip], lookahead: int | None, seed: int, *, told: Told = EMOTION
) -> list[Floats]:
    """Motion [T_i, 489] of every clip; another seed is other noise.

    lookahead: streamed in a closed loop so many frames ahead; None: a reference is given each whole clip at once.
    """
    if lookahead is None:
        return whole(generator, clips, seed=seed, told=told)
    return stream(generator, clips, seed=seed, lookahead=lookahead, told=told)


def target(clip: Clip, lookahead: int | None) -> Floats:
    """[T, 489] what the generator was trained to show: the body 10 - L frames late, the face less; None: not late."""
    if lookahead is None:
        return clip.motion
    return delayed_target(clip.motion, np.arange(len(clip.motion)), 0, lookahead)
