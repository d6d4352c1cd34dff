"""Addresses as they are typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a receiver listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, port_unless_told: int) -> Self:
        """HOST, HOST:PORT or [IPv6]:PORT. ValueError for anything else."""
        host, colon, port = text.rpartition(":")
        if not colon or text.endswith("]"):
            host, port = text, str(port_unless_told)
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or (":" in bare and bare == host) or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"expected HOST:PORT such as 127.0.0.1:{port_unless_told}, got {text!r}")
        return cls(host=bare, port=int(port))
