"""`gesturestream export`: a checkpoint as an artefact that runs faster or without torch, proved to move alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from gesturestream.cli.command import EXIT_OK, Command, UsageError, asked_for

if TYPE_CHECKING:
    from gesturestream.realtime.executors.base import Executor

STEPS = 150
"""Of the closed loop in which both run: a single step hides what is wrong with state."""
PARITY = 1e-4
"""Farthest that a value of the two motions may be apart: rounding, carried through the loop."""

Format = Literal["onnx", "pt2", "tensorrt"]
_SUFFIX = {"onnx": ".onnx", "pt2": ".pt2", "tensorrt": ".ep"}


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Writes the whole step of a checkpoint, from sound to motion: as an ONNX graph that reads its weights (onnx), as
    machine code for this machine's processor (pt2, needs g++), or as an engine for its graphics card (tensorrt).

    Commands take it from where it is written by default; docs/executors.md says how any other program drives it.
    """

    checkpoint: tyro.conf.Positional[Path]
    """A checkpoint that ships or that `gesturestream train` wrote."""
    to: Format = "onnx"
    """Format of the artefact."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=("-o",))] = None
    """File to write (default: beside the checkpoint, with the format's ending; engines go to the user's cache). In
    another folder the weights go along."""
    rows: int = 64
    """pt2 and tensorrt: most sessions of one step. A server that holds more needs a larger one."""

    def run(self) -> int:
        from gesturestream.models.checkpoint import CheckpointError
        from gesturestream.models.export.compiled import NotExportable

        if self.output is not None and self.output.suffix != _SUFFIX[self.to]:
            raise UsageError(f"--output: expected a file that ends in {_SUFFIX[self.to]}, got {self.output}")
        if self.rows < 1:
            raise UsageError(f"--rows: expected at least 1, got {self.rows}")
        with asked_for(CheckpointError), asked_for(NotExportable):
            written, executor = self._write()
        apart = motion_apart(self.checkpoint, executor)
        if not apart <= PARITY:
            for path in written:
                path.unlink()
            raise RuntimeError(
                f"the artefact moves otherwise than {self.checkpoint}: {apart:.2g} apart after {STEPS} steps"
            )
        for path in written:
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB{self._weights()}")
        print(f"{STEPS} steps in a closed loop: at most {apart:.1g} from the checkpoint in PyTorch")
        return EXIT_OK

    def _write(self) -> tuple[list[Path], Executor]:
        """The files, and the artefact as it runs."""
        beside = self.output or self.checkpoint.with_suffix(_SUFFIX[self.to])
        if self.to == "onnx":
            from gesturestream.models.export.to_onnx import export_onnx
            from gesturestream.realtime.executors.onnx import OnnxExecutor

            return export_onnx(self.checkpoint, beside), OnnxExecutor.load(beside, 1)
        if self.to == "pt2":
            from gesturestream.models.export.to_pt2 import export_pt2
            from gesturestream.realtime.executors.aoti import AotExecutor

            return export_pt2(self.checkpoint, beside, rows=self.rows), AotExecutor.load(beside, 1)
        from gesturestream.realtime.executors.tensorrt import TensorRtExecutor, export_tensorrt

        engine, left = export_tensorrt(self.checkpoint, self.output, rows=self.rows)
        print(f"operators that stay in PyTorch: {', '.join(left) or 'none'}")
        return [engine], TensorRtExecutor.load(self.checkpoint, 1, engine)

    def _weights(self) -> str:
        return f", its weights are in {self.checkpoint.name} beside it" if self.to == "onnx" else ""


def motion_apart(checkpoint: Path, executor: Executor) -> float:
    """Largest difference of `executor` from eager torch over the bundled speech, state carried from step to step.

    Both are shown what eager torch said: left to themselves two roundings part in the end where codes are sampled.
    """
    import numpy as np

    from gesturestream.realtime.executors.closed_loop import closed_loop
    from gesturestream.realtime.executors.eager import EagerExecutor
    from gesturestream.realtime.sources.files import demo_speech_path, read_audio

    pcm = read_audio(demo_speech_path())
    eager = closed_loop(EagerExecutor.load(checkpoint, 1), pcm, STEPS, lookahead=2)
    other = closed_loop(executor, pcm, STEPS, lookahead=2, history=eager)
    return float(np.abs(eager - other).max())
