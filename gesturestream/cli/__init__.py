"""The command line. Commands import what they need when they run, so that help and start-up stay quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import tyro

from gesturestream.cli.bench import Bench
from gesturestream.cli.command import execute
from gesturestream.cli.cue import Cue
from gesturestream.cli.demo import Demo
from gesturestream.cli.devices import Devices
from gesturestream.cli.evaluate import Evaluate
from gesturestream.cli.export import Export
from gesturestream.cli.live import Live
from gesturestream.cli.render import Render
from gesturestream.cli.serve import Serve
from gesturestream.cli.train import FORWARDED, Corpus, Train

AnyCommand: TypeAlias = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Live, tyro.conf.subcommand("live")]
    | Annotated[Serve, tyro.conf.subcommand("serve")]
    | Annotated[Render, tyro.conf.subcommand("render")]
    | Annotated[Devices, tyro.conf.subcommand("devices")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Corpus, tyro.conf.subcommand("corpus")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Cue, tyro.conf.subcommand("cue")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
)

TYRO = (
    tyro.conf.OmitArgPrefixes,  # --port, not --listen.port
    tyro.conf.UseAppendAction,  # -o a.npz -o a.bvh
    tyro.conf.DisallowNone,
    tyro.conf.FlagCreatePairsOff,  # --open, but no --no-open
)
DESCRIPTION = "A voice goes in, a whole moving body comes out, frame by frame."


def main(args: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0, 1 failed, 2 something the user can put right, 130 Ctrl-C."""
    args = list(sys.argv[1:] if args is None else args)
    if args and args[0] in FORWARDED:
        rest = tuple(argument for argument in args[1:] if argument != "--debug")
        return execute(FORWARDED[args[0]](arguments=rest, debug="--debug" in args))
    command = tyro.cli(
        AnyCommand,
        prog="gesturestream",
        description=DESCRIPTION,
        args=args,
        config=TYRO,
    )
    return execute(command)
