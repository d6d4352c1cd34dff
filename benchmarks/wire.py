"""A WebSocket client as thin as it can be, so that what is measured is the server: no task and no copy per message.

It speaks what the server of this project sends: whole messages of less than 64 KiB, never masked, no extensions.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_MASK = bytes(4)
"""Clients have to mask; by zeros the bytes stay what they are, and the server does the work all the same."""

Receive = Callable[[bytes, int, int], None]
"""Given a buffer, and where in it the message lies."""


class Wire(asyncio.Protocol):
    """One connection; messages are handed on as they arrive."""

    def __init__(self, request: bytes, on_text: Receive, on_binary: Receive) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed = asyncio.Event()
        self._request, self._on_text, self._on_binary = request, on_text, on_binary
        self._transport: asyncio.Transport
        self._held = b""

    def send(self, opcode: int, data: bytes) -> None:
        self._transport.write(_header(opcode, len(data)) + data)

    def close(self) -> None:
        if not self._transport.is_closing():
            self.send(CLOSE, (1000).to_bytes(2, "big"))
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("The server closed the connection at the handshake"))

    def data_received(self, data: bytes) -> None:
        if self._held:
            data, self._held = self._held + data, b""
        start = 0
        if not self.opened.done():
            start = data.find(b"\r\n\r\n") + 4
            if start < 4:
                self._held = data
                return
            if b" 101 " not in data[:20]:
                self.opened.set_exception(ConnectionError(data[:start].decode("latin-1")))
                return
            self.opened.set_result(None)
        self._held = data[self._cut(data, start) :]

    def _cut(self, data: bytes, start: int) -> int:
        """Hands on every whole frame from `start` on; where the first one that is not whole begins."""
        end = len(data)
        while start + 4 <= end:
            body, size = start + 2, data[start + 1]
            if size == 126:
                body, size = start + 4, int.from_bytes(data[start + 2 : start + 4], "big")
            assert size < 127 or body == start + 4, "expected messages of less than 64 KiB that are not masked"
            if body + size > end:
                break
            self._frame(data[start] & 15, data, body, body + size)
            start = body + size
        return start

    def _frame(self, opcode: int, data: bytes, start: int, end: int) -> None:
        if opcode == BINARY:
            self._on_binary(data, start, end)
        elif opcode == TEXT:
            self._on_text(data, start, end)
        elif opcode == PING:
            self.send(PONG, data[start:end])
        elif opcode == CLOSE:
            self.send(CLOSE, data[start:end])
            self._transport.close()


async def connect(url: str, on_text: Receive, on_binary: Receive) -> Wire:
    """Opens ws://host:port/path. ConnectionError: the server does not want it."""
    address = urlsplit(url)
    assert address.hostname is not None and address.port is not None, url
    request = (
        f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    _, wire = await asyncio.get_running_loop().create_connection(
        lambda: Wire(request.encode(), on_text, on_binary), address.hostname, address.port
    )
    await wire.opened
    return wire


def _header(opcode: int, size: int) -> bytes:
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + _MASK
    if size < 65536:
        return bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big") + _MASK
    return bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big") + _MASK
