"""One WebSocket connection: drives the protocol's state machine and performs its actions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from gesturestream.bridge.metrics import Counters
from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.connection import (
    Action,
    Command,
    Connection,
    Hangup,
    Join,
    Open,
    Pong,
    Push,
    Report,
    Send,
    State,
)
from gesturestream.bridge.protocol.replies import pong_text
from gesturestream.bridge.server.config import ServerConfig
from gesturestream.bridge.server.membership import Membership, join, open_session
from gesturestream.bridge.server.registry import Registry
from gesturestream.bridge.server.socket import Socket
from gesturestream.bridge.server.writer import Writer, hang_up

log = logging.getLogger(__name__)


class Handler:
    """Lives as long as its connection."""

    def __init__(
        self,
        socket: Socket,
        registry: Registry,
        config: ServerConfig,
        counters: Counters,
        clock: Callable[[], float],
        admitted: Callable[[], None],
    ) -> None:
        """`admitted` is called once the connection is no longer pending."""
        self.socket = socket
        self._registry = registry
        self._config = config
        self._counters = counters
        self._clock = clock
        self._admitted = admitted
        self._protocol = Connection(token=config.token, limits=config.limits, now_s=clock())
        self._membership: Membership | None = None
        self._writer: Writer | None = None
        self._writing: asyncio.Task[None] | None = None
        self._dropping: asyncio.Task[None] | None = None

    @property
    def pending(self) -> bool:
        """Whether the connection has no session yet."""
        return self._membership is None

    async def run(self) -> None:
        """Until the connection is closed."""
        try:
            with suppress(ConnectionClosed):
                await self._open()
                async for message in self.socket:
                    await self._receive(message)
                    self.socket.handled()
        finally:
            await self._leave()

    def check(self, now_s: float) -> None:
        """Drops a reader whose socket has taken nothing for too long; called regularly."""
        if self._writer is None or self._dropping is not None:
            return
        if self._writer.stalled(now_s, self._config.limits.stall_s):
            self._counters.refused.labels(code=str(int(CloseCode.STALLED))).inc()
            self._dropping = asyncio.create_task(self._writer.drop())

    async def shut_down(self, text: str) -> None:
        """The server goes: says so and closes."""
        if self._membership is not None:
            self._membership.close(CloseCode.SHUTDOWN, "the server shuts down", text)
            return
        with suppress(ConnectionClosed):
            await self.socket.send(text)
            await hang_up(self.socket, CloseCode.SHUTDOWN, "the server shuts down")

    async def _open(self) -> None:
        while self._protocol.state is State.OPENING:
            try:
                async with asyncio.timeout(max(0.0, self._protocol.deadline_s - self._clock())):
                    message = await self.socket.recv()
            except TimeoutError:
                await self._perform(self._protocol.tick(max(self._clock(), self._protocol.deadline_s)))
            else:
                await self._receive(message)
                self.socket.handled()

    async def _receive(self, message: str | bytes) -> None:
        now_s = self._clock()
        if isinstance(message, str):
            actions = self._protocol.receive_text(message, now_s)
        else:
            actions = self._protocol.receive_bytes(message, now_s)
        await self._perform(actions)

    def _hear(self, data: bytes) -> None:
        """A whole binary message on the short way: what `_receive` does for a member, without waiting."""
        assert self._membership is not None
        for action in self._protocol.receive_bytes(data, self._clock()):
            if isinstance(action, Push):
                self._answer(self._membership.perform(action))
            else:
                self._answer([action])

    def _answer(self, actions: list[Action]) -> None:
        """Errors, and perhaps the end, that audio can lead to."""
        assert self._membership is not None
        for action in actions:
            if isinstance(action, Send):
                self._counters.errors.inc()
                self._membership.send(action.text)
            else:
                assert isinstance(action, Hangup)
                self._counters.refused.labels(code=str(int(action.code))).inc()
                self._membership.close(action.code, action.reason)

    async def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(text):
                    self._counters.errors.inc()
                    await self._send(text)
                case Hangup(code, reason):
                    await self._hang_up(code, reason)
                case Pong(t0, t1):
                    self._answer_ping(t0, t1)
                case Report(request):
                    await self._send(self._registry.listing(request.id))
                case Open() | Join():
                    await self._perform(await self._become_member(action))
                case Push() | Command():
                    assert self._membership is not None  # the state machine hands these out only to members
                    await self._perform(self._membership.perform(action))

    async def _become_member(self, action: Open | Join) -> list[Action]:
        around = (self._registry, self._protocol, self._config)
        outcome: Membership | list[Action]
        if isinstance(action, Open):
            outcome = await open_session(*around, action.start, self._clock)
        else:
            outcome = join(*around, action.watch, self._clock)
        if isinstance(outcome, list):
            return outcome
        self._membership = outcome
        self._admitted()
        self._writer = Writer(
            self.socket,
            outcome.outbox,
            self._registry.mailroom,
            clock=self._clock,
            progressed=outcome.progressed,
        )
        self._writing = asyncio.create_task(self._writer.run())
        self.socket.on_binary = self._hear
        return []

    async def _send(self, text: str) -> None:
        if self._membership is not None:
            self._membership.send(text)
        else:
            await self.socket.send(text)

    async def _hang_up(self, code: int, reason: str) -> None:
        """Behind what is queued already, when something can be."""
        self._counters.refused.labels(code=str(int(code))).inc()
        if self._membership is not None:
            self._membership.close(code, reason)
        else:
            await hang_up(self.socket, code, reason)

    def _answer_ping(self, t0: float, t1: float) -> None:
        assert self._membership is not None  # pings are refused before the first message
        self._membership.send(lambda t2: pong_text(t0, t1, t2))

    async def _leave(self) -> None:
        if self._membership is not None:
            self._membership.leave()
        for task in (self._writing, self._dropping):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
