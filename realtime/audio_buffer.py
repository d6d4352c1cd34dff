"""A session's audio at 16 kHz: what has arrived and waits, and what was consumed last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SMALLEST = 16000


def sanitize(pcm: Floats) -> Floats:
    """A float32 copy without surprises: NaN and infinite samples become 0, the rest is clipped to -1..1. [n] -> [n]."""
    clean = np.array(pcm, np.float32)
    if clean.ndim != 1:
        raise ValueError(f"expected mono samples [n], got shape {list(clean.shape)}")
    if not np.abs(clean).max(initial=0.0) <= 1.0:  # false for NaN too; nearly all chunks are done here
        np.nan_to_num(clean, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        clean.clip(-1.0, 1.0, out=clean)
    return clean


class SampleQueue:
    """First in, first out. Grows with what is in it and shrinks again: an idle session costs a second of memory."""

    def __init__(self) -> None:
        self._data = np.empty(_SMALLEST, np.float32)
        self._start = self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    def append(self, pcm: Floats) -> None:
        if self._end + len(pcm) > len(self._data):
            self._make_room(len(pcm))
        self._data[self._end : self._end + len(pcm)] = pcm
        self._end += len(pcm)

    def pop(self, count: int) -> Floats:
        """The oldest `count` samples (all that there are, if fewer), as a view that the next `append` may overwrite."""
        taken = self._data[self._start : min(self._start + count, self._end)]
        self._start += len(taken)
        return taken

    def clear(self) -> None:
        self._data = np.empty(_SMALLEST, np.float32)
        self._start = self._end = 0

    def _make_room(self, count: int) -> None:
        held = self._data[self._start : self._end]
        data = np.empty(max(_SMALLEST, 2 * (len(held) + count)), np.float32)
        data[: len(held)] = held
        self._data, self._start, self._end = data, 0, len(held)


class History:
    """The last `keep` samples of the session's timeline, zeros before its first."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._data = np.zeros(2 * keep + _SMALLEST, np.float32)
        self._end = keep

    def append(self, pcm: Floats, silence: int) -> None:
        """Adds `pcm` and then `silence` zeros, together at most a second."""
        total = len(pcm) + silence
        if self._end + total > len(self._data):
            self._data[: self._keep] = self._data[self._end - self._keep : self._end]
            self._end = self._keep
        self._data[self._end : self._end + len(pcm)] = pcm
        self._data[self._end + len(pcm) : self._end + total] = 0.0
        self._end += total

    def window(self, size: int, before: int = 0) -> Floats:
        """The `size` samples that end `before` samples ago, oldest first: a view, valid until the next `append`."""
        assert size + before <= self._keep, (size, before, self._keep)
        end = self._end - before
        return self._data[end - size : end]
