"""Voices of all kinds -> chunks of s16le at the session's rate."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chunk = bytes | bytearray | memoryview | NDArray[Any]
"""s16le mono, or an array: [n] or [n, channels], integers of 16 bits or floats of -1..1."""
Audio = str | Path | Chunk | Iterable[Chunk] | AsyncIterable[Chunk]

LIVE_CHUNK_S = 0.02
CHUNK_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Source:
    """An opened voice."""

    chunks: Iterable[Chunk] | AsyncIterable[Chunk]
    rate: int
    recorded: bool
    """All of it is there already: who wants it in real time has to pace it."""


def open_source(audio: Audio, rate: int, chunk_s: float) -> Source:
    """`rate` is that of bytes and arrays; a file knows its own. TypeError for what is no audio."""
    if isinstance(audio, str | Path):
        return _open_file(Path(audio), chunk_s)
    if isinstance(audio, bytes | bytearray | memoryview):
        return open_source(np.frombuffer(bytes(audio)[: len(audio) // 2 * 2], "<i2"), rate, chunk_s)
    if isinstance(audio, np.ndarray):
        pcm, size = audio, max(1, round(rate * chunk_s))
        cut = (pcm[begin : begin + size] for begin in range(0, len(pcm), size))
        return Source(chunks=cut, rate=rate, recorded=True)
    chunks: Any = audio
    if isinstance(chunks, AsyncIterable | Iterable):
        return Source(chunks=chunks, rate=rate, recorded=False)
    raise TypeError(f"expected a path, bytes, an array or an iterator of those, got {type(audio).__name__}")


def _open_file(path: Path, chunk_s: float) -> Source:
    import soundfile  # takes longer to import than the rest of the client

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such audio file")
    try:
        rate = soundfile.info(path).samplerate
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: expected a sound file (WAV, FLAC, MP3, OGG), got: {error}") from None
    blocks = soundfile.blocks(path, blocksize=max(1, round(rate * chunk_s)), dtype="float32", always_2d=True)
    return Source(chunks=blocks, rate=rate, recorded=True)


class Encoder:
    """Chunks of one voice -> s16le at another rate. Keeps half a sample and the resampler's past between chunks."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._odd = b""
        self._resampler: Any = None
        if rate_in != rate_out:
            import soxr

            self._resampler = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")

    def encode(self, chunk: Chunk) -> bytes:
        """What can be sent after this chunk; may be empty."""
        if isinstance(chunk, np.ndarray):
            return self._resampled(_mono(chunk), last=False)
        data = self._odd + bytes(chunk)
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        return self._resampled(np.frombuffer(data[:whole], "<i2"), last=False)

    def flush(self) -> bytes:
        """The end of the voice: what the resampler still holds."""
        return b"" if self._resampler is None else self._resampled(np.zeros(0, np.float32), last=True)

    def _resampled(self, pcm: NDArray[Any], *, last: bool) -> bytes:
        if self._resampler is None:
            return _as_s16(pcm)
        return _as_s16(self._resampler.resample_chunk(_as_float(pcm), last=last))


def pieces(data: bytes, limit_bytes: int) -> Iterator[bytes]:
    """Cuts what is too long for one message."""
    for begin in range(0, len(data), limit_bytes):
        yield data[begin : begin + limit_bytes]


def _mono(pcm: NDArray[Any]) -> NDArray[Any]:
    if pcm.dtype != np.int16 and not np.issubdtype(pcm.dtype, np.floating):
        raise TypeError(f"expected samples of int16 or float -1..1, got {pcm.dtype}")
    if pcm.ndim == 1:
        return pcm
    if pcm.ndim != 2:
        raise ValueError(f"expected samples [n] or [n, channels], got shape {pcm.shape}")
    return pcm[:, 0] if pcm.shape[1] == 1 else _as_float(pcm).mean(1)


def _as_float(pcm: NDArray[Any]) -> NDArray[np.float32]:
    if pcm.dtype == np.int16:
        return pcm.astype(np.float32) / np.float32(32768.0)
    return pcm.astype(np.float32)


def _as_s16(pcm: NDArray[Any]) -> bytes:
    if pcm.dtype == np.int16:
        return pcm.astype("<i2").tobytes()
    finite = np.nan_to_num(pcm, nan=0.0, posinf=0.0, neginf=0.0)
    samples: NDArray[np.int16] = np.rint(np.clip(finite, -1.0, 1.0) * 32767.0).astype("<i2")
    return samples.tobytes()
