"""A session: the thread-safe handle its owner holds, and the state that the model thread snapshots.

Owners' threads and the model thread meet under one lock. Whatever is to happen in the model thread (a control, a cue,
the retraction) waits as a command and is carried out before the next frame is made.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gesturestream.models.motion import FPS, MAX_LOOKAHEAD, SAMPLE_RATE
from gesturestream.models.timing import frame_end
from gesturestream.realtime.audio_buffer import Floats, sanitize
from gesturestream.realtime.checks import check_control
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.executors.base import GeneratorInfo
from gesturestream.realtime.frame import AudioChunk, Event, Frame, Sink
from gesturestream.realtime.resample import CausalResampler
from gesturestream.realtime.statistics import Percentiles, SessionStats
from gesturestream.realtime.voice import MAX_AHEAD_S, AudioTooFarAhead, Heard, Voice

__all__ = ["AudioTooFarAhead", "Cue", "Interrupt", "QueueFull", "Resume", "Session", "Work"]

MAX_CUES = 64
MAX_UTTERANCE_MARKS = 256
MAX_PENDING = 1024
CREDIT_S = 20.0
"""Offline mode: so much audio may be sent ahead; renewed when 15 s are left, so at least 10 s are always granted."""
CREDIT_RENEW_S = 15.0


class QueueFull(Exception):
    """More pending cues or utterances than a session keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class Cue:
    """Play a named gesture with this frame. Two requests for the same gesture are two cues."""

    name: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The epoch has risen: retract."""

    played_s: float | None = None
    unused: tuple[Cue, ...] = ()
    """Offline: the cues that were pending when it came."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Speech is back after an interrupt."""


Command = Control | Cue | Interrupt | Resume


