"""Runs a compiled flat step: tensors in, tensors out, the state of all rows kept here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gesturestream.models import checkpoint
from gesturestream.models.export.artefact import Description, StateLeaf
from gesturestream.models.export.flat import rebuilt
from gesturestream.models.generator import Generator
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming.state import Ring, State, StateStore, named_leaves
from gesturestream.realtime.executors.base import buckets_up_to, neutral_inputs

Step = Callable[..., Sequence[Tensor]]


class FlatStepExecutor:
    """Steps rows 0..B-1 of `capacity` by `step(*inputs, *state leaves) -> (*outputs, *next leaves)`."""

    def __init__(self, step: Step, description: Description, weights: Path, capacity: int) -> None:
        build = description.build
        assert build is not None, "only compiled steps are flat"
        self.info: GeneratorInfo = description.generator
        self.capacity = capacity
        self.buckets = buckets_up_to(capacity)
        self.description = description
        self._step = step
        self._weights = weights
        self._device = torch.device(build.device)
        self._names = tuple(array.name for array in description.inputs)
        self._state = self._new_state()

    def warm_up(self) -> None:
        for rows in self.buckets:
            for _ in range(2):
                self.step(neutral_inputs(self.info, rows))
        self._state = self._new_state()

    @torch.inference_mode()
    def step(self, inputs: StepInputs) -> StepOutputs:
        rows = len(inputs.active)
        if inputs.reset.any():
            self._state.reset(torch.from_numpy(inputs.reset))
        given = [self._placed(getattr(inputs, name)) for name in self._names]
        before = self._state.view(rows)
        made = list(self._step(*given, *(leaf for _, leaf in named_leaves(before))))
        count = len(StepOutputs._fields)
        outputs = StepOutputs(
            *(np.array(tensor.cpu()) for tensor in made[:count])
        )  # their own: a runtime may reuse its
        self._state.commit(rebuilt(before, iter(made[count:])), self._placed(inputs.active))
        return outputs

    @torch.inference_mode()
    def guide_codes(self, motion: np.ndarray) -> np.ndarray:
        return self._generator.guide_codes(torch.from_numpy(motion)).float().numpy()

    @cached_property
    def _generator(self) -> Generator:
        """Only for clips: the step has no encoder for them."""
        return checkpoint.load(self._weights)

    def _new_state(self) -> StateStore:
        with torch.inference_mode():
            return StateStore(state_of(self.description.state, self.capacity, self._device))

    def _placed(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def state_of(leaves: Sequence[StateLeaf], rows: int, device: torch.device) -> State:
    """A new state of `rows` sessions, as flat as its description: a tuple of rings and tensors, in its order."""
    return tuple(_nodes(leaves, rows, device))


def _nodes(leaves: Sequence[StateLeaf], rows: int, device: torch.device) -> Iterator[Ring | Tensor]:
    made = {leaf.name: _zeros(leaf, rows, device) for leaf in leaves}
    counts = {leaf.count for leaf in leaves}
    for leaf in leaves:
        if leaf.kind == "appended":
            assert leaf.count is not None
            yield Ring(made[leaf.name], made[leaf.count])
        elif leaf.name not in counts:
            yield made[leaf.name]


def _zeros(leaf: StateLeaf, rows: int, device: torch.device) -> Tensor:
    return torch.zeros((rows, *leaf.shape), dtype=getattr(torch, leaf.dtype), device=device)
