"""A generator of small sizes and random weights: what takes compilers and closed loops little time."""

from __future__ import annotations

import torch

from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig

SMALL = Audio2GesturesConfig(speakers=2, audio_widths=(24, 24), decoder_widths=(32,), motion_widths=(16,), styles=3)


def small_generator() -> Audio2Gestures:
    """The same one every time."""
    torch.manual_seed(3)
    generator = Audio2Gestures(SMALL).eval()
    generator.mapping.bank.normal_()
    return generator
