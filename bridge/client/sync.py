"""The blocking client: the calls of `aio` without `await`. One thread per avatar reads; any other may call."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from socket import SHUT_RDWR
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_socket

from gesturestream.bridge.client.audio import CHUNK_S, LIVE_CHUNK_S, Audio, Encoder, Source, open_source, pieces
from gesturestream.bridge.client.errors import ClientError, ConnectionLost, ServerError
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

__all__ = ["Avatar", "ClientError", "ConnectionLost", "ServerError", "Word", "connect", "list_sessions", "watch"]


def connect(
    url: str,
    *,
    token: str | None = None,
    wait_s: float = 0.0,
    reconnect_s: float = 60.0,
    ssl: SSLContext | None = None,
    **start: Any,
) -> Avatar:
    """A session of one's own: `with connect(url, mode="agent") as avatar`; the arguments are those of `aio.connect`."""
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


def list_sessions(url: str, *, token: str | None = None, ssl: SSLContext | None = None) -> list[SessionEntry]:
    """Which sessions run."""
    address = stream_url(url)
    try:
        with open_socket(address, **socket_options(ssl)) as socket:
            socket.send(list_text(token))
            return parse_sessions(socket.recv(timeout=CONNECT_S))
    except (OSError, WebSocketException) as error:
        raise failed(error, address).as_exception() from error


