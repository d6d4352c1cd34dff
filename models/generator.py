"""What every generator is: a step with explicit state, the same weights as the training forward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming.state import State


class Generator(nn.Module, ABC):
    """A function (inputs, state) -> (outputs, state) of static shapes, batch first, without hidden buffers.

    The step never looks at `inputs.reset` and `inputs.active`: the state store resets rows before it and keeps the
    state of rows that did not run after it (`models/streaming/state.py`).
    """

    @property
    @abstractmethod
    def info(self) -> GeneratorInfo: ...

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any]) -> Generator:
        """Rebuilds from what `config_dict` gave, by way of JSON. ValueError for an unknown field."""

    @abstractmethod
    def config_dict(self) -> dict[str, Any]:
        """What `from_config` rebuilds the generator from; goes into the checkpoint."""

    @property
    def causal(self) -> bool:
        """False: a paper's own form, kept as a reference: it sees whole clips (`forward_sequence`) and cannot step."""
        return True

    @abstractmethod
    def init_state(self, rows: int) -> State:
        """All zeros; see `models/streaming/state.py` for the two kinds of leaves."""

    @abstractmethod
    def forward(self, inputs: StepInputs, state: State) -> tuple[StepOutputs, State]:
        """One frame for B rows."""

    @abstractmethod
    def forward_sequence(self, inputs: StepInputs) -> StepOutputs:
        """T frames at once from a new state, by the code that trains, given what was shown as history.

        Everything has an axis T after B, indexed by motion frame, but `lookahead` [B].
        """

    def guide_codes(self, motion: Tensor) -> Tensor:
        """Codes [T, G] by which the stream follows an authored clip [T, 489], for `StepInputs.guide`.

        Here: for generators without such a thing (`info.guide_size` 0).
        """
        return motion.new_zeros(len(motion), self.info.guide_size)
