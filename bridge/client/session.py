"""One client's side of the protocol without I/O, over all its connections: messages and time in, an outbox out.

A shell opens a WebSocket when `connect_at_s` says so and calls `opened`, `receive`, `tick` and `closed`; it sends what
is in `outbox`, in order. Everything a user asks for puts messages there too. Not thread-safe: the shell has the lock.
"""

from __future__ import annotations

import itertools
import logging
import math
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any

from gesturestream.bridge.client.buffers import FrameBuffer, is_older_epoch
from gesturestream.bridge.client.clocks import RETRY_CODES, ArrivalClock, Backoff, PlayClock, ServerClock
from gesturestream.bridge.client.errors import ClientError, ConnectionLost, ServerError
from gesturestream.bridge.client.player import Player
from gesturestream.bridge.client.ready import Ready, parse_ready
from gesturestream.bridge.client.requests import StartOptions, WatchOptions, as_text
from gesturestream.bridge.client.speech import AudioTimeline, Speech
from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.fields import MessageError, parse_object
from gesturestream.bridge.protocol.frames import KIND_AUDIO, KIND_POSE, decode_audio, decode_frame, unpack_header
from gesturestream.realtime.frame import AudioChunk, Event, Frame

log = logging.getLogger(__name__)

ACK_EVERY_S, PING_EVERY_S, SILENT_S = 0.25, 1.0, 5.0
JITTER_S = 0.5
VOICE_S = 2.0
"""Forwarded audio that waits; the oldest goes."""
AGENT_AHEAD_S = 60.0
"""Half of what the server buffers."""
_EVENTS, _SPEECHES = 4096, 64


class Request:
    """A question that waits for its answer."""

    def __init__(self, id: str, *, until_event: str | None) -> None:
        self.id = id
        self.until_event = until_event
        """Answered by this event; None: by the pong behind it, if no error came before."""
        self.done = False
        self.error: ClientError | None = None
        self.event: Event | None = None

    def finish(self, *, error: ClientError | None = None, event: Event | None = None) -> None:
        """The first answer counts."""
        if not self.done:
            self.done, self.error, self.event = True, error, event


