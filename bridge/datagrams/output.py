"""Which session goes to which receiver: datagrams do not name avatars, so each receiver shows one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from gesturestream.bridge.datagrams.sender import DatagramSender
from gesturestream.bridge.server.publisher import Publisher


class DatagramOutput:
    """Gives the first session to the first sender, and so on; a sender that becomes free takes who waits longest.

    A context manager: it sends while it is open. Sessions in `offline` mode are not shown: nothing paces them.
    """

    def __init__(self, senders: Sequence[DatagramSender]) -> None:
        self._senders = tuple(senders)
        self._shown: dict[DatagramSender, Publisher | None] = dict.fromkeys(self._senders)
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
        if publisher in self._waiting:
            self._waiting.remove(publisher)
        for sender, shown in self._shown.items():
            if shown is publisher:
                publisher.remove_tap(sender.on_frame)
                self._shown[sender] = None
        self._assign()

    def _assign(self) -> None:
        for sender, shown in self._shown.items():
            if shown is None and self._waiting:
                publisher = self._waiting.pop(0)
                self._shown[sender] = publisher
                sender.show(publisher.session.config.mode)
                publisher.add_tap(sender.on_frame)
