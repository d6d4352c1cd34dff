"""The sending side of one connection: empties a reader's queue into the socket and notices when it is stuck."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.reader_queue import Close, Outgoing
from gesturestream.bridge.server.mailroom import Mailroom, Outbox
from gesturestream.bridge.server.socket import Socket

_CLOSE_GRACE_S = 5.0
log = logging.getLogger(__name__)


class Writer:
    """Sends what its outbox holds, in order, until a Close comes out of it or the connection breaks.

    While the socket takes everything at once, `flush` does it, called when something is put into the outbox; `run` is
    the task that waits for a socket that does not, and for the end.
    """

    def __init__(
        self,
        connection: Socket,
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
        self._idle = False  # `run` waits for something to send
        self._left: Outgoing | Close | None = None  # taken by `flush`, to be sent by `run`
        outbox.flush = self.flush

    async def run(self) -> None:
        """Until the connection is closed, by either side."""
        with suppress(ConnectionClosed):
            while True:
                self._outbox.filled.clear()
                message, self._left = self._left or self._take(), None
                self._progressed()
                if isinstance(message, Close):
                    return await hang_up(self._connection, message.code, message.reason)
                if message is None:
                    await self._wait()
                else:
                    await self._send(message(self._clock()))

    def flush(self) -> bool:
        """Sends all that waits; False: the socket does not take it, `run` has to go on."""
        if not self._idle:
            return False
        try:
            return self._flush()
        except Exception:  # whoever calls serves other connections too
            log.exception("a message could not be made or sent: its connection is cut")
            self._connection.transport.abort()
            return True

    def _flush(self) -> bool:
        while (message := self._take()) is not None:
            if isinstance(message, Close) or not self._connection.writable:
                self._left, self._idle = message, False  # the task wakes later: what comes until then waits for it
                return False
            self._connection.write(message(self._clock()))
        self._progressed()
        return True

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

    async def _wait(self) -> None:
        self._idle = True
        try:
            await self._outbox.filled.wait()
        finally:
            self._idle = False

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
