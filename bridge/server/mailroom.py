"""From the model thread to the event loop: one lock around every reader's queue, one wake-up per batch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from gesturestream.bridge.protocol.reader_queue import ReaderQueue


class Outbox:
    """A reader's queue together with the flag that its writer waits on."""

    def __init__(self, queue: ReaderQueue) -> None:
        self.queue = queue
        self.filled = asyncio.Event()
        self.flush: Callable[[], bool] = lambda: False
        """Its writer's: sends what is queued; False where the writer has to be woken for that."""


class Mailroom:
    """Queues may be touched by any thread that holds `lock`; `notify` then wakes their writers on the loop.

    The queues themselves are bounded, so a loop that stalls loses frames, never memory.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lock = threading.Lock()
        self._loop = loop
        self._filled: set[Outbox] = set()

    def notify(self, outbox: Outbox) -> None:
        """Has `outbox`'s writer look at its queue. The caller holds the lock."""
        if not self._filled:
            self.call(self._deliver)
        self._filled.add(outbox)

    def call(self, function: Callable[[], object]) -> None:
        """Runs `function` on the loop; nothing once the loop is closed."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def _deliver(self) -> None:
        with self.lock:
            filled, self._filled = self._filled, set()
        for outbox in filled:
            if not outbox.flush():
                outbox.filled.set()
