"""From starting a process to its first frame, part by part: interpreter and imports, loading, warming up, first frame.

    python -m benchmarks.startup

Every run is a process of its own that streams: it opens a live session, speaks, and waits for the first frame. ONNX
Runtime's runs must not import torch, and say so if they do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console

from benchmarks import machine
from benchmarks.latency import table
from gesturestream.models.registry import available, checkpoint_path
from gesturestream.realtime.executors.choose import EXECUTORS

PARTS = ("imports_s", "load_s", "warm_up_s", "first_frame_s", "together_s")
_CHILD = """
import json, sys, threading, time
spawned_s, checkpoint, wanted = float(sys.argv[1]), sys.argv[2], sys.argv[3]
from pathlib import Path
import numpy as np
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.choose import load_executor
imported_s = time.monotonic()
chosen = load_executor(Path(checkpoint), 1, wanted)
loaded_s = time.monotonic()
first = threading.Event()
class Sink:
    def on_frame(self, frame): first.set()
    def on_event(self, event): pass
    def on_audio(self, chunk): pass
name = chosen.executor.info.name
with Engine({name: chosen.executor}, default=name) as engine:
    warm_s = time.monotonic()
    engine.open(SessionConfig(mode="live"), Sink()).push_audio(np.zeros(534, np.float32))
    assert first.wait(60)
    done_s = time.monotonic()
    times = np.diff([spawned_s, imported_s, loaded_s, warm_s, done_s]).tolist()
    print(json.dumps({"times_s": times, "torch": "torch" in sys.modules}))
"""


@dataclass(frozen=True, kw_only=True)
class Startup:
    """Start of a process to its first frame."""

    runs: int = 7
    """Processes for each generator and executor; files are in the page cache after the first, which is left out."""
    executors: tuple[str, ...] = EXECUTORS
    """Which; those that cannot run here are said."""
    generator: str | None = None
    """None: all that ship."""
    output: Path = machine.RESULTS
    """Folder the JSON and the plot are written to."""


def start(checkpoint: Path, executor: str) -> dict[str, Any]:
    """One process. RuntimeError: it ended without a frame."""
    command = [sys.executable, "-c", _CHILD, repr(time.monotonic()), str(checkpoint), executor]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def measure(generator: str, executor: str, runs: int) -> dict[str, Any]:
    """Medians of every part over the runs, and the slowest run."""
    said = [start(checkpoint_path(generator), executor) for _ in range(runs + 1)][1:]
    times = np.array([[*one["times_s"], sum(one["times_s"])] for one in said])
    medians = {part: round(float(value), 3) for part, value in zip(PARTS, np.median(times, 0))}
    slowest = round(float(times[:, -1].max()), 3)
    return {"generator": generator, "executor": executor, **medians, "max_s": slowest, "torch": said[0]["torch"]}


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """A bar for each generator and executor, its parts one behind the other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.6 * len(results) + 1.4), layout="constrained")
    starts = np.zeros(len(results))
    for part in PARTS[:-1]:
        lengths = np.array([row[part] for row in results])
        axes.barh(range(len(results)), lengths, left=starts, label=part.removesuffix("_s").replace("_", " "))
        starts += lengths
    axes.set_yticks(range(len(results)), [f"{row['generator']}, {row['executor']}" for row in results])
    axes.invert_yaxis()
    axes.set_xlabel("s from starting the process")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def run(options: Startup) -> None:
    results = []
    for generator in available() if options.generator is None else (options.generator,):
        for executor in options.executors:
            try:
                results.append(measure(generator, executor, options.runs))
            except RuntimeError as reason:
                print(f"{generator}, {executor}: {reason}")
    if not results:
        raise SystemExit("nothing that was asked for can run here")
    Console().print(table("start to first frame, s", results, ("generator", "executor", *PARTS, "max_s", "torch")))
    print("written to", machine.write_result("startup", {"startup": results}, options.output))
    try:
        draw(results, options.output / "startup.png")
    except ModuleNotFoundError as missing:
        print(f"no plot: {missing}")


if __name__ == "__main__":
    run(tyro.cli(Startup))
