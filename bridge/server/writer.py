"""The sending side of one connection: empties a reader's queue into the socket and notices when it is stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.reader_queue import Close, Outgoing
from gesturestream.bridge.server.mailroom import Mailroom, Outbox

_CLOSE_GRACE_S = 5.0


class Writer:
    """Sends what its outbox holds, in order, until a Close comes out of it or the connection breaks."""

    def __init__(
        self,
        connection: ServerConnection,
        outbox: Outbox,
        mailroom: Mailroom,
        *,
        clock: Callable[[], float],
        progressed: Callable[[], None],
    ) -> None:
        """`progressed` is called whenever the queue was looked at and the socket has taken what came out before."""
        self._connection = connection
        self._outbox = outbox
        self._mailroom = mailroom
        self._clock = clock
        self._progressed = progressed
        self._sending = False
        self._buffered = 0
        self._progress_s = clock()

    async def run(self) -> None:
        """Until the connection is closed, by either side."""
        with suppress(ConnectionClosed):
            while True:
                self._outbox.filled.clear()
                message = self._take()
                self._progressed()
                if isinstance(message, Close):
                    return await hang_up(self._connection, message.code, message.reason)
                if message is None:
                    await self._outbox.filled.wait()
                else:
                    await self._send(message(self._clock()))

    def stalled(self, now_s: float, limit_s: float) -> bool:
        """Whether the socket has taken nothing for `limit_s` although there was something to take."""
        buffered = self._connection.transport.get_write_buffer_size()
        if not self._sending or buffered < self._buffered:
            self._progress_s = now_s
        self._buffered = buffered
        return now_s - self._progress_s > limit_s

    async def drop(self) -> None:
        """Closes a stalled connection; what its socket does not take in time is lost."""
        await hang_up(self._connection, CloseCode.STALLED, "the reader took nothing for too long")

    def _take(self) -> Outgoing | Close | None:
        with self._mailroom.lock:
            return self._outbox.queue.pop()

    async def _send(self, message: str | bytes) -> None:
        self._sending = True
        try:
            await self._connection.send(message)
        finally:
            self._sending = False


async def hang_up(connection: ServerConnection, code: int, reason: str) -> None:
    """The closing handshake within bounded time; a peer that does not answer is cut off."""
    try:
        async with asyncio.timeout(_CLOSE_GRACE_S):
            await connection.close(code, reason)
    except TimeoutError:
        connection.transport.abort()
