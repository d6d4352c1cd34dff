"""`gesturestream train GENERATOR` and `gesturestream corpus build`.

Their options are the configurations of `gesturestream.training`, which need torch; so they are parsed in a second step,
and the first one passes everything behind `train` and `corpus` on.
"""

from __future__ import annotations

import os
import shlex
import sys
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from gesturestream.cli.command import DEBUG_HINT, EXIT_INTERRUPTED, EXIT_OK, Command, asked_for

Task = tuple[type[Any], Callable[[Any], Path]]
"""A configuration and what is done with it; returns what was written."""


@dataclass(frozen=True, kw_only=True)
class Forwarded(Command):
    """A command whose first argument names a task with options of its own."""

    arguments: tyro.conf.Suppress[tuple[str, ...]] = ()

    @staticmethod
    @abstractmethod
    def tasks() -> dict[str, Task]:
        """The tasks by name; imports what they need."""

    def run(self) -> int:
        tasks = self.tasks()
        prog = f"gesturestream {type(self).__name__.lower()}"
        choices: dict[str, Callable[..., Any]] = {name: config for name, (config, _) in tasks.items()}
        chosen = tyro.extras.subcommand_cli_from_dict(choices, prog=prog, args=self.arguments)
        act = next(act for config, act in tasks.values() if isinstance(chosen, config))
        with asked_for(hint=DEBUG_HINT):  # of hours of work one cannot tell what looks at options and files only
            return self.act(act, chosen)

    def act(self, act: Callable[[Any], Path], chosen: Any) -> int:
        """Does the chosen task and says what was written."""
        print("written to", act(chosen))
        return EXIT_OK


@dataclass(frozen=True, kw_only=True)
class Train(Forwarded):
    """Trains a generator, or what `evaluate` looks through: `gesturestream train audio2gestures --help`."""

    @staticmethod
    def tasks() -> dict[str, Task]:
        from gesturestream.training.metrics.train import TrainEvaluator
        from gesturestream.training.metrics.train import train as train_evaluator
        from gesturestream.training.train import RECIPES, train

        recipes: dict[str, Task] = {name: (recipe, train) for name, recipe in RECIPES.items()}
        return recipes | {"evaluator": (TrainEvaluator, train_evaluator)}

    def act(self, act: Callable[[Any], Path], chosen: Any) -> int:
        from gesturestream.training.stopping import Stopped

        first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
        try:
            written = act(chosen)
        except Stopped as stopped:
            if first:
                print(stopped)
                print("resume:", shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))
            return EXIT_INTERRUPTED
        if first:
            print("written to", written)
        return EXIT_OK


@dataclass(frozen=True, kw_only=True)
class Corpus(Forwarded):
    """Makes training data: `gesturestream corpus build --help` shows its options."""

    @staticmethod
    def tasks() -> dict[str, Task]:
        from gesturestream.training.corpus.build import CorpusConfig, build

        return {"build": (CorpusConfig, build)}


FORWARDED: dict[str, type[Forwarded]] = {"train": Train, "corpus": Corpus}
