"""A writer whose socket is full: two tasks take turns at one queue, and nothing falls between them."""

from __future__ import annotations

import asyncio
import time

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from gesturestream.bridge.protocol.codes import CloseCode, Limits
from gesturestream.bridge.protocol.reader_queue import ReaderQueue
from gesturestream.bridge.server.doors import Doors
from gesturestream.bridge.server.mailroom import Mailroom, Outbox
from gesturestream.bridge.server.socket import Socket, socket_class
from gesturestream.bridge.server.writer import Writer

TEXTS = [f"{number} " + "x" * 400_000 for number in range(8)]


async def written_in_one_breath() -> list[str]:
    """Several batches come before the writer's task has its turn; each is more than the socket takes at once."""

    async def write(connection: Socket) -> None:
        outbox = Outbox(ReaderQueue(None, Limits()))
        mailroom = Mailroom(asyncio.get_running_loop())
        writer = Writer(connection, outbox, mailroom, clock=time.monotonic, progressed=lambda: None)
        running = asyncio.create_task(writer.run())
        await asyncio.sleep(0.01)  # it waits for something to send
        for text in TEXTS:
            outbox.queue.put_text(text)
            if not outbox.flush():
                outbox.filled.set()
        outbox.queue.put_close(CloseCode.NORMAL, "")
        outbox.filled.set()
        await running

    kind = socket_class(Doors(Limits()), 1024)
    async with serve(write, "127.0.0.1", 0, create_connection=kind, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None, max_size=None) as client:
            return [str(message) async for message in client]


def test_what_comes_while_the_writer_is_about_to_wake_is_neither_lost_nor_overtaken() -> None:
    assert [text[0] for text in asyncio.run(written_in_one_breath())] == [text[0] for text in TEXTS]
