"""What a generator brings to `gesturestream train`: its options, how it is built, taught and finished.

A new generator joins by a subclass in `training/recipes/` and a line in `training/train.py`.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from gesturestream.models.generator import Generator
from gesturestream.training.dataset import Corpus
from gesturestream.training.datasets.reader import ReaderOptions
from gesturestream.training.trainer import Objective, TrainerConfig


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One run of the loop. Stages follow each other: each starts from the averaged weights of the one before."""

    name: str
    trainer: TrainerConfig
    objective: Callable[[Generator, bool], Objective]
    """(model, networks in bf16) -> what is minimised. The trainer says whether, the objective knows where: kinematics
    and losses stay float32. One with an attribute `progress` is told the share of the stage that is done, 0..1."""
    shown: bool = True
    """Whether the model moves already, so that TensorBoard gets a clip of it now and then."""


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """Trains a generator on corpora and writes a streamable checkpoint."""

    name: ClassVar[str]
    """Of the generator, as `models/registry.py` has it."""

    corpus: tuple[Path, ...] = ()
    """Corpus folders, several are joined; BEAT2's own folder works too. None: three hours of the teacher's are made in
    the folder `corpus` beside `out` first (needs espeak-ng, takes a minute)."""
    reader: ReaderOptions = field(default_factory=ReaderOptions)
    """How corpora are read, such as which of BEAT2's speakers."""
    out: Path = Path("runs")
    """Folder for checkpoints and TensorBoard logs; a run that was stopped here is resumed."""
    trainer: Annotated[TrainerConfig, tyro.conf.arg(name="")] = field(default_factory=TrainerConfig)
    init: Path | None = None
    """A checkpoint to start from, such as the shipped one: its weights and normalisation are kept where shapes agree.
    None: from nothing."""
    credits: str = ""
    """Whom to credit for recordings the corpus was made from; goes into the model card."""
    data_licence: str = ""
    """Licence of corpora that were not made by `gesturestream corpus build`; goes into the model card."""
    threads: int = os.cpu_count() or 1
    """Of all processes on this machine together."""

    @abstractmethod
    def build(self) -> Generator:
        """A new model; its weights come from torch's generator."""

    @abstractmethod
    def prepare(self, model: Generator, corpus: Corpus) -> None:
        """Sets what is known of the corpus before training, such as the normalisation."""

    @abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """The runs of the loop, in order."""

    @abstractmethod
    def finish(self, average: Generator, corpus: Corpus) -> None:
        """Sets in the trained model what is known afterwards, such as a bank of styles."""

    @abstractmethod
    def about(self) -> str:
        """Markdown for the model card: what the generator is, how its targets were made, what it cannot do."""

    @property
    def streamable(self) -> bool:
        """False for forms that see the whole file: they are references and never stream."""
        return True
