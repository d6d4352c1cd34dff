"""The frame clock: audio time is the master, boundaries by exact integer arithmetic.

Frame k covers samples [k*16000/30, (k+1)*16000/30): 533 or 534 of them, never "533 per frame", which drifts
37.5 ms a minute.
"""

from __future__ import annotations

from gesturestream.models.motion import FPS, SAMPLE_RATE


def frame_start(frame: int) -> int:
    """First sample of frame `frame`; also the end (exclusive) of frame `frame` - 1."""
    return -(-frame * SAMPLE_RATE // FPS)


def frame_end(frame: int) -> int:
    """One past the last sample of frame `frame`."""
    return frame_start(frame + 1)


def frames_complete(samples: int) -> int:
    """How many whole frames `samples` samples hold."""
    return samples * FPS // SAMPLE_RATE


def frames_covering(samples: int) -> int:
    """How many frames a file of `samples` samples gives, the last one zero-padded: ceil(30 n / 16000)."""
    return -(-samples * FPS // SAMPLE_RATE)


def media_time_s(frame: int) -> float:
    """Media time of frame `frame`, seconds."""
    return frame / FPS
