"""`gesturestream export`: a checkpoint as an artefact that runs without torch, proved to move alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gesturestream.cli.command import EXIT_OK, Command, UsageError, asked_for

STEPS = 150
"""Of the closed loop in which both run: a single step hides what is wrong with state."""
PARITY = 1e-4
"""Farthest that a value of the two motions may be apart: rounding, carried through the loop."""


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Writes the whole step of a checkpoint, from sound to motion, as an ONNX graph that reads its weights.

    Commands take it from beside the checkpoint; docs/executors.md says how any other program drives it.
    """

    checkpoint: tyro.conf.Positional[Path]
    """A checkpoint that ships or that `gesturestream train` wrote."""
    to: Literal["onnx"] = "onnx"
    """Format of the artefact."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=("-o",))] = None
    """File to write (default: beside the checkpoint, with the ending .onnx). In another folder the weights go along."""

    def run(self) -> int:
        from gesturestream.models.checkpoint import CheckpointError
        from gesturestream.models.export.to_onnx import NotExportable, export_onnx

        output = self.output or self.checkpoint.with_suffix(".onnx")
        if output.suffix != ".onnx":
            raise UsageError(f"--output: expected a file that ends in .onnx, got {output}")
        with asked_for(CheckpointError), asked_for(NotExportable):
            written = export_onnx(self.checkpoint, output)
        apart = motion_apart(self.checkpoint, output)
        if not apart <= PARITY:
            for path in written:
                path.unlink()
            raise RuntimeError(
                f"the graph moves otherwise than {self.checkpoint}: {apart:.2g} apart after {STEPS} steps"
            )
        for path in written:
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB, its weights are in {self.checkpoint.name} beside it")
        print(f"{STEPS} steps in a closed loop: at most {apart:.1g} from the checkpoint in PyTorch")
        return EXIT_OK


def motion_apart(checkpoint: Path, artefact: Path) -> float:
    """Largest difference of two closed loops over the bundled speech, one in torch and one in ONNX Runtime."""
    import numpy as np

    from gesturestream.realtime.executors.closed_loop import closed_loop
    from gesturestream.realtime.executors.eager import EagerExecutor
    from gesturestream.realtime.executors.onnx import OnnxExecutor
    from gesturestream.realtime.sources.files import demo_speech_path, read_audio

    pcm = read_audio(demo_speech_path())
    motions = [
        closed_loop(executor, pcm, STEPS, lookahead=2)
        for executor in (EagerExecutor.load(checkpoint, 1), OnnxExecutor.load(artefact, 1))
    ]
    return float(np.abs(motions[0] - motions[1]).max())
