"""`gesturestream serve`: waits for clients, each of which brings its own voice."""

from __future__ import annotations

from dataclasses import dataclass, field

from gesturestream.cli.command import Command
from gesturestream.cli.options import ListenOptions, ModelOptions, SendOptions


@dataclass(frozen=True, kw_only=True)
class Serve(Command):
    """Serves avatars over WebSocket and the viewer over HTTP until Ctrl-C; every client brings its own voice."""

    model: ModelOptions = field(default_factory=ModelOptions)
    listen: ListenOptions = field(default_factory=ListenOptions)
    send: SendOptions = field(default_factory=SendOptions)

    def run(self) -> int:
        from gesturestream.cli.local import run_server

        return run_server(self.listen, self.model, send=self.send)
