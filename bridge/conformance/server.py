"""The scripted server: `python -m gesturestream.bridge.conformance.server --script delays --port 0`.

Speaks the protocol's opening, pings, acknowledgements, interrupts and resumes as the real server does, and
misbehaves as its script says. Standard output is one JSON object a line: first `listening` with the port, then what
each client did.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import tyro
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gesturestream.bridge.conformance.guest import Guest
from gesturestream.bridge.conformance.scripts import Close, ScriptName
from gesturestream.bridge.protocol.codes import SUBPROTOCOL, Limits

_AWAY_CHECK_S = 0.01


@dataclass(frozen=True, kw_only=True)
class ScriptedServerConfig:
    """What is played, and where."""

    script: ScriptName = "plain"
    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port; the first line of standard output says which."""
    seconds: float = 60.0
    """Media time after which a session ends (event `end`, close 1000)."""
    stall_s: float = 6.0
    """How long script `stall` is silent."""
    every_s: float = 1.5
    """How often something happens in scripts `drops`, `interrupt`, `stall` and `restart`."""
    seed: int = 7


Report = Callable[[dict[str, Any]], None]
"""Takes what happens: `listening`, `opened`, `closed`, `away`."""


def print_report(event: dict[str, Any]) -> None:
    """One line for whoever started the server."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class ScriptedServer:
    """Listens until cancelled, away while its script says so."""

    def __init__(self, config: ScriptedServerConfig, report: Report = print_report) -> None:
        self._config = config
        self._report = report
        self._connections = 0
        self._began_s = time.monotonic()
        self._back_s: float | None = None
        self._port = config.port

    async def run(self) -> None:
        """Serves for ever."""
        while True:
            server = await self._listen()
            while self._back_s is None:
                await asyncio.sleep(_AWAY_CHECK_S)
            server.close()
            await server.wait_closed()
            self._report({"event": "away"})
            await asyncio.sleep(max(0.0, self._back_s - time.monotonic()))
            self._back_s = None

    async def _listen(self) -> Server:
        quiet = logging.getLogger("gesturestream.conformance.websockets")
        quiet.setLevel(logging.CRITICAL)
        server = await listen(
            self._handle,
            self._config.host,
            self._port,
            compression=None,
            max_size=Limits().message_bytes,
            select_subprotocol=lambda _, offered: Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None,
            logger=quiet,
        )
        self._port = server.sockets[0].getsockname()[1]
        url = f"ws://{self._config.host}:{self._port}/v1/stream"
        self._report({"event": "listening", "port": self._port, "url": url})
        return server

    async def _handle(self, socket: ServerConnection) -> None:
        self._connections += 1
        guest = Guest(self._config, self._connections, media_s=time.monotonic() - self._began_s)
        talking = asyncio.create_task(self._talk(socket, guest))
        with suppress(ConnectionClosed):
            async for message in socket:
                for reply in guest.receive(message, time.monotonic()):
                    await self._perform(socket, reply)
                if isinstance(message, str) and guest.opening is not None:
                    self._report_opening(guest)
        talking.cancel()
        await asyncio.wait([talking])
        closed = {"event": "closed", "connection": guest.connection, "code": socket.close_code}
        self._report({**closed, **guest.counts})

    def _report_opening(self, guest: Guest) -> None:
        self._report({"event": "opened", "connection": guest.connection, "message": guest.opening})
        guest.opening = None

    async def _talk(self, socket: ServerConnection, guest: Guest) -> None:
        await guest.opened.wait()
        began_s = time.monotonic()
        with suppress(ConnectionClosed):
            for at_s, message in guest.play():
                await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
                await self._perform(socket, message)

    async def _perform(self, socket: ServerConnection, message: str | bytes | Close) -> None:
        if not isinstance(message, Close):
            await socket.send(message)
            return
        if message.away_s:
            self._back_s = time.monotonic() + message.away_s
        if message.code is None:
            socket.transport.abort()
        else:
            await socket.close(message.code, message.reason)


def main() -> None:
    """Runs the server until it is killed."""
    server = ScriptedServer(tyro.cli(ScriptedServerConfig, description=__doc__))
    with suppress(KeyboardInterrupt):
        asyncio.run(server.run())


if __name__ == "__main__":
    main()
