"""What the model thread sees of a session: what it consumes next, what is to be done with it, what is to be told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import FPS, MAX_LOOKAHEAD, SAMPLE_RATE
from gesturestream.models.timing import frame_end
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.frame import AudioChunk, Event, Frame, Sink
from gesturestream.realtime.hints import HintRequest, Placed, Plans, WordsRequest
from gesturestream.realtime.statistics import Percentiles
from gesturestream.realtime.voice import Heard, Voice

CREDIT_S = 20.0
"""Offline mode: so much audio may be sent ahead; renewed when 15 s are left, so at least 10 s are always granted."""
CREDIT_RENEW_S = 15.0

SHED_ABOVE_S, SHED_TO_S = 0.5, 0.1
"""In lasting overload, so much audio may wait in a live session; beyond it only the newest so much is kept."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, eq=False)
class Cue:
    """Play a named gesture with this frame. Two requests for the same gesture are two cues."""

    name: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The epoch has risen: retract."""

    played_s: float | None = None
    unused: tuple[object, ...] = ()
    """Offline: the cues, hints and words that were pending when it came."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Speech is back after an interrupt."""


Command = Control | Cue | Interrupt | Resume | Placed


@dataclass(frozen=True, slots=True)
class Utterance:
    """Where an utterance starts or ends: becomes an event."""

    event: str
    id: str
    text: str | None = None
    stream: int = 0
    """Position of its first sample, at 16 kHz, among those the client has sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What the model thread snapshots of one session for one step."""

    session: SessionState
    heard: Heard
    motion_frame: int
    """k: the frame this step emits; negative while look-ahead fills."""
    epoch: int
    speaking: bool
    commands: list[Command]
    events: list[Event]
    words: NDArray[np.int64] | None
    """[2, N] ids of the words spoken now and soon; None: nothing is known."""


