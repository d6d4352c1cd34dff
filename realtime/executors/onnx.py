"""ONNX Runtime: an exported step on the CPU, without torch in the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from gesturestream.models.export.artefact import (
    ArtefactError,
    Description,
    Weights,
    check_weights,
    remedy,
    verified,
)
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.realtime.executors.base import Bools, Floats, buckets_up_to, neutral_inputs
from gesturestream.realtime.executors.rows_state import Array, RowsState


class _Bucket(NamedTuple):
    """What one batch size needs: its arrays are bound once, so that a step passes no array by name."""

    binding: Any  # onnxruntime.IOBinding
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    commit: Callable[[Bools], None]


class OnnxExecutor:
    """Steps rows 0..B-1 of `capacity`; see `executors/base.py`.

    `threads`: intra-op threads. One has the best tails; two pay off from about 16 rows.
    """

    def __init__(self, path: Path, capacity: int, *, threads: int = 1) -> None:
        """ArtefactError: `path` is no artefact, was changed, or does not belong to the weights beside it."""
        self.capacity = capacity
        self.buckets = buckets_up_to(capacity)
        self._session, self.description = _open(path, threads)
        check_weights(path, self.description.weights)
        self._guide = _open_guide(path, self.description)
        self.info: GeneratorInfo = self.description.generator
        self._state = RowsState(self.description.state, capacity)
        self._bound: dict[int, _Bucket] = {}

    @classmethod
    def load(cls, path: Path, capacity: int, *, threads: int = 1) -> OnnxExecutor:
        """From an artefact; ArtefactError if it is none."""
        return cls(path, capacity, threads=threads)

    def warm_up(self) -> None:
        for rows in self.buckets:
            for _ in range(2):
                self.step(neutral_inputs(self.info, rows))
        self._state.clear()

    def step(self, inputs: StepInputs) -> StepOutputs:
        bucket = self._bucket(len(inputs.active))
        if inputs.reset.any():
            self._state.reset(inputs.reset)
        for name, array in bucket.inputs.items():
            array[...] = getattr(inputs, name)
        self._session.run_with_iobinding(bucket.binding)
        bucket.commit(inputs.active)
        return StepOutputs(*(bucket.outputs[name].copy() for name in StepOutputs._fields))

    def guide_codes(self, motion: Floats) -> Floats:
        if self._guide is None:
            return np.zeros((len(motion), 0), np.float32)
        codes: Floats = self._guide.run(["codes"], {"motion": np.ascontiguousarray(motion, np.float32)})[0]
        return codes

    def _bucket(self, rows: int) -> _Bucket:
        if rows not in self._bound:
            inputs = {a.name: np.zeros((rows, *a.shape), a.dtype) for a in self.description.inputs}
            outputs = {a.name: np.zeros((rows, *a.shape), a.dtype) for a in self.description.outputs}
            outputs |= self._state.outputs(rows)
            binding = self._session.io_binding()
            for name, array in {**inputs, **self._state.view(rows)}.items():
                binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
            for name, array in outputs.items():
                binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
            self._bound[rows] = _Bucket(binding, inputs, outputs, self._state.bind(rows, outputs))
        return self._bound[rows]


def _open(path: Path, threads: int) -> tuple[Any, Description]:
    """A session and what the artefact says of itself."""
    if not path.is_file():
        raise ArtefactError(f"expected an ONNX artefact at {path}, found no such file; {remedy(path)}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # what goes wrong is said by the exception
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes derive from nothing narrower
        reason = str(error).partition("\n")[0]
        raise ArtefactError(f"ONNX Runtime cannot open {path} ({reason}); {remedy(path)}") from error
    return session, verified(path, session.get_modelmeta().custom_metadata_map)


def _open_guide(path: Path, step: Description) -> Any | None:
    """A session of the clip encoder that belongs to the step; None where the generator follows no clips."""
    if step.guide is None:
        return None
    session, description = _open(path.with_name(step.guide), threads=1)
    if description.weights != step.weights:
        expected, got = _short(step.weights), _short(description.weights)
        raise ArtefactError(f"{path.with_name(step.guide)}: expected weights {expected}, got {got}; {remedy(path)}")
    return session


def _short(weights: Weights) -> str:
    return f"{weights.file} {weights.sha256[:12]}"
