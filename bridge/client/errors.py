"""What a client raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self


class ClientError(Exception):
    """Everything that this package raises of its own."""


class ServerError(ClientError):
    """The server refused something: the protocol's message `error`."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        id: str | int | None = None,
        fatal: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message if field is None or field in message else f"{field}: {message}")
        self.code = code
        """bad_field, forbidden, unavailable, server_full and so on."""
        self.field = field
        """Which field of the request was wrong, `audio.rate` for instance."""
        self.id = id
        self.fatal = fatal
        self.retry_after_s = retry_after_s

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """From the decoded JSON; what is missing or of the wrong kind is passed over."""
        field, id, retry = message.get("field"), message.get("id"), message.get("retry_after_s")
        return cls(
            str(message.get("code", "internal")),
            str(message.get("message", "the server gave no reason")),
            field=field if isinstance(field, str) else None,
            id=id if isinstance(id, str | int) else None,
            fatal=message.get("fatal") is True,
            retry_after_s=float(retry) if isinstance(retry, int | float) else None,
        )


class ConnectionLost(ClientError):
    """There is no connection, and none is to be had within the time that was asked for."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason or 'the connection broke'} (close code {code})")
        self.code = code
        """The WebSocket close code; 1006: closed without one, or never opened."""
