"""When the next step of a session is due and which samples it consumes. Pure logic: time comes in as a number.

All counts are samples at 16 kHz. A pacing is told what arrives and asked `due_at`; when that moment is there, `take`
says how many real samples and how much silence make up the next frame. The modes are the protocol's.
"""

from __future__ import annotations

from typing import NamedTuple

from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.models.timing import frame_end, frame_start, frames_complete, frames_covering
from gesturestream.realtime.config import Mode

NOW = float("-inf")
"""A moment that has always passed."""

PATIENCE_S = 0.2
"""So long without audio before silence is filled in."""
PATIENCE_AFTER_INTERRUPT_S = 0.1
"""Sooner after an interrupt: most clients stop sending, and the body should retract at once."""
SURPLUS_WINDOW_S = 1.0
"""So long after a fill surplus audio is discarded."""
SURPLUS_HYSTERESIS_S = 0.03
"""Discarding goes on until this much room is there, so that jitter does not cut the voice to shreds."""
SURPLUS_PIECE = SAMPLE_RATE // 10
"""Chunks up to this size are discarded whole, of longer ones the oldest part."""
PLAY_LEAD_S = 0.25
"""Agent mode: frames are generated so far ahead of the play clock."""


class Take(NamedTuple):
    """What the next frame is made of: real samples first, then silence."""

    real: int
    silence: int
    present: bool
    """False: the audio has ended, this step only flushes look-ahead."""


class Pacing:
    """What the three modes share: the frame clock, the flush of look-ahead, the end."""

    def __init__(self, lookahead_frames: int, now: float) -> None:
        self.lookahead_frames = lookahead_frames
        self.frame = 0
        """a: the next step's audio frame."""
        self._need = frame_end(0)  # its samples
        self.buffered = 0
        self.ended = False
        self._flushing = False
        self._spoken_to = 0  # media position behind the last real sample
        self._last_arrival = now
        self._filled = 0  # silence put in since audio ran out
        self._expecting = False
        self._underrun = False

    @property
    def finished(self) -> bool:
        """Ended, and everything has been generated."""
        return self.ended and not self.buffered and not self._unheard

    def arrive(self, count: int, now: float) -> int:
        """`count` samples are here. How many of them, the oldest ones, are to be discarded."""
        self._flushing = False
        self._expecting = True
        self._last_arrival = now
        self._filled = 0
        self.buffered += count
        return 0

    def end_utterance(self) -> None:
        """Nothing more will come for a while: what was heard becomes motion without waiting for a gap."""
        self._flushing = True
        self._expecting = False

    def end(self) -> None:
        """Nothing more will come."""
        self.end_utterance()
        self.ended = True

    def interrupt(self, now: float) -> None:
        """What has not been consumed is dropped."""
        self.buffered = 0
        self._flushing = self.ended
        self._expecting = False

    def shed(self, count: int) -> None:
        """So many of the oldest samples that wait are gone."""
        self.buffered -= count

    def due_at(self) -> float | None:
        """When the next step is due if nothing else happens: `NOW` or a moment; None: it waits for audio."""
        if self.finished:
            return None
        return self._fill_due() if self._starved else self._audio_due()

    def take(self) -> Take:
        """Consumes one frame. Only when it is due."""
        need, starved = self._need, self._starved
        real = min(need, self.buffered)
        flush = not real and not starved
        if starved:
            self._begin_fill()
        self._account(real, need - real)
        return Take(real, need - real, not flush)

    def pop_underrun(self) -> bool:
        """Whether audio ran out in the middle of an utterance since the last call."""
        was, self._underrun = self._underrun, False
        return was

    @property
    def _unheard(self) -> bool:
        """Something of what was spoken has not become motion: silent steps flush it.

        At the very end a sliver of a frame counts too: 534 samples fill frame 0, but last longer than a 30th.
        """
        end = self._spoken_to
        frames = frames_covering(end) if self._at_end else frames_complete(end - 1) + 1
        return end > 0 and self.frame < frames + self.lookahead_frames

    @property
    def _at_end(self) -> bool:
        return self.ended

    @property
    def _starved(self) -> bool:
        """There is neither a whole frame nor anything left to flush."""
        return self.buffered < self._need and not (self._flushing and (self.buffered or self._unheard))

    def _account(self, real: int, silence: int) -> None:
        if real:
            self._spoken_to = frame_start(self.frame) + real
        self.frame += 1
        self._need = frame_end(self.frame) - frame_start(self.frame)
        self.buffered -= real
        self._filled += silence

    def _begin_fill(self) -> None:
        self._underrun |= self._expecting
        self._expecting = False

    def _audio_due(self) -> float:
        return NOW

    def _fill_due(self) -> float | None:
        return None


