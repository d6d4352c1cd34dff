"""The client for asyncio: a thin shell around `session`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, WebSocketException

from gesturestream.bridge.client.audio import CHUNK_S, LIVE_CHUNK_S, Audio, Chunk, Encoder, open_source, pieces
from gesturestream.bridge.client.errors import ClientError
from gesturestream.bridge.client.opening import (
    CONNECT_S,
    NOBODY_READS,
    PIECE_BYTES,
    POLL_S,
    TICK_S,
    failed,
    parse_sessions,
    socket_options,
)
from gesturestream.bridge.client.ready import Ready
from gesturestream.bridge.client.requests import (
    SessionEntry,
    StartOptions,
    WatchOptions,
    Word,
    list_text,
    of_utterance,
    stream_url,
    words_as_json,
)
from gesturestream.bridge.client.session import Request, Session
from gesturestream.bridge.client.speech import Speech
from gesturestream.realtime.frame import AudioChunk, Event, Frame

_END: Any = object()


def connect(
    url: str,
    *,
    token: str | None = None,
    wait_s: float = 0.0,
    reconnect_s: float = 60.0,
    ssl: SSLContext | None = None,
    **start: Any,
) -> Avatar:
    """A session of one's own: `async with connect(url, mode="agent") as avatar`. `start`: see `StartOptions`.

    `wait_s`: how long the server may take to be there at first; `reconnect_s`: how long to try to come back when the
    connection breaks; `ssl`: for `wss://` with a certificate of one's own.
    """
    return Avatar(url, StartOptions(**start), token=token, wait_s=wait_s, reconnect_s=reconnect_s, ssl=ssl)


def watch(
    url: str,
    session: str = "local",
    *,
    token: str | None = None,
    wait_s: float = 0.0,
    reconnect_s: float = 60.0,
    ssl: SSLContext | None = None,
    **options: Any,
) -> Avatar:
    """A running session, by id or name, to look at; see `WatchOptions`."""
    chosen = WatchOptions(session=session, **options)
    return Avatar(url, chosen, token=token, wait_s=wait_s, reconnect_s=reconnect_s, ssl=ssl)


async def list_sessions(url: str, *, token: str | None = None, ssl: SSLContext | None = None) -> list[SessionEntry]:
    """Which sessions run."""
    address = stream_url(url)
    try:
        async with open_socket(address, **socket_options(ssl)) as socket:
            await socket.send(list_text(token))
            async with asyncio.timeout(CONNECT_S):
                return parse_sessions(await socket.recv())
    except (OSError, WebSocketException) as error:
        raise failed(error, address).as_exception() from error


class Avatar:
    """One avatar, over as many connections as it takes. Used as an asynchronous context manager."""

    def __init__(
        self,
        url: str,
        options: StartOptions | WatchOptions,
        *,
        token: str | None,
        wait_s: float,
        reconnect_s: float,
        ssl: SSLContext | None,
    ) -> None:
        self.url = stream_url(url)
        self._ssl = ssl
        self._session = Session(options, token=token, wait_s=wait_s, reconnect_s=reconnect_s, now_s=time.monotonic())
        self._changed: asyncio.Future[None] | None = None
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()
        self._speaking = asyncio.Lock()
        self._readers = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="gesturestream-client")
        try:
            await self._until(lambda: self._session.connected)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def ready(self) -> Ready:
        """The newest message `ready`: names of joints, blendshapes, cues and all else the server said."""
        assert self._session.ready is not None, "enter the context first: async with connect(...) as avatar"
        return self._session.ready

    @property
    def stats(self) -> Mapping[str, Any]:
        """The newest message `stats`; empty before the first."""
        return self._session.stats

    @property
    def core(self) -> Session:
        """Counters, clocks and buffers, to be read only."""
        return self._session

    async def close(self) -> None:
        """Ends the session, what was not said yet is dropped, and closes the connection."""
        session = self._session
        if session.owner and session.connected and not session.ending:
            with suppress(ClientError):
                session.interrupt(None, time.monotonic())
                session.end()
            with suppress(ConnectionClosed, TimeoutError):
                async with asyncio.timeout(TICK_S * 10):
                    await self._flush()
        session.close()
        self._notify()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    # -- what comes

    async def frames(self) -> AsyncIterator[Frame]:
        """Frames in the order of their media time, each once, until the session ends.

        Whoever takes more than half a second too long is given the newest frame next, with flag DROPPED; in mode
        `offline` every frame comes, and nothing more is read while 256 wait.
        """
        self._readers += 1
        try:
            while (frame := await self._next(self._session.frames.pop)) is not None:
                yield frame
        finally:
            self._readers -= 1

    async def events(self) -> AsyncIterator[Event]:
        """What the server tells, until the session ends.

        Beside the protocol's events: `reconnected` (`resumed`: whether it is the same session) and `error` (a request
        that nobody waits for any more was refused).
        """
        waiting = self._session.events
        while (event := await self._next(lambda: waiting.popleft() if waiting else None)) is not None:
            yield event

    async def voice(self) -> AsyncIterator[AudioChunk]:
        """Forwarded audio (`forward_audio`, or a watcher's `audio`): 16 kHz, the newest two seconds at most."""
        waiting = self._session.voice
        while (chunk := await self._next(lambda: waiting.popleft() if waiting else None)) is not None:
            yield chunk

    def pose(self) -> Frame | None:
        """The pose to draw now, interpolated between frames and late by as much as the network jitters.

        None before the first frame. `media_time_s` says which moment is shown.
        """
        return self._session.pose(time.monotonic())

    # -- what is said

    async def speak(
        self,
        audio: Audio,
        rate: int | None = None,
        text: str | None = None,
        *,
        words: Iterable[Word | Sequence[Any]] | None = None,
        id: str | None = None,
    ) -> Speech:
        """Sends an utterance and returns when all of it is sent, or an interrupt has cut it short.

        `audio`: a path, bytes (s16le mono), an array, or an iterator of bytes or arrays, asynchronous or not. `rate`:
        Hz of bytes and arrays, by default that of the session. In mode `live` a recording is sent in real time; in
        `agent` as fast as it comes, at most 60 s ahead; in `offline` as the server grants it. Utterances wait for each
        other.
        """
        async with self._speaking:
            await self._until(lambda: self._session.connected)
            session = self._session
            live = not session.lossless and not session.paced_by_play_clock
            source = open_source(audio, rate or session.rate, LIVE_CHUNK_S if live else CHUNK_S)
            speech = session.begin_speech(id, text, None if words is None else words_as_json(words))
            encoder = Encoder(source.rate, session.rate)
            start_s = time.monotonic()
            async with aclosing(_chunks(source.chunks, blocking=not source.recorded)) as chunks:
                async for chunk in chunks:
                    await self._send(speech, encoder.encode(chunk))
                    if speech.interrupted:
                        break
                    if live and source.recorded:
                        await asyncio.sleep(start_s + speech.sent_s - time.monotonic())
            await self._send(speech, encoder.flush())
            session.end_speech(speech)
            await self._flush()
            return speech

    async def interrupt(self, heard_s: float | None = None) -> float:
        """Barge-in: drops what was not said yet; the body retracts. -> seconds of the audio sent that were heard.

        `heard_s`: how much of it your loudspeaker has played, if you know; otherwise the client's clocks are asked.
        `Speech.heard_s` turns the result into seconds of one utterance.
        """
        await self._until(lambda: self._session.connected)
        request, _ = self._session.interrupt(heard_s, time.monotonic())
        event = await self._answered(request)
        assert event is not None
        return self._session.heard_s(event)

    async def cue(self, name: str, at_s: float | None = None, *, utterance: str | None = None) -> None:
        """Plays a named gesture (`ready.cues`) now, or at seconds of an utterance or of all audio sent.

        ServerError for an unknown one.
        """
        await self._ask("cue", name=name, at_s=at_s, **of_utterance(utterance))

    async def control(self, **changes: Any) -> None:
        """Changes generator, speaker, emotion, intensity or posture, blended. ServerError names a bad field."""
        await self._ask("control", **changes)

    async def hint(
        self,
        joints: Mapping[str, Any],
        *,
        from_s: float | None = None,
        to_s: float | None = None,
        utterance: str | None = None,
    ) -> None:
        """Joints to be followed, the rest is generated around them: parent-local rotations xyzw by name, or a list of
        them, one a frame, or None, which lets the joint go."""
        await self._ask("hint", joints=joints, from_s=from_s, to_s=to_s, **of_utterance(utterance))

    async def words(self, words: Iterable[Word | Sequence[Any]], utterance: str | None = None) -> None:
        """A transcript: (text, start_s, end_s), from the utterance's first sample, or without one in audio time."""
        await self._ask("words", words=words_as_json(words), **of_utterance(utterance))

    async def end(self) -> None:
        """No more audio: the rest is generated, then `frames` and `events` stop."""
        self._session.end()
        await self._flush()

    # -- the shell

    async def _ask(self, kind: str, **fields: Any) -> None:
        await self._until(lambda: self._session.connected)
        await self._answered(self._session.ask(kind, time.monotonic(), **fields))

    async def _answered(self, request: Request) -> Event | None:
        await self._flush()
        await self._until(lambda: request.done or self._stuck())
        if not request.done:
            raise ClientError(NOBODY_READS)
        if request.error is not None:
            raise request.error
        return request.event

    async def _send(self, speech: Speech, data: bytes) -> None:
        for piece in pieces(data, PIECE_BYTES):
            await self._room_for(len(piece) // 2, speech)
            self._session.send_audio(speech, piece)
            await self._flush()

    async def _room_for(self, samples: int, speech: Speech) -> None:
        await self._until(lambda: speech.interrupted or self._session.room() >= samples or self._stuck())
        if self._stuck() and self._session.room() < samples and not speech.interrupted:
            raise ClientError(NOBODY_READS)

    def _stuck(self) -> bool:
        return self._session.frames.full and not self._readers

    async def _next(self, take: Callable[[], Any]) -> Any:
        """What `take` gives as soon as that is not None; None at the end of the session."""
        taken: list[Any] = []

        def took() -> bool:
            item = take()
            if item is not None:
                taken.append(item)
            return item is not None or self._session.over

        await self._until(took)
        if not taken and self._session.failure is not None:
            raise self._session.failure
        return taken[0] if taken else None

    async def _until(self, true: Callable[[], bool]) -> None:
        """Waits for something that the session does. What ended it is raised where that can never happen."""
        while not true():
            if self._session.over:
                raise self._session.failure or ClientError("the session has ended")
            if self._changed is None or self._changed.done():
                self._changed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._changed)

    def _notify(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def _flush(self) -> None:
        """Sends what the session has to say, in order."""
        async with self._sending:
            while self._session.outbox and self._socket is not None:
                with suppress(ConnectionClosed):  # whoever reads notices
                    await self._socket.send(self._session.outbox.popleft())

    async def _run(self) -> None:
        """Connects, and connects again, until the session is over."""
        session = self._session
        while (at_s := session.connect_at_s) is not None:
            await asyncio.sleep(max(0.0, at_s - time.monotonic()))
            try:
                await self._connection()
            except Exception as error:
                session.fail(error)
            self._notify()

    async def _connection(self) -> None:
        session = self._session
        try:
            socket = await open_socket(self.url, **socket_options(self._ssl))
        except (OSError, WebSocketException) as error:
            refusal = failed(error, self.url)
            return session.closed(refusal.code, refusal.reason, time.monotonic())
        session.opened(time.monotonic())
        self._socket = socket
        ticking = asyncio.create_task(self._tick(socket))
        try:
            await self._read(socket)
        finally:
            self._socket = None
            ticking.cancel()
            await socket.close()
        code = 1006 if socket.close_code is None else socket.close_code
        return session.closed(code, socket.close_reason or "", time.monotonic())

    async def _read(self, socket: ClientConnection) -> None:
        session = self._session
        with suppress(ConnectionClosed):
            await self._flush()
            async for message in socket:
                session.receive(message, time.monotonic())
                self._notify()
                while session.frames.full and not session.over:
                    await asyncio.sleep(POLL_S)
                    session.paused(time.monotonic())

    async def _tick(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._session.tick(time.monotonic()):
                socket.transport.abort()
                return
            await self._flush()


async def _chunks(chunks: Iterable[Chunk] | AsyncIterable[Chunk], *, blocking: bool) -> AsyncGenerator[Chunk]:
    """One way to iterate over all kinds; what may block does so in a thread."""
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            yield chunk
        return
    iterator = iter(chunks)
    while True:
        chunk = await asyncio.to_thread(next, iterator, _END) if blocking else next(iterator, _END)
        if chunk is _END:
            return
        yield chunk
