"""What waits for whoever uses the client: frames in the order of their media time."""

from __future__ import annotations

from bisect import insort
from dataclasses import replace

from gesturestream.realtime.frame import Frame, FrameFlag

EPOCHS = 0x10000


def is_older_epoch(epoch: int, than: int) -> bool:
    """Epochs are 16 bits wide and wrap: less than half the circle forward is newer."""
    return (epoch - than) % EPOCHS >= EPOCHS // 2


class FrameBuffer:
    """The jitter buffer: frames of the newest epoch, ordered by media time.

    One that holds more than `capacity_s` seconds keeps the newest frame only; `capacity_s` None keeps everything and
    says when it is `full`.
    """

    LOSSLESS_FRAMES = 256

    def __init__(self, capacity_s: float | None) -> None:
        self.skipped = 0
        """Frames that nobody took in time."""
        self.late = 0
        """Frames that came twice, after a later one was taken, or from an epoch that is over."""
        self.epoch: int | None = None
        self._capacity_s = capacity_s
        self._frames: list[Frame] = []
        self._taken_s = float("-inf")

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:
        return self._frames[index]

    @property
    def full(self) -> bool:
        """Nothing more should be read until some frames are taken."""
        return self._capacity_s is None and len(self._frames) >= self.LOSSLESS_FRAMES

    @property
    def taken_s(self) -> float | None:
        """Media time of the last frame that was taken."""
        return None if self._taken_s == float("-inf") else self._taken_s

    def clear(self) -> None:
        """Forgets everything: another session begins."""
        self._frames.clear()
        self.epoch = None
        self._taken_s = float("-inf")

    def push(self, frame: Frame) -> bool:
        """Puts a frame in its place. True where it opens a new epoch, whose first frame is shown at once."""
        if self.epoch is not None and is_older_epoch(frame.epoch, self.epoch):
            self.late += 1
            return False
        opens = self.epoch is not None and frame.epoch != self.epoch
        if opens:
            self._frames.clear()
            self._taken_s = float("-inf")
        self.epoch = frame.epoch
        self._insert(frame)
        self._trim()
        return opens

    def pop(self) -> Frame | None:
        """Takes out the next frame."""
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        self._taken_s = frame.media_time_s
        return frame

    def advance(self, media_s: float) -> None:
        """Takes out what lies before the frame that is shown at `media_s`."""
        while len(self._frames) > 1 and self._frames[1].media_time_s <= media_s:
            self.pop()

    def _insert(self, frame: Frame) -> None:
        known = any(other.media_time_s == frame.media_time_s for other in self._frames)
        if known or frame.media_time_s <= self._taken_s:
            self.late += 1
            return
        insort(self._frames, frame, key=lambda other: other.media_time_s)

    def _trim(self) -> None:
        if self._capacity_s is None or len(self._frames) < 2:
            return
        if self._frames[-1].media_time_s - self._frames[0].media_time_s > self._capacity_s:
            lost = self._frames[:-1]
            flags = FrameFlag.DROPPED
            for frame in lost:  # a discontinuity that was skipped is still one for whoever sees the next frame
                flags |= frame.flags & FrameFlag.DISCONTINUITY
            newest = self._frames[-1]
            self._frames = [replace(newest, flags=newest.flags | flags)]
            self.skipped += len(lost)
