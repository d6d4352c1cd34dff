"""Audio from client to server: raw PCM in the format `start` declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SampleFormat = Literal["s16le", "f32le"]
SAMPLE_FORMATS: tuple[SampleFormat, ...] = ("s16le", "f32le")


@dataclass(frozen=True, kw_only=True)
class AudioFormat:
    """What the binary messages of a session's owner hold."""

    rate: int = 16000
    """Hz, 8000..192000."""
    format: SampleFormat = "s16le"
    channels: int = 1
    """2: interleaved, the second channel is the interlocutor's voice (read past until a generator uses it)."""

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * (2 if self.format == "s16le" else 4)


def decode_pcm(data: bytes, form: AudioFormat) -> NDArray[np.float32]:
    """Bytes -> [n] mono float32 of the first channel. ValueError unless it is a whole number of samples.

    What is not finite becomes silence: one NaN must not poison a session's filters.
    """
    if len(data) % form.sample_bytes:
        raise ValueError(f"expected a whole number of {form.sample_bytes}-byte samples, got {len(data)} bytes")
    if form.format == "s16le":
        return np.frombuffer(data, "<i2")[:: form.channels].astype(np.float32) / 32768.0
    pcm = np.frombuffer(data, "<f4")[:: form.channels].astype(np.float32)
    return pcm if np.isfinite(pcm).all() else np.nan_to_num(pcm, nan=0.0, posinf=0.0, neginf=0.0)
