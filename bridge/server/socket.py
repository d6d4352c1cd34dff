"""A WebSocket connection with a short way in for audio and a short way out for frames.

The handshake, control frames, texts and everything unusual are websockets'. What comes a hundred times a second, a
whole binary message, goes from the transport to its receiver in one call, and a message goes out in one write: a task
switch and three objects less each.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled part for this platform
    from websockets.utils import apply_mask

from gesturestream.bridge.server.doors import Doors

_SOCKET_BUFFER = 64 * 1024
"""Small on purpose: what sits in a buffer is latency for a reader that falls behind."""
_WHOLE_BINARY, _WHOLE_TEXT = 0x82, 0x81
_FIN, _OPCODE, _CONTROL = 0x80, 0x0F, 0x08
_MASKED, _LENGTH = 0x80, 0x7F
_LONGEST_HEADER = 14


class Socket(ServerConnection):
    """websockets' connection, cut into frames on arrival. Its loop's thread is the only caller."""

    doors: Doors
    message_bytes: int
    """Longer frames are left to websockets, which refuses them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_binary: Callable[[bytes], None] | None = None
        """Takes whole binary messages at once; they then do not come out of `recv`. Order with texts is kept."""
        self._partial = bytearray()
        self._wanted = 0  # bytes that the frame in `_partial` needs, as far as known
        self._uncut = False  # frames can no longer be told apart here
        self._in_pieces = False  # within a fragmented message
        self._unhandled = 0  # messages that went the long way and were not reported as handled

    def handled(self) -> None:
        """A message that came out of `recv` has been dealt with."""
        self._unhandled -= 1

    @property
    def writable(self) -> bool:
        """Whether `write` may be called: the connection is open and its socket has taken everything so far."""
        return self.protocol.state is State.OPEN and not self.transport.get_write_buffer_size()

    def write(self, message: str | bytes) -> None:
        """Sends a message without waiting; only while `writable`, else `send`."""
        first = _WHOLE_BINARY
        if isinstance(message, str):
            first, message = _WHOLE_TEXT, message.encode()
        self.transport.write(_header(first, len(message)) + message)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.doors.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.protocol.state is State.CONNECTING:
            self._uncut = not data.endswith(b"\r\n\r\n")  # a client that does not wait for the answer
        if self._uncut or self.protocol.state is not State.OPEN:
            self._pass_on(data)
            return
        if self._partial:
            self._partial += data
            if len(self._partial) < self._wanted:
                return
            data = bytes(self._partial)
            self._partial.clear()
        self._cut(data)

    def _cut(self, data: bytes) -> None:
        start, end = 0, len(data)
        while start < end:
            header, size = _frame(data, start)
            if size > self.message_bytes:
                self._uncut = True
                self._pass_on(data[start:])
                return
            if not header or start + header + size > end:
                self._partial += data[start:]
                self._wanted = header + size if header else len(self._partial) + 1
                return
            self._take(data, start, header, size)
            start += header + size

    def _take(self, data: bytes, start: int, header: int, size: int) -> None:
        """One whole frame."""
        first, body = data[start], start + header
        direct = first == _WHOLE_BINARY and data[start + 1] & _MASKED
        if direct and self.on_binary is not None and not (self._in_pieces or self._unhandled):
            self.on_binary(apply_mask(data[body : body + size], data[body - 4 : body]))
            return
        if not first & _CONTROL:
            self._in_pieces = not first & _FIN
            self._unhandled += bool(first & _FIN)
        super().data_received(data[start : body + size])

    def _pass_on(self, data: bytes) -> None:
        if self._partial:
            data = bytes(self._partial) + data
            self._partial.clear()
        super().data_received(data)


def socket_class(doors: Doors, message_bytes: int) -> type[Socket]:
    """The class for one server's connections: they leave its doors free when they break."""
    return type("Socket", (Socket,), {"doors": doors, "message_bytes": message_bytes})


def _frame(data: bytes, start: int) -> tuple[int, int]:
    """Bytes of header (mask included) and payload of the frame at `start`; header 0: not all of it is here."""
    available = len(data) - start
    if available < 2:
        return 0, 0
    size = data[start + 1] & _LENGTH
    header = 2 + (4 if data[start + 1] & _MASKED else 0)
    if size >= 126:
        extended = 2 if size == 126 else 8
        header += extended
        size = int.from_bytes(data[start + 2 : start + 2 + extended], "big") if available >= 2 + extended else 0
    return (header if available >= header else 0), size


def _header(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")
