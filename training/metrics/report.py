"""Figures as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from gesturestream.training.metrics.bootstrap import Figure

Figures = Mapping[str, Figure]
FORMAT = "gesturestream.evaluation.1"
LABELS = {
    "fgd": "FGD",
    "bc_emage": "beat constancy, EMAGE as coded",
    "bc_emage_eq13": "beat constancy, EMAGE eq. 13",
    "bc_diffgesture": "beat constancy, DiffGesture",
    "emotion_accuracy": "emotion accuracy",
    "stroke_lag_s": "stroke lag, median, s",
    "stroke_iqr_s": "stroke lag, interquartile range, s",
    "stroke_matched": "strokes matched",
    "pck": "PCK, 0.2 m",
}
"""Where the name alone would not do; `_shifted` figures stand below theirs."""


def table(columns: Mapping[str, Figures], title: str) -> Table:
    """One row per figure, one column per way to move; value and 95 % interval."""
    out = Table("", *columns, title=title, caption="95 % bootstrap intervals over clips", caption_justify="left")
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    for name in names:
        cells = [_cell(figures.get(name)) for figures in columns.values()]
        out.add_row(label(name), *cells)
    return out


def label(name: str) -> str:
    """A figure's name for people."""
    if name.endswith("_shifted"):
        return f"  the same, shifted {'audio' if name.startswith('bc_') else 'plan'}"
    return LABELS.get(name, name.replace("_m_s3", ", m/s³").replace("_m_s", ", m/s").replace("_", " "))


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.value != figure.value:
        return "-"
    return f"{figure.value:.3g} [dim]{figure.low:.3g}..{figure.high:.3g}[/dim]"


def document(columns: Mapping[str, Figures], about: Mapping[str, Any]) -> dict[str, Any]:
    """What goes into the JSON: figures, and how they came about."""
    return {
        "format": FORMAT,
        **about,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "command": shlex.join(["gesturestream" if "gesturestream" in sys.argv[0] else sys.argv[0], *sys.argv[1:]]),
        "figures": {column: {n: f.json() for n, f in figures.items()} for column, figures in columns.items()},
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def commit() -> str:
    """The source's commit, `-dirty` when files differ from it; `unknown` outside a checkout."""
    call = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(call, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def machine() -> str:
    """Processor, threads and PyTorch."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    versions = f"PyTorch {torch.__version__}, Python {platform.python_version()}"
    return f"{processor}, {torch.get_num_threads()} threads, {versions}"
