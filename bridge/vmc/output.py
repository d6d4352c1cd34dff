"""Which session goes to which receiver: VMC has no names for avatars, so each receiver shows one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from gesturestream.bridge.server.publisher import Publisher
from gesturestream.bridge.vmc.face import FaceKind, make_face
from gesturestream.bridge.vmc.rig import Rig
from gesturestream.bridge.vmc.sender import VmcEncoder, VmcSender

VMC_PORT = 39539
"""Where a receiver (a marionette, in the protocol's words) listens unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class VmcTarget:
    """Where a receiver listens."""

    host: str
    port: int = VMC_PORT

    @classmethod
    def parse(cls, text: str) -> Self:
        """HOST, HOST:PORT or [IPv6]:PORT. ValueError for anything else."""
        host, colon, port = text.rpartition(":")
        if not colon or text.endswith("]"):
            host, port = text, str(VMC_PORT)
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or (":" in bare and bare == host) or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"expected HOST:PORT such as 127.0.0.1:{VMC_PORT}, got {text!r}")
        return cls(host=bare, port=int(port))


class VmcOutput:
    """Gives the first session to the first target, and so on; a target that becomes free takes who waits longest.

    A context manager: it sends while it is open. Sessions in `offline` mode are not shown: nothing paces them.
    """

    def __init__(self, targets: Sequence[VmcTarget], rig: Rig, face: FaceKind = "auto") -> None:
        """OSError when a host is not known."""
        chosen = make_face(face, rig.shapes)
        self._senders = [VmcSender((t.host, t.port), VmcEncoder(rig, chosen)) for t in targets]
        self._shown: dict[VmcSender, Publisher | None] = dict.fromkeys(self._senders)
        self._waiting: list[Publisher] = []

    def __enter__(self) -> Self:
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for sender in self._senders:
            sender.close()

    def opened(self, publisher: Publisher) -> None:
        """A session is there."""
        if publisher.session.config.mode != "offline":
            self._waiting.append(publisher)
            self._assign()

    def closed(self, publisher: Publisher) -> None:
        """It is gone."""
        publisher.tap = None
        if publisher in self._waiting:
            self._waiting.remove(publisher)
        for sender, shown in self._shown.items():
            if shown is publisher:
                self._shown[sender] = None
        self._assign()

    def _assign(self) -> None:
        for sender, shown in self._shown.items():
            if shown is None and self._waiting:
                publisher = self._waiting.pop(0)
                self._shown[sender] = publisher
                sender.show(publisher.session.config.mode)
                publisher.tap = sender.on_frame
