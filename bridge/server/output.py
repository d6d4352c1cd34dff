"""What shows sessions besides the clients that connect."""

from __future__ import annotations

from typing import Protocol

from gesturestream.bridge.server.publisher import Publisher


class Output(Protocol):
    """Is told of every session; where it wants the frames it calls `Publisher.add_tap`. Called on the event loop."""

    def opened(self, publisher: Publisher) -> None: ...
    def closed(self, publisher: Publisher) -> None: ...