class OfflinePacing(Pacing):
    """As fast as the machine can, every decision a function of the samples alone.

    An utterance's end is a place in the audio: the frame it falls into is padded, look-ahead is flushed, and the
    audio behind it starts on the next frame, however early that audio arrived.
    """

    def __init__(self, lookahead_frames: int, now: float) -> None:
        super().__init__(lookahead_frames, now)
        self._behind: list[int] = []  # samples behind each utterance end that has not been reached

    def arrive(self, count: int, now: float) -> int:
        if not self._flushing:
            return super().arrive(count, now)
        self._behind[-1] += count
        return 0

    def end_utterance(self) -> None:
        super().end_utterance()
        self._behind.append(0)

    def interrupt(self, now: float) -> None:
        """Interrupts come in order with the audio: there is none before this one that is not consumed."""

    def _account(self, real: int, silence: int) -> None:
        super()._account(real, silence)
        self._pass_utterance_ends()

    def due_at(self) -> float | None:
        self._pass_utterance_ends()
        return super().due_at()

    def _pass_utterance_ends(self) -> None:
        while self._behind and not self.buffered and not self._unheard:
            self.buffered = self._behind.pop(0)
            self._flushing = bool(self._behind) or self.ended

    @property
    def finished(self) -> bool:
        return super().finished and not any(self._behind)

    @property
    def _at_end(self) -> bool:
        return self.ended and len(self._behind) <= 1  # the last one is the end itself


class LivePacing(Pacing):
    """Driven by arrival; silence is filled in at wall speed; a stall never becomes latency."""

    def __init__(self, lookahead_frames: int, now: float) -> None:
        super().__init__(lookahead_frames, now)
        self._patience_s = PATIENCE_S
        self._surplus: _Surplus | None = None

    def arrive(self, count: int, now: float) -> int:
        if self._filled:
            self._surplus = _Surplus(self._filled, since=now, origin=self._last_arrival)
        elif self._surplus and now > self._surplus.until:
            self._surplus = None
        discard = self._surplus.discard(count, now) if self._surplus else 0
        super().arrive(count - discard, now)
        self._patience_s = PATIENCE_S
        return discard

    def interrupt(self, now: float) -> None:
        super().interrupt(now)
        if not self._filled:
            self._patience_s = PATIENCE_AFTER_INTERRUPT_S

    def _fill_due(self) -> float:
        silence = self._filled + self._need - self.buffered
        return self._last_arrival + self._patience_s + silence / SAMPLE_RATE


class AgentPacing(Pacing):
    """Faster than real time in, a play clock out: frame k is generated when k/30 <= play clock + 0.25 s."""

    def __init__(self, lookahead_frames: int, now: float) -> None:
        super().__init__(lookahead_frames, now)
        self._play_zero: float | None = None  # the wall's time at media time 0
        self._fill_from = now + PATIENCE_S

    def arrive(self, count: int, now: float) -> int:
        if self._play_zero is None and count:
            self._play_zero = now - frame_start(self.frame) / SAMPLE_RATE
        return super().arrive(count, now)

    def interrupt(self, now: float) -> None:
        super().interrupt(now)
        self._play_zero, self._fill_from, self._filled = None, now, 0

    def _audio_due(self) -> float:
        if self._play_zero is None:
            return NOW
        return self._play_zero + (self.frame - self.lookahead_frames) / FPS - PLAY_LEAD_S

    def _fill_due(self) -> float:
        if self._play_zero is not None:
            return max(self._last_arrival, self._audio_due()) + PATIENCE_S
        return self._fill_from + self._filled / SAMPLE_RATE

    def _begin_fill(self) -> None:
        super()._begin_fill()
        if self._play_zero is not None:
            self._fill_from, self._play_zero, self._filled = self._fill_due(), None, 0


class _Surplus:
    """After a fill of `fill` samples: media time must not run ahead of the wall by what was filled in."""

    def __init__(self, fill: int, *, since: float, origin: float) -> None:
        self.until = since + SURPLUS_WINDOW_S
        self._origin, self._fill, self._left = origin, fill, fill
        self._kept = 0
        self._discarding = False

    def discard(self, count: int, now: float) -> int:
        """How many of `count` samples that arrive now are surplus."""
        room = (now - self._origin) * SAMPLE_RATE - self._fill - self._kept
        if self._discarding:
            room -= SURPLUS_HYSTERESIS_S * SAMPLE_RATE
        excess = count - int(room)
        self._discarding = excess > 0 and self._left > 0
        out = min(self._left, count, max(excess, SURPLUS_PIECE)) if self._discarding else 0
        self._left -= out
        self._kept += count - out
        return out


_PACINGS: dict[Mode, type[Pacing]] = {"live": LivePacing, "agent": AgentPacing, "offline": OfflinePacing}


def pacing(mode: Mode, lookahead_frames: int, now: float) -> Pacing:
    """The pacing of a session that opens at `now`."""
    return _PACINGS[mode](lookahead_frames, now)