class Session:
    """The state machine; the public attributes are read by the shells."""

    def __init__(
        self,
        options: StartOptions | WatchOptions,
        *,
        token: str | None = None,
        wait_s: float = 0.0,
        reconnect_s: float = 60.0,
        now_s: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`wait_s`: how long the first connection may take to come about; `reconnect_s`: each later one."""
        self.options = options
        self.owner = isinstance(options, StartOptions)
        self.rate = options.rate if isinstance(options, StartOptions) else 16000
        self.lossless = isinstance(options, StartOptions) and options.mode == "offline"
        self.paced_by_play_clock = isinstance(options, StartOptions) and options.mode == "agent"

        self.outbox: deque[str | bytes] = deque()
        self.frames = FrameBuffer(None if self.lossless else JITTER_S)
        self.events: deque[Event] = deque(maxlen=_EVENTS)
        self.voice: deque[AudioChunk] = deque()
        self.player: Player | None = None
        self.stats: Mapping[str, Any] = {}
        """The newest message `stats`."""
        self.ready: Ready | None = None
        self.server_clock = ServerClock()
        self.timeline = AudioTimeline(self.rate)
        self.malformed = 0
        """Messages that could not be used."""
        self.connections = 0

        self.connect_at_s: float | None = now_s
        """When the next connection is to be opened; None: while one is open, and when it is over."""
        self.connected = False
        """There is a session on the other side."""
        self.over = False
        """Nothing more will come."""
        self.ending = False
        """The user has said `end`, or the server has."""
        self.failure: ClientError | None = None
        """Why it is over, if not by its end."""

        self._token, self._wait_s, self._reconnect_s = token, wait_s, reconnect_s
        self._lost_s = now_s
        self._backoff = Backoff(chance)
        self._open = False
        self._last_message_s = self._acked_s = self._pinged_s = now_s
        self._highest = -1
        self._resume: dict[str, str] = {}
        self._error: ServerError | None = None
        self._asked: OrderedDict[str, Request] = OrderedDict()
        self._pings: OrderedDict[float, Request | None] = OrderedDict()
        self._numbers = itertools.count(1)
        self._last_ping = -math.inf
        self._sent = 0
        self._credit: int | None = None
        self._sent_at_stats = 0
        self._ahead_s = 0.0
        self._speeches: OrderedDict[str, Speech] = OrderedDict()
        self._speech: Speech | None = None
        self._play_clock = PlayClock()

    # -- the connection

    def opened(self, now_s: float) -> None:
        """The WebSocket is open."""
        self.connect_at_s = None
        self._open = True
        self._highest = -1
        self._error = None
        self._last_message_s = self._acked_s = self._pinged_s = now_s
        self.connections += 1
        self._drop_audio()
        self.outbox.clear()
        self.outbox.append(self.options.message(self._token, self._resume))

    def receive(self, message: str | bytes, now_s: float) -> None:
        """A message has arrived. What cannot be used is counted, and the connection goes on."""
        self._last_message_s = now_s
        try:
            if isinstance(message, str):
                self._receive_text(message, now_s)
            else:
                self._receive_bytes(message, now_s)
        except (ValueError, TypeError, OverflowError, MessageError) as error:  # whatever JSON may hold in a field
            self.malformed += 1
            log.debug("message ignored: %s", error)

    def tick(self, now_s: float) -> bool:
        """Acknowledgements and pings, to be called some times a second. True: the connection is dead, drop it."""
        if not self._open:
            return False
        if now_s - self._last_message_s > SILENT_S:
            return True
        if self.connected and now_s - self._acked_s >= ACK_EVERY_S and self._highest >= 0:
            self._acked_s = now_s
            self.outbox.append(as_text("ack", sequence=self._highest, played_s=self.played_s(now_s)))
        if self.connected and now_s - self._pinged_s >= PING_EVERY_S:
            self._ping(None, now_s)
        return False

    def paused(self, now_s: float) -> None:
        """The shell does not read for a while, because `frames` is full: silence means nothing then."""
        self._last_message_s = now_s

    def closed(self, code: int, reason: str, now_s: float) -> None:
        """The WebSocket was closed, or could not be opened (1006)."""
        if self.over:
            return None
        if self.connected:
            self._lost_s = now_s
        resume_refused = code == CloseCode.NO_SESSION and bool(self._resume) and not self.connected
        self._open = self.connected = False
        error = self._error if self._error is not None and self._error.fatal else None
        for request in list(self._asked.values()):
            self._answer(request, error=ConnectionLost(code, reason))
        if code == CloseCode.NORMAL and self.ready is not None:
            return self._finish(None)
        if resume_refused:
            self._resume = {}  # it is gone: another session is opened
        elif code not in RETRY_CODES:
            return self._finish(error or ConnectionLost(code, reason))
        return self._try_again(code, reason, error, now_s)

    def close(self) -> None:
        """The user has had enough."""
        if not self.over:
            self._finish(None)

    def fail(self, error: Exception) -> None:
        """The shell has broken down: whoever waits is told."""
        failure = ClientError(f"the client failed: {error!r}")
        failure.__cause__ = error
        self._finish(failure)

    def _try_again(self, code: int, reason: str, error: ServerError | None, now_s: float) -> None:
        if self.lossless and self._sent:
            why = f"{reason or 'the connection broke'}; audio may have been lost, so speak the recording again"
            return self._finish(error or ConnectionLost(code, why))
        at_least_s = error.retry_after_s if error is not None and error.retry_after_s is not None else 0.0
        at_s = now_s + self._backoff.next_delay_s(at_least_s)
        limit_s = self._reconnect_s if self.ready is not None else self._wait_s
        if at_s > self._lost_s + limit_s:
            return self._finish(error or ConnectionLost(code, reason))
        self.connect_at_s = at_s
        return None

    def _finish(self, failure: ClientError | None) -> None:
        self.over, self.failure = True, failure
        self._open = self.connected = False
        self.connect_at_s = None
        for request in list(self._asked.values()):
            self._answer(request, error=failure or ClientError("the session has ended"))

    # -- what arrives

    def _receive_text(self, text: str, now_s: float) -> None:
        message = parse_object(text)
        kind = message.get("type")
        if not isinstance(kind, str):
            raise ValueError(f"expected a message with a type, got {kind!r}")
        if kind == "ready":
            self._on_ready(parse_ready(message), now_s)
        elif kind == "event":
            self._on_event(_event_of(message), message.get("id"), now_s)
        elif kind == "stats":
            self._on_stats(message)
        elif kind == "pong":
            self._on_pong(message, now_s)
        elif kind == "error":
            self._on_error(ServerError.of(message))

    def _on_ready(self, ready: Ready, now_s: float) -> None:
        before, again = self.ready, self.connected
        self.ready, self.connected = ready, True
        if again:
            return  # another generator or skeleton: the session goes on
        self._backoff.succeeded()
        self._resume = {}
        if ready.resume_key is not None:
            self._resume = {"resume": ready.session, "resume_key": ready.resume_key}
        resumed = before is not None and before.session == ready.session
        if before is not None and not resumed:
            self._begin_anew()
        if self.player is not None:
            self.player.restart(now_s)
        if before is not None:
            data = {"resumed": resumed, "session": ready.session}
            self.events.append(Event(name="reconnected", media_time_s=ready.media_time_s, audio_time_s=0.0, data=data))
        if self.ending:  # nobody knows whether it arrived
            self.outbox.append(as_text("end"))
        self._ping(None, now_s)

    def _begin_anew(self) -> None:
        self.frames.clear()
        self.voice.clear()
        self.timeline.clear()
        self._play_clock.clear()
        self._sent, self._credit, self._ahead_s, self._sent_at_stats = 0, None, 0.0, 0
        if self._speech is not None:
            self._speech.interrupted = True

    def _on_event(self, event: Event, id: object, now_s: float) -> None:
        self.events.append(event)
        self.timeline.observe(event)
        sample = event.data.get("samples")
        if event.name == "audio_resumed":
            self._play_clock.resumed(event.media_time_s, now_s)
        elif event.name == "credit" and isinstance(sample, int):
            self._credit = sample
        elif event.name == "end":
            self.ending = True
        elif event.name == "utterance_start" and event.data.get("id") in self._speeches:
            self._speeches[str(event.data["id"])].begin_s = event.audio_time_s
        request = self._asked.get(str(id))
        if request is not None and request.until_event == event.name:
            self._answer(request, event=event)

    def _on_stats(self, message: Mapping[str, Any]) -> None:
        self.stats = {key: value for key, value in message.items() if key != "type"}
        ahead_s = message.get("audio_ahead_s")
        if isinstance(ahead_s, int | float):
            self._ahead_s, self._sent_at_stats = float(ahead_s), self._sent

    def _on_pong(self, message: Mapping[str, Any], now_s: float) -> None:
        t0, t1, t2 = (message.get(name) for name in ("t0", "t1", "t2"))
        if not all(isinstance(t, int | float) for t in (t0, t1, t2)):
            raise ValueError(f"pong: expected numbers, got {t0!r}, {t1!r}, {t2!r}")
        if t0 not in self._pings:
            return
        request = self._pings.pop(float(t0))  # type: ignore[arg-type]
        self.server_clock.observe(float(t0), float(t1), float(t2), now_s)  # type: ignore[arg-type]
        if request is not None and request.until_event is None:
            self._answer(request)

    def _on_error(self, error: ServerError) -> None:
        if error.fatal:
            self._error = error
            return
        request = self._asked.get(str(error.id))
        if request is not None:
            self._answer(request, error=error)
            return
        level = logging.INFO if error.code == "unavailable" else logging.WARNING
        log.log(level, "the server refused something: %s", error)
        data = {"code": error.code, "field": error.field, "message": str(error), "id": error.id}
        self.events.append(Event(name="error", media_time_s=0.0, audio_time_s=0.0, data=data))

    def _receive_bytes(self, message: bytes, now_s: float) -> None:
        header = unpack_header(message)
        if self.ready is None or not self.connected:
            raise ValueError("expected `ready` before binary messages")
        if header.kind == KIND_POSE:
            self._highest = max(self._highest, header.sequence)
            self._on_frame(decode_frame(message, self.ready.layout), now_s)
        elif header.kind == KIND_AUDIO:
            head, pcm = decode_audio(message)
            self._on_voice(AudioChunk(media_time_s=head.media_time_s, epoch=head.epoch, pcm=pcm))

    def _on_frame(self, frame: Frame, now_s: float) -> None:
        if self.frames.push(frame):
            self.voice.clear()
        if self.player is not None:
            self.player.push(frame, now_s)

    def _on_voice(self, chunk: AudioChunk) -> None:
        if self.frames.epoch is not None and is_older_epoch(chunk.epoch, self.frames.epoch):
            self.frames.late += 1
            return
        self.voice.append(chunk)
        while sum(len(waiting.pcm) for waiting in self.voice) > VOICE_S * 16000:
            self.voice.popleft()

    # -- what the user asks for

    def ask(self, kind: str, now_s: float, *, until_event: str | None = None, **fields: Any) -> Request:
        """Sends a request. It is done once `until_event` has come, or without one once the server has taken it."""
        self._check_open()
        request = Request(f"r{next(self._numbers)}", until_event=until_event)
        self.outbox.append(as_text(kind, id=request.id, **fields))
        self._asked[request.id] = request
        self._ping(request, now_s)
        return request

    def interrupt(self, heard_s: float | None, now_s: float) -> tuple[Request, float | None]:
        """Barge-in: -> the request, and the media time up to which the user says, or the clock knows, it was heard."""
        played_s = self.played_s(now_s) if heard_s is None else self.timeline.media_s(heard_s)
        if self._speech is not None:
            self._speech.interrupted = True
        self._drop_audio()
        return self.ask("interrupt", now_s, until_event="interrupted", played_s=played_s), played_s

    def heard_s(self, event: Event) -> float:
        """What an `interrupted` event says was heard, in seconds of samples sent."""
        sample, played_s = event.data.get("sample"), event.data.get("played_s")
        unused_s = sample / self.rate if isinstance(sample, int) else event.audio_time_s
        if not isinstance(played_s, int | float):
            return min(event.audio_time_s, unused_s)
        return self.timeline.audio_s(float(played_s), unused_s)

    def end(self) -> None:
        """No more audio will come; the rest is generated."""
        self._check_owner("end a session")
        if not self.over and not self.ending:
            self.ending = True
            self.outbox.append(as_text("end"))

    def played_s(self, now_s: float) -> float | None:
        """Media time now being shown or heard, as far as this client knows."""
        if self.player is not None and self.player.playhead_s is not None:
            return self.player.playhead_s
        if self.paced_by_play_clock and self._play_clock.offset_s is not None:
            return max(0.0, now_s + self._play_clock.offset_s)
        return self.frames.taken_s

    def pose(self, now_s: float) -> Frame | None:
        """The interpolated pose to show now; the first call starts the play-out."""
        if self.player is None:
            self.player = Player(self._play_clock if self.paced_by_play_clock else ArrivalClock())
            for index in range(len(self.frames)):
                self.player.push(self.frames[index], now_s)
        return self.player.pose(now_s)

    # -- speech

    def begin_speech(self, id: str | None, text: str | None, words: list[dict[str, Any]] | None) -> Speech:
        """An utterance begins; its audio is sent by `send_audio`."""
        self._check_owner("speak")
        self._check_open()
        speech = Speech(id or f"u{next(self._numbers)}", self._sent / self.rate)
        self._speech = self._speeches[speech.id] = speech
        while len(self._speeches) > _SPEECHES:
            self._speeches.popitem(last=False)
        self.outbox.append(as_text("utterance", id=speech.id, text=text))
        if words:
            self.outbox.append(as_text("words", utterance=speech.id, words=words))
        return speech

    def room(self) -> float:
        """How many samples may be sent now."""
        if not self.connected:
            return 0
        if self.lossless:
            return 0 if self._credit is None else self._credit - self._sent
        if self.paced_by_play_clock:
            return AGENT_AHEAD_S * self.rate - self._ahead_s * self.rate - (self._sent - self._sent_at_stats)
        return math.inf

    def send_audio(self, speech: Speech, data: bytes) -> None:
        """s16le of an utterance; nothing once it was interrupted."""
        if speech.interrupted:
            return
        self.outbox.append(data)
        self._sent += len(data) // 2
        speech.sent_s += len(data) / 2 / self.rate

    def end_speech(self, speech: Speech) -> None:
        """All of it was sent: its look-ahead need not wait."""
        if self._speech is speech:
            self._speech = None
        if not speech.interrupted and self.connected:
            self.outbox.append(as_text("utterance_end", id=speech.id))

    # -- small parts

    def _drop_audio(self) -> None:
        """What waits in the outbox is not sent: neither are its samples counted."""
        unsent = sum(len(item) // 2 for item in self.outbox if isinstance(item, bytes))
        self.outbox = deque(item for item in self.outbox if isinstance(item, str))
        self._sent -= unsent
        if self._speech is not None:
            self._speech.sent_s -= unsent / self.rate

    def _ping(self, request: Request | None, now_s: float) -> None:
        self._pinged_s = now_s
        t0 = self._last_ping = now_s if now_s > self._last_ping else math.nextafter(self._last_ping, math.inf)
        self._pings[t0] = request
        while len(self._pings) > 256:
            self._pings.popitem(last=False)
        self.outbox.append(as_text("ping", t0=t0))

    def _answer(self, request: Request, *, error: ClientError | None = None, event: Event | None = None) -> None:
        self._asked.pop(request.id, None)
        request.finish(error=error, event=event)

    def _check_open(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.over:
            raise ClientError("the session has ended")

    def _check_owner(self, what: str) -> None:
        if not self.owner:
            raise ClientError(f"only the session's owner can {what}; this client watches: use connect() instead")


def _event_of(message: Mapping[str, Any]) -> Event:
    name, media_s, audio_s = (message.get(key) for key in ("name", "media_time_s", "audio_time_s"))
    if not isinstance(name, str) or not isinstance(media_s, int | float):
        raise ValueError(f"event: expected a name and a media time, got {name!r} and {media_s!r}")
    known = ("type", "name", "media_time_s", "audio_time_s")
    data = {key: value for key, value in message.items() if key not in known}
    audio_s = float(audio_s) if isinstance(audio_s, int | float) else 0.0
    return Event(name=name, media_time_s=float(media_s), audio_time_s=audio_s, data=data)
