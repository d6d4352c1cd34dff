"""Which executor runs a checkpoint on this machine, and why. Imports neither torch nor onnxruntime before it must."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from gesturestream.models.export.artefact import ArtefactError, artefact_path
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.executors.card import card_present

Name = Literal["eager", "onnx", "aoti", "cuda-graph", "tensorrt"]
EXECUTORS: tuple[Name, ...] = get_args(Name)
Wanted = Literal["auto", "eager", "onnx", "aoti", "cuda-graph", "tensorrt"]

_HERE = "gesturestream.realtime.executors"
_TORCH = "PyTorch is not installed (pip install 'gesturestream[torch]')"


class ExecutorError(ValueError):
    """No executor can run the checkpoint here; the message says what is missing and the remedy."""


class Chosen(NamedTuple):
    """A loaded executor."""

    executor: Executor
    name: Name
    why: str
    """One line for a person: what runs, and in `auto` why nothing faster does."""


def load_executor(checkpoint: Path, capacity: int, wanted: Wanted = "auto") -> Chosen:
    """`auto`: on a card TensorRT where its engine was built, else CUDA graphs; without a card ONNX Runtime where it and
    the artefact beside the checkpoint are there and fit, else a step that AOTInductor compiled, else eager torch.

    ExecutorError: what was asked for, or anything at all, cannot run here. CheckpointError: no checkpoint.
    """
    if wanted not in ("auto", *EXECUTORS):
        raise ValueError(f"expected one of auto, {', '.join(EXECUTORS)}, got {wanted!r}")
    if wanted == "eager":
        return _eager(checkpoint, capacity, "as asked for")
    if wanted != "auto":
        return _LOADERS[wanted](checkpoint, capacity)
    why: dict[Name, str] = {}
    for name in _fastest_first():
        try:
            return _explained(_LOADERS[name](checkpoint, capacity), why)
        except ExecutorError as error:
            why[name] = str(error)
    return _eager(checkpoint, capacity, why.get("cuda-graph", why["onnx"]))


def _fastest_first() -> tuple[Name, ...]:
    return ("tensorrt", "cuda-graph", "onnx", "aoti") if card_present() else ("onnx", "aoti")


def _explained(chosen: Chosen, why: dict[Name, str]) -> Chosen:
    """Adds why nothing faster runs; that TensorRT was not asked for needs no excuse."""
    reasons = [reason for name, reason in why.items() if name != "tensorrt"]
    return chosen._replace(why=f"{chosen.why} ({'; '.join(reasons)})") if reasons else chosen


def _onnx(checkpoint: Path, capacity: int) -> Chosen:
    artefact = artefact_path(checkpoint)
    if find_spec("onnxruntime") is None:
        raise ExecutorError("onnxruntime is not installed: pip install onnxruntime")
    if not artefact.is_file():
        raise ExecutorError(f"{artefact} is missing: gesturestream export {checkpoint} makes it")
    module = import_module(f"{_HERE}.onnx")
    try:
        return Chosen(module.OnnxExecutor.load(artefact, capacity), "onnx", f"ONNX Runtime, {artefact.name}")
    except ArtefactError as error:
        raise ExecutorError(str(error)) from error


def _aoti(checkpoint: Path, capacity: int) -> Chosen:
    artefact = checkpoint.with_suffix(".pt2")
    if not artefact.is_file():
        raise ExecutorError(f"{artefact} is missing: gesturestream export {checkpoint} --to pt2 makes it")
    if find_spec("torch") is None:
        raise ExecutorError(_TORCH)
    module = import_module(f"{_HERE}.aoti")
    try:
        return Chosen(module.AotExecutor.load(artefact, capacity), "aoti", f"AOTInductor, {artefact.name}")
    except ArtefactError as error:
        raise ExecutorError(str(error)) from error


def _cuda_graph(checkpoint: Path, capacity: int) -> Chosen:
    if find_spec("torch") is None:
        raise ExecutorError(_TORCH)
    torch = import_module("torch")
    if not torch.cuda.is_available():
        built = f"torch {torch.__version__} is built without CUDA" if torch.version.cuda is None else "no card is found"
        raise ExecutorError(f"CUDA graphs need an NVIDIA card: {built}")
    executor = import_module(f"{_HERE}.cuda_graph").CudaGraphExecutor.load(checkpoint, capacity)
    return Chosen(executor, "cuda-graph", f"CUDA graphs on {torch.cuda.get_device_name()}")


def _tensorrt(checkpoint: Path, capacity: int) -> Chosen:
    if find_spec("torch") is None:
        raise ExecutorError(_TORCH)
    module = import_module(f"{_HERE}.tensorrt")
    try:
        return Chosen(module.TensorRtExecutor.load(checkpoint, capacity), "tensorrt", "TensorRT")
    except ArtefactError as error:
        raise ExecutorError(str(error)) from error


def _eager(checkpoint: Path, capacity: int, why: str) -> Chosen:
    if find_spec("torch") is None:
        raise ExecutorError(f"{_TORCH}; ONNX Runtime: {why}")
    module = import_module(f"{_HERE}.eager")
    return Chosen(module.EagerExecutor.load(checkpoint, capacity), "eager", f"eager PyTorch ({why})")


_LOADERS: dict[Name, Callable[[Path, int], Chosen]] = {
    "onnx": _onnx,
    "aoti": _aoti,
    "cuda-graph": _cuda_graph,
    "tensorrt": _tensorrt,
}