@dataclass(frozen=True, slots=True)
class _Utterance:
    """A mark that becomes an event."""

    event: str
    id: str
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What the model thread snapshots of one session for one step."""

    session: Session
    heard: Heard
    motion_frame: int
    """k: the frame this step emits; negative while look-ahead fills."""
    epoch: int
    speaking: bool
    commands: list[Command]
    events: list[Event]


class Session:
    """Opened by `Engine.open`. Everything but `push_audio` acts from the next frame on."""

    def __init__(
        self,
        config: SessionConfig,
        sink: Sink,
        *,
        generator: str,
        generators: Mapping[str, GeneratorInfo],
        cues: Collection[str],
        keep_samples: int,
        lock: threading.Condition,
        wake: Callable[[Session], None],
        clock: Callable[[], float],
    ) -> None:
        self.id, self.resume_key = secrets.token_hex(16), secrets.token_hex(16)
        self.config = config
        self.seed = secrets.randbits(32) if config.seed is None else config.seed
        self.generator = generator
        self.sink = sink
        self.epoch = 0
        self.voice = Voice(config.mode, config.lookahead_frames, keep_samples, clock())
        self._generators, self._cues = generators, cues
        self._lock, self._wake, self._clock = lock, wake, clock
        self._resampler, self._resampler_lock = CausalResampler(config.audio_rate), threading.Lock()
        self._client_samples = 0
        self._unflushed = False
        self._commands: deque[Command] = deque()
        self._scheduled: deque[tuple[int, Cue | _Utterance | Interrupt]] = deque()
        self._events: deque[Event] = deque()
        self._retracted = self._paused = self._closed = False
        self._done = threading.Event()
        self._frames = 0
        self._credit = 0
        self._arrived_s: list[float | None] = [None] * (2 * MAX_LOOKAHEAD)  # by audio frame
        self._step_s, self._latency_s = Percentiles(), Percentiles()
        self._renew_credit()

    # -- what the owner sees

    @property
    def latency_s(self) -> float:
        """Algorithmic latency: one frame period and the look-ahead."""
        return (1 + self.config.lookahead_frames) / FPS

    @property
    def media_time_s(self) -> float:
        """Seconds consumed, filled-in silence included."""
        return self.voice.pacing.frame / FPS

    @property
    def closed(self) -> bool:
        """Ended, discarded, or given up after an internal error."""
        return self._closed

    def wait(self, timeout_s: float | None = None) -> bool:
        """Blocks until the session is over and its last frame delivered; False if that takes longer."""
        return self._done.wait(timeout_s)

    def attach(self, sink: Sink) -> None:
        """Replaces the sink: a resumed connection."""
        with self._lock:
            self.sink = sink

    def push_audio(self, pcm: Floats) -> None:
        """Takes [n] mono float32 at `config.audio_rate`, -1..1; any n.

        NaN and infinite samples become 0 and the rest is clipped. AudioTooFarAhead: none of it was taken.
        """
        clean = sanitize(pcm)
        with self._resampler_lock:
            with self._lock:
                self._check_room(len(clean))
            resampled = self._resampler.process(clean)
            with self._lock:
                self._client_samples += len(clean)
                self._unflushed = True
                self._push(resampled)

    def begin_utterance(self, id: str, text: str | None = None) -> None:
        """The audio that follows belongs to utterance `id`."""
        self._mark_utterance(_Utterance("utterance_start", id, text))

    def end_utterance(self, id: str) -> None:
        """The utterance's audio is complete: look-ahead is flushed without waiting for a gap."""
        with self._resampler_lock, self._lock:
            self._flush_resampler()
            self._mark_utterance(_Utterance("utterance_end", id))
            self.voice.pacing.end_utterance()
            self._schedule(self.voice.timeline.reached())
            self._release(self.voice.pacing.frame - 1 - self.config.lookahead_frames)
            self._wake(self)

    def control(self, change: Control) -> None:
        """Changes what is not None, blended. ValueError names a bad field; QueueFull."""
        check_control(change, self.generator, self._generators)
        with self._lock:
            self._command(change)

    def cue(self, name: str, at_s: float | None = None) -> None:
        """Plays a gesture now, or at a time in seconds of samples the client has sent."""
        if name not in self._cues:
            raise ValueError(f"cue: expected one of {', '.join(sorted(self._cues))}, got {name!r}")
        with self._lock:
            if self._pending(Cue) >= MAX_CUES:
                raise QueueFull(f"expected at most {MAX_CUES} pending cues")
            if at_s is None:
                self._command(Cue(name))
            else:
                self.voice.timeline.mark(Cue(name), stream=max(0, round(at_s * SAMPLE_RATE)), with_sample=True)

    def interrupt(self, played_s: float | None = None) -> None:
        """Barge-in: audio and cues not yet used are dropped, the epoch rises, the body retracts.

        In offline mode it takes its turn behind the audio that was sent before it.
        """
        with self._lock:
            if self.config.mode == "offline":
                self._command(Interrupt(played_s, tuple(what for what in self._waiting() if isinstance(what, Cue))))
            else:
                self.voice.interrupt(self._clock())
                self._scheduled.clear()
                kept = [command for command in self._commands if isinstance(command, Control)]
                self._commands = deque([*kept, self._interrupted(played_s, self.next_s)])
                self._wake(self)

    def pause(self, paused: bool = True) -> None:
        """Offline mode: makes no further frames until `pause(False)`, for a reader that is behind."""
        with self._lock:
            self._paused = paused and self.config.mode == "offline"
            self._wake(self)

    def end(self) -> None:
        """The rest is generated, then event `end`. No more audio is taken."""
        with self._resampler_lock, self._lock:
            if not self.voice.pacing.ended:
                self._flush_resampler()
                self.voice.pacing.end()
                self._wake(self)

    def close(self) -> None:
        """Discards the session at once."""
        with self._lock:
            self._closed = True
            self._wake(self)

    def stats(self) -> SessionStats:
        return SessionStats(
            frames=self._frames,
            step_ms_p50=self._step_s.at_ms(50),
            step_ms_p99=self._step_s.at_ms(99),
            sound_to_motion_ms_p50=self._latency_s.at_ms(50),
            sound_to_motion_ms_p99=self._latency_s.at_ms(99),
            audio_ahead_s=self.voice.buffered / SAMPLE_RATE,
        )

    # -- what the model thread does; down to `tell` under the lock

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

    def begin(self, now: float) -> Work:
        """Consumes the next frame of audio and everything that goes with it."""
        heard = self.voice.consume()
        self._report_audio(heard, now)
        self._renew_credit()
        self._schedule(heard.reached)
        self._arrived_s[heard.frame % len(self._arrived_s)] = heard.arrived_s
        k = heard.frame - self.config.lookahead_frames
        self._release(k)
        speaking = self.voice.speech.active
        if self._retracted and speaking:
            self._commands.append(Resume())
            self._retracted = False
        commands, self._commands = list(self._commands), deque()
        return Work(
            session=self, heard=heard, motion_frame=k, epoch=self.epoch, speaking=speaking, commands=commands,
            events=self.take_events(),
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

    # -- under the lock

    def _check_room(self, count: int) -> None:
        if self._closed or self.voice.pacing.ended:
            raise ValueError("expected audio only before the session's end")
        if self.config.mode == "offline":
            if self._client_samples + count > self._to_client(self._credit):
                raise AudioTooFarAhead(f"expected at most {self._to_client(self._credit)} samples so far")
        elif self.voice.buffered + count * SAMPLE_RATE / self.config.audio_rate > MAX_AHEAD_S * SAMPLE_RATE:
            raise AudioTooFarAhead(f"expected at most {MAX_AHEAD_S:g} s of audio ahead")

    def _flush_resampler(self) -> None:
        """Brings out the last 2 ms, so that n samples are n samples at 16 kHz too."""
        if self._unflushed and not self._closed:
            self._push(self._resampler.flush())
        self._unflushed = False

    def _push(self, resampled: Floats) -> None:
        before = self.due_at()
        if self.config.audio_rate != SAMPLE_RATE:
            resampled = resampled.clip(-1.0, 1.0)  # the filter may overshoot
        self.voice.push(resampled, self._clock())
        after = self.due_at()
        if after is not None and (before is None or after < before):
            self._wake(self)

    def _command(self, command: Command) -> None:
        """Before the next frame; offline: with the next sample, so that the result does not depend on arrival."""
        if len(self._commands) + len(self.voice.timeline.marks) >= MAX_PENDING:
            raise QueueFull(f"expected at most {MAX_PENDING} pending commands")
        if self.config.mode == "offline":
            self.voice.timeline.mark(command, stream=self.voice.timeline.sent, with_sample=True)
        else:
            self._commands.append(command)

    def _mark_utterance(self, mark: _Utterance) -> None:
        with self._lock:
            if self._pending(_Utterance) >= MAX_UTTERANCE_MARKS:
                raise QueueFull(f"expected at most {MAX_UTTERANCE_MARKS} pending utterance marks")
            timeline = self.voice.timeline
            timeline.mark(mark, stream=timeline.sent, with_sample=mark.event == "utterance_start")

    def _waiting(self) -> list[Any]:
        return [*self._commands, *self.voice.timeline.marks, *(what for _, what in self._scheduled)]

    def _pending(self, kind: type) -> int:
        return sum(isinstance(what, kind) for what in self._waiting())

    def _schedule(self, reached: list[tuple[int, Any]]) -> None:
        for media, what in reached:
            if isinstance(what, Control):
                self._commands.append(what)
            else:
                self._scheduled.append((media, what))

    def _release(self, k: int) -> None:
        """Turns what was marked up to the end of motion frame `k` into events and commands."""
        while self._scheduled and self._scheduled[0][0] + _sample_of(self._scheduled[0][1]) <= frame_end(k):
            media, what = self._scheduled.popleft()
            if isinstance(what, _Utterance):
                text = {"text": what.text} if what.text is not None else {}
                self.tell(what.event, media / SAMPLE_RATE, id=what.id, **text)
            elif isinstance(what, Interrupt):
                self.voice.speech.forget()
                self.voice.timeline.forget(what.unused)
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
        consumed = self.voice.timeline.consumed
        if self.config.mode == "offline" and self._credit - consumed <= CREDIT_RENEW_S * SAMPLE_RATE:
            self._credit = consumed + int(CREDIT_S * SAMPLE_RATE)
            self.tell("credit", self.media_time_s, samples=self._to_client(self._credit))

    def _to_client(self, stream: int) -> int:
        return stream * self.config.audio_rate // SAMPLE_RATE


def _sample_of(what: Command | _Utterance) -> int:
    """1 for what happens with a sample, 0 for an utterance's end, which lies between two."""
    return 0 if isinstance(what, _Utterance) and what.event == "utterance_end" else 1
