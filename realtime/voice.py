"""The audio side of a session: what arrives, what the next step consumes, and where it lies in time. No locks here."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.realtime.audio_buffer import Floats, History, SampleQueue
from gesturestream.realtime.config import Mode
from gesturestream.realtime.pacing import pacing
from gesturestream.realtime.speech import SpeechActivity
from gesturestream.realtime.timeline import Piece, Timeline

MAX_AHEAD_S = 120.0
"""Live and agent mode: no more than this is buffered."""
OVERRUN_REPORT_S = 0.1
"""Discarded samples are reported together after so long."""
ARRIVALS_KEPT = 4096


class AudioTooFarAhead(Exception):
    """More audio than the session may buffer; nothing of the chunk was taken. On the wire: close 4413."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One frame of audio, consumed."""

    frame: int
    """a: the audio frame."""
    present: bool
    """False: only look-ahead is flushed."""
    pcm: Floats
    """The real samples in it, without the silence."""
    pieces: list[Piece]
    resumed: list[Piece]
    """Pieces that follow a start, gap, fill or interrupt."""
    reached: list[tuple[int, Any]]
    """(media position in samples, what was marked there)."""
    arrived_s: float | None
    """When the last real sample arrived; None: a frame that ends in silence."""


class Voice:
    """All counts are samples at 16 kHz."""

    def __init__(self, mode: Mode, lookahead_frames: int, keep: int, now: float) -> None:
        self.mode = mode
        self.pacing = pacing(mode, lookahead_frames, now)
        self.timeline = Timeline()
        self.history = History(keep)
        self.speech = SpeechActivity()
        self._queue = SampleQueue()
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=ARRIVALS_KEPT)
        self._dropped = 0
        self._dropped_since = 0.0

    @property
    def buffered(self) -> int:
        return len(self._queue)

    def push(self, pcm: Floats, now: float) -> None:
        """Takes sanitised samples [n]."""
        if not len(pcm):
            return
        discard = self.pacing.arrive(len(pcm), now)
        self._count_dropped(discard, now)
        self.timeline.arrive(len(pcm), discard)
        self._queue.append(pcm[discard:])
        if self.mode == "live":
            self._arrivals.append((self.timeline.sent, now))

    def interrupt(self, now: float) -> None:
        """Drops what has not been consumed."""
        self._queue.clear()
        self.timeline.interrupt()
        self.pacing.interrupt(now)
        self.speech.forget()

    def shed(self, keep: int, now: float) -> None:
        """Discards the oldest samples that wait, all but `keep`."""
        excess = self.buffered - keep
        self._queue.pop(excess)
        self.pacing.shed(excess)
        self.timeline.skip(excess)
        self._count_dropped(excess, now)

    def consume(self) -> Heard:
        """The next frame. Only when the pacing says that it is due."""
        frame = self.pacing.frame
        take = self.pacing.take()
        pcm = self._queue.pop(take.real)
        self.history.append(pcm, take.silence)
        pieces, resumed, reached = self.timeline.consume(take.real, take.silence)
        self.speech.hear(pcm)
        return Heard(
            frame=frame,
            present=take.present,
            pcm=pcm,
            pieces=pieces,
            resumed=resumed,
            reached=reached,
            arrived_s=self._arrival_of(pieces) if not take.silence else None,
        )

    def pop_dropped_s(self, now: float) -> float:
        """Seconds discarded as surplus, once they are to be reported; else 0."""
        if not self._dropped or now < self._dropped_since + OVERRUN_REPORT_S:
            return 0.0
        dropped, self._dropped = self._dropped, 0
        return dropped / SAMPLE_RATE

    def _count_dropped(self, discard: int, now: float) -> None:
        if discard and not self._dropped:
            self._dropped_since = now
        self._dropped += discard

    def _arrival_of(self, pieces: list[Piece]) -> float | None:
        if not pieces:
            return None
        end = pieces[-1].stream + pieces[-1].length
        while self._arrivals and self._arrivals[0][0] < end:
            self._arrivals.popleft()
        return self._arrivals[0][1] if self._arrivals else None
