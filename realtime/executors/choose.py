"""Which executor runs a checkpoint on this machine, and why. Imports neither torch nor onnxruntime before it must."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from gesturestream.models.export.artefact import ArtefactError, artefact_path
from gesturestream.realtime.executors.base import Executor

Name = Literal["eager", "onnx"]
EXECUTORS: tuple[Name, ...] = get_args(Name)
Wanted = Literal["auto", Name]


class ExecutorError(ValueError):
    """No executor can run the checkpoint here; the message says what is missing and the remedy."""


class Chosen(NamedTuple):
    """A loaded executor."""

    executor: Executor
    name: Name
    why: str
    """One line for a person: what runs, and in `auto` why nothing faster does."""


def load_executor(checkpoint: Path, capacity: int, wanted: Wanted = "auto") -> Chosen:
    """`auto`: ONNX Runtime where it and the artefact beside the checkpoint are there and fit, else eager torch.

    ExecutorError: what was asked for, or anything at all, cannot run here. CheckpointError: eager, and no checkpoint.
    """
    if wanted not in ("auto", *EXECUTORS):
        raise ValueError(f"expected one of auto, {', '.join(EXECUTORS)}, got {wanted!r}")
    if wanted == "eager":
        return _eager(checkpoint, capacity, "as asked for")
    try:
        return _onnx(checkpoint, capacity)
    except ExecutorError as error:
        if wanted == "onnx":
            raise
        return _eager(checkpoint, capacity, str(error))


def _onnx(checkpoint: Path, capacity: int) -> Chosen:
    artefact = artefact_path(checkpoint)
    if find_spec("onnxruntime") is None:
        raise ExecutorError("onnxruntime is not installed: pip install onnxruntime")
    if not artefact.is_file():
        raise ExecutorError(f"{artefact} is missing: gesturestream export {checkpoint} makes it")
    module = import_module("gesturestream.realtime.executors.onnx")
    try:
        return Chosen(module.OnnxExecutor.load(artefact, capacity), "onnx", f"ONNX Runtime, {artefact.name}")
    except ArtefactError as error:
        raise ExecutorError(str(error)) from error


def _eager(checkpoint: Path, capacity: int, why: str) -> Chosen:
    if find_spec("torch") is None:
        raise ExecutorError(f"PyTorch is not installed (pip install 'gesturestream[torch]'); ONNX Runtime: {why}")
    module = import_module("gesturestream.realtime.executors.eager")
    return Chosen(module.EagerExecutor.load(checkpoint, capacity), "eager", f"eager PyTorch ({why})")
