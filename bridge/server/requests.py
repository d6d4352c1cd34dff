"""The opening handshake: which requests become WebSockets, which are answered as HTTP, which are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from gesturestream.bridge.http import Viewer, page, path_of
from gesturestream.bridge.metrics import Counters
from gesturestream.bridge.protocol.codes import STREAM_PATH
from gesturestream.bridge.protocol.connection import token_matches
from gesturestream.bridge.server.config import ServerConfig, is_loopback
from gesturestream.bridge.server.doors import Doors
from gesturestream.bridge.server.guard import Guard


class Requests:
    """websockets' `process_request`: None lets the WebSocket handshake go on."""

    def __init__(
        self,
        config: ServerConfig,
        counters: Counters,
        doors: Doors,
        *,
        health: Callable[[], dict[str, Any]],
    ) -> None:
        """`health`: what /healthz says; 200 only where its `status` is ready."""
        self._config = config
        self._counters = counters
        self._doors = doors
        self._health = health
        self._guard = Guard(config)
        self._viewer = Viewer(config.web_dist)

    async def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        refusal = self._guard.refusal(
            headers.get_all("Host"), headers.get_all("Origin"), str(connection.local_address[0])
        )
        if refusal is not None:
            return page(HTTPStatus.FORBIDDEN, refusal + "\n")
        path = path_of(request.path)
        if path == STREAM_PATH:
            return await self._stream(connection, request)
        if path == "/healthz":
            return self._healthz()
        if path == "/metrics":
            return self._metrics(str(connection.remote_address[0]), headers.get("Authorization", ""))
        return await asyncio.to_thread(self._viewer.response, path, headers["Host"])

    async def _stream(self, connection: ServerConnection, request: Request) -> Response | None:
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            return page(HTTPStatus.UPGRADE_REQUIRED, f"{STREAM_PATH} speaks WebSocket.\n", Upgrade="websocket")
        if await self._doors.enter(connection):
            return None
        retry = str(round(self._config.limits.retry_after_s))
        return page(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections are opening.\n", Retry_After=retry)

    def _healthz(self) -> Response:
        health = self._health()
        status = HTTPStatus.OK if health["status"] == "ready" else HTTPStatus.SERVICE_UNAVAILABLE
        return page(status, json.dumps(health) + "\n", "application/json")

    def _metrics(self, peer: str, authorization: str) -> Response:
        given = authorization.removeprefix("Bearer ").strip()
        known = self._config.token is not None and token_matches(self._config.token, given)
        if not is_loopback(peer) and not known:
            return page(HTTPStatus.FORBIDDEN, "/metrics is loopback-only unless a token is given.\n")
        return page(HTTPStatus.OK, self._counters.text(), "text/plain; version=0.0.4; charset=utf-8")
