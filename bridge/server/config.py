"""How a server is started: addresses, secrets, limits."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from gesturestream.bridge.protocol.codes import Limits

log = logging.getLogger(__name__)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
WEB_DIST = Path(__file__).parent.parent / "web" / "dist"


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own; False for names."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """What `gesturestream serve` takes. ValueError where it would not be safe."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs `token`."""
    port: int = 8765
    """0: any free port."""
    token: str | None = field(default=None, repr=False)
    """Clients must send it in their first message."""
    tls_cert: Path | None = None
    """Certificate chain, PEM."""
    tls_key: Path | None = None
    allow_origin: tuple[str, ...] = ()
    """Origins besides the server's own, as `https://example.org`."""
    allow_host: tuple[str, ...] = ()
    """Host names besides loopback and `host` under which this server is reached."""
    max_sessions: int | None = None
    """None: the engine's."""
    forward_audio: bool = False
    """Lets clients hear microphone sessions."""
    web_dist: Path = WEB_DIST
    """The built viewer."""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.loopback and not self.token:
            raise ValueError(
                f"host: expected a loopback address when there is no token, got {self.host!r}; "
                "set --token so that only those who know it may connect"
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key: expected both or none, got one")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: expected 0..65535, got {self.port}")
        if not self.loopback and self.tls_cert is None:
            log.warning("listening on %s without TLS: voices and the token travel unencrypted", self.host)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return self.host == "localhost" or is_loopback(self.host)

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS side, or None without a certificate. ValueError when the files cannot be used."""
        if self.tls_cert is None or self.tls_key is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.tls_cert, self.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"expected a PEM certificate and its key, got {self.tls_cert}, {self.tls_key}: {error}"
            ) from None
        return context
