"""What one connection is to a session, owner or watcher, and how its messages reach the session."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.connection import Action, Command, Connection, Push
from gesturestream.bridge.protocol.fields import MessageError, shown
from gesturestream.bridge.protocol.messages import (
    Ack,
    Change,
    Cue,
    End,
    Hint,
    Interrupt,
    Running,
    Start,
    Utterance,
    UtteranceEnd,
    Watch,
    Words,
)
from gesturestream.bridge.protocol.reader_queue import ReaderQueue, Text
from gesturestream.bridge.protocol.replies import error_text
from gesturestream.bridge.server.config import ServerConfig
from gesturestream.bridge.server.mailroom import Outbox
from gesturestream.bridge.server.publisher import Publisher
from gesturestream.bridge.server.registry import Registry
from gesturestream.realtime.config import Control
from gesturestream.realtime.engine import ServerFull
from gesturestream.realtime.session import AudioTooFarAhead, QueueFull

log = logging.getLogger(__name__)
Clock = Callable[[], float]


class Membership:
    """One connection's place at a session."""

    def __init__(
        self, registry: Registry, protocol: Connection, publisher: Publisher, outbox: Outbox, clock: Clock
    ) -> None:
        self.outbox = outbox
        self._registry = registry
        self._protocol = protocol
        self._publisher = publisher
        self._clock = clock
        self._played_s: float | None = None
        """The newest ack's."""
        self._deaf: str | None = None
        """The generator of which the owner was told that it hears no words."""

    @property
    def _owner(self) -> bool:
        return self._publisher.owner is self.outbox

    def send(self, text: Text) -> None:
        """Queues text for this connection."""
        self._publisher.send(text, self.outbox)

    def close(self, code: int, reason: str, text: str | None = None) -> None:
        """Queues the end of this connection; an owner that is thrown out loses the session with it."""
        if self._owner:
            self._publisher.abandoned = True
        with self._registry.mailroom.lock:
            if text is not None:
                self.outbox.queue.put_text(text)
            self.outbox.queue.put_close(code, reason)
            self._registry.mailroom.notify(self.outbox)

    def leave(self) -> None:
        """The connection is gone."""
        self._registry.leave(self._publisher, self.outbox)

    def progressed(self) -> None:
        """The socket has taken something."""
        if self._owner:
            self._publisher.regulate()

    def perform(self, action: Push | Command) -> list[Action]:
        """Has the session do it. What it refuses is told to the client; a failure ends this session only."""
        request_id = action.message.id if isinstance(action, Command) else None
        try:
            if isinstance(action, Push):
                integers = self._publisher.audio.format == "s16le"  # of which none is out of range
                self._publisher.session.push_audio(action.pcm, clean=integers)
            else:
                self._command(action.message)
        except AudioTooFarAhead as error:
            return self._protocol.refuse("bad_audio", str(error), CloseCode.AUDIO_AHEAD)
        except MessageError as error:
            return self._protocol.report(error, self._clock())
        except QueueFull as error:
            return self._protocol.report(MessageError("unavailable", str(error), id=request_id), self._clock())
        except ValueError as error:
            wrong = (
                bad_field(error, request_id) if isinstance(action, Command) else MessageError("bad_audio", str(error))
            )
            return self._protocol.report(wrong, self._clock())
        except Exception:
            log.exception("session %s failed", self._publisher.session.id)
            self._registry.fail(self._publisher)
        return []

    def _command(self, message: Running) -> None:
        session, publisher = self._publisher.session, self._publisher
        match message:
            case Ack():
                self._acknowledge(message)
            case Utterance(name=name, text=text):
                session.begin_utterance(name, text)
            case UtteranceEnd(name=name):
                session.end_utterance(name)
            case Change(control=change):
                with publisher.answering(message.id, *_events_of(change)):
                    session.control(change)
            case Cue(name=name, at_s=at_s, utterance=utterance):
                with publisher.answering(message.id, f"cue_start:{name}", f"cue_end:{name}"):
                    session.cue(name, at_s, utterance)
            case Hint(joints=joints, from_s=from_s, to_s=to_s, utterance=utterance):
                session.hint(joints, from_s, to_s, utterance)
            case Words():
                self._words(message)
            case Interrupt(played_s=played_s):
                with publisher.answering(message.id, "interrupted"):
                    session.interrupt(self._played_s if played_s is None else played_s)
            case End():
                publisher.ending = True
                session.end()

    def _words(self, message: Words) -> None:
        """Words are kept for a generator that may come; that the one which runs hears none is said once."""
        session = self._publisher.session
        session.words(message.words, message.utterance)
        if not session.hears_words and self._deaf != session.generator:
            self._deaf = session.generator
            text = f"words: {session.generator} hears no words; they wait for a generator that does"
            raise MessageError("unavailable", text, field="words", id=message.id)

    def _acknowledge(self, ack: Ack) -> None:
        if ack.played_s is not None:
            self._played_s = ack.played_s
        with self._registry.mailroom.lock:
            self.outbox.queue.acknowledge(ack.sequence)
            self._registry.mailroom.notify(self.outbox)


