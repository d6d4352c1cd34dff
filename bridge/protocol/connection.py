"""One connection's half of the protocol without I/O: received messages and time in, actions out.

The server feeds what arrives (`receive_text`, `receive_bytes`, `tick`), performs the returned actions in order, and
answers `Open`, `Join` and `Report` by `accept_owner`, `accept_watcher` or `refuse`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.protocol.audio import AudioFormat, decode_pcm
from gesturestream.bridge.protocol.codes import PROTOCOL_VERSION, CloseCode, ErrorCode, Limits
from gesturestream.bridge.protocol.fields import MessageError, shown
from gesturestream.bridge.protocol.messages import (
    Ack,
    End,
    Greeting,
    ListSessions,
    Ping,
    Running,
    Start,
    Utterance,
    UtteranceEnd,
    Watch,
    Words,
)
from gesturestream.bridge.protocol.parsing import parse_greeting, parse_opening, parse_running
from gesturestream.bridge.protocol.rate_limit import SlidingWindow
from gesturestream.bridge.protocol.replies import error_text, refusal_text


@dataclass(frozen=True)
class Send:
    """Send this text."""

    text: str


@dataclass(frozen=True)
class Pong:
    """Answer a ping; t2 is filled in when it is sent."""

    t0: float
    t1: float


@dataclass(frozen=True)
class Hangup:
    """Close the connection, after everything sent before."""

    code: int
    reason: str


@dataclass(frozen=True)
class Open:
    """Open or resume a session; answer with `accept_owner` or `refuse`."""

    start: Start


@dataclass(frozen=True)
class Join:
    """Subscribe to a session; answer with `accept_watcher` or `refuse`."""

    watch: Watch


@dataclass(frozen=True)
class Report:
    """Send the list of sessions."""

    request: ListSessions


@dataclass(frozen=True)
class Push:
    """Give audio to the session: [n] mono float32 at the session's rate."""

    pcm: NDArray[np.float32]


@dataclass(frozen=True)
class Command:
    """Have the session do what the message says."""

    message: Running


Action = Send | Pong | Hangup | Open | Join | Report | Push | Command


class State(Enum):
    OPENING = "opening"
    DECIDING = "deciding"  # an Open or Join was handed out and not answered yet
    OWNER = "owner"
    WATCHER = "watcher"
    ENDING = "ending"  # `end` was received: the rest is generated, nothing more is expected
    CLOSED = "closed"


