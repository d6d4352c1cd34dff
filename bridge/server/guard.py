"""Which Host and Origin headers are served: the defence against DNS rebinding and cross-site WebSocket hijacking."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from gesturestream.bridge.server.config import LOOPBACK_NAMES, ServerConfig

_WILDCARDS = frozenset({"0.0.0.0", "::"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def split_host(value: str) -> tuple[str, int | None] | None:
    """`host`, `host:port`, `[v6]:port` -> lower-case name without brackets, and the port; None when malformed."""
    try:
        parts = urlsplit(f"//{value}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    clean = parts.netloc == value and "@" not in value
    return (name, port) if name and clean else None


class Guard:
    """Decides by the headers of a request alone."""

    def __init__(self, config: ServerConfig) -> None:
        self._hosts = LOOPBACK_NAMES | {name.lower() for name in (config.host, *config.allow_host)}
        self._any_own_address = config.host in _WILDCARDS
        self._origins = {origin.lower().rstrip("/") for origin in config.allow_origin}

    def refusal(self, hosts: Iterable[str], origins: Iterable[str], own_address: str) -> str | None:
        """Why a request is refused (HTTP 403), or None.

        hosts, origins: all values of these headers; own_address: the address the connection came in on, which is a
        known Host when the server listens on every address.
        """
        host_values, origin_values = list(hosts), list(origins)
        host = split_host(host_values[0]) if len(host_values) == 1 else None
        if host is None or not self._known_host(host[0], own_address):
            return "Host not allowed: expected a loopback name, --host or --allow-host."
        if origin_values and not self._known_origin(origin_values, host, own_address):
            return "Origin not allowed: expected this server's own, or one given by --allow-origin."
        return None

    def _known_host(self, name: str, own_address: str) -> bool:
        return name in self._hosts or (self._any_own_address and name == own_address)

    def _known_origin(self, values: list[str], host: tuple[str, int | None], own_address: str) -> bool:
        origin = values[0].lower()
        if len(values) != 1 or origin == "null":
            return False
        if origin in self._origins:
            return True
        scheme, _, rest = origin.partition("://")
        split = split_host(rest)
        if split is None or scheme not in _DEFAULT_PORTS or not self._known_host(split[0], own_address):
            return False
        default = _DEFAULT_PORTS[scheme]
        # Another port of this machine is another program: only the port the request itself names is ours.
        return (split[1] or default) == (host[1] or default)
