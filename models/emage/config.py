"""Sizes of EMAGE in its causal form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class EmageConfig:
    """Defaults: under 3 M multiply-adds a frame in the stream, features included (VQ encoders are not in it)."""

    speakers: int = 4
    size: int = 128
    """D: width of the masked audio gesture transformer (the paper: 768)."""
    heads: int = 2
    layers: int = 2
    """Of the temporal cross-attention decoder TCAT (the paper's code: 8)."""
    window: int = 40
    """Frames of the past that attention sees, this one included: 1.3 s."""
    feed_forward: int = 176
    body_widths: tuple[int, ...] = (96, 96, 96, 96)
    """Rhythm TCN of the body; dilations 1, 2, 4, 8 see 60 frames of the past."""
    face_widths: tuple[int, ...] = (96, 96, 96)
    word_size: int = 32
    """Of a word's embedding; two words are heard, the one spoken and the one to come."""
    codebook_size: int = 128
    """K: entries of a codebook (the paper: 256)."""
    group_size: int = 8
    """Latent channels that one codebook quantises."""
    encoder_widths: tuple[int, ...] = (96, 96)
    decoder_widths: tuple[int, ...] = (64, 64)
    motion_width: int = 32
    """Global motion predictor."""
    noise_rank: int = 16
    """Normals a frame from which the sampling noise of one part's codes is made."""
    softness: float = 0.1
    """Temperature of the mixture of entries that a sampled code is: 0 is one entry alone, which twitches."""
    glide: float = 0.6
    """Share of the frame before in the body's drawn latents: codes change one by one and from frame to frame, a body
    does not. Costs glide / (1 - glide) frames; the mouth has none of it."""
    parts: Literal["four", "single"] = "four"
    """`single`: one VQ-VAE for the whole body and face, as in the paper's Table 6."""
    content_rhythm: bool = True
    """False: rhythm and content are added instead of weighed by eq. 5 (Table 6, without CRA)."""
    masked_hints: bool = True
    """False: neither hints nor masked gesture reconstruction are trained (Table 6, without masked hints)."""
    causal: bool = True
    """False: the paper's own form as a reference. Convolutions and attention see as far ahead as back, no emitted pose
    is given, targets are not delayed; it runs whole clips (`forward_sequence`) and cannot stream."""


LARGE = EmageConfig(
    size=384,
    heads=6,
    layers=6,
    window=96,
    feed_forward=1024,
    body_widths=(256, 256, 256, 256),
    face_widths=(256, 256, 256),
    word_size=128,
    codebook_size=256,
    group_size=16,
    encoder_widths=(256, 256, 256),
    decoder_widths=(192, 192, 192),
    motion_width=128,
    noise_rank=32,
)
"""For GPUs: `gesturestream train emage --preset large`."""