class Connection:
    """The state machine of one connection."""

    def __init__(self, *, token: str | None, limits: Limits, now_s: float) -> None:
        self.state = State.OPENING
        self.deadline_s = now_s + limits.opening_s
        """When the next message must have arrived."""
        self._last_deadline_s = now_s + limits.opening_total_s
        self._token = token
        self._limits = limits
        self._texts = SlidingWindow(limits.texts_per_s, 1.0)
        self._errors = SlidingWindow(limits.errors, limits.errors_span_s)
        self._audio = AudioFormat()
        self._may_control = False

    def accept_owner(self, audio: AudioFormat) -> None:
        """The session is open; its audio comes as `audio`."""
        assert self.state is State.DECIDING
        self.state, self._audio = State.OWNER, audio

    def accept_watcher(self, *, control: bool) -> None:
        """The subscription stands."""
        assert self.state is State.DECIDING
        self.state, self._may_control = State.WATCHER, control

    def tick(self, now_s: float) -> list[Action]:
        """Time has passed: the opening deadline."""
        if self.state is not State.OPENING or now_s < self.deadline_s:
            return []
        wait = f"expected start, watch or list within {self._limits.opening_s:g} s, got nothing"
        if self.deadline_s == self._last_deadline_s:
            wait = f"expected start or watch within {self._limits.opening_total_s:g} s, got neither"
        return self.refuse("bad_type", wait, CloseCode.TOO_LATE)

    def receive_text(self, text: str, now_s: float) -> list[Action]:
        """A text message arrived at server time `now_s`."""
        if self.state is State.CLOSED:
            return []
        if self._texts.exceeded(now_s):
            return self._too_many(f"more than {self._limits.texts_per_s} text messages a second")
        try:
            if self.state is State.OPENING:
                return self._open(text, now_s)
            return self._run(parse_running(text), now_s)
        except MessageError as error:
            return self.report(error, now_s)

    def receive_bytes(self, data: bytes, now_s: float) -> list[Action]:
        """A binary message arrived: the owner's audio."""
        if self.state is State.CLOSED:
            return []
        if self.state is State.OPENING:
            return self.report(MessageError("bad_type", "expected start, watch or list, got a binary message"), now_s)
        if self.state is not State.OWNER:
            why = "after end" if self.state is State.ENDING else "from a watcher"
            return self.report(MessageError("bad_audio", f"audio {why} is ignored"), now_s)
        try:
            pcm = decode_pcm(data, self._audio)
        except ValueError as error:
            return self.report(MessageError("bad_audio", str(error)), now_s)
        return [Push(pcm)] if len(pcm) else []

    def report(self, error: MessageError, now_s: float) -> list[Action]:
        """Tells the client of a message that could not be used; fatal where a valid one is required."""
        if self.state in (State.OPENING, State.DECIDING):
            return self.fail(refusal_text(error, fatal=True), CloseCode.INVALID, error.message)
        if self._errors.exceeded(now_s):
            return self._too_many(f"more than {self._limits.errors} errors in {self._limits.errors_span_s:g} s")
        return [Send(refusal_text(error))]

    def refuse(
        self,
        code: ErrorCode,
        message: str,
        close: CloseCode,
        *,
        field: str | None = None,
        id: str | int | None = None,
        retry_after_s: float | None = None,
    ) -> list[Action]:
        """A fatal error: told, then closed."""
        text = error_text(code, message, field=field, id=id, fatal=True, retry_after_s=retry_after_s)
        return self.fail(text, close, message)

    def fail(self, text: str, close: CloseCode, reason: str) -> list[Action]:
        """Sends a ready error text and closes."""
        self.state = State.CLOSED
        return [Send(text), Hangup(close, shorten(reason))]

    def _too_many(self, what: str) -> list[Action]:
        return self.refuse("server_full", what, CloseCode.BUSY, retry_after_s=self._limits.retry_after_s)

    def _open(self, text: str, now_s: float) -> list[Action]:
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > self._limits.opening_text_bytes:
            message = f"expected at most {self._limits.opening_text_bytes} bytes before start, got {size}"
            return self.refuse("bad_json", message, CloseCode.TOO_LARGE)
        greeting = parse_greeting(text)
        denied = self._denied(greeting)
        if denied:
            return denied
        request = parse_opening(greeting)
        if isinstance(request, ListSessions):
            # A client may look around first, but not for ever: its place is one of a few.
            self.deadline_s = min(now_s + self._limits.opening_s, self._last_deadline_s)
            return [Report(request)]
        self.state = State.DECIDING
        return [Open(request)] if isinstance(request, Start) else [Join(request)]

    def _denied(self, greeting: Greeting) -> list[Action]:
        version = greeting.protocol
        if version is None or isinstance(version, bool) or not isinstance(version, int):
            message = f"protocol: expected {PROTOCOL_VERSION}, got {shown(version)}"
            raise MessageError("bad_field", message, field="protocol", id=greeting.id)
        if version != PROTOCOL_VERSION:
            message = f"protocol: expected version {PROTOCOL_VERSION}, got {shown(version)}"
            return self.refuse("bad_field", message, CloseCode.VERSION, field="protocol", id=greeting.id)
        if not token_matches(self._token, greeting.token):
            return self.refuse("forbidden", "token missing or wrong", CloseCode.TOKEN, field="token", id=greeting.id)
        return []

    def _run(self, message: Running, now_s: float) -> list[Action]:
        if isinstance(message, Ping):
            return [Pong(message.t0, now_s)]
        if isinstance(message, Ack):
            return [Command(message)]
        self._check_allowed(message)
        if isinstance(message, End):
            self.state = State.ENDING
        return [Command(message)]

    def _check_allowed(self, message: Running) -> None:
        """Watchers may ping and ack; with `control` also steer, but never speak for or end the session."""
        if self.state is State.ENDING:
            raise MessageError("unavailable", "the session is ending", id=message.id)
        if self.state is State.OWNER:
            return
        if isinstance(message, End | Utterance | UtteranceEnd | Words) or not self._may_control:
            raise MessageError("forbidden", "a watcher may not do this", id=message.id)


def token_matches(expected: str | None, given: str | None) -> bool:
    """Constant-time comparison; no expected token lets everyone in."""
    if expected is None:
        return True
    given_bytes = (given or "").encode("utf-8", "surrogatepass")
    return hmac.compare_digest(expected.encode("utf-8", "surrogatepass"), given_bytes)


def shorten(reason: str) -> str:
    """A close reason fits 123 bytes of UTF-8."""
    return reason.encode("utf-8", "replace")[:120].decode("utf-8", "ignore")
