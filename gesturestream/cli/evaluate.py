"""`gesturestream evaluate`: figures of a checkpoint on a corpus, or of anybody's motion files."""

from __future__ import annotations

from dataclasses import dataclass

from gesturestream.cli.command import DEBUG_HINT, EXIT_OK, Command, asked_for
from gesturestream.training.evaluate_options import EvaluateOptions


@dataclass(frozen=True, kw_only=True)
class Evaluate(EvaluateOptions, Command):
    """How a checkpoint, or anybody's motion, moves beside the teacher or a real speaker: a table and JSON."""

    def run(self) -> int:
        from gesturestream.training.evaluate import evaluate

        with asked_for(hint=DEBUG_HINT):  # the message says which file or option does not fit
            evaluate(self)
        return EXIT_OK
