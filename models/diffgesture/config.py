"""Sizes and schedule of DiffGesture in its causal form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DiffGestureConfig:
    """Defaults: four denoising steps a frame in three branches of guidance, on one CPU thread."""

    speakers: int = 4
    body_components: int = 80
    """Principal components of the body's values that are denoised (the root comes on top)."""
    face_components: int = 24
    body_size: int = 128
    """D: width of the body's denoiser (the paper: 256)."""
    face_size: int = 64
    heads: int = 2
    layers: int = 2
    """Of each denoiser (the paper: 8)."""
    body_window: int = 40
    """Frames of clean context, the last one shown included: 1.3 s."""
    face_window: int = 16
    expansion: int = 2
    """Width of feed-forward layers, in widths of the denoiser."""
    body_widths: tuple[int, ...] = (96, 96, 96, 96)
    """Of the convolutions that hear for the body; dilations 1, 2, 4, 8 see 60 frames of the past."""
    face_widths: tuple[int, ...] = (96, 96, 96)
    schedule_steps: int = 500
    """Of the forward process."""
    beta_first: float = 1e-4
    beta_last: float = 0.02
    steps: int = 4
    """K: denoising steps of the stream."""
    spacing: float = 1.5
    """How denoising steps lie in the schedule: 1 evenly, more: closer where there is little noise."""
    eta: float = 0.0
    """Of DDIM: noise added between denoising steps, 0 none, 1 as much as the paper's ancestral sampling."""
    doubt: float = 0.3
    """How far the poses shown are taken to be off, in deviations, as they were in training: much of it lets go of the
    past sooner."""
    stabilise: bool = True
    """False: noise is drawn anew each frame and motion may jump: to measure what the stabiliser does."""
    body_smoothing: int = 2
    """Frames of the past that the stabiliser smooths the body with, 0 to 2: half a frame of delay for each."""
    face_smoothing: int = 1
    guided: bool = True
    """False: a distilled student, which has guidance in its weights and needs one branch."""
    causal: bool = True
    """False: the paper's own form as a reference. Windows of frames are denoised together, hear as far ahead as back,
    start from seed poses, and are blended where they overlap; it runs whole clips and cannot stream."""
    window_frames: int = 34
    """Of the paper's form."""
    seed_frames: int = 4
