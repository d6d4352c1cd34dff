"""What every generator is: a step with explicit state, the same weights as the training forward."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, fields
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gesturestream.models.motion import MOTION_SIZE
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming import level
from gesturestream.models.streaming.features import Heard, LogMel
from gesturestream.models.streaming.state import State, map_leaves

MOST_DEVIATIONS = 6.0
"""A normalised value is never farther from its mean: a pose from outside may be anything."""


class Generator(nn.Module, ABC):
    """A function (inputs, state) -> (outputs, state) of static shapes, batch first, without hidden buffers.

    The step never looks at `inputs.reset` and `inputs.active`: the state store resets rows before it and keeps the
    state of rows that did not run after it (`models/streaming/state.py`).

    All of them hear the same features and know motion by its mean and deviation in the corpus.
    """

    Config: ClassVar[type]
    """A frozen dataclass of what JSON can hold, with `causal`; tuples for lists."""
    motion_mean: Tensor
    motion_std: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.features = LogMel()
        self.register_buffer("motion_mean", torch.zeros(MOTION_SIZE))
        self.register_buffer("motion_std", torch.ones(MOTION_SIZE))

    @property
    @abstractmethod
    def info(self) -> GeneratorInfo: ...

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Generator:
        """Rebuilds from what `config_dict` gave, by way of JSON. ValueError for an unknown field."""
        if unknown := set(config) - {field.name for field in fields(cls.Config)}:
            raise ValueError(f"expected fields of {cls.Config.__name__}, got unknown {sorted(unknown)}")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
        return cls(cls.Config(**values))

    def config_dict(self) -> dict[str, Any]:
        """What `from_config` rebuilds the generator from; goes into the checkpoint."""
        return asdict(self.config)

    @property
    def causal(self) -> bool:
        """False: a paper's own form, kept as a reference: it sees whole clips (`forward_sequence`) and cannot step."""
        return bool(self.config.causal)

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

    def features_sequence(self, pcm: Tensor) -> Tensor:
        """Windows [B, T, W] -> normalised features [B, T, 68], from a new state."""
        heard = [part.view(*pcm.shape[:2], *part.shape[1:]) for part in self.features(pcm.flatten(0, 1))]
        state, out = map_leaves(lambda leaf: leaf.to(pcm.dtype), level.init_state(len(pcm))), []
        for t in range(pcm.shape[1]):
            features, state = level.normalize(Heard(*(part[:, t] for part in heard)), state)
            out.append(features)
        return torch.stack(out, 1)

    def normalize(self, motion: Tensor) -> Tensor:
        """Packed motion [..., 489] in deviations from the corpus's mean."""
        return ((motion - self.motion_mean) / self.motion_std).clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS)

    def denormalize(self, motion: Tensor) -> Tensor:
        return motion * self.motion_std + self.motion_mean

    def _must_stream(self) -> None:
        if not self.causal:
            raise ValueError("expected a causal checkpoint, got the paper's non-causal form, which cannot stream")