class Avatar:
    """One avatar, over as many connections as it takes. Used as a context manager; the methods are those of `aio`."""

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
        self._changed = threading.Condition(threading.RLock())  # around the session
        self._sending = threading.Lock()
        self._speaking = threading.Lock()
        self._closing = threading.Event()
        self._socket: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="gesturestream-client", daemon=True)
        self._readers = 0

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            with self._changed:
                self._until(lambda: self._session.connected)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def ready(self) -> Ready:
        """The newest message `ready`: names of joints, blendshapes, cues and all else the server said."""
        assert self._session.ready is not None, "enter the context first: with connect(...) as avatar"
        return self._session.ready

    @property
    def stats(self) -> Mapping[str, Any]:
        """The newest message `stats`; empty before the first."""
        return self._session.stats

    @property
    def core(self) -> Session:
        """Counters, clocks and buffers, to be read only."""
        return self._session

    def close(self) -> None:
        """Ends the session, what was not said yet is dropped, and closes the connection."""
        with self._changed:
            session = self._session
            if session.owner and session.connected and not session.ending:
                with suppress(ClientError):
                    session.interrupt(None, time.monotonic())
                    session.end()
        self._flush(wait=False)
        with self._changed:
            session.close()
            self._changed.notify_all()
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    # -- what comes

    def frames(self) -> Iterator[Frame]:
        """Frames in the order of their media time, each once, until the session ends.

        Whoever takes more than half a second too long is given the newest frame next, with flag DROPPED; in mode
        `offline` every frame comes, and nothing more is read while 256 wait.
        """
        with self._changed:
            self._readers += 1
        try:
            while (frame := self._next(self._session.frames.pop)) is not None:
                yield frame
        finally:
            with self._changed:
                self._readers -= 1

    def events(self) -> Iterator[Event]:
        """What the server tells, until the session ends; see `aio.Avatar.events`."""
        waiting = self._session.events
        while (event := self._next(lambda: waiting.popleft() if waiting else None)) is not None:
            yield event

    def voice(self) -> Iterator[AudioChunk]:
        """Forwarded audio (`forward_audio`, or a watcher's `audio`): 16 kHz, the newest two seconds at most."""
        waiting = self._session.voice
        while (chunk := self._next(lambda: waiting.popleft() if waiting else None)) is not None:
            yield chunk

    def pose(self) -> Frame | None:
        """The pose to draw now, interpolated between frames and late by as much as the network jitters.

        None before the first frame. `media_time_s` says which moment is shown.
        """
        with self._changed:
            return self._session.pose(time.monotonic())

    # -- what is said

    def speak(
        self,
        audio: Audio,
        rate: int | None = None,
        text: str | None = None,
        *,
        words: Iterable[Word | Sequence[Any]] | None = None,
        id: str | None = None,
    ) -> Speech:
        """Sends an utterance and returns when all of it is sent, or an interrupt has cut it short.

        As `aio.Avatar.speak`, with iterators that are not asynchronous. Call it in a thread of its own where frames are
        to be taken meanwhile; in mode `offline` they have to be.
        """
        with self._speaking:
            session = self._session
            live = not session.lossless and not session.paced_by_play_clock
            source = open_source(audio, rate or session.rate, LIVE_CHUNK_S if live else CHUNK_S)
            if isinstance(source.chunks, AsyncIterable):
                raise TypeError("expected an iterator, got an asynchronous one; connect() of asyncio takes it")
            with self._changed:
                self._until(lambda: session.connected)
                speech = session.begin_speech(id, text, None if words is None else words_as_json(words))
            self._say(speech, source, source.chunks, paced=live and source.recorded)
            with self._changed:
                session.end_speech(speech)
            self._flush()
            return speech

    def interrupt(self, heard_s: float | None = None) -> float:
        """Barge-in: drops what was not said yet; the body retracts. -> seconds of the audio sent that were heard.

        `heard_s`: how much of it your loudspeaker has played, if you know; otherwise the client's clocks are asked.
        `Speech.heard_s` turns the result into seconds of one utterance.
        """
        with self._changed:
            self._until(lambda: self._session.connected)
            request, _ = self._session.interrupt(heard_s, time.monotonic())
        event = self._answered(request)
        assert event is not None
        with self._changed:
            return self._session.heard_s(event)

    def cue(self, name: str, at_s: float | None = None, *, utterance: str | None = None) -> None:
        """Plays a named gesture (`ready.cues`) now, or at seconds of an utterance or of all audio sent.

        ServerError for an unknown one.
        """
        self._ask("cue", name=name, at_s=at_s, **of_utterance(utterance))

    def control(self, **changes: Any) -> None:
        """Changes generator, speaker, emotion, intensity or posture, blended. ServerError names a bad field."""
        self._ask("control", **changes)

    def hint(
        self,
        joints: Mapping[str, Any],
        *,
        from_s: float | None = None,
        to_s: float | None = None,
        utterance: str | None = None,
    ) -> None:
        """Joints to be followed, the rest is generated around them: parent-local rotations xyzw by name, or a list of
        them, one a frame, or None, which lets the joint go."""
        self._ask("hint", joints=joints, from_s=from_s, to_s=to_s, **of_utterance(utterance))

    def words(self, words: Iterable[Word | Sequence[Any]], utterance: str | None = None) -> None:
        """A transcript: (text, start_s, end_s), from the utterance's first sample, or without one in audio time."""
        self._ask("words", words=words_as_json(words), **of_utterance(utterance))

    def end(self) -> None:
        """No more audio: the rest is generated, then `frames` and `events` stop."""
        with self._changed:
            self._session.end()
        self._flush()

    # -- the shell

    def _say(self, speech: Speech, source: Source, chunks: Iterable[Any], *, paced: bool) -> None:
        encoder, start_s = Encoder(source.rate, self._session.rate), time.monotonic()
        for chunk in chunks:
            self._send(speech, encoder.encode(chunk))
            if speech.interrupted:
                return
            if paced:
                time.sleep(max(0.0, start_s + speech.sent_s - time.monotonic()))
        self._send(speech, encoder.flush())

    def _send(self, speech: Speech, data: bytes) -> None:
        for piece in pieces(data, PIECE_BYTES):
            with self._changed:
                self._room_for(len(piece) // 2, speech)
                self._session.send_audio(speech, piece)
            self._flush()

    def _room_for(self, samples: int, speech: Speech) -> None:
        self._until(lambda: speech.interrupted or self._session.room() >= samples or self._stuck())
        if self._stuck() and self._session.room() < samples and not speech.interrupted:
            raise ClientError(NOBODY_READS)

    def _stuck(self) -> bool:
        return self._session.frames.full and not self._readers

    def _ask(self, kind: str, **fields: Any) -> None:
        with self._changed:
            self._until(lambda: self._session.connected)
            request = self._session.ask(kind, time.monotonic(), **fields)
        self._answered(request)

    def _answered(self, request: Request) -> Event | None:
        self._flush()
        with self._changed:
            self._until(lambda: request.done or self._stuck())
        if not request.done:
            raise ClientError(NOBODY_READS)
        if request.error is not None:
            raise request.error
        return request.event

    def _next(self, take: Callable[[], Any]) -> Any:
        """What `take` gives as soon as that is not None; None at the end of the session."""
        taken: list[Any] = []

        def took() -> bool:
            item = take()
            if item is not None:
                taken.append(item)
            return item is not None or self._session.over

        with self._changed:
            self._until(took)
            if not taken and self._session.failure is not None:
                raise self._session.failure
        return taken[0] if taken else None

    def _until(self, true: Callable[[], bool]) -> None:
        """Under the lock: waits for something that the session does."""
        while not true():
            if self._session.over:
                raise self._session.failure or ClientError("the session has ended")
            self._changed.wait()

    def _flush(self, *, wait: bool = True) -> None:
        """Sends what the session has to say, in order. `wait` False: unless somebody else is at it."""
        if not self._sending.acquire(blocking=wait):
            return
        try:
            while (item := self._take()) is not None:
                socket, message = item
                with suppress(ConnectionClosed):  # whoever reads notices
                    socket.send(message)
        finally:
            self._sending.release()

    def _take(self) -> tuple[ClientConnection, str | bytes] | None:
        with self._changed:
            if self._socket is None or not self._session.outbox:
                return None
            return self._socket, self._session.outbox.popleft()

    def _run(self) -> None:
        """Connects, and connects again, until the session is over."""
        while True:
            with self._changed:
                at_s = self._session.connect_at_s
            if at_s is None or self._closing.wait(max(0.0, at_s - time.monotonic())):
                return
            try:
                self._connection()
            except Exception as error:
                with self._changed:
                    self._session.fail(error)
            with self._changed:
                self._changed.notify_all()

    def _connection(self) -> None:
        session = self._session
        with ExitStack() as until_closed:
            try:
                socket = until_closed.enter_context(open_socket(self.url, **socket_options(self._ssl)))
            except (OSError, WebSocketException) as error:
                refusal = failed(error, self.url)
                with self._changed:
                    return session.closed(refusal.code, refusal.reason, time.monotonic())
            with self._changed:
                session.opened(time.monotonic())
                self._socket = socket
            self._read(socket)
            with self._changed:
                self._socket = None
        code = 1006 if socket.close_code is None else socket.close_code
        with self._changed:
            return session.closed(code, socket.close_reason or "", time.monotonic())

    def _read(self, socket: ClientConnection) -> None:
        """Until the connection is closed, by either side, or dead."""
        with suppress(ConnectionClosed):
            while not self._closing.is_set():
                self._flush(wait=False)
                message = None
                with suppress(TimeoutError):
                    message = socket.recv(timeout=TICK_S)
                with self._changed:
                    if message is not None:
                        self._session.receive(message, time.monotonic())
                    dead = self._session.tick(time.monotonic())
                    self._changed.notify_all()
                if dead:
                    with suppress(OSError):
                        socket.socket.shutdown(SHUT_RDWR)
                    return
                self._wait_for_space()

    def _wait_for_space(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                if not self._session.frames.full:
                    return
                self._session.paused(time.monotonic())
            time.sleep(POLL_S)
