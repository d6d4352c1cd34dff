"""What to draw now: frames interpolated between arrivals that are never quite regular, on the caller's clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gesturestream.bridge.client.buffers import FrameBuffer
from gesturestream.bridge.client.clocks import ArrivalClock, PlayClock
from gesturestream.models.body.rotations import normalize, quat_canonical, quat_slerp
from gesturestream.realtime.frame import Floats, Frame, FrameFlag

CAPACITY_S = 2.0
FADE_S = 0.15
FASTEST, SLOWEST, GAIN_PER_S = 1.4, 0.75, 8.0
"""Playing at up to 1.4 times the speed makes up for a 300 ms stall within a second, and nobody minds."""
SNAP_S = 0.6
"""Further off than this is not caught up with but jumped to."""
BRAKE_S = 0.03
"""With less than this in hand the body slows down instead of freezing."""


class Player:
    """Frames and their arrival in, poses out; cross-fades over epochs, jumps and reconnects."""

    def __init__(self, clock: ArrivalClock | PlayClock) -> None:
        self.buffer = FrameBuffer(CAPACITY_S)
        self.clock = clock
        self.underruns = 0
        """Poses asked for before the next frame was there."""
        self.playhead_s: float | None = None
        """Media time that was shown last."""
        self._last_s = 0.0
        self._shown: Frame | None = None
        self._fade_from: Frame | None = None
        self._fade_start_s = 0.0

    def push(self, frame: Frame, now_s: float) -> None:
        """A frame has arrived."""
        late = self.buffer.late
        opens = self.buffer.push(frame)
        if self.buffer.late > late:
            return
        if isinstance(self.clock, ArrivalClock):
            self.clock.observe(frame.media_time_s, now_s)
        if opens:
            self._fade(now_s)
            self.playhead_s = frame.media_time_s  # shown at once; the clock falls back to its delay by playing slowly

    def restart(self, now_s: float) -> None:
        """Another session, or the same one on a new connection: what is on the screen fades into what comes."""
        self.buffer.clear()
        if isinstance(self.clock, ArrivalClock):
            self.clock.clear()
        self.playhead_s = None
        self._fade(now_s)

    def pose(self, now_s: float) -> Frame | None:
        """The pose to show at a time that never goes back; None before the first frame."""
        if not self.buffer:
            return self._shown
        playhead_s = self._step(now_s)
        self.buffer.advance(playhead_s)
        sampled = self._sample(playhead_s)
        t = (now_s - self._fade_start_s) / FADE_S
        if self._fade_from is not None and t < 1.0:
            sampled = blend(self._fade_from, sampled, t * t * (3.0 - 2.0 * t))
        self._shown = replace(sampled, media_time_s=playhead_s)
        return self._shown

    def _fade(self, now_s: float) -> None:
        self._fade_from, self._fade_start_s = self._shown, now_s

    def _step(self, now_s: float) -> float:
        """Moves the playhead on."""
        offset_s = self.clock.offset_s
        newest_s = self.buffer[-1].media_time_s
        passed_s, self._last_s = max(0.0, now_s - self._last_s), now_s
        if self.playhead_s is None:
            wanted_s = self.buffer[0].media_time_s if offset_s is None else now_s + offset_s
            self.playhead_s = min(max(wanted_s, self.buffer[0].media_time_s), newest_s)
            return self.playhead_s
        gap_s = 0.0 if offset_s is None else now_s + offset_s - (self.playhead_s + passed_s)
        if abs(gap_s) > SNAP_S and newest_s > self.playhead_s + SNAP_S:
            self._fade(now_s)
            self.playhead_s += passed_s + gap_s
        else:
            self.playhead_s += passed_s * _rate(gap_s, newest_s - self.playhead_s)
        self.playhead_s = min(self.playhead_s, newest_s)
        return self.playhead_s

    def _sample(self, playhead_s: float) -> Frame:
        before = self.buffer[0]
        alone = len(self.buffer) < 2
        self.underruns += alone and playhead_s >= before.media_time_s
        if alone or playhead_s <= before.media_time_s or self.buffer[1].flags & FrameFlag.DISCONTINUITY:
            return before
        after = self.buffer[1]
        t = (playhead_s - before.media_time_s) / (after.media_time_s - before.media_time_s)
        return replace(blend(before, after, t), index=before.index, flags=before.flags)


def _rate(gap_s: float, in_hand_s: float) -> float:
    rate = max(SLOWEST, min(FASTEST, 1.0 + GAIN_PER_S * gap_s))
    return min(rate, max(0.0, in_hand_s / BRAKE_S))


def blend(a: Frame, b: Frame, t: float) -> Frame:
    """a at t = 0, b at t = 1: rotations on the shorter arc, everything else on the straight line. Header of b."""
    a_quat, b_quat = (normalize(frame.quat_xyzw.astype(np.float64)) for frame in (a, b))
    return replace(
        b,
        server_time_s=a.server_time_s + t * (b.server_time_s - a.server_time_s),
        root_m=_mix(a.root_m, b.root_m, t),
        quat_xyzw=quat_canonical(quat_slerp(a_quat, b_quat, float(t))).astype(np.float32),
        expressions=_mix(a.expressions, b.expressions, t),
        blendshapes=_mix(a.blendshapes, b.blendshapes, t),
        contacts=_mix(a.contacts, b.contacts, t),
    )


def _mix(a: Floats, b: Floats, t: float) -> Floats:
    mixed: Floats = a + np.float32(t) * (b - a)
    return mixed
