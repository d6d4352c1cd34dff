"""A server in a thread of its own, for tests and for programs that are not asynchronous."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gesturestream.bridge.server.app import Local, serve
from gesturestream.bridge.server.config import ServerConfig
from gesturestream.bridge.server.output import Output

if TYPE_CHECKING:
    from gesturestream.realtime.engine import Engine


@contextmanager
def running_server(
    engine: Engine, config: ServerConfig | None = None, *, local: Local | None = None, outputs: Sequence[Output] = ()
) -> Iterator[str]:
    """Yields the URL of the page; the stream is at the same place with `ws` and `/v1/stream`.

    What keeps the server from listening is raised here.
    """
    config = config or ServerConfig(port=0)
    outcome: queue.Queue[str | BaseException] = queue.Queue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(serve(engine, config, local=local, outputs=outputs, ready=outcome.put))

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            outcome.put(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="bridge-server", daemon=True)
    thread.start()
    try:
        url = outcome.get()
        if isinstance(url, BaseException):
            raise url
        yield url
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
