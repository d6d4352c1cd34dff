"""A recording as a source: read once, resampled at soxr's HQ, pushed in the rhythm a microphone would have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import soundfile
import soxr

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.realtime.sources import Floats, Push


def demo_speech_path() -> Path:
    """The bundled demo speech, half a minute; `demo_speech.txt` beside it says what is spoken."""
    return Path(__file__).parents[1] / "assets" / "demo_speech.flac"


def read_audio(path: str | Path) -> Floats:
    """Reads WAV, FLAC, MP3, OGG or whatever else libsndfile knows, of any rate and channels: [n] float32 16 kHz mono.

    Channels are averaged. FileNotFoundError, IsADirectoryError or, for a file that is not audio, is damaged or holds no
    samples, ValueError; each names the file.
    """
    path = Path(path)
    _check_readable(path)
    try:
        pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name like *.raw asks for a given format
        reason = getattr(error, "error_string", error)
        raise ValueError(f"{path}: expected a sound file (WAV, FLAC, MP3, OGG) that is whole, got: {reason}") from error
    if not len(pcm):
        raise ValueError(f"{path}: expected audio, got a file without samples")
    return resample_file(pcm.mean(axis=1), rate)


def resample_file(pcm: Floats, rate_in: int, rate_out: int = SAMPLE_RATE) -> Floats:
    """Resamples a whole recording ([n] float32) at soxr's HQ: no delay, but it sees the future."""
    if rate_in == rate_out:
        return pcm
    return np.asarray(soxr.resample(pcm, rate_in, rate_out, quality="HQ"), np.float32)


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(f"{path}: expected an audio file, got a directory")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such audio file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: expected an audio file, got an empty one")


class FileSource:
    """Pushes a recording in chunks of `chunk_s`, as it would have been spoken (`paced`) or as fast as it is taken.

    Paced, a chunk is pushed when its last sample has sounded, at absolute deadlines: a late chunk makes no later one
    late. `loop` starts over without a gap, for ever. The file is read here, so errors (`read_audio`) come at once.
    """

    rate = SAMPLE_RATE

    def __init__(self, path: str | Path, chunk_s: float = 0.01, paced: bool = True, loop: bool = False) -> None:
        if not 0 < chunk_s <= 10:
            raise ValueError(f"expected chunk_s of 0..10 s, got {chunk_s}")
        self.pcm = read_audio(path)
        self.chunk_samples = max(1, round(chunk_s * self.rate))
        self.paced, self.loop = paced, loop

    def run(self, push: Push, stop: Event) -> None:
        """Pushes until the file ends (never with `loop`) or `stop` is set; blocks the calling thread."""
        started, sounded = time.monotonic(), 0
        for chunk in self._chunks():
            sounded += len(chunk)
            wait_s = started + sounded / self.rate - time.monotonic() if self.paced else 0.0
            if stop.wait(max(0.0, wait_s)):
                return
            push(chunk)

    def _chunks(self) -> Iterator[Floats]:
        """Chunks of equal size; only the last one of a file that is not looped may be shorter."""
        if not self.loop:
            yield from (self.pcm[i : i + self.chunk_samples] for i in range(0, len(self.pcm), self.chunk_samples))
            return
        position = 0
        while True:
            indices = np.arange(position, position + self.chunk_samples) % len(self.pcm)
            position = int(indices[-1]) + 1
            yield self.pcm[indices]
