"""How a connection comes about, for both shells: options of the WebSocket, and what an error of it means."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any, NamedTuple

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gesturestream.bridge.client.errors import ClientError, ConnectionLost, ServerError
from gesturestream.bridge.client.requests import SessionEntry
from gesturestream.bridge.protocol.codes import SUBPROTOCOL, CloseCode
from gesturestream.bridge.protocol.fields import MessageError, parse_object

CONNECT_S = 10.0
TICK_S = 0.05
"""How often acknowledgements and the like are looked after."""
POLL_S = 0.005
"""Mode `offline`: how often a full buffer is looked at again."""
PIECE_BYTES = 64 * 1024
"""Audio messages are not longer."""
FORBIDDEN = 4403
NOBODY_READS = (
    "256 frames wait and nobody takes them, so the server waits too: iterate over frames() while you speak, in another "
    "task or thread"
)


def socket_options(ssl: SSLContext | None) -> dict[str, Any]:
    """What both kinds of `websockets.connect` are given."""
    return {
        "subprotocols": [Subprotocol(SUBPROTOCOL)],
        "compression": None,
        "open_timeout": CONNECT_S,
        "close_timeout": 1.0,
        "ping_interval": None,  # the server pings, and sends something at least once a second
        "max_size": 16 << 20,
        **({} if ssl is None else {"ssl": ssl}),
    }


class Refusal(NamedTuple):
    """Why there is no connection."""

    code: int
    reason: str

    def as_exception(self) -> ClientError:
        return ConnectionLost(self.code, self.reason)


def failed(error: Exception, url: str) -> Refusal:
    """What to make of an error while connecting."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        said = (error.response.body or b"").decode("utf-8", "replace").strip()[:200]
        if status == 403:
            return Refusal(FORBIDDEN, f"{url}: the server does not serve this address or origin: {said}")
        if status == 503:
            return Refusal(CloseCode.BUSY, f"{url}: the server is busy: {said}")
        return Refusal(CloseCode.INVALID, f"{url}: expected a gesturestream server, got HTTP status {status}")
    if isinstance(error, ConnectionClosed):
        return Refusal(error.rcvd.code if error.rcvd else 1006, f"{url}: {error}")
    return Refusal(1006, f"{url}: cannot connect ({error or type(error).__name__}); is `gesturestream serve` running?")


def parse_sessions(message: str | bytes) -> list[SessionEntry]:
    """The answer to `list`. ServerError for a refusal."""
    try:
        data = parse_object(message if isinstance(message, str) else "")
    except MessageError as error:
        raise ClientError(f"expected the list of sessions, got {error}") from None
    if data.get("type") == "error":
        raise ServerError.of(data)
    entries = data.get("sessions")
    if data.get("type") != "sessions" or not isinstance(entries, list):
        raise ClientError(f"expected the list of sessions, got a message of type {data.get('type')!r}")
    return [SessionEntry(*(str(entry.get(name, "")) for name in SessionEntry._fields)) for entry in entries]
