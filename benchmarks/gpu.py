"""Everything that is measured on a graphics card, by `benchmarks/gpu.sh`: parity, step latency, many rows, roofline.

Imports nothing but torch and numpy (onnxruntime where it is there). The JSON is written after every part, so that a run
that is cut off leaves what it had; a part for which no time is left says so.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import machine, plain_checkpoint, roofline
from benchmarks.gpu_rows import ticks_ms
from gesturestream.models import registry
from gesturestream.models.export.artefact import artefact_path
from gesturestream.models.generator import Generator
from gesturestream.models.motion import FPS
from gesturestream.realtime.executors.base import Executor, neutral_inputs
from gesturestream.realtime.executors.closed_loop import closed_loop
from gesturestream.realtime.executors.cuda_graph import CudaGraphExecutor
from gesturestream.realtime.executors.eager import EagerExecutor
from tests.models.laws import babble

Make = Callable[[Generator, Path, int], Executor]
FRAMES = 120
FEW_FRAMES = 30
BUCKETS = (1, 8, 64, 512)
ROWS = (1024, 4096, 8192, 16384, 24576, 32768, 49152, 65536)
SLOW_ROWS = (16384, 32768, 65536)
QUICK_BUCKETS, QUICK_ROWS = (1, 4), (4, 8)


class Run:
    """One run of the script: its options, its clock, what it has found."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.device: str = options.device
        self.quick: bool = options.quick
        self.checkpoints: list[Path] = options.checkpoints
        self._until_s = time.monotonic() + options.budget_s
        self._file: Path = options.out / "gpu.json"
        self.result: dict[str, Any] = {"machine": {**machine.describe(), "card": card(self.device)}, "not_reached": []}

    def add(self, part: str, row: dict[str, Any]) -> None:
        self.result.setdefault(part, []).append(row)
        print(part, *(f"{name}={value}" for name, value in row.items()), flush=True)
        self._file.write_text(json.dumps(self.result, indent=1) + "\n")

    def attempt(self, part: str, what: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> None:
        """Adds what `measure` gives; one that fails costs its row only."""
        if time.monotonic() > self._until_s:
            self.result["not_reached"].append({"part": part, **what})
            return
        try:
            self.add(part, {**what, **measure()})
        except Exception as error:  # a card that has too little memory, a compiler that is not there
            self.add(part, {**what, "failed": f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"})
        if self.device == "cuda":
            torch.cuda.empty_cache()


def card(device: str) -> dict[str, Any] | None:
    if device != "cuda":
        return None
    about = torch.cuda.get_device_properties(0)
    memory_gb = round(about.total_memory / 2**30, 1)
    return {
        "name": about.name,
        "memory_gb": memory_gb,
        "sm": f"{about.major}.{about.minor}",
        "cuda": torch.version.cuda,
    }


def executors(run: Run) -> dict[str, Make]:
    """By name: on the device, and ONNX Runtime on the CPU beside it for scale."""

    def graph(**options: Any) -> Make:
        return lambda generator, path, rows: CudaGraphExecutor(generator, rows, device=run.device, **options)

    return {
        "eager": lambda generator, path, rows: EagerExecutor(generator, rows, device=run.device, threads=None),
        "cuda-graph fp32": graph(fuse=False),
        "cuda-graph bf16": graph(fuse=False, precision="bf16"),
        "cuda-graph fp32 fused": graph(fuse=True),
        "cuda-graph bf16 fused": graph(fuse=True, precision="bf16"),
        "onnx (CPU)": lambda generator, path, rows: onnx(path, rows),
        "tensorrt": lambda generator, path, rows: tensorrt(path, rows),
    }


def onnx(path: Path, rows: int) -> Executor:
    from gesturestream.realtime.executors.onnx import OnnxExecutor

    return OnnxExecutor.load(artefact_path(path), rows)


def tensorrt(path: Path, rows: int) -> Executor:
    from gesturestream.realtime.executors.tensorrt import TensorRtExecutor, export_tensorrt, unavailable

    if (missing := unavailable()) is not None:
        raise RuntimeError(missing)
    export_tensorrt(path, rows=rows)
    return TensorRtExecutor.load(path, rows)


def chosen(run: Run, *, slow: bool) -> Iterator[tuple[str, Make]]:
    """`slow`: those that compile for a minute or more before they run; they come last, for as long as there is time."""
    named = executors(run).items()
    return ((name, make) for name, make in named if ("fused" in name or name == "tensorrt") == slow)


def parity(run: Run, *, slow: bool) -> None:
    """Against eager torch on the CPU, in a closed loop; where codes are sampled a tie may fall the other way."""
    pcm = babble(5.0)
    for path in run.checkpoints:
        frames = FEW_FRAMES if run.quick else FRAMES
        expected = closed_loop(EagerExecutor(plain_checkpoint.load(path), 1), pcm, frames, lookahead=2)
        for name, make in chosen(run, slow=slow):

            def measure(path: Path = path, make: Make = make, expected: Any = expected) -> dict[str, Any]:
                executor = make(plain_checkpoint.load(path), path, 1)
                apart = np.abs(closed_loop(executor, pcm, len(expected), lookahead=2) - expected)
                return {"frames": len(expected), "apart_first_30": most(apart[:30]), "apart": most(apart)}

            run.attempt("parity", {"generator": path.stem, "executor": name}, measure)


def most(apart: Any) -> float | None:
    """The largest difference; None: not finite."""
    value = float(apart.max())
    return float(f"{value:.3g}") if np.isfinite(value) else None


def latency(run: Run, *, slow: bool) -> None:
    """`Executor.step`: from arrays on the host to arrays on the host."""
    seconds, buckets = (0.3, QUICK_BUCKETS) if run.quick else (2.0, BUCKETS[::2] if slow else BUCKETS)
    for rows in buckets:
        for path in run.checkpoints:
            for name, make in chosen(run, slow=slow):

                def measure(path: Path = path, make: Make = make, rows: int = rows) -> dict[str, Any]:
                    return step_times(make(plain_checkpoint.load(path), path, rows), rows, seconds)

                run.attempt("step", {"generator": path.stem, "executor": name, "rows": rows}, measure)


def step_times(executor: Executor, rows: int, seconds: float) -> dict[str, Any]:
    inputs = neutral_inputs(executor.info, rows)
    inputs.pcm[:] = 0.1 * np.random.default_rng(1).standard_normal(inputs.pcm.shape)
    begin_s = time.perf_counter()
    for _ in range(10):
        inputs.emitted[:] = executor.step(inputs).motion
    warm_up_s = time.perf_counter() - begin_s
    times_ms: list[float] = []
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        begin_s = time.perf_counter()
        outputs = executor.step(inputs)
        times_ms.append(1000 * (time.perf_counter() - begin_s))
        inputs.emitted[:] = outputs.motion
    fused = getattr(executor, "fused", None)
    return {
        **machine.summary(times_ms),
        "warm_up_s": round(warm_up_s, 2),
        **({} if fused is None else {"fused": fused}),
    }


def many_rows(run: Run, *, slow: bool) -> None:
    """Rows of one card within a frame's 33.3 ms, samples staged and poses read back; and what the machine could do."""
    limits = roofline.limits(run.device, size=512, megabytes=16) if run.quick else roofline.limits(run.device)
    run.add("limits", limits._asdict())
    voice = (babble(20.0) * 32767).clip(-32768, 32767).astype(np.int16)
    for path in run.checkpoints:
        one, two = (roofline.work(plain_checkpoint.load(path), rows) for rows in (1, 2))
        run.add("work", {"generator": path.stem, "operations_per_row": one.operations, "bytes_of_one_row": one.bytes})
        for precision in ("fp32", "bf16"):
            option = {"precision": precision, "fuse": slow}
            for rows in QUICK_ROWS if run.quick else SLOW_ROWS if slow else ROWS:
                done = roofline.Work(one.operations * rows, one.bytes + (two.bytes - one.bytes) * (rows - 1))

                def measure(p: Path = path, o: Any = option, d: Any = done, n: int = rows) -> dict[str, Any]:
                    executor = CudaGraphExecutor(plain_checkpoint.load(p), n, device=run.device, **o)
                    times_ms = ticks_ms(executor, n, voice, 0.5 if run.quick else 3.0)
                    return tick_figures(times_ms, d, limits)

                run.attempt("rows", {"generator": path.stem, **option, "rows": rows}, measure)


def tick_figures(times_ms: list[float], done: roofline.Work, limits: roofline.Limits) -> dict[str, Any]:
    fits = float(np.percentile(times_ms, 99)) < 1000 / FPS
    shares = roofline.shares(done, float(np.median(times_ms)) / 1000, limits)
    return {**machine.summary(times_ms), "within_a_frame": fits, **shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="few rows and short runs: shows that it works")
    parser.add_argument("--budget-s", type=float, default=500.0, help="nothing new is begun after so long")
    parser.add_argument("--out", type=Path, default=machine.RESULTS, help="folder of gpu.json")
    shipped = [registry.checkpoint_path(name) for name in registry.available()]
    parser.add_argument("--checkpoints", type=Path, nargs="+", default=shipped)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error(f"torch {torch.__version__} finds no card; --device cpu --quick shows that the script works")
    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(options)
    for slow in (False,) if run.quick else (False, True):
        parity(run, slow=slow)
        many_rows(run, slow=slow)
        latency(run, slow=slow)
    left = len(run.result["not_reached"])
    print(f"written to {options.out / 'gpu.json'}" + (f"; no time was left for {left} rows" if left else ""))


if __name__ == "__main__":
    main()
