"""The model card that travels inside a checkpoint: data and its licence, credits, figures, commit, command."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

SIDECAR = "gesturestream.json"
UNKNOWN_LICENCE = "not stated; ask who gave you the data before you pass this checkpoint on"


@dataclass(frozen=True, kw_only=True)
class Data:
    """One corpus folder, as the card tells it."""

    name: str
    minutes: float
    """Of its training split."""
    kind: str
    licence: str


def describe(folder: Path, minutes: float, licence: str) -> Data:
    """What `folder` is, by its own sidecar; `licence` is the user's word for corpora that are not ours."""
    path = folder / SIDECAR
    if not path.is_file():
        return Data(name=folder.name, minutes=minutes, kind="not made here", licence=licence or UNKNOWN_LICENCE)
    about: dict[str, Any] = json.loads(path.read_text())
    motion = f"the project's own teacher (synthetic motion, written by rules; seed {about.get('seed', 'unknown')})"
    if about.get("speech", "espeak") == "espeak":
        return Data(
            name=folder.name,
            minutes=minutes,
            kind=f"{motion} on espeak-ng speech",
            licence=licence or "synthetic, Apache-2.0 as the project",
        )
    return Data(
        name=folder.name,
        minutes=minutes,
        kind=f"{motion} on recordings",
        licence=f"motion Apache-2.0 as the project; recordings: {licence or UNKNOWN_LICENCE}",
    )


def provenance() -> dict[str, str]:
    """Command line, commit (with `+changes` when the tree differs from it) and version of gesturestream."""
    try:
        installed = version("gesturestream")
    except PackageNotFoundError:
        installed = "not installed"
    return {"command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]), "commit": _commit(), "version": installed}


def _commit() -> str:
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not run from a git checkout"


def write(
    about: str, data: list[Data], *, credits: str, run: str, metrics: dict[str, float], origin: dict[str, str],
    streamable: bool,
) -> str:  # fmt: skip
    """Markdown. `run`: how long it was trained; `metrics`: figures on held-out clips by name, or empty."""
    rows = "\n".join(f"| {d.name} | {d.minutes:.0f} min | {d.kind} | {d.licence} |" for d in data)
    figures = "\n".join(f"| {name} | {value:.4g} |" for name, value in metrics.items())
    table = (
        f"| on held-out clips | |\n|---|---|\n{figures}" if metrics else "No clips were held out: nothing was measured."
    )
    proof = (
        "Streamed frame by frame and computed over a whole held-out file at once, the motion is the same at every "
        "look-ahead\n(asserted in float64 before this file was written)."
        if streamable
        else "This form sees the whole file: it is a reference and cannot be streamed."
    )
    return f"""{about}

## Data

| corpus | training split | what it is | licence |
|---|---|---|---|
{rows}

Credits: {credits or "none were given."}

## Training

{run}

- command: `{origin["command"]}`
- commit: {origin["commit"]} (gesturestream {origin["version"]})

## Figures

{table}

{proof}
"""
