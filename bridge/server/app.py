"""The server: one port for WebSocket and HTTP, any number of connections, one engine behind them."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.typing import Subprotocol

from gesturestream import __version__
from gesturestream.bridge.metrics import Counters
from gesturestream.bridge.protocol.codes import SUBPROTOCOL
from gesturestream.bridge.protocol.replies import error_text, to_json
from gesturestream.bridge.server.config import ServerConfig
from gesturestream.bridge.server.doors import Doors
from gesturestream.bridge.server.handler import Handler
from gesturestream.bridge.server.mailroom import Mailroom
from gesturestream.bridge.server.output import Output
from gesturestream.bridge.server.publisher import Publisher
from gesturestream.bridge.server.registry import Registry
from gesturestream.bridge.server.requests import Requests
from gesturestream.bridge.server.socket import Socket, socket_class

if TYPE_CHECKING:
    from gesturestream.realtime.engine import Engine
    from gesturestream.realtime.session import Session
    from gesturestream.realtime.statistics import SessionStats

log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.CRITICAL)  # at DEBUG websockets writes messages down, and with them the token

_CHECK_S = 0.25
_STATS_S = 1.0
_SHUTDOWN_S = 2.0
_WRITE_BUFFER = (16 * 1024, 4 * 1024)
"""Small on purpose, as the kernel's (socket.py)."""


class PortInUse(OSError):
    """Another program listens there."""


@dataclass(frozen=True, kw_only=True)
class Local:
    """A session that this process feeds itself, published under the name `local`."""

    session: Session
    microphone: bool
    """Its voice is not forwarded to clients unless the server allows it."""


class BridgeServer:
    """Listens while it is used as an async context manager; all methods belong to its event loop."""

    def __init__(
        self,
        engine: Engine,
        config: ServerConfig,
        *,
        outputs: Sequence[Output] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`outputs` show sessions besides those who connect."""
        self.config = config
        self.url = ""
        """Where the viewer is, once listening."""
        self._engine = engine
        self._outputs = outputs
        self._clock = clock
        self._handlers: set[Handler] = set()
        self._registry: Registry
        self._server: Server
        self._counters = Counters(engine, readers=lambda: self.clients, dropped=lambda: self.dropped)
        self._doors = Doors(config.limits)

    async def __aenter__(self) -> BridgeServer:
        self._registry = Registry(
            self._engine,
            Mailroom(asyncio.get_running_loop()),
            max_sessions=self.config.max_sessions,
            limits=self.config.limits,
            clock=self._clock,
            outputs=self._outputs,
        )
        self._server = await self._listen()
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self.config.tls_cert else 'http'}://{_url_host(self.config.host)}:{port}/"
        self._housekeeping = asyncio.create_task(self._keep_house())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._housekeeping.cancel()
        self._server.close(close_connections=False)
        text = error_text("unavailable", "the server shuts down", fatal=True)
        if self._handlers:
            closing = [asyncio.create_task(handler.shut_down(text)) for handler in self._handlers]
            await asyncio.wait(closing, timeout=_SHUTDOWN_S)
            await self._until_gone()
        for handler in self._handlers:
            handler.socket.transport.abort()  # those that did not take the news in time
        for publisher in self._registry:
            self._registry.discard(publisher)
        await self._server.wait_closed()

    def add_local(self, local: Local) -> Publisher:
        """Publishes the process's own session."""
        return self._registry.add_local(local.session, microphone=local.microphone)

    @property
    def clients(self) -> int:
        """Connections that read a session."""
        return sum(not handler.pending for handler in self._handlers)

    @property
    def dropped(self) -> int:
        """Frames dropped for slow readers so far."""
        return self._registry.dropped

    async def _listen(self) -> Server:
        config, limits = self.config, self.config.limits
        requests = Requests(config, self._counters, self._doors, health=self._health)
        try:
            return await listen(
                self._handle,
                config.host,
                config.port,
                process_request=requests,
                select_subprotocol=_select_subprotocol,
                create_connection=socket_class(self._doors, limits.message_bytes),
                logger=_quiet,
                ssl=config.ssl_context(),
                compression=None,
                max_size=limits.message_bytes,
                max_queue=4,
                open_timeout=limits.opening_s,
                ping_interval=limits.ping_s,
                ping_timeout=limits.ping_s,
                close_timeout=_SHUTDOWN_S,
                write_limit=_WRITE_BUFFER,
                server_header=f"gesturestream/{__version__}",
            )
        except OSError as error:
            raise _clearer(error, config) from error

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Socket)
        admitted = partial(self._doors.leave, connection)
        handler = Handler(connection, self._registry, self.config, self._counters, self._clock, admitted)
        self._counters.connections.inc()
        self._handlers.add(handler)
        try:
            await handler.run()
        except Exception:
            log.exception("a connection failed")
            raise
        finally:
            self._handlers.discard(handler)

    async def _keep_house(self) -> None:
        """Stalled readers, and the statistics each second, on absolute deadlines."""
        next_stats_s = self._clock() + _STATS_S
        while True:
            await asyncio.sleep(min(_CHECK_S, self.config.limits.stall_s / 4))
            now_s = self._clock()
            try:
                self._check(now_s)
                if now_s >= next_stats_s:
                    next_stats_s = max(next_stats_s + _STATS_S, now_s)
                    self._send_stats()
            except Exception:
                log.exception("housekeeping failed; it goes on")

    def _check(self, now_s: float) -> None:
        for handler in tuple(self._handlers):
            handler.check(now_s)
        for publisher in self._registry:
            if publisher.session.closed and not publisher.ended:  # whoever fed a local session has closed it
                self._registry.discard(publisher)

    def _send_stats(self) -> None:
        for publisher in self._registry:
            if not publisher.readers:
                continue
            stats = publisher.session.stats()
            for outbox in publisher.readers:
                publisher.send(stats_text(stats, outbox.queue.dropped), outbox)

    async def _until_gone(self) -> None:
        deadline_s = self._clock() + _SHUTDOWN_S
        while self._handlers and self._clock() < deadline_s:
            await asyncio.sleep(0.01)

    def _health(self) -> dict[str, Any]:
        return {
            "status": "failed" if self._engine.failed else "ready",
            "server": f"gesturestream/{__version__}",
            "generators": sorted(self._engine.generators),
            "sessions": len(self._engine.sessions),
            "connections": len(self._handlers),
        }


def stats_text(stats: SessionStats, dropped: int) -> str:
    """The message `stats` for one reader, from whom `dropped` frames were withheld."""
    return to_json({"type": "stats", **dataclasses.asdict(stats), "dropped": dropped})


def _select_subprotocol(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _url_host(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _clearer(error: OSError, config: ServerConfig) -> OSError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            error.errno,
            f"port {config.port} on {config.host} is in use: stop the other program, or choose another one with --port "
            "(0 takes any free port)",
        )
    return OSError(error.errno, f"cannot listen on {config.host}, port {config.port}: {error.strerror or error}")


async def serve(
    engine: Engine,
    config: ServerConfig,
    *,
    local: Local | None = None,
    outputs: Sequence[Output] = (),
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until cancelled. `ready` is called with the viewer's URL once clients can connect.

    PortInUse, or OSError naming address and port, when it cannot listen; ValueError for unusable TLS files.
    """
    async with BridgeServer(engine, config, outputs=outputs) as server:
        if local is not None:
            server.add_local(local)
        if ready is not None:
            ready(server.url)
        await asyncio.get_running_loop().create_future()
