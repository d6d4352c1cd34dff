"""Records a session's frames into a file that is complete whenever the recorder was closed, Ctrl-C included."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from gesturestream.bridge.recorders.bvh import write_bvh
from gesturestream.bridge.recorders.gltf import write_glb
from gesturestream.bridge.recorders.motion import ROW, motion_of, row_of
from gesturestream.bridge.recorders.npz import write_npz
from gesturestream.realtime.frame import AudioChunk, Event, Frame, FrameSequence

FORMATS: dict[str, Callable[[IO[bytes], FrameSequence], None]] = {
    ".npz": write_npz,
    ".bvh": write_bvh,
    ".glb": write_glb,
}
"""By the file name's ending."""


class Recorder:
    """A session's sink, or fed by `append`; a context manager that finishes its files on any way out.

    Frames are spooled to disk as they come, so an hour costs no memory; `close` writes each output beside its place
    and then moves it there, so nobody ever sees half a file.
    """

    def __init__(self, *paths: Path) -> None:
        """ValueError for an ending that is not in `FORMATS`; OSError where a folder is missing or read-only."""
        for path in paths:
            if path.suffix.lower() not in FORMATS:
                raise ValueError(f"expected a name that ends in {' or '.join(FORMATS)}, got {path.name}")
            if not path.parent.is_dir():
                raise FileNotFoundError(f"{path.parent}: no such folder to write {path.name} to")
        self.paths = paths
        self.frames = 0
        """How many were recorded so far."""
        # Beside the output rather than in /tmp, which is often a small memory disk.
        self._spool = tempfile.TemporaryFile(dir=paths[0].parent if paths else None)  # noqa: SIM115 (closed in close)
        self._lock = threading.Lock()
        self._closed = False

    def append(self, frame: Frame) -> None:
        """Adds one frame; ignored once closed."""
        with self._lock:
            if not self._closed:
                self._spool.write(row_of(frame))
                self.frames += 1

    def close(self) -> None:
        """Writes the files; nothing where no frame came. Further calls do nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        with self._spool:
            self._spool.flush()
            if self.frames:
                motion = motion_of(np.memmap(self._spool, ROW, "r"))
                for path in self.paths:
                    write_whole(path, motion)

    def on_frame(self, frame: Frame) -> None:
        self.append(frame)

    def on_event(self, event: Event) -> None:
        pass

    def on_audio(self, chunk: AudioChunk) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def write_whole(path: Path, motion: FrameSequence) -> None:
    """Writes `motion` in the format of `path`'s ending, atomically."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            FORMATS[path.suffix.lower()](file, motion)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
