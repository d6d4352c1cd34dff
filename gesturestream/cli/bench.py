"""`gesturestream bench`: the benchmarks of a source checkout."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

import gesturestream
from gesturestream.cli.command import Command, UsageError

Benchmark = Literal["latency", "streams", "soak", "trace", "scaling", "endurance"]


@dataclass(frozen=True, kw_only=True)
class Bench(Command):
    """Measures this machine: latency (step, sound to motion, cold start), streams (how many avatars), soak (memory),
    trace (where the time from sound to motion goes), scaling (a step against rows, look-ahead and history), endurance
    (many avatars for minutes)."""

    what: tyro.conf.Positional[Benchmark]
    """Which benchmark."""
    generator: str | None = None
    """Default: the server's own choice."""
    executor: Literal["auto", "eager", "onnx", "aoti", "cuda-graph", "tensorrt"] = "auto"
    """What runs the generator; `latency` measures one step on every one there is unless told which."""
    output: Path | None = None
    """Folder for the JSON (default: benchmarks/results)."""

    def run(self) -> int:
        root = Path(gesturestream.__file__).resolve().parents[1]
        if not (root / "benchmarks" / f"{self.what}.py").is_file():
            raise UsageError("Benchmarks are part of the source checkout: clone the repository and run `make bench`")
        command = [sys.executable, "-m", f"benchmarks.{self.what}"]
        command += ["--executor", self.executor]
        if self.generator is not None:
            command += ["--generator", self.generator]
        if self.output is not None:
            command += ["--output", str(self.output.resolve())]
        return subprocess.run(command, cwd=root, check=False).returncode
