"""Where and on what a figure was measured, and how results are kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from gesturestream.models import registry

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("numpy", "torch", "onnxruntime", "websockets")


def describe() -> dict[str, Any]:
    """Machine, versions, commits and date: what every result file begins with."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": commit(),
        "checkpoints": {name: checkpoint(registry.checkpoint_path(name)) for name in registry.available()},
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "niceness": os.nice(0),
        "load_average_1min": load(),
    }


def load() -> float:
    """Processes that run or want to, averaged over the last minute."""
    return round(os.getloadavg()[0], 2)


def commit() -> str:
    """The checkout's commit, with `-dirty` where tracked files differ from it."""
    return _git("describe", "--always", "--abbrev=12", "--dirty", "--exclude=*")


def checkpoint(path: Path) -> dict[str, str]:
    """The weights' hash, and the commit that brought the file (`unknown` where it is in none)."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"sha256": sha256, "commit": _git("log", "-1", "--format=%h", "--abbrev=12", "--", str(path))}


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def summary(milliseconds: list[float]) -> dict[str, float | None]:
    """Median, 99th percentile and maximum of a list of times, ms; None where nothing was measured."""
    if not milliseconds:
        return {"count": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}
    values = np.asarray(milliseconds)
    figures = {"p50_ms": np.percentile(values, 50), "p99_ms": np.percentile(values, 99), "max_ms": values.max()}
    return {"count": len(values), **{name: round(float(value), 3) for name, value in figures.items()}}


def write_result(name: str, result: dict[str, Any], folder: Path = RESULTS) -> Path:
    """Writes `result` beside the machine's description; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"machine": describe(), **result}, indent=2) + "\n")
    return path


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
