"""Checks at the edge: every message names the field, what was expected and what was given."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import EMOTIONS, LOOKAHEADS
from gesturestream.realtime.config import POSTURES, Control, SessionConfig
from gesturestream.realtime.executors.base import GeneratorInfo
from gesturestream.realtime.resample import RATES_HZ

MAX_INTENSITY = 2.0
MAX_SETTING = 1e6
"""Of a setting whose range its generator does not tell."""


def emotion_weights(emotion: Mapping[str, float] | None) -> NDArray[np.float32]:
    """-> [8] weights summing to 1; all zero for None, `auto`."""
    weights = np.zeros(len(EMOTIONS), np.float32)
    if emotion is None:
        return weights
    for name, weight in emotion.items():
        if name not in EMOTIONS:
            raise ValueError(f"emotion: expected names among {', '.join(EMOTIONS)}, got {name!r}")
        if not (isfinite(weight) and weight >= 0):
            raise ValueError(f"emotion: expected weights of 0 or more, got {name} = {weight}")
        weights[EMOTIONS.index(name)] = weight
    if not weights.sum() > 0:
        raise ValueError(f"emotion: expected at least one weight above 0, got {dict(emotion)}")
    weights /= weights.sum()
    return weights


def check_speaker(speaker: int, info: GeneratorInfo) -> None:
    if not 0 <= speaker < info.speakers:
        raise ValueError(f"speaker: expected 0..{info.speakers - 1} for {info.name}, got {speaker}")


def check_intensity(intensity: float) -> None:
    if not 0.0 <= intensity <= MAX_INTENSITY:  # also refuses NaN
        raise ValueError(f"intensity: expected 0..{MAX_INTENSITY:g}, got {intensity}")


def check_generator(generator: str, generators: Mapping[str, GeneratorInfo]) -> None:
    if generator not in generators:
        raise ValueError(f"generator: expected one of {', '.join(sorted(generators))}, got {generator!r}")


def check_settings(settings: Mapping[str, float], info: GeneratorInfo) -> None:
    if unknown := sorted(set(settings) - set(info.settings)):
        raise ValueError(f"settings: expected names among {sorted(info.settings)}, got {', '.join(unknown)}")
    for name, value in settings.items():
        low, high = info.setting_ranges.get(name, (-MAX_SETTING, MAX_SETTING))
        if not low <= value <= high:  # also refuses NaN
            raise ValueError(f"settings.{name}: expected {low:g}..{high:g} for {info.name}, got {value}")


def check_config(config: SessionConfig, info: GeneratorInfo) -> None:
    """ValueError where `config` asks for what a generator described by `info` cannot do."""
    emotion_weights(config.emotion)
    check_speaker(config.speaker, info)
    check_intensity(config.intensity)
    if config.mode not in ("live", "agent", "offline"):
        raise ValueError(f"mode: expected live, agent or offline, got {config.mode!r}")
    if config.lookahead_frames not in LOOKAHEADS:
        raise ValueError(f"lookahead_frames: expected one of {LOOKAHEADS}, got {config.lookahead_frames}")
    if not RATES_HZ[0] <= config.audio_rate <= RATES_HZ[1]:
        raise ValueError(f"audio_rate: expected {RATES_HZ[0]}..{RATES_HZ[1]}, got {config.audio_rate}")
    if config.seed is not None and not 0 <= config.seed < 2**64:
        raise ValueError(f"seed: expected 0..2^64-1 or None, got {config.seed}")
    if not (isfinite(config.leash_m) and config.leash_m >= 0):
        raise ValueError(f"leash_m: expected 0 or more, got {config.leash_m}")
    check_settings(config.settings, info)


def check_control(change: Control, current: str, generators: Mapping[str, GeneratorInfo]) -> None:
    """ValueError where `change` cannot be done by a session that runs generator `current`."""
    if change.generator is not None:
        check_generator(change.generator, generators)
    if change.speaker is not None:
        check_speaker(change.speaker, generators[change.generator or current])
    if change.intensity is not None:
        check_intensity(change.intensity)
    if change.posture is not None and change.posture not in POSTURES:
        raise ValueError(f"posture: expected one of {', '.join(POSTURES)}, got {change.posture!r}")
    if change.settings is not None:
        check_settings(change.settings, generators[change.generator or current])
    emotion_weights(change.emotion)
