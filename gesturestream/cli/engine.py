"""The engine as every command starts it: each generator that has a checkpoint, in the executor this machine has."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gesturestream.cli.command import UsageError, asked_for

if TYPE_CHECKING:
    from gesturestream.realtime.cues import CueLibrary
    from gesturestream.realtime.engine import Engine
    from gesturestream.realtime.executors.base import Executor
    from gesturestream.realtime.executors.choose import Wanted

DEFAULT_SESSIONS = 64
"""Rows a server holds unless asked otherwise; at its start it finds out how many of them this machine carries."""

OTHER_SESSIONS = 16
"""Of them, so many may run any one generator that is not the default."""


def make_engine(
    sessions: int | None = None,
    generator: str | None = None,
    own_checkpoint: Path | None = None,
    cues: Sequence[Path] = (),
    executor: Wanted = "auto",
) -> Engine:
    """An engine, not yet started, for that many sessions; UsageError without a checkpoint, or for a file that is none.

    `generator` becomes the default one, or else that of `own_checkpoint`, which takes the place of the shipped one.
    `cues`: files and folders of further cues. Says on stderr which executor runs each generator, and why.
    """
    library = _library(cues)  # before any model is loaded: what is wrong with a cue is said at once
    from gesturestream.models import registry
    from gesturestream.models.checkpoint import CheckpointError, read_metadata
    from gesturestream.realtime.engine import Engine

    paths = {name: registry.checkpoint_path(name) for name in registry.available()}
    if own_checkpoint is not None:
        with asked_for(CheckpointError):
            own = read_metadata(own_checkpoint).get("generator", "")
        paths[own], generator = own_checkpoint, generator or own
    if generator is not None and generator not in registry.GENERATORS:
        raise UsageError(f"--generator: expected one of {', '.join(registry.GENERATORS)}, got {generator!r}")
    if generator is not None and generator not in paths:
        raise UsageError(f"--generator: no checkpoint of {generator} is installed: gesturestream train {generator}")
    if not paths:
        raise UsageError(f"No checkpoint is installed: gesturestream train {registry.DEFAULT}")
    capacity = sessions or DEFAULT_SESSIONS
    if capacity < 1:
        raise UsageError(f"--max-sessions: expected at least 1, got {capacity}")
    default = generator or (registry.DEFAULT if registry.DEFAULT in paths else next(iter(paths)))
    rows = {name: capacity if name == default or sessions else min(capacity, OTHER_SESSIONS) for name in paths}
    executors = {name: _load(name, path, rows[name], executor) for name, path in paths.items()}
    return Engine(executors, default=default, max_sessions=capacity, cues=library, self_test=sessions is None)


def _load(name: str, checkpoint: Path, capacity: int, wanted: Wanted) -> Executor:
    from gesturestream.models.checkpoint import CheckpointError
    from gesturestream.realtime.executors.choose import ExecutorError, load_executor

    with asked_for(CheckpointError), asked_for(ExecutorError):
        executor, _, why = load_executor(checkpoint, capacity, wanted)
    print(f"gesturestream: {name} runs in {why}", file=sys.stderr, flush=True)
    return executor


def _library(cues: Sequence[Path]) -> CueLibrary:
    from gesturestream.models.cues.files import CueError
    from gesturestream.realtime.cues import shipped_cues

    with asked_for(CueError, hint=" (--cues)"):
        return shipped_cues().extended(cues)
