"""Torch-TensorRT: the step as TensorRT engines on an NVIDIA card, kept on disk from the first start on.

WRITTEN AGAINST THE DOCUMENTATION of torch-tensorrt 2.11-2.14 (dynamo path); its libraries could not be installed on any
machine this project had, so nothing here has run. What could be checked without them: every operator of the exported
steps has a converter (tests/models/test_tensorrt_operators.py), and what is refused (tests/realtime/test_compiled.py).
Nothing else in the project imports torch_tensorrt.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from gesturestream.models.export.artefact import DESCRIPTION_KEY, ArtefactError, file_digest
from gesturestream.models.export.compiled import NotExportable, Traced, build_here, read, traced
from gesturestream.realtime.executors.flat_step import FlatStepExecutor

FORMAT = "gesturestream.tensorrt.1"
DEVICE = "cuda"
_PACKAGES = ("torch-tensorrt", "tensorrt")


class TensorRtExecutor(FlatStepExecutor):
    """See `executors/base.py`. float32 without TF32, so that it moves as the checkpoint does."""

    @classmethod
    def load(cls, checkpoint: Path, capacity: int, engine: Path | None = None) -> TensorRtExecutor:
        """From an engine that `export_tensorrt` has built, by default in the cache. ArtefactError: none fits."""
        missing = unavailable()
        if missing is not None:
            raise ArtefactError(missing)
        engine = engine or cached(checkpoint, capacity)
        remedy = f"build it: gesturestream export {checkpoint} --to tensorrt --rows {capacity}"
        description = read(engine, FORMAT, remedy, beside=checkpoint.parent, versions=_versions())
        assert description.build is not None, "`read` refuses what was not compiled"
        if description.build.rows < capacity:
            got = description.build.rows
            raise ArtefactError(f"{engine}: expected an engine of at least {capacity} rows, got {got}; {remedy}")
        try:
            import torch_tensorrt

            step = torch_tensorrt.load(str(engine)).module()
        except Exception as error:  # it has no narrower class for what its loaders do
            reason = str(error).strip().partition("\n")[0]
            raise ArtefactError(f"torch-tensorrt cannot load {engine} ({reason}); {remedy}") from error
        return cls(step, description, checkpoint, capacity)


def unavailable() -> str | None:
    """Why no engine can be built or run here; None: one can."""
    if not torch.cuda.is_available():
        return f"TensorRT needs an NVIDIA card, and torch {torch.__version__} finds none"
    for package in ("torch_tensorrt", "tensorrt"):
        if find_spec(package) is None:
            return f"{package} is not installed: pip install torch-tensorrt, of torch's version {torch.__version__}"
    return None


def cached(checkpoint: Path, rows: int) -> Path:
    """Where the engine of a checkpoint for up to `rows` rows on this machine lies, whether or not it is there.

    The name tells by a digest: weights, rows, card, and the versions of everything that built it.
    """
    key = {"weights": file_digest(checkpoint), **asdict(build_here(DEVICE, rows, _versions()))}
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return _cache() / f"{checkpoint.stem}-{digest[:16]}.ep"


def export_tensorrt(source: Path, output: Path | None = None, *, rows: int) -> tuple[Path, list[str]]:
    """Builds the engine of checkpoint `source` for 1..`rows` rows, by default into the cache.

    -> the file, and the operators that stay in PyTorch because TensorRT did not take them. CheckpointError;
    NotExportable: a reference that cannot stream, no card, or no torch-tensorrt.
    """
    missing = unavailable()
    if missing is not None:
        raise NotExportable(missing)
    found = traced(source, FORMAT, rows=rows, device=DEVICE, versions=_versions())
    output = output or cached(source, rows)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        left = _build(found, output, rows)
    except Exception as error:  # it has no narrower class for what its compilers do
        reason = str(error).strip().partition("\n")[0]
        raise NotExportable(f"torch-tensorrt cannot compile {source}: {reason}") from error
    return output, left


def _build(found: Traced, output: Path, rows: int) -> list[str]:
    import torch_tensorrt

    inputs = [
        torch_tensorrt.Input(
            min_shape=(1, *tensor.shape[1:]),
            opt_shape=(max(1, rows // 2), *tensor.shape[1:]),
            max_shape=(rows, *tensor.shape[1:]),
            dtype=tensor.dtype,
        )
        for tensor in found.examples
    ]
    compiled = torch_tensorrt.dynamo.compile(
        found.program, arg_inputs=inputs, device=torch.device(DEVICE), disable_tf32=True, truncate_double=True
    )
    partial = output.with_suffix(".partial")
    torch_tensorrt.save(
        compiled,
        str(partial),
        output_format="exported_program",
        arg_inputs=inputs,
        extra_files={f"{DESCRIPTION_KEY}.json": found.description.to_json()},
    )
    partial.replace(output)
    return left_in_torch(compiled)


def left_in_torch(compiled: torch.fx.GraphModule) -> list[str]:
    """Operators of the parts that are no engine, as torch-tensorrt's partitioner names them (`_run_on_gpu_...`)."""
    parts: list[Any] = [module for name, module in compiled.named_children() if name.startswith("_run_on_gpu")]
    graphs = [compiled.graph, *(part.graph for part in parts if isinstance(part, torch.fx.GraphModule))]
    return sorted({str(node.target) for graph in graphs for node in graph.nodes if node.op == "call_function"})


def _versions() -> Mapping[str, str]:
    return {package: metadata.version(package) for package in _PACKAGES}


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gesturestream" / "tensorrt"
