"""The reference executor: the generator itself, in eager torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gesturestream.models import checkpoint
from gesturestream.models.generator import Generator
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming.state import StateStore, map_leaves
from gesturestream.realtime.executors.base import buckets_up_to, neutral_inputs


class EagerExecutor:
    """Steps rows 0..B-1 of `capacity` on the CPU or a GPU; see `executors/base.py`.

    `threads`: intra-op threads of torch (process-wide). One has the best tails; two pay off from about 16 rows.
    """

    def __init__(self, generator: Generator, capacity: int, *, device: str = "cpu", threads: int | None = 1) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.info: GeneratorInfo = generator.info
        self.capacity = capacity
        self.buckets = buckets_up_to(capacity)
        self._device = torch.device(device)
        self._generator = generator.eval().to(self._device)
        self._dtype = next(generator.parameters()).dtype
        self._state = self._new_state()

    @classmethod
    def load(cls, path: Path, capacity: int, *, device: str = "cpu", threads: int | None = 1) -> EagerExecutor:
        """From a checkpoint file; CheckpointError if it is none."""
        return cls(checkpoint.load(path), capacity, device=device, threads=threads)

    def warm_up(self) -> None:
        for rows in self.buckets:
            for _ in range(2):
                self.step(neutral_inputs(self.info, rows))
        self._state = self._new_state()

    @torch.inference_mode()
    def step(self, inputs: StepInputs) -> StepOutputs:
        rows = len(inputs.active)
        on_device = StepInputs(*(self._place(torch.from_numpy(array)) for array in inputs))
        if inputs.reset.any():
            self._state.reset(on_device.reset)
        outputs, after = self._generator(on_device, self._state.view(rows))
        self._state.commit(after, on_device.active)
        return StepOutputs(*(_to_numpy(tensor) for tensor in outputs))

    @torch.inference_mode()
    def guide_codes(self, motion: np.ndarray) -> np.ndarray:
        codes = self._generator.guide_codes(self._place(torch.from_numpy(motion)))
        return _to_numpy(codes.float())

    def _new_state(self) -> StateStore:
        with torch.inference_mode():
            return StateStore(map_leaves(self._place, self._generator.init_state(self.capacity)))

    def _place(self, tensor: Tensor) -> Tensor:
        """On the device, floating values in the generator's own precision."""
        return tensor.to(self._device, self._dtype if tensor.is_floating_point() else tensor.dtype)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
