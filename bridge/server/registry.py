"""The sessions a server publishes: opened, found by id or name, waiting for a resume, ended."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from gesturestream.bridge.protocol.codes import CloseCode, Limits
from gesturestream.bridge.protocol.messages import Start
from gesturestream.bridge.protocol.replies import error_text, to_json
from gesturestream.bridge.server.mailroom import Mailroom, Outbox
from gesturestream.bridge.server.output import Output
from gesturestream.bridge.server.publisher import Publisher
from gesturestream.bridge.server.ready import ready_message
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import ServerFull

if TYPE_CHECKING:
    from gesturestream.realtime.engine import Engine
    from gesturestream.realtime.session import Session

log = logging.getLogger(__name__)
LOCAL = "local"
_MAKE_ROOM_S = 1.0
"""The model thread lets go of a row with its next tick."""


class Registry:
    """Belongs to the event loop."""

    def __init__(
        self,
        engine: Engine,
        mailroom: Mailroom,
        *,
        max_sessions: int | None,
        limits: Limits,
        clock: Callable[[], float],
        outputs: Sequence[Output] = (),
    ) -> None:
        self.engine = engine
        self._outputs = tuple(outputs)
        self.mailroom = mailroom
        self._limits = limits
        self._max_sessions = max_sessions
        self._clock = clock
        self._publishers: dict[str, Publisher] = {}
        self._local: Publisher | None = None
        self._dropped = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __iter__(self) -> Iterator[Publisher]:
        return iter(tuple(self._publishers.values()))

    def __len__(self) -> int:
        return len(self._publishers)

    @property
    def dropped(self) -> int:
        """Frames dropped for slow readers so far."""
        return self._dropped + sum(outbox.queue.dropped for publisher in self for outbox in publisher.readers)

    def create(self, start: Start) -> Publisher:
        """The publisher of a session that is yet to be opened."""
        publisher = self._publisher(start.session.name, microphone=start.session.mode == "live")
        publisher.audio = start.audio
        return publisher

    async def open(self, publisher: Publisher, config: SessionConfig) -> None:
        """Opens its session; a full server first gives up the session that has waited longest for its owner.

        ServerFull; ValueError where the engine does not know a field's value.
        """
        try:
            self._open(publisher, config)
        except ServerFull:
            if not await self._make_room():
                raise
            self._open(publisher, config)

    def _open(self, publisher: Publisher, config: SessionConfig) -> None:
        if self._max_sessions is not None and len(self) >= self._max_sessions:
            raise ServerFull(f"expected at most {self._max_sessions} sessions", self._limits.retry_after_s)
        publisher.session = self.engine.open(config, publisher)
        self._publish(publisher)

    async def _make_room(self) -> bool:
        waiting = next(iter(self._timers), None)
        if waiting is None:
            return False
        publisher = self._publishers[waiting]
        self.discard(publisher)
        return await asyncio.to_thread(publisher.session.wait, _MAKE_ROOM_S)

    def add_local(self, session: Session, *, microphone: bool) -> Publisher:
        """Publishes a session that the server itself feeds, under the name `local`."""
        publisher = self._publisher(LOCAL, microphone=microphone)
        publisher.session = session
        self._local = publisher
        self._publish(publisher)
        session.attach(publisher)
        return publisher

    def _publish(self, publisher: Publisher) -> None:
        self._publishers[publisher.session.id] = publisher
        for output in self._outputs:
            output.opened(publisher)

    def find(self, name: str) -> Publisher | None:
        """By id, or else the newest of that name; `local` is never a client's session that calls itself so."""
        if name == LOCAL:
            return self._local
        named = [publisher for publisher in self if publisher.name == name]
        return self._publishers.get(name) or (named[-1] if named else None)

    def resume(self, session_id: str, key: str | None) -> Publisher | None:
        """The session whose resume key this is; it no longer waits."""
        publisher = self._publishers.get(session_id)
        if publisher is None or publisher.ending or publisher.abandoned:
            return None
        if not hmac.compare_digest(publisher.session.resume_key.encode(), (key or "").encode("utf-8", "surrogatepass")):
            return None
        timer = self._timers.pop(session_id, None)
        if timer is not None:
            timer.cancel()
        return publisher

    def leave(self, publisher: Publisher, outbox: Outbox) -> None:
        """A reader's connection is gone. An owner's queue is kept until it resumes or the time for that is over."""
        owner = publisher.owner is outbox
        alone = publisher.readers == (outbox,)
        if owner and (publisher.abandoned or (publisher.ending and alone)):
            self.discard(publisher)
        if not owner or publisher.ending or publisher.abandoned:
            self._dropped += outbox.queue.dropped
            publisher.remove(outbox)
        elif publisher.session.id in self._publishers:
            discard = asyncio.get_running_loop().call_later(self._limits.resume_s, self.discard, publisher)
            self._timers[publisher.session.id] = discard

    def discard(self, publisher: Publisher, text: str | None = None, code: int = CloseCode.NORMAL) -> None:
        """Closes a session at once and with it the connections of all who still read it."""
        self.forget(publisher)
        publisher.session.close()
        publisher.close_readers(code, "the session was closed", text)

    def fail(self, publisher: Publisher) -> None:
        """An internal error: that session's state is discarded, others go on."""
        text = error_text("internal", "the session failed and was discarded", fatal=True)
        self.discard(publisher, text, CloseCode.INTERNAL)

    def forget(self, publisher: Publisher) -> None:
        """The session has ended by itself."""
        known = self._publishers.pop(publisher.session.id, None)
        for output in self._outputs if known else ():
            output.closed(publisher)
        if publisher is self._local:
            self._local = None
        timer = self._timers.pop(publisher.session.id, None)
        if timer is not None:
            timer.cancel()

    def listing(self, request_id: str | int | None) -> str:
        """The message `sessions`."""
        sessions = [
            {
                "session": publisher.session.id,
                "name": publisher.name,
                "generator": publisher.session.generator,
                "mode": publisher.session.config.mode,
            }
            for publisher in self
        ]
        echoed = {} if request_id is None else {"id": request_id}
        return to_json({"type": "sessions", "sessions": sessions, **echoed})

    def _publisher(self, name: str, *, microphone: bool) -> Publisher:
        return Publisher(
            self.mailroom, name=name, microphone=microphone, ready=self._ready, ended=self.forget, failed=self.fail
        )

    def _ready(self, publisher: Publisher, outbox: Outbox) -> str:
        message = ready_message(
            self.engine,
            publisher.session,
            outbox.queue.form,
            name=publisher.name,
            owner=publisher.owner is outbox,
            server_time_s=self._clock(),
        )
        return to_json(message)
