"""What a step costs, against the number of rows, the look-ahead, and how long a session has run already.

    python -m benchmarks.scaling                  python -m benchmarks.scaling --executor onnx --rows 1 8 64

Wall time is what a viewer waits for; CPU time of the thread tells more where other programs hold the cores. With torch
installed the achieved operations and bytes a second are put beside what this machine can do (measured too).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console

from benchmarks import machine
from benchmarks.latency import table
from benchmarks.steps import step_inputs
from benchmarks.voice import speech
from gesturestream.models.motion import LOOKAHEADS, SAMPLE_RATE
from gesturestream.models.registry import available, checkpoint_path
from gesturestream.models.step import StepInputs
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.executors.choose import Wanted, load_executor

WARM_UP_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Cost of a step against rows, look-ahead and history."""

    rows: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    """Sessions of one step."""
    history_s: tuple[float, ...] = (1.0, 10.0, 60.0, 300.0)
    """How long a session has run when its steps are measured."""
    steps: int = 200
    """Steps of each measurement."""
    generator: str | None = None
    """None: all that ship."""
    executor: Wanted = "auto"
    """What runs the step."""
    output: Path = machine.RESULTS
    """Folder the JSON and the plot are written to."""


class Loop:
    """`rows` sessions in step: what came out is the next step's last emitted pose."""

    def __init__(self, executor: Executor, rows: int, lookahead: int = 0) -> None:
        self._executor, self._rows, self._lookahead = executor, rows, lookahead
        window = executor.info.window_samples
        self._pcm = np.concatenate([np.zeros(window, np.float32), speech(60.0, SAMPLE_RATE)])
        self._frame = 0
        self._emitted = np.zeros((rows, 489), np.float32)

    def run(self, steps: int) -> list[tuple[float, float]]:
        """(wall, CPU) seconds of each step."""
        times = []
        for _ in range(steps):
            inputs = self._inputs()
            begin_s, cpu_s = time.perf_counter(), time.thread_time()
            outputs = self._executor.step(inputs)
            times.append((time.perf_counter() - begin_s, time.thread_time() - cpu_s))
            self._emitted, self._frame = outputs.motion, self._frame + 1
        return times

    def _inputs(self) -> StepInputs:
        end = frame_end(self._frame) % (len(self._pcm) - self._executor.info.window_samples)
        heard = self._pcm[end : end + self._executor.info.window_samples]
        one = step_inputs(self._executor, heard, self._emitted[:1], 1, self._frame)
        many = StepInputs(*(np.repeat(array, self._rows, 0) for array in one))
        many.lookahead[:] = self._lookahead
        return many._replace(emitted=self._emitted)


def figures(times: list[tuple[float, float]]) -> dict[str, Any]:
    wall, cpu = (1000 * np.array(column) for column in zip(*times))
    return {**machine.summary(wall.tolist()), "cpu_p50_ms": round(float(np.median(cpu)), 3)}


def measure(generator: str, options: Scaling) -> Iterator[dict[str, Any]]:
    """One row of the table after the other."""
    executor, name, _ = load_executor(checkpoint_path(generator), max(options.rows), options.executor)
    executor.warm_up()
    about = {"generator": generator, "executor": name}
    for rows in options.rows:
        loop = Loop(executor, next(size for size in executor.buckets if size >= rows))
        loop.run(WARM_UP_STEPS)
        measured = figures(loop.run(options.steps))
        yield {**about, "against": "rows", "value": rows, **measured, "us_per_row": per_row(measured, rows)}
    for lookahead in LOOKAHEADS:
        loop = Loop(executor, 1, lookahead)
        loop.run(WARM_UP_STEPS)
        yield {**about, "against": "look-ahead, frames", "value": lookahead, **figures(loop.run(options.steps))}
    loop, ran = Loop(executor, 1), 0
    for history_s in sorted(options.history_s):
        loop.run(max(0, round(history_s * 30) - ran))
        ran = round(history_s * 30) + options.steps
        yield {**about, "against": "history, s", "value": history_s, **figures(loop.run(options.steps))}


def per_row(measured: dict[str, Any], rows: int) -> float:
    return round(1000 * float(measured["p50_ms"]) / rows, 1)


def with_roofline(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Adds to every row what it achieved; -> the machine's limits."""
    from benchmarks import roofline
    from gesturestream.models import checkpoint

    most = roofline.limits("cpu", size=1024, megabytes=256)
    for row in results:
        rows = row["value"] if row["against"] == "rows" else 1
        done = roofline.work(checkpoint.load(checkpoint_path(row["generator"])), rows)
        row |= {"operations": done.operations, "bytes": done.bytes}
        row |= roofline.shares(done, row["p50_ms"] / 1000, most)
    return {"gflop_per_s": round(most.gflops, 1), "gb_per_s": round(most.gb_per_s, 1), "threads": "torch's own number"}


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """One panel for each thing that costs are measured against; medians, and the 99th percentile above them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(row["against"] for row in results))
    figure, panels = pyplot.subplots(1, len(kinds), figsize=(11, 3.6), layout="constrained")
    for panel, kind in zip(panels, kinds):
        for number, generator in enumerate(dict.fromkeys(row["generator"] for row in results)):
            rows = [row for row in results if row["against"] == kind and row["generator"] == generator]
            at = [row["value"] for row in rows]
            panel.plot(at, [row["p50_ms"] for row in rows], "o-", color=f"C{number}", label=generator)
            panel.plot(at, [row["p99_ms"] for row in rows], "^:", color=f"C{number}", alpha=0.6)
        panel.set_xlabel(kind)
        panel.set_ylim(bottom=0)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("one step, ms (dotted: p99)")
    panels[0].legend(frameon=False)
    figure.savefig(path, dpi=130)


def run(options: Scaling) -> None:
    names = available() if options.generator is None else (options.generator,)
    results = [row for name in names for row in measure(name, options)]
    limits = with_roofline(results) if find_spec("torch") else None
    columns = ("generator", "executor", "against", "value", "p50_ms", "p99_ms", "cpu_p50_ms", "us_per_row")
    Console().print(table("one step", results, (*columns, "share_of_operations", "share_of_bandwidth")))
    result = {"limits": limits, "scaling": results}
    print("written to", machine.write_result("scaling", result, options.output))
    if find_spec("matplotlib"):
        draw(results, options.output / "scaling.png")


if __name__ == "__main__":
    run(tyro.cli(Scaling))
