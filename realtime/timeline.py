"""Where the samples a client sent lie in media time, and what is due at a place in them. All counts at 16 kHz.

*Stream* positions count the samples the client has sent, discarded ones included; *media* positions count the samples
the session has consumed, filled-in silence included.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Container, Iterator
from typing import Any, NamedTuple

KEPT_PIECES = 256


class Piece(NamedTuple):
    """A run of real samples on the timeline."""

    media: int
    stream: int
    length: int


class Mark(NamedTuple):
    """Something to happen at a place in the stream."""

    stream: int
    order: int
    """0: as soon as every sample before `stream` is consumed; 1: with the sample at `stream` itself."""
    number: int
    """Marks at one place keep the order in which they came; also keeps `what` out of comparisons."""
    what: Any


class Timeline:
    """One session's map between stream and media positions."""

    def __init__(self) -> None:
        self.sent = 0
        """Samples the client has sent."""
        self.media = 0
        """Samples consumed, silence included."""
        self._waiting: deque[list[int]] = deque()  # [stream position, count] of runs that arrived and wait
        self._pieces: deque[Piece] = deque(maxlen=KEPT_PIECES)
        self._broken = True  # the next real sample does not continue the last piece
        self._marks: list[Mark] = []
        self._number = 0

    def arrive(self, count: int, discard: int) -> None:
        """The client has sent `count` samples, of which the first `discard` are not kept."""
        position, kept = self.sent + discard, count - discard
        self.sent += count
        if self._waiting and sum(self._waiting[-1]) == position:
            self._waiting[-1][1] += kept
        elif kept:
            self._waiting.append([position, kept])

    def mark(self, what: Any, *, stream: int, with_sample: bool) -> None:
        """Has `consume` yield `what` when the place is reached; already passed ones with the next frame."""
        self._number += 1
        insort(self._marks, Mark(stream, int(with_sample), self._number, what))

    @property
    def marks(self) -> list[Any]:
        return [mark.what for mark in self._marks]

    def forget(self, unused: Container[Any]) -> None:
        """Takes out marks that are no longer wanted."""
        self._marks = [mark for mark in self._marks if mark.what not in unused]

    def interrupt(self) -> None:
        """Forgets what has arrived and waits, and every mark."""
        self._waiting.clear()
        self._marks.clear()
        self._broken = True

    def skip(self, count: int) -> None:
        """The oldest `count` samples that wait are not heard: the client's clock goes on, media time does not."""
        for _ in self._runs(count):
            self._broken = True

    def consume(self, real: int, silence: int) -> tuple[list[Piece], list[Piece], list[tuple[int, Any]]]:
        """Puts `real` waiting samples and then `silence` on the timeline.

        -> the pieces of real audio; those of them that do not continue what was before; (media position, mark) reached.
        """
        pieces = list(self._pop(real))
        resumed = [piece for piece in pieces if self._append(piece)]
        self.media += silence
        self._broken |= silence > 0
        return pieces, resumed, self.reached()

    def stream_at(self, media: int) -> int:
        """The stream position heard at a media position; during silence the place where the voice stopped."""
        for piece in reversed(self._pieces):
            if piece.media <= media:
                return piece.stream + min(piece.length, media - piece.media)
        return self._pieces[0].stream if self._pieces else 0

    def media_at(self, stream: int) -> int:
        """The media position at which a stream position was heard; for one never heard, where the voice stopped."""
        for piece in reversed(self._pieces):
            if piece.stream <= stream:
                return piece.media + min(piece.length, stream - piece.stream)
        return 0

    def expected(self, stream: int, *, arrived_only: bool) -> int | None:
        """The media position at which a stream position was heard, or will be if the voice goes on as it does.

        None: nobody can tell, for the voice has stopped. arrived_only: nor can anybody for samples not here yet.
        """
        if stream < self.consumed:
            return self.media_at(stream)
        if not arrived_only:
            return None if self._broken else self.media + stream - self.consumed
        media = self.media
        for position, count in self._waiting:
            if stream < position + count:
                return media + max(0, stream - position)
            media += count
        return None

    def voiced(self, media: int) -> int | None:
        """The stream position of the sample heard at a media position; None in silence."""
        for piece in reversed(self._pieces):
            if piece.media <= media:
                return piece.stream + media - piece.media if media < piece.media + piece.length else None
        return None

    def coming(self, offset: int, *, arrived_only: bool) -> int | None:
        """The stream position heard `offset` samples after the last one consumed, as far as `expected` can tell."""
        if not arrived_only:
            return None if self._broken else self.consumed + offset
        for position, count in self._waiting:
            if offset < count:
                return position + offset
            offset -= count
        return None

    def reached(self) -> list[tuple[int, Any]]:
        """Takes out the marks whose place has been reached: (media position, mark)."""
        out = []
        while self._marks and self._marks[0].stream + self._marks[0].order <= self.consumed:
            mark = self._marks.pop(0)
            out.append((self.media_at(mark.stream), mark.what))
        return out

    @property
    def consumed(self) -> int:
        """Stream position behind the last real sample consumed."""
        return self.stream_at(self.media)

    def _pop(self, count: int) -> Iterator[Piece]:
        for stream, taken in self._runs(count):
            yield Piece(self.media, stream, taken)
            self.media += taken

    def _runs(self, count: int) -> Iterator[tuple[int, int]]:
        """Takes out the oldest `count` samples that wait: (stream position, how many) of each run."""
        while count:
            run = self._waiting[0]
            taken = min(count, run[1])
            yield run[0], taken
            count -= taken
            run[0], run[1] = run[0] + taken, run[1] - taken
            if not run[1]:
                self._waiting.popleft()

    def _append(self, piece: Piece) -> bool:
        """Keeps the piece; True if it starts anew."""
        last = self._pieces[-1] if self._pieces else None
        goes_on = last is not None and not self._broken and last.stream + last.length == piece.stream
        self._broken = False
        if last is not None and goes_on:
            self._pieces[-1] = Piece(last.media, last.stream, last.length + piece.length)
            return False
        self._pieces.append(piece)
        return True
