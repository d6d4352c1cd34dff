"""Serving until Ctrl-C, with or without a voice of this process's own, whose body is the session `local`."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.logging import RichHandler

from gesturestream.cli.command import EXIT_OK, asked_for
from gesturestream.cli.engine import make_engine
from gesturestream.cli.options import ListenOptions, ModelOptions, SendOptions, VoiceOptions
from gesturestream.cli.status import StatusLine

if TYPE_CHECKING:
    from gesturestream.bridge.datagrams import DatagramOutput
    from gesturestream.bridge.server import BridgeServer
    from gesturestream.realtime.engine import Engine
    from gesturestream.realtime.frame import AudioChunk, Event, Frame
    from gesturestream.realtime.session import Session
    from gesturestream.realtime.sources import Source

log = logging.getLogger(__name__)

LASTING_S = 10.0
"""A local session that fails sooner would do so again."""


@dataclass(frozen=True, kw_only=True)
class LocalVoice:
    """What this process itself speaks with."""

    source: Source
    microphone: bool
    """Not forwarded to watchers unless the server allows it."""
    options: VoiceOptions

    def open(self, engine: Engine) -> Session:
        """Its session, which nobody sees until the server publishes it."""
        with asked_for():
            return engine.open(self.options.session(name="local", mode="live", audio_rate=self.source.rate), _Nobody())

    def speak(self, session: Session, tell: Callable[[Event], None], silenced: threading.Event) -> None:
        """Pushes into the session until silenced; `tell` is given what happens to the microphone."""
        from gesturestream.realtime.sources.microphone import MicrophoneSource

        if isinstance(self.source, MicrophoneSource):
            lost, back = (lambda: tell(session.event("device_lost"))), (lambda: tell(session.event("device_back")))
            self.source.run(session.push_audio, silenced, lost, back)
        else:
            self.source.run(session.push_audio, silenced)


def run_server(
    listen: ListenOptions,
    model: ModelOptions,
    voice: LocalVoice | None = None,
    *,
    send: SendOptions | None = None,
    open_page: bool = False,
) -> int:
    """Serves until Ctrl-C or SIGTERM."""
    console = Console(stderr=True)
    set_up_logging(console)
    with asked_for():
        listen.config().ssl_context()  # what is wrong with the options is said before the models are loaded
    send = send or SendOptions()
    outputs = send.outputs()
    generator = voice.options.generator if voice else None
    with (
        make_engine(listen.max_sessions, generator, model.checkpoint, listen.cues, model.executor) as engine,
        ExitStack() as stack,
    ):
        for output in outputs:
            stack.enter_context(output)
        announce_sending(send, console)
        asyncio.run(_serve(engine, listen, voice, console, outputs, open_page))
    return EXIT_OK


def set_up_logging(console: Console) -> None:
    """Warnings go above the status line; a client that breaks off its handshake is no news."""
    handler = RichHandler(console=console, show_time=False, show_path=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("websockets").setLevel(logging.CRITICAL)


async def _serve(
    engine: Engine,
    listen: ListenOptions,
    voice: LocalVoice | None,
    console: Console,
    outputs: list[DatagramOutput],
    open_page: bool,
) -> None:
    from gesturestream.bridge.server import BridgeServer

    silenced, stopped = threading.Event(), _stop_signals()
    session = voice.open(engine) if voice else None
    async with BridgeServer(engine, listen.config(), outputs=outputs) as server:
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(stopped.wait())]
        if voice is not None and session is not None:
            waiting.append(asyncio.create_task(_speak(server, engine, voice, session, silenced)))
        announce(server.url, listen, console, open_page)
        try:
            with StatusLine(engine, server, session, console):
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            silenced.set()
        for ended in done:
            ended.result()


async def _speak(
    server: BridgeServer, engine: Engine, voice: LocalVoice, session: Session, silenced: threading.Event
) -> None:
    """Speaks until silenced; a session that fails is followed by a new one, unless it failed right away."""
    from gesturestream.bridge.server import Local

    while True:
        publisher = server.add_local(Local(session=session, microphone=voice.microphone))
        try:
            await asyncio.to_thread(voice.speak, session, publisher.on_event, silenced)
            return
        except ValueError:  # a session that is closed takes no audio
            if silenced.is_set():
                return
            if not session.closed:
                raise
        if engine.failed or session.media_time_s < LASTING_S:
            raise RuntimeError(f"the local session failed after {session.media_time_s:.1f} s; the reason stands above")
        log.warning("the local session failed after %.1f s; a new one is opened", session.media_time_s)
        session = voice.open(engine)


def announce(url: str, listen: ListenOptions, console: Console, open_page: bool) -> None:
    """Says where the page is, opens it where asked. The token is never printed."""
    token = listen.secret
    console.print(f"gesturestream is at {url}" + ("#token=..." if token else "") + "   (Ctrl-C ends it)")
    if open_page and not webbrowser.open(url + (f"#token={token}" if token else "")):
        console.print("No browser was found: open that address by hand.")


def announce_sending(send: SendOptions, console: Console) -> None:
    """Says what goes where, and what a receiver of VMC does not get without --vmc-vrm."""
    if send.live_link_face:
        console.print(f"Live Link Face goes to {', '.join(send.live_link_face)}")
    if send.vmc:
        console.print(f"VMC goes to {', '.join(send.vmc)}")
    if send.vmc and send.vmc_vrm is None:
        console.print(
            "[yellow]VMC without --vmc-vrm has the proportions of this project's own body.[/yellow] Give the .vrm that "
            "the receiver shows, or let the receiver take no bone positions, or else the avatar is deformed."
        )


def _stop_signals() -> asyncio.Event:
    """Set by Ctrl-C and SIGTERM; where the loop cannot watch signals (Windows) Ctrl-C raises KeyboardInterrupt."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        except NotImplementedError:
            break
    return stopped


class _Nobody:
    """A sink that keeps nothing."""

    def on_frame(self, frame: Frame) -> None: ...
    def on_event(self, event: Event) -> None: ...
    def on_audio(self, chunk: AudioChunk) -> None: ...
