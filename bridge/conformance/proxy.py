"""A bad network in front of a real server: `python -m gesturestream.bridge.conformance.proxy --target-port 8765`.

What arrives is passed on 0-50 ms later, in order, both ways; for 2 % of the time nothing passes for 300 ms. Standard
output is one JSON object a line: first the port to connect to, then for each stall that held something up when it ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import tyro

from gesturestream.bridge.conformance.answers import DELAY_S, STALL_S, STALL_SHARE

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class ProxyConfig:
    """Between whom it stands, and how bad it is."""

    target_port: int
    target_host: str = "127.0.0.1"
    port: int = 0
    """0: any free port."""
    delay_s: float = DELAY_S
    """Each piece is late by a uniform share of this."""
    stall_s: float = STALL_S
    stall_share: float = STALL_SHARE
    seed: int = 7


class BadNetwork:
    """When what arrives now may leave. One per direction; the order is kept."""

    def __init__(
        self, config: ProxyConfig, chance: random.Random, now_s: float, on_stall: Callable[[float], object]
    ) -> None:
        """`on_stall` is told once for each stall that holds something up: when it ends, on the clock of `now_s`."""
        self._config = config
        self._on_stall = on_stall
        self._told_s = float("-inf")
        self._chance = chance
        self._last_s = now_s
        self._stall_s = now_s + chance.uniform(0.2, 0.8) * self._every_s

    @property
    def _every_s(self) -> float:
        return self._config.stall_s / self._config.stall_share if self._config.stall_share else float("inf")

    def leaves_s(self, now_s: float) -> float:
        """Never before what came earlier, and not during a stall."""
        leaves_s = max(self._last_s, now_s + self._chance.uniform(0.0, self._config.delay_s))
        while leaves_s >= self._stall_s + self._config.stall_s:
            self._stall_s += self._every_s
        if leaves_s >= self._stall_s:
            leaves_s = self._stall_s + self._config.stall_s
            if leaves_s > self._told_s:
                self._told_s = leaves_s
                self._on_stall(leaves_s)
        self._last_s = leaves_s
        return leaves_s


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, network: BadNetwork) -> None:
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            leaves_s, data = await waiting.get()
            await asyncio.sleep(max(0.0, leaves_s - time.monotonic()))
            if not data:
                sink.close()
                return
            sink.write(data)
            await sink.drain()

    delivering = asyncio.create_task(deliver())
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK_BYTES):
            waiting.put_nowait((network.leaves_s(time.monotonic()), data))
    waiting.put_nowait((network.leaves_s(time.monotonic()), b""))
    with suppress(ConnectionError):
        await delivering


def report(event: dict[str, Any]) -> None:
    """One line for whoever started the proxy."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def tell_stall(direction: str) -> Callable[[float], None]:
    """Reports when a stall ends, as UNIX time."""
    unix_s = time.time() - time.monotonic()
    return lambda ends_s: report({"event": "stall", "direction": direction, "ends_unix_s": unix_s + ends_s})


async def serve(config: ProxyConfig) -> None:
    """Runs until cancelled. A target that cannot be reached closes the client's connection."""
    chance = random.Random(config.seed)

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(config.target_host, config.target_port)
        except OSError:
            writer.close()
            return
        to_server, to_client = (
            BadNetwork(config, chance, time.monotonic(), tell_stall(direction))
            for direction in ("to_server", "to_client")
        )
        await asyncio.gather(_pass_on(reader, there[1], to_server), _pass_on(there[0], writer, to_client))

    server = await asyncio.start_server(between, "127.0.0.1", config.port)
    port = server.sockets[0].getsockname()[1]
    report({"event": "listening", "port": port})
    await server.serve_forever()


def main() -> None:
    """Runs the proxy until it is killed."""
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(tyro.cli(ProxyConfig, description=__doc__)))


if __name__ == "__main__":
    main()