class SessionState:
    """Only under the lock, unless a method says otherwise."""

    def __init__(
        self, config: SessionConfig, sink: Sink, keep_samples: int, lock: threading.Condition, clock: Clock
    ) -> None:
        self.config = config
        self.sink = sink
        self.epoch = 0
        self.voice = Voice(config.mode, config.lookahead_frames, keep_samples, clock())
        self._lock, self._clock = lock, clock
        self.plans = Plans(arrived_only=config.mode == "agent")
        self._commands: deque[Command] = deque()
        self._scheduled: deque[tuple[int, Cue | Utterance | Interrupt]] = deque()
        self._events: deque[Event] = deque()
        self._retracted = self._paused = self._closed = False
        self._done = threading.Event()
        self._frames = 0
        self._credit = 0
        self._arrived_s: list[float | None] = [None] * (2 * MAX_LOOKAHEAD)  # by audio frame
        self._step_s, self._latency_s = Percentiles(), Percentiles()
        self._renew_credit()

    @property
    def finished(self) -> bool:
        """Ended, and every frame has begun."""
        return self.voice.pacing.finished

    @property
    def has_events(self) -> bool:
        return bool(self._events)

    def is_due(self, now: float) -> bool:
        due_at = self.due_at()
        return due_at is not None and due_at <= now

    def due_at(self) -> float | None:
        """When the next step is due; None: not before something else happens."""
        return None if self._paused else self.voice.pacing.due_at()

    def shed(self, now: float) -> None:
        """The engine cannot keep up: what waits too long of a live voice is discarded and told, not left as latency."""
        if self.config.mode == "live" and self.voice.buffered > SHED_ABOVE_S * SAMPLE_RATE:
            self.voice.shed(int(SHED_TO_S * SAMPLE_RATE), now)

    def begin(self, now: float) -> Work:
        """Consumes the next frame of audio and everything that goes with it."""
        heard = self.voice.consume()
        self._report_audio(heard, now)
        self._renew_credit()
        self._schedule(heard.reached)
        self._arrived_s[heard.frame % len(self._arrived_s)] = heard.arrived_s
        k = heard.frame - self.config.lookahead_frames
        self._release(k)
        self._commands.extend(self.plans.due(k, self.voice.timeline))
        speaking = self.voice.speech.active
        if self._retracted and speaking:
            self._commands.append(Resume())
            self._retracted = False
        commands, self._commands = list(self._commands), deque()
        return Work(
            session=self, heard=heard, motion_frame=k, epoch=self.epoch, speaking=speaking, commands=commands,
            events=self.take_events(), words=self.plans.words_at(heard.frame, self.voice.timeline),
        )  # fmt: skip

    def last_events(self) -> list[Event]:
        """What is left to tell when everything has been generated."""
        self._schedule(self.voice.timeline.reached())
        self._release(self.voice.pacing.frame)
        self.tell("end", self.next_s)
        return self.take_events()

    def take_events(self) -> list[Event]:
        events, self._events = list(self._events), deque()
        return events

    @property
    def next_s(self) -> float:
        """Media time of the next frame that begins."""
        return max(0, self.voice.pacing.frame - self.config.lookahead_frames) / FPS

    def event(self, name: str, media_time_s: float | None = None, **data: Any) -> Event:
        """An event at a media time (None: now), and where that lies in the audio the client has sent."""
        with self._lock:
            media_time_s = self.next_s if media_time_s is None else media_time_s
            audio_time_s = self.voice.timeline.stream_at(round(media_time_s * SAMPLE_RATE)) / SAMPLE_RATE
        return Event(name=name, media_time_s=media_time_s, audio_time_s=audio_time_s, data=data)

    def tell(self, name: str, media_time_s: float, **data: Any) -> None:
        """Queues an event for the next hand-over."""
        self._events.append(self.event(name, media_time_s, **data))

    def deliver(self, work: Work, frame: Frame | None, step_s: float) -> None:
        """Hands one step's output to the sink. Outside the lock."""
        self._step_s.add(step_s)
        self.hand_over(work.events)
        start = 0
        for piece in work.heard.pieces:
            pcm = work.heard.pcm[start : start + piece.length].copy()
            start += piece.length
            self.sink.on_audio(AudioChunk(media_time_s=piece.media / SAMPLE_RATE, epoch=work.epoch, pcm=pcm))
        if frame is not None:
            self._frames += 1
            self.sink.on_frame(frame)
            self._note_latency(frame.index)

    def hand_over(self, events: list[Event]) -> None:
        for event in events:
            self.sink.on_event(event)

    def _note_latency(self, k: int) -> None:
        arrived_s = self._arrived_s[k % len(self._arrived_s)]
        if arrived_s is not None:
            self._latency_s.add(self._clock() - arrived_s)

    def finish(self) -> None:
        """The model thread has let go of the session: nothing more will come."""
        self._closed = True
        self._done.set()

    def _waiting(self) -> list[Any]:
        return [*self._commands, *self.voice.timeline.marks, *(what for _, what in self._scheduled)]

    def _schedule(self, reached: list[tuple[int, Any]]) -> None:
        for media, what in reached:
            match what:
                case Control():
                    self._commands.append(what)
                case HintRequest():
                    self.plans.add_hint(what, media)
                case WordsRequest():
                    self.plans.add_words(what)
                case _:
                    self._scheduled.append((media, what))
                    self._begin_utterance(what)

    def _begin_utterance(self, what: Any) -> None:
        if isinstance(what, Utterance) and what.event == "utterance_start":
            for cue, stream in self.plans.begin_utterance(what.id, what.stream):
                self.voice.timeline.mark(cue, stream=stream, with_sample=True)

    def _release(self, k: int) -> None:
        """Turns what was marked up to the end of motion frame `k` into events and commands."""
        while self._scheduled and self._scheduled[0][0] + _sample_of(self._scheduled[0][1]) <= frame_end(k):
            media, what = self._scheduled.popleft()
            if isinstance(what, Utterance):
                text = {"text": what.text} if what.text is not None else {}
                self.tell(what.event, media / SAMPLE_RATE, id=what.id, **text)
            elif isinstance(what, Interrupt):
                self.voice.speech.forget()
                self.voice.timeline.forget(what.unused)
                self.plans.forget(what.unused)
                self._scheduled = deque(item for item in self._scheduled if item[1] not in what.unused)
                self._commands.append(self._interrupted(what.played_s, k / FPS))
            else:
                self._commands.append(what)

    def _interrupted(self, played_s: float | None, generated_s: float) -> Interrupt:
        """Raises the epoch. `sample` is the first one, as the client counts, that the body has not used."""
        self.epoch += 1
        self._retracted = True
        sample = self._to_client(self.voice.timeline.consumed)
        self.tell(
            "interrupted", generated_s, epoch=self.epoch, generated_s=generated_s, played_s=played_s, sample=sample
        )
        return Interrupt(played_s)

    def _report_audio(self, heard: Heard, now: float) -> None:
        for piece in heard.resumed:
            self.tell("audio_resumed", piece.media / SAMPLE_RATE, sample=self._to_client(piece.stream))
        if self.voice.pacing.pop_underrun():
            self.tell("underrun", heard.frame / FPS)
        if dropped_s := self.voice.pop_dropped_s(now):
            self.tell("overrun", heard.frame / FPS, dropped_s=dropped_s)

    def _renew_credit(self) -> None:
        if self.config.mode != "offline":
            return
        consumed = self.voice.timeline.consumed
        if self._credit - consumed <= CREDIT_RENEW_S * SAMPLE_RATE:
            self._credit = consumed + int(CREDIT_S * SAMPLE_RATE)
            self.tell("credit", self.voice.pacing.frame / FPS, samples=self._to_client(self._credit))

    def _to_client(self, stream: int) -> int:
        return stream * self.config.audio_rate // SAMPLE_RATE


def _sample_of(what: Command | Utterance) -> int:
    """1 for what happens with a sample, 0 for an utterance's end, which lies between two."""
    return 0 if isinstance(what, Utterance) and what.event == "utterance_end" else 1
