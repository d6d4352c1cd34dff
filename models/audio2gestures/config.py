"""Sizes of Audio2Gestures in its causal form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Audio2GesturesConfig:
    """Defaults: 1.5 M parameters in the stream, 2.4 M multiply-adds a frame, features included."""

    speakers: int = 4
    audio_widths: tuple[int, ...] = (128, 128, 128, 128)
    """Residual blocks of the audio encoder; dilations 1, 2, 4, 8 see 60 frames (2 s) of the past."""
    decoder_widths: tuple[int, ...] = (192, 192, 192, 192)
    motion_widths: tuple[int, ...] = (256, 192, 128, 128)
    """Motion encoder; used in training and to follow authored clips, never in the stream."""
    mapping_width: int = 64
    shared_size: int = 32
    """S: the code that audio and motion share (paper section 4.1; 16 for its 22 joints, more for face and fingers)."""
    specific_size: int = 16
    """I: the motion-specific code."""
    styles: int = 32
    """Training clips whose per-channel (mean, std) of I are kept: a session draws from them (section 4.2)."""
    condition_size: int = 64
    emitted_size: int = 64
    specific: Literal["mapped", "normal", "none"] = "mapped"
    """Where the stream's motion-specific code comes from: the mapping network, normals as they are ("+ split" in the
    paper's Table 2), or nowhere: there is none (its "baseline")."""
    causal: bool = True
    """False: the paper's own form as a reference. Its convolutions see as far ahead as back, it is given the whole clip
    and no emitted pose, its targets are not delayed; it runs whole clips (`forward_sequence`) and cannot stream."""
