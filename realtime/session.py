"""A session: the thread-safe handle its owner holds.

Owners' threads and the model thread meet under one lock. Whatever is to happen in the model thread (a control, a cue,
the retraction) waits as a command and is carried out before the next frame is made.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.realtime.audio_buffer import Floats, sanitize
from gesturestream.realtime.checks import check_control
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.executors.base import GeneratorInfo
from gesturestream.realtime.frame import Sink
from gesturestream.realtime.hints import HintClip, HintRequest, Word, WordsRequest, hint_clip
from gesturestream.realtime.hints.requests import MAX_WORDS, check_span, checked_words
from gesturestream.realtime.resample import CausalResampler
from gesturestream.realtime.session_state import Clock, Command, Cue, Interrupt, SessionState, Utterance
from gesturestream.realtime.statistics import SessionStats
from gesturestream.realtime.voice import MAX_AHEAD_S, AudioTooFarAhead

__all__ = ["AudioTooFarAhead", "QueueFull", "Session"]

MAX_CUES_AND_HINTS = 64
MAX_UTTERANCE_MARKS = 256
MAX_PENDING = 1024


_DROPPED = (Cue, HintRequest, WordsRequest)
"""What an interrupt drops."""


class QueueFull(Exception):
    """More pending cues, hints, words, utterances or commands than a session keeps."""


class Session(SessionState):
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
        listens: Callable[[Session], bool],
        wake: Callable[[Session], None],
        clock: Clock,
    ) -> None:
        """`wake`: something may be due earlier now; of no use while not `listens`."""
        super().__init__(config, sink, keep_samples, lock, clock)
        self._listens = listens
        self.id, self.resume_key = secrets.token_hex(16), secrets.token_hex(16)
        self.seed = secrets.randbits(32) if config.seed is None else config.seed
        self.generator = generator
        self._settings = dict(config.settings)
        self._generators, self._cues, self._wake = generators, cues, wake
        self._resampler = CausalResampler(config.audio_rate, lag=config.mode == "live")
        self._resampler_lock = threading.Lock()
        self._client_samples = 0
        self._unflushed = False

    @property
    def latency_s(self) -> float:
        """Algorithmic latency: one frame period and the look-ahead."""
        return (1 + self.config.lookahead_frames) / FPS

    @property
    def media_time_s(self) -> float:
        """Seconds consumed, filled-in silence included."""
        return self.voice.pacing.frame / FPS

    @property
    def settings(self) -> dict[str, float]:
        """The generator's settings: as asked for, or its own."""
        own = self._generators[self.generator].settings
        return {name: self._settings.get(name, default) for name, default in own.items()}

    @property
    def hears_words(self) -> bool:
        """Whether the generator is told of words. Those that come before one that is are kept for it."""
        return self._generators[self.generator].word_ids > 0

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

    def push_audio(self, pcm: Floats, *, clean: bool = False) -> None:
        """Takes [n] mono float32 at `config.audio_rate`, -1..1; any n.

        NaN and infinite samples become 0 and the rest is clipped; `clean`: there are none, and nobody else changes the
        array. AudioTooFarAhead: none of it was taken.
        """
        pcm = pcm if clean else sanitize(pcm)
        with self._resampler_lock:
            if self._resampler.passes:
                with self._lock:
                    self._check_room(len(pcm))
                    self._took(len(pcm))
                    self._push(pcm)
                return
            with self._lock:
                self._check_room(len(pcm))
            resampled = self._resampler.process(pcm)
            with self._lock:
                self._took(len(pcm))
                self._push(resampled)

    def begin_utterance(self, id: str, text: str | None = None) -> None:
        """The audio that follows belongs to utterance `id`."""
        self._mark_utterance(Utterance("utterance_start", id, text))

    def end_utterance(self, id: str) -> None:
        """The utterance's audio is complete: look-ahead is flushed without waiting for a gap."""
        with self._resampler_lock, self._lock:
            self._flush_resampler()
            self._mark_utterance(Utterance("utterance_end", id))
            self.voice.pacing.end_utterance()
            self._schedule(self.voice.timeline.reached())
            self._release(self.voice.pacing.frame - 1 - self.config.lookahead_frames)
            self._wake(self)

    def control(self, change: Control) -> None:
        """Changes what is not None, blended. ValueError names a bad field; QueueFull."""
        check_control(change, self.generator, self._generators)
        with self._lock:
            self._command(change)
            self._settings |= change.settings or {}

    def cue(self, name: str, at_s: float | None = None, utterance: str | None = None) -> None:
        """Plays a gesture now, or at a time in seconds of the utterance, or else of samples the client has sent."""
        if name not in self._cues:
            raise ValueError(f"cue: expected one of {', '.join(sorted(self._cues))}, got {name!r}")
        with self._lock:
            self._check_cues_and_hints()
            if at_s is None:
                self._command(Cue(name))
                return
            cue = Cue(name)
            stream = self.plans.place_cue(cue, max(0.0, at_s), utterance)
            if stream is not None:
                self.voice.timeline.mark(cue, stream=stream, with_sample=True)

    def hint(
        self,
        joints: Mapping[str, Any] | HintClip,
        from_s: float | None = None,
        to_s: float | None = None,
        utterance: str | None = None,
    ) -> None:
        """Has given joints follow; the rest is generated around them.

        joints: by name a parent-local rotation xyzw [4], or a clip of them [T, 4], one a frame, of which the last one
        stands; None lets a joint go. Or a `HintClip`. Times in seconds of the utterance, or of samples the client has
        sent; from_s None: with the next frame; to_s None: until replaced. ValueError names a bad field; QueueFull.
        """
        check_span(from_s, to_s)
        clip = joints if isinstance(joints, HintClip) else hint_clip(joints)
        _ = clip.laid  # an hour of motion takes a second: not the model thread's
        request = HintRequest(clip=clip, from_s=from_s, to_s=to_s, utterance=utterance)
        with self._lock:
            self._check_cues_and_hints()
            if self.config.mode == "offline":
                self._in_order(request)
            else:
                self.plans.add_hint(request)

    def words(self, words: Sequence[Word], utterance: str | None = None) -> None:
        """What is or will be said; takes the place of what was told for the same time. Times as for `hint`.

        ValueError names a bad field; QueueFull: more than 1024 words wait to be spoken.
        """
        request = WordsRequest(words=checked_words(words), utterance=utterance)
        with self._lock:
            waiting = sum(len(what.words) for what in self._waiting() if isinstance(what, WordsRequest))
            if waiting + self.plans.words + len(request.words) > MAX_WORDS:
                raise QueueFull(f"expected at most {MAX_WORDS} words that are yet to be spoken")
            if self.config.mode == "offline":
                self._in_order(request)
            else:
                self.plans.add_words(request)

    def interrupt(self, played_s: float | None = None) -> None:
        """Barge-in: audio, cues, hints and words not yet used are dropped, the epoch rises, the body retracts.

        In offline mode it takes its turn behind the audio that was sent before it.
        """
        with self._lock:
            if self.config.mode == "offline":
                unused = (*(what for what in self._waiting() if isinstance(what, _DROPPED)), *self.plans.requests())
                self._command(Interrupt(played_s, unused))
            else:
                self.voice.interrupt(self._clock())
                self.plans.interrupt(self.voice.timeline.sent)
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
        step_p50, step_p99 = self._step_s.p50_p99_ms()
        sound_p50, sound_p99 = self._latency_s.p50_p99_ms()
        return SessionStats(
            frames=self._frames,
            step_ms_p50=step_p50,
            step_ms_p99=step_p99,
            sound_to_motion_ms_p50=sound_p50,
            sound_to_motion_ms_p99=sound_p99,
            audio_ahead_s=self.voice.buffered / SAMPLE_RATE,
        )

    # -- under the lock

    def _check_room(self, count: int) -> None:
        if self._closed or self.voice.pacing.ended:
            raise ValueError("expected audio only before the session's end")
        if self.config.mode == "offline":
            if self._client_samples + count > self._to_client(self._credit):
                raise AudioTooFarAhead(f"expected at most {self._to_client(self._credit)} samples so far")
        elif self.voice.buffered + count * SAMPLE_RATE / self.config.audio_rate > MAX_AHEAD_S * SAMPLE_RATE:
            raise AudioTooFarAhead(f"expected at most {MAX_AHEAD_S:g} s of audio ahead")

    def _took(self, count: int) -> None:
        self._client_samples += count
        self._unflushed = True

    def _flush_resampler(self) -> None:
        """Brings out the last 2 ms, so that n samples are n samples at 16 kHz too."""
        if self._unflushed and not self._closed:
            self._push(self._resampler.flush())
        self._unflushed = False

    def _push(self, resampled: Floats) -> None:
        if self.config.audio_rate != SAMPLE_RATE:
            resampled = resampled.clip(-1.0, 1.0)  # the filter may overshoot
        if not self._listens(self):
            self.voice.push(resampled, self._clock())
            return
        before = self.due_at()
        self.voice.push(resampled, self._clock())
        after = self.due_at()
        if after is not None and (before is None or after < before):
            self._wake(self)

    def _command(self, command: Command) -> None:
        """Before the next frame; offline: with the next sample, so that the result does not depend on arrival."""
        if len(self._commands) + len(self.voice.timeline.marks) >= MAX_PENDING:
            raise QueueFull(f"expected at most {MAX_PENDING} pending commands")
        if self.config.mode == "offline":
            self._in_order(command)
        else:
            self._commands.append(command)

    def _in_order(self, what: Command | HintRequest | WordsRequest) -> None:
        self.voice.timeline.mark(what, stream=self.voice.timeline.sent, with_sample=True)

    def _mark_utterance(self, mark: Utterance) -> None:
        with self._lock:
            if self._pending(Utterance) >= MAX_UTTERANCE_MARKS:
                raise QueueFull(f"expected at most {MAX_UTTERANCE_MARKS} pending utterance marks")
            timeline = self.voice.timeline
            mark = replace(mark, stream=timeline.sent)
            timeline.mark(mark, stream=timeline.sent, with_sample=mark.event == "utterance_start")
            if self.config.mode != "offline":
                self._begin_utterance(mark)

    def _check_cues_and_hints(self) -> None:
        if self._pending((Cue, HintRequest)) + self.plans.cues + self.plans.hints >= MAX_CUES_AND_HINTS:
            raise QueueFull(f"expected at most {MAX_CUES_AND_HINTS} pending cues and hints")

    def _pending(self, kind: type | tuple[type, ...]) -> int:
        return sum(isinstance(what, kind) for what in self._waiting())