async def open_session(
    registry: Registry, protocol: Connection, config: ServerConfig, start: Start, clock: Clock
) -> Membership | list[Action]:
    """Opens or resumes; what was refused instead comes back as actions."""
    if start.resume is None:
        publisher, mode = registry.create(start), start.session.mode
    elif (found := registry.resume(start.resume, start.resume_key)) is not None:
        publisher, mode = found, found.session.config.mode
    else:
        return _no_session(protocol, "resume", start.resume, start.id)
    audible = _audible(start.forward_audio, publisher, config)
    queue = ReaderQueue(
        start.frames,
        config.limits,
        lossless=mode == "offline",
        audio=start.forward_audio and audible,
        mid_stream=start.resume is not None,
    )
    member = Membership(registry, protocol, publisher, Outbox(queue), clock)
    publisher.add(member.outbox, owner=True)  # before the engine knows of the session: its first event is the owner's
    if start.resume is None and (refusal := await _open(registry, protocol, publisher, start, clock)):
        return refusal
    protocol.accept_owner(publisher.audio)
    if not audible:
        member.send(_no_audio("forward_audio", start.id))
    return member


async def _open(
    registry: Registry, protocol: Connection, publisher: Publisher, start: Start, clock: Clock
) -> list[Action] | None:
    try:
        await registry.open(publisher, start.session)
    except ServerFull as full:
        retry_s = full.retry_after_s
        return protocol.refuse("server_full", str(full), CloseCode.BUSY, id=start.id, retry_after_s=retry_s)
    except ValueError as error:
        return protocol.report(bad_field(error, start.id), clock())
    except Exception:
        log.exception("a session could not be opened")
        return protocol.refuse("internal", "the session could not be opened", CloseCode.INTERNAL, id=start.id)
    return None


def join(
    registry: Registry, protocol: Connection, config: ServerConfig, watch: Watch, clock: Clock
) -> Membership | list[Action]:
    """Subscribes a watcher; what was refused instead comes back as actions."""
    publisher = registry.find(watch.session)
    if publisher is None:
        return _no_session(protocol, "session", watch.session, watch.id)
    audible = _audible(watch.audio, publisher, config)
    queue = ReaderQueue(watch.frames, config.limits, audio=watch.audio and audible, mid_stream=True)
    protocol.accept_watcher(control=watch.control)
    member = Membership(registry, protocol, publisher, Outbox(queue), clock)
    publisher.add(member.outbox)
    if not audible:
        member.send(_no_audio("audio", watch.id))
    return member


def _audible(wanted: bool, publisher: Publisher, config: ServerConfig) -> bool:
    """False where somebody wants to hear a microphone that nobody allowed to be heard."""
    return not wanted or not publisher.microphone or config.forward_audio


def bad_field(error: ValueError, request_id: str | int | None) -> MessageError:
    """The engine's ValueError, which begins with the field's name, as the client is told it."""
    name, colon, _ = str(error).partition(":")
    field = {"audio_rate": "audio.rate"}.get(name, name) if colon and name.replace(".", "_").isidentifier() else None
    return MessageError("bad_field", str(error), field=field, id=request_id)


def _events_of(change: Control) -> list[str]:
    """A change of generator is told when it is primed, everything else with the next frame."""
    rest = dataclasses.replace(change, generator=None)
    return [*(["control"] if rest != Control() else []), *(["control:generator"] if change.generator else [])]


def _no_session(protocol: Connection, field: str, name: str, request_id: str | int | None) -> list[Action]:
    message = f"{field}: expected a running session, got {shown(name)}"
    return protocol.refuse("bad_field", message, CloseCode.NO_SESSION, field=field, id=request_id)


def _no_audio(field: str, request_id: str | int | None) -> str:
    message = f"{field}: microphone sessions are not forwarded unless the server was started with --forward-audio"
    return error_text("forbidden", message, field=field, id=request_id)
