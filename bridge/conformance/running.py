"""The scripted server in a thread of the caller's process, for tests in Python."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gesturestream.bridge.conformance.server import ScriptedServer, ScriptedServerConfig

_WAIT_S = 60.0


@dataclass(frozen=True)
class Running:
    """A server that runs, and what it reports."""

    port: int
    reports: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)

    @property
    def page(self) -> str:
        """The address as `running_server` gives it."""
        return f"http://127.0.0.1:{self.port}/"

    def next_report(self) -> dict[str, Any]:
        """What happened next; queue.Empty after a minute of nothing."""
        return self.reports.get(timeout=_WAIT_S)


@contextmanager
def running_script(config: ScriptedServerConfig) -> Iterator[Running]:
    """Yields the server once it listens (that report is taken already); stops it afterwards."""
    reports: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(ScriptedServer(config, reports.put).run())

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        _finish(loop)

    thread = threading.Thread(target=run, name="scripted-server", daemon=True)
    thread.start()
    try:
        yield Running(reports.get(timeout=_WAIT_S)["port"], reports)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Ends the connections that are still open."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()
