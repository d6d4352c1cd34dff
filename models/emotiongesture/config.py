"""Sizes of EmotionGesture in its causal form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Encoder = Literal["convolution", "recurrent", "attention"]


@dataclass(frozen=True, kw_only=True)
class EmotionGestureConfig:
    """Defaults: about 8 M multiply-adds a frame, most of them for planning the whole window anew in every frame."""

    speakers: int = 4
    audio_encoder: Encoder = "convolution"
    """What hears the beats. `convolution`: dilated residual blocks; `recurrent`: a gated recurrent unit; `attention`:
    two layers over two seconds of the past. The paper's ResNetSE-34 maps frames to channels and cannot stream."""
    audio_width: int = 128
    beat_size: int = 48
    """C: beat features per audio frame."""
    memory: int = 24
    """Audio frames that a plan sees, the newest included: 0.8 s."""
    listener_widths: tuple[int, ...] = (64, 64, 64, 64)
    """Of the emotion listener."""
    pose_size: int = 80
    """P: principal components that the body is planned in (wrists 0.4 cm off on the teacher's corpus)."""
    size: int = 128
    """D: width of prompts and decoder (the paper: 512)."""
    heads: int = 4
    layers: int = 2
    """Of the transformer decoder (the paper: 3)."""
    feed_forward: int = 256
    seeds: int = 10
    """M: emitted poses that a plan continues (the paper: 10)."""
    horizon: int = 12
    """H: frames that are planned, of which the stream emits the first. Sound that has come decides no more than 10."""
    transition: int = 10
    """L: frames of the plan that are interpolated from the seeds (the paper: 10)."""
    latent_size: int = 16
    """Z: of the emotion-conditioned VAE (the paper: 32)."""
    face_code_size: int = 32
    face_widths: tuple[int, ...] = (96, 96)
    face_noise: int = 8
    causal: bool = True
    """False: a reference as the paper has it. The audio encoder sees both ways, plans hear what their frames will hear,
    targets are not delayed, windows of `horizon` frames continue each other; it runs whole clips and cannot stream."""

    def __post_init__(self) -> None:
        if not 1 <= self.transition <= self.horizon:
            raise ValueError(f"expected transition in 1..horizon ({self.horizon}), got {self.transition}")
        if self.seeds < 2:
            raise ValueError(f"expected two seed poses or more (a pose alone has no speed), got {self.seeds}")
