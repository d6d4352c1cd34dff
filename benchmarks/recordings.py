"""What a long .glb recording costs, and how well a face's two descriptions agree (docs/recordings.md, docs/face.md).

python -m benchmarks.recordings
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks import machine
from gesturestream.bridge.conformance.poses import swaying
from gesturestream.bridge.recorders import Recorder
from gesturestream.cli.engine import make_engine
from gesturestream.models.face import expressions_to_blendshapes
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.sources.files import demo_speech_path, read_audio


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Size, time and memory of an hour; agreement of expressions and blendshapes."""

    hours: float = 1.0
    speech_s: float = 10.0
    """How much of the bundled speech the face is measured on."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


def anonymous_mb() -> float:
    """Memory that is the process' own, not the page cache's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


@contextmanager
def watching_memory() -> Iterator[list[float]]:
    """Samples, MB, twenty a second."""
    samples, done = [anonymous_mb()], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            samples.append(anonymous_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def long_recording(hours: float) -> dict[str, Any]:
    """Writes a long .glb and one of a second: size, time and memory from the last frame to the file."""
    frames = [swaying(k) for k in range(FPS)]
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("second", FPS), ("long", round(hours * 3600 * FPS))):
            path = Path(folder) / f"{name}.glb"
            recorder = Recorder(path)
            for k in range(count):
                recorder.append(frames[k % FPS])
            with watching_memory() as memory_mb:
                began_s = time.monotonic()
                recorder.close()
                took_s = time.monotonic() - began_s
            sizes[name] = path.stat().st_size
    per_frame = (sizes["long"] - sizes["second"]) / (round(hours * 3600 * FPS) - FPS)
    return {
        "hours": hours,
        "size_mb": round(sizes["long"] / 1e6, 1),
        "character_mb": round((sizes["second"] - FPS * per_frame) / 1e6, 2),
        "kb_per_s": round(per_frame * FPS / 1e3, 1),
        "write_s": round(took_s, 1),
        "memory_before_mb": round(memory_mb[0], 1),
        "memory_peak_mb": round(max(memory_mb), 1),
    }


def face_agreement(seconds: float) -> dict[str, Any]:
    """Blendshapes of the default generator against those computed from its expressions."""
    pcm = read_audio(demo_speech_path())[: round(seconds * SAMPLE_RATE)]
    with tempfile.TemporaryDirectory() as folder, make_engine(1) as engine:
        recorder = Recorder(Path(folder) / "face.npz")
        session = engine.open(SessionConfig(mode="offline", seed=3), recorder)
        session.push_audio(pcm)
        session.end()
        session.wait()
        recorder.close()
        with np.load(Path(folder) / "face.npz") as motion:
            shapes, expressions = motion["blendshapes"].astype(float), motion["expressions"].astype(float)
        generator = session.generator
    difference = expressions_to_blendshapes(expressions) - shapes
    return {
        "generator": generator,
        "frames": len(shapes),
        "rms_difference": round(float(np.sqrt((difference**2).mean())), 4),
        "rms_blendshapes": round(float(np.sqrt((shapes**2).mean())), 4),
        "largest_coefficient": round(float(abs(expressions).max()), 2),
    }


def main() -> None:
    options = tyro.cli(Recordings, description=__doc__)
    result = {"glb": long_recording(options.hours), "face": face_agreement(options.speech_s)}
    print(result)
    print(machine.write_result("recordings", result, options.output))


if __name__ == "__main__":
    main()
