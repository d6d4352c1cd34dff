"""A generator's step and its clip encoder as modules of plain tensors: what exporters trace."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gesturestream.models.export.artefact import Kind, StateLeaf
from gesturestream.models.generator import Generator
from gesturestream.models.step import StepInputs, input_names, neutral_inputs
from gesturestream.models.streaming.state import Ring, State, named_leaves


class FlatStep(nn.Module):
    """(inputs without masks, state leaves) -> (motion, valid, heard_emotion, next state leaves), in fixed order."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator
        self.names = input_names(generator.info)
        self._like = generator.init_state(1)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.names, tensors, strict=False))
        inputs = StepInputs(**{name: given.get(name) for name in StepInputs._fields})
        state = rebuilt(self._like, iter(tensors[len(self.names) :]))
        outputs, after = self.generator(inputs, state)
        return (*outputs, *(leaf for _, leaf in named_leaves(after)))


class FlatGuide(nn.Module):
    """An authored clip [T, 489] -> codes [T, G]."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, motion: Tensor) -> Tensor:
        return self.generator.guide_codes(motion)


def rebuilt(like: State, leaves: Iterator[Tensor]) -> State:
    """The tree of the shape of `like` with `leaves`, in the order of `named_leaves`."""
    if isinstance(like, Tensor):
        return next(leaves)
    children = [rebuilt(child, leaves) for child in like]
    return type(like)(*children) if hasattr(like, "_fields") else type(like)(children)


def example_inputs(generator: Generator, rows: int) -> tuple[Tensor, ...]:
    """Inputs of the flat step, state included, for `rows` new sessions that hear silence."""
    blank = neutral_inputs(generator.info, rows)
    given = [torch.from_numpy(getattr(blank, name)) for name in input_names(generator.info)]
    return (*given, *(leaf for _, leaf in named_leaves(generator.init_state(rows))))


def state_leaves(state: State, prefix: str = "state") -> Iterator[StateLeaf]:
    """Every leaf of a state, in the order of `named_leaves`."""
    if isinstance(state, Ring):
        count = f"{prefix}.written"
        yield _leaf(f"{prefix}.rows", "appended", state.rows, count)
        yield _leaf(count, "count", state.written)
    elif isinstance(state, Tensor):
        yield _leaf(prefix, "replaced", state)
    else:
        for name, child in zip(getattr(state, "_fields", range(len(state))), state, strict=True):
            yield from state_leaves(child, f"{prefix}.{name}")


def dtype_name(tensor: Tensor) -> str:
    """numpy's name of a tensor's type."""
    return str(tensor.dtype).removeprefix("torch.")


def _leaf(name: str, kind: Kind, leaf: Tensor, count: str | None = None) -> StateLeaf:
    return StateLeaf(name=name, kind=kind, dtype=dtype_name(leaf), shape=tuple(leaf.shape[1:]), count=count)
