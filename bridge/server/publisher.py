"""One session's output to any number of readers: its owner and its watchers."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gesturestream.bridge.protocol.audio import AudioFormat
from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.reader_queue import SharedFrame, Text
from gesturestream.bridge.protocol.replies import event_text
from gesturestream.bridge.server.mailroom import Mailroom, Outbox
from gesturestream.realtime.frame import AudioChunk, Event, Frame

if TYPE_CHECKING:
    from gesturestream.bridge.protocol.messages import Id
    from gesturestream.realtime.session import Session

_MAX_REMEMBERED_IDS = 256


class Publisher:
    """The Sink of one session. `on_*` are called from the model thread, everything else from the event loop."""

    def __init__(
        self,
        mailroom: Mailroom,
        *,
        name: str,
        microphone: bool,
        ready: Callable[[Publisher, Outbox], str],
        ended: Callable[[Publisher], None],
        failed: Callable[[Publisher], None],
    ) -> None:
        """`microphone`: its voice is forwarded only where the server allows it. `ready` makes the message `ready` for
        one reader. On the loop, `ended` is called after the last frame, `failed` when the engine gave the session up.
        """
        self.session: Session  # set right after the engine has opened it with this sink
        self.name = name
        self.microphone = microphone
        self.audio = AudioFormat()
        """What the owner sends; fixed by its first `start`, also for a resumed connection."""
        self.owner: Outbox | None = None
        self.ended = False
        """The event `end` has been passed on."""
        self.ending = False
        """The owner has said `end`."""
        self.abandoned = False
        """The owner was thrown out and may not come back."""
        self._taps: tuple[Callable[[Frame], None], ...] = ()
        self._mailroom = mailroom
        self._ready = ready
        self._on_end, self._on_failure = ended, failed
        self._outboxes: list[Outbox] = []
        self._paused = False
        self._ids: dict[str, deque[Id]] = defaultdict(lambda: deque(maxlen=_MAX_REMEMBERED_IDS))

    def on_frame(self, frame: Frame) -> None:
        for tap in self._taps:
            tap(frame)
        shared = SharedFrame(frame)
        with self._mailroom.lock:
            for outbox in self._outboxes:
                outbox.queue.put_frame(shared)
                self._mailroom.notify(outbox)
            full = self.owner is not None and self.owner.queue.full
        if full:
            self._mailroom.call(self.regulate)

    def on_audio(self, chunk: AudioChunk) -> None:
        with self._mailroom.lock:
            for outbox in self._outboxes:
                outbox.queue.put_audio(chunk)
                self._mailroom.notify(outbox)

    def on_event(self, event: Event) -> None:
        if event.name == "internal_error":
            self._mailroom.call(lambda: self._on_failure(self))
            return
        with self._mailroom.lock:
            if event_key(event) == "control:generator":
                for outbox in self._outboxes:
                    outbox.queue.put_text(self._ready_for(outbox))
            self._put_all(event_text(event, self._request_id(event)))
            if event.name == "end":
                self.ended = True
                self._close_all(CloseCode.NORMAL, "the session has ended")
        if event.name == "end":
            self._mailroom.call(lambda: self._on_end(self))

    def add_tap(self, tap: Callable[[Frame], None]) -> None:
        """`tap` is given every frame besides the readers, on the model thread: it must not wait."""
        self._taps = (*self._taps, tap)

    def remove_tap(self, tap: Callable[[Frame], None]) -> None:
        """It is given no more."""
        self._taps = tuple(other for other in self._taps if other != tap)

    @property
    def readers(self) -> tuple[Outbox, ...]:
        """Owner and watchers, the waiting queue of a broken owner connection included."""
        return tuple(self._outboxes)

    def add(self, outbox: Outbox, *, owner: bool = False) -> None:
        """Subscribes a reader; it is told `ready` before anything else."""
        with self._mailroom.lock:
            outbox.queue.put_text(self._ready_for(outbox))
            if owner:
                self._replace_owner(outbox)
            self._outboxes.append(outbox)
            self._mailroom.notify(outbox)

    def remove(self, outbox: Outbox) -> None:
        """Unsubscribes a reader."""
        with self._mailroom.lock:
            if outbox in self._outboxes:
                self._outboxes.remove(outbox)
            if self.owner is outbox:
                self.owner = None
        self.regulate()  # nobody has to read everything any more

    def send(self, text: Text, to: Outbox | None = None) -> None:
        """Queues text for one reader, or for all."""
        with self._mailroom.lock:
            for outbox in self._outboxes if to is None else [to]:
                outbox.queue.put_text(text)
                self._mailroom.notify(outbox)

    def close_readers(self, code: int, reason: str, text: str | None = None) -> None:
        """Queues the end of every reader's connection, after `text`."""
        with self._mailroom.lock:
            if text is not None:
                self._put_all(text)
            self._close_all(code, reason)

    def regulate(self) -> None:
        """Offline: the session makes no frames while its owner has too many to read; called whenever that changes."""
        with self._mailroom.lock:
            queue = self.owner.queue if self.owner is not None else None
            pause = queue is not None and (queue.full or (self._paused and not queue.drained))
            changed, self._paused = pause != self._paused, pause
        if changed:
            self.session.pause(pause)

    @contextmanager
    def answering(self, request_id: Id, *events: str) -> Iterator[None]:
        """The next event of each name answers the request that the body hands to the session, unless it fails."""
        with self._mailroom.lock:
            for event in events:
                self._ids[event].append(request_id)
        try:
            yield
        except BaseException:
            with self._mailroom.lock:
                for event in events:
                    self._ids[event].pop()
                    if not self._ids[event]:  # a client may name a million gestures that do not exist
                        del self._ids[event]
            raise

    def _replace_owner(self, outbox: Outbox) -> None:
        former, self.owner = self.owner, outbox
        if former is None:
            return
        self._outboxes.remove(former)
        outbox.queue.take_over(former.queue)
        former.queue.put_close(CloseCode.NORMAL, "taken over by a resumed connection")
        self._mailroom.notify(former)

    def _ready_for(self, outbox: Outbox) -> Text:
        return lambda now_s: self._ready(self, outbox)

    def _request_id(self, event: Event) -> Id:
        if event.name == "interrupted":
            self._forget_waiting_cues()
        ids = self._ids[event_key(event)]
        return ids.popleft() if ids else None

    def _forget_waiting_cues(self) -> None:
        """Cues that have not started when an interrupt comes never will; the one that plays still ends."""
        for key in [key for key in self._ids if key.startswith("cue_start:")]:
            ends = self._ids[key.replace("cue_start:", "cue_end:")]
            for _ in range(min(len(self._ids[key]), len(ends))):
                ends.pop()
            self._ids[key].clear()

    def _put_all(self, text: str) -> None:
        for outbox in self._outboxes:
            outbox.queue.put_text(text)
            self._mailroom.notify(outbox)

    def _close_all(self, code: int, reason: str) -> None:
        for outbox in self._outboxes:
            outbox.queue.put_close(code, reason)
            self._mailroom.notify(outbox)
        self._outboxes = []


def event_key(event: Event) -> str:
    """By what an event is matched with the request that caused it."""
    if event.name.startswith("cue_"):
        return f"{event.name}:{event.data.get('cue')}"
    return "control:generator" if event.name == "control" and "generator" in event.data else event.name
