"""A bad network in front of a real server: `python -m gesturestream.bridge.conformance.proxy --target-port 8765`.

What arrives is passed on 0-50 ms later, in order, both ways; for 2 % of the time nothing passes for 300 ms. Standard
output is one JSON line with the port to connect to.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

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

    def __init__(self, config: ProxyConfig, chance: random.Random, now_s: float) -> None:
        self._config = config
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


async def serve(config: ProxyConfig) -> None:
    """Runs until cancelled. A target that cannot be reached closes the client's connection."""
    chance = random.Random(config.seed)

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(config.target_host, config.target_port)
        except OSError:
            writer.close()
            return
        to_server, to_client = (BadNetwork(config, chance, time.monotonic()) for _ in range(2))
        await asyncio.gather(_pass_on(reader, there[1], to_server), _pass_on(there[0], writer, to_client))

    server = await asyncio.start_server(between, "127.0.0.1", config.port)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"event": "listening", "port": port}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Runs the proxy until it is killed."""
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(tyro.cli(ProxyConfig, description=__doc__)))


if __name__ == "__main__":
    main()
