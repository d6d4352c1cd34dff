"""What waits to be sent to one client: one ordered queue of text, frames and audio, each with its own bound.

Text is never dropped, a reader that lets more than `queue_texts` wait is closed; of frames the newest `queue_frames`
are kept; of audio the newest `queue_audio_s`.
Not thread-safe: the server holds one lock around it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from gesturestream.bridge.protocol.codes import CloseCode, Limits
from gesturestream.bridge.protocol.frames import encode_audio, encode_body, frame_header
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.realtime.frame import AudioChunk, Frame, FrameFlag

Text = str | Callable[[float], str]
"""Ready text, or text that is made at the moment it is sent, given the server time."""
Outgoing = Callable[[float], str | bytes]
"""Makes the message that goes to the socket, given the server time."""


@dataclass(frozen=True)
class Close:
    """The end of the connection, after everything queued before it."""

    code: int
    reason: str


class SharedFrame:
    """One frame for any number of readers: encoded once per format."""

    __slots__ = ("_bodies", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._bodies: dict[FrameFormat, bytes] = {}

    def message(self, form: FrameFormat, extra_flags: int) -> bytes:
        """The whole message as one reader sees it."""
        body = self._bodies.get(form)
        if body is None:
            body = self._bodies[form] = encode_body(self.frame, form)
        return frame_header(self.frame, extra_flags) + body


@dataclass(frozen=True)
class _Audio:
    chunk: AudioChunk
    sequence: int


_Item = Text | Close | SharedFrame | _Audio


class ReaderQueue:
    """The ordered queue towards one client."""

    def __init__(
        self,
        form: FrameFormat | None,
        limits: Limits,
        *,
        lossless: bool = False,
        audio: bool = False,
        mid_stream: bool = False,
    ) -> None:
        """`form` None: events only. `lossless`: offline, no frame is dropped (the session pauses instead).
        `audio`: forwarded audio was asked for. `mid_stream`: the first frame is a discontinuity."""
        self.form = form
        self.audio = audio
        self.dropped = 0
        """Frames this reader did not get."""
        self._limits = limits
        self._lossless = lossless
        self._items: OrderedDict[int, _Item] = OrderedDict()
        self._next_key = 0
        self._texts = 0
        self._overflowed = False
        self._frames: deque[int] = deque()
        self._audio: deque[int] = deque()
        self._audio_samples = 0
        self._audio_sequence = 0
        self._audio_flags = FrameFlag(0)
        self._frame_flags = FrameFlag.DISCONTINUITY if mid_stream else FrameFlag(0)
        self._acknowledged: int | None = None
        self._in_flight: deque[int] = deque(maxlen=limits.unacknowledged_frames + 1)
        """Sequences sent and not acknowledged, as many as the rule needs to know of."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Lossless: whether the session should pause."""
        return self._lossless and len(self._frames) >= self._limits.backlog_frames

    @property
    def drained(self) -> bool:
        """Whether a paused session should go on."""
        return len(self._frames) <= self._limits.backlog_frames // 4

    def put_text(self, text: Text) -> None:
        """Queues text. One too many, and all that waits makes place for the end of the connection."""
        if self._overflowed:
            return
        if self._texts >= self._limits.queue_texts:
            self._overflow()
            return
        self._texts += 1
        self._put(text)

    def put_close(self, code: int, reason: str) -> None:
        """Queues the end of the connection."""
        self._put(Close(code, reason))

    def put_frame(self, frame: SharedFrame) -> None:
        """Queues a frame, dropping the oldest one beyond the bound."""
        if self.form is None:
            return
        self._frames.append(self._put(frame))
        if not self._lossless:
            self._trim_frames(1 if self.held else self._limits.queue_frames)

    def put_audio(self, chunk: AudioChunk) -> None:
        """Queues forwarded audio, dropping the oldest beyond the bound."""
        if not self.audio:
            return
        self._audio.append(self._put(_Audio(chunk, self._audio_sequence)))
        self._audio_sequence += 1
        self._audio_samples += len(chunk.pcm)
        while self._audio_samples > self._limits.queue_audio_s * SAMPLE_RATE and len(self._audio) > 1:
            self._drop_audio()

    def take_over(self, former: ReaderQueue) -> None:
        """Everything that `former` still held, for the same client on its new connection."""
        for item in former._items.values():
            if isinstance(item, SharedFrame):
                self.put_frame(item)
            elif isinstance(item, _Audio):
                self.put_audio(item.chunk)
            elif isinstance(item, str):  # what is made when sent (ready, pong) concerned the old connection only
                self.put_text(item)
        self._frame_flags |= former._frame_flags
        self._audio_flags |= former._audio_flags
        self.dropped, former.dropped = self.dropped + former.dropped, 0
        former.clear()

    def clear(self) -> None:
        """Forgets everything queued."""
        self._items.clear()
        self._texts = 0
        self._frames.clear()
        self._audio.clear()
        self._audio_samples = 0

    def acknowledge(self, sequence: int) -> None:
        """The reader has received every frame up to `sequence`; from the first call on it is held to acking."""
        self._acknowledged = max(sequence, self._acknowledged or 0)
        while self._in_flight and self._in_flight[0] <= self._acknowledged:
            self._in_flight.popleft()

    @property
    def held(self) -> bool:
        """Whether frames and audio wait for an acknowledgement. Text does not: an event is not media."""
        late = len(self._in_flight) > self._limits.unacknowledged_frames
        return late and self._acknowledged is not None and not self._lossless

    def pop(self) -> Outgoing | Close | None:
        """What is to be sent next, or None when nothing may be sent now. Encoding it needs no lock."""
        if self.held:
            self._trim_frames(1)
        key = self._next_sendable()
        if key is None:
            return None
        item = self._items.pop(key)
        if isinstance(item, SharedFrame):
            return self._frame_message(item)
        if isinstance(item, _Audio):
            return self._audio_message(item)
        self._texts -= not isinstance(item, Close)
        return (lambda now_s: item) if isinstance(item, str) else item

    def _next_sendable(self) -> int | None:
        if not self.held:
            return next(iter(self._items), None)
        waiting = (SharedFrame, _Audio)
        return next((key for key, item in self._items.items() if not isinstance(item, waiting)), None)

    def _put(self, item: _Item) -> int:
        key = self._next_key
        self._next_key += 1
        self._items[key] = item
        return key

    def _frame_message(self, item: SharedFrame) -> Outgoing:
        self._frames.popleft()
        flags, self._frame_flags = self._frame_flags, FrameFlag(0)
        self._in_flight.append(item.frame.index)
        form = self.form
        assert form is not None  # put_frame queues nothing for a reader without a format
        return lambda now_s: item.message(form, int(flags))

    def _audio_message(self, item: _Audio) -> Outgoing:
        self._audio.popleft()
        self._audio_samples -= len(item.chunk.pcm)
        flags, self._audio_flags = self._audio_flags, FrameFlag(0)
        return lambda now_s: encode_audio(item.chunk, item.sequence, now_s, int(flags))

    def _overflow(self) -> None:
        self._trim_frames(0)  # whoever resumes is told that these were dropped
        self.clear()
        self._overflowed = True
        self.put_close(CloseCode.STALLED, f"more than {self._limits.queue_texts} messages wait for the reader")

    def _trim_frames(self, keep: int) -> None:
        while len(self._frames) > keep:
            lost = self._items.pop(self._frames.popleft())
            assert isinstance(lost, SharedFrame)
            # A discontinuity that was dropped is still a discontinuity for whoever sees the next frame.
            self._frame_flags |= FrameFlag.DROPPED | (lost.frame.flags & FrameFlag.DISCONTINUITY)
            self.dropped += 1

    def _drop_audio(self) -> None:
        lost = self._items.pop(self._audio.popleft())
        assert isinstance(lost, _Audio)
        self._audio_samples -= len(lost.chunk.pcm)
        self._audio_flags = FrameFlag.DISCONTINUITY
