"""CUDA graph: the whole step, from the window of samples to the rows' new state, as one launch per frame.

Each batch size has static inputs and outputs and one captured graph; state is written in place inside of it. The same
code runs without capture on a CPU, call by call: that is how it is tested where there is no card.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gesturestream.models import checkpoint
from gesturestream.models.generator import Generator
from gesturestream.models.motion import EMOTIONS, MOTION_SIZE
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming.state import State, StateStore, map_leaves
from gesturestream.realtime.executors.base import buckets_up_to, neutral_inputs
from gesturestream.realtime.executors.packed import Packed

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16"]
Work = Callable[[], None]
_WARM_UPS = 3
"""Runs before a capture, as torch's documentation asks for: libraries set themselves up in the first ones."""


class _Bucket(NamedTuple):
    inputs: Packed
    outputs: Packed
    run: Work
    """Reads `inputs`, writes `outputs` and the state of the rows that are active."""


class CudaGraphExecutor:
    """Steps rows 0..B-1 of `capacity`; see `executors/base.py`.

    `precision` bf16: matrix products in bfloat16, state and everything else in float32. `fuse`: kernels are fused by
    Inductor before the capture, where it can.
    """

    def __init__(
        self,
        generator: Generator,
        capacity: int,
        *,
        device: str = "cuda",
        precision: Precision = "fp32",
        fuse: bool | None = None,
    ) -> None:
        """`fuse` None: on a card."""
        self.info: GeneratorInfo = generator.info
        self.capacity = capacity
        self.buckets = buckets_up_to(capacity)
        self._device = torch.device(device)
        self._generator = generator.eval().to(self._device)
        self._precision = precision
        on_card = self._device.type == "cuda"
        self._fused = on_card if fuse is None else fuse
        self._capture = _Capture(self._device) if on_card else _called
        self._constants = _Constants()
        self._bound: dict[int, _Bucket] = {}
        with torch.inference_mode():
            self._state = StateStore(map_leaves(lambda leaf: leaf.to(self._device), generator.init_state(capacity)))

    @classmethod
    def load(cls, path: Path, capacity: int, **options: Any) -> CudaGraphExecutor:
        """From a checkpoint file; CheckpointError if it is none."""
        return cls(checkpoint.load(path), capacity, **options)

    @property
    def fused(self) -> bool:
        """Whether Inductor has fused the step; false where it failed."""
        return self._fused

    def warm_up(self) -> None:
        """Captures every bucket. No row is active in these runs: the state stays what it is, new."""
        for rows in self.buckets:
            self._bucket(rows)

    @torch.inference_mode()
    def step(self, inputs: StepInputs) -> StepOutputs:
        bucket = self._bucket(len(inputs.active))
        if inputs.reset.any():
            self._state.reset(torch.from_numpy(inputs.reset))
        for name, array in bucket.inputs.arrays.items():
            np.copyto(array, getattr(inputs, name))
        bucket.inputs.send()
        bucket.run()
        bucket.outputs.fetch()
        return StepOutputs(*(bucket.outputs.arrays[name].copy() for name in StepOutputs._fields))

    @torch.inference_mode()
    def guide_codes(self, motion: np.ndarray) -> np.ndarray:
        codes = self._generator.guide_codes(torch.from_numpy(motion).to(self._device))
        return codes.float().cpu().numpy()

    def static(self, rows: int) -> tuple[Packed, Packed, Work]:
        """Inputs, outputs and one step of rows 0..`rows` - 1 for whoever keeps its data on the device; `reset` is not
        looked at there (`restart`)."""
        return self._bucket(rows)

    @torch.inference_mode()
    def restart(self) -> None:
        """All rows are new."""
        self._state.reset(torch.ones(self.capacity, dtype=torch.bool))

    @torch.inference_mode()
    def _bucket(self, rows: int) -> _Bucket:
        if rows not in self._bound:
            self._bound[rows] = self._bind(rows)
        return self._bound[rows]

    def _bind(self, rows: int) -> _Bucket:
        blank = neutral_inputs(self.info, rows)._asdict()
        del blank["reset"]  # done before the step, and only when there is one
        inputs = Packed(blank, self._device)
        outputs = Packed(_outputs(rows), self._device)
        given = StepInputs(**inputs.tensors, reset=torch.zeros(rows, dtype=torch.bool, device=self._device))
        compute = self._fuse(given) if self._fused else self._unfused

        def work() -> None:
            made, after = compute(given, self._state.view(rows))
            for name, tensor in made._asdict().items():
                outputs.tensors[name].copy_(tensor)
            self._state.write(after, given.active)

        return _Bucket(inputs, outputs, self._capture(work))

    def _unfused(self, inputs: StepInputs, state: State) -> tuple[StepOutputs, State]:
        with self._constants:
            return self._compute(inputs, state)

    def _compute(self, inputs: StepInputs, state: State) -> tuple[StepOutputs, State]:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bf16", cache_enabled=False):
            outputs, after = self._generator(inputs, state)
        return outputs, map_leaves(_single, after)

    def _fuse(self, given: StepInputs) -> Callable[[StepInputs, State], tuple[StepOutputs, State]]:
        """`_compute` compiled for this batch size; unfused where Inductor has no compiler to work with."""
        compiled = torch.compile(self._compute, fullgraph=True, dynamic=False)
        try:
            compiled(given, self._state.view(len(given.active)))
        except Exception as error:  # torch has no narrower class for what its compilers do
            self._fused = False
            log.warning("Inductor cannot fuse %s here, its kernels run one by one: %s", self.info.name, error)
            return self._unfused
        return compiled


class _Constants(TorchFunctionMode):
    """Makes a constant of the step once: `torch.tensor` copies from the host, which a capture forbids."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not torch.tensor:
            return func(*args, **kwargs)
        key = repr((args, kwargs))
        if key not in self._made:
            self._made[key] = func(*args, **kwargs)
        return self._made[key]


class _Capture:
    """Records work as a CUDA graph. Graphs share one private pool: they run one after the other on one stream."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Work) -> Work:
        aside = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            work()
        return graph.replay


def _called(work: Work) -> Work:
    """What takes the place of a capture on a CPU: the same work, called."""
    work()  # with no row active, as on a card
    return work


def _outputs(rows: int) -> dict[str, np.ndarray]:
    return {
        "motion": np.zeros((rows, MOTION_SIZE), np.float32),
        "valid": np.zeros(rows, np.bool_),
        "heard_emotion": np.zeros((rows, len(EMOTIONS)), np.float32),
    }


def _single(leaf: Tensor) -> Tensor:
    return leaf.float() if leaf.is_floating_point() else leaf
