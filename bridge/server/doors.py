"""The bound on connections before their first message: more of them wait in their handshake for a little while."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from gesturestream.bridge.protocol.codes import Limits


class Doors:
    """Belongs to the event loop. A crowd that arrives at once is let in one after the other, not turned away."""

    def __init__(self, limits: Limits) -> None:
        self._free = asyncio.Semaphore(limits.pending_connections)
        self._patience_s = limits.retry_after_s
        self._inside: set[ServerConnection] = set()

    async def enter(self, connection: ServerConnection) -> bool:
        """Waits for a place; false when there is none in time."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self._free.acquire()
        except TimeoutError:
            return False
        self._inside.add(connection)
        if connection.state is not State.CONNECTING:  # it gave up while it waited
            self.leave(connection)
        return True

    def leave(self, connection: ServerConnection) -> None:
        """It has opened, or is gone. Further calls do nothing."""
        if connection in self._inside:
            self._inside.remove(connection)
            self._free.release()
