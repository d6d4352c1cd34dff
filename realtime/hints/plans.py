"""What one session was told and has not used yet: hints and words, and where they lie in time. No locks here.

All positions are samples at 16 kHz; stream and media positions as in timeline.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.models.step import WORD_AHEAD_FRAMES
from gesturestream.models.timing import frame_end, frame_start, frames_covering
from gesturestream.models.words import WORD_IDS, word_ids
from gesturestream.realtime.hints.clip import LEAD_FRAMES
from gesturestream.realtime.hints.requests import HintRequest, Placed, Word, WordsRequest
from gesturestream.realtime.timeline import Timeline

KEPT_UTTERANCES = 256
_ROUNDING = 1e-3
"""Samples by which a time may miss a frame's boundary."""

Ids = NDArray[np.int64]


class _Spoken(NamedTuple):
    """A word on the stream: [start, end), at least a frame long."""

    start: int
    end: int
    ids: Ids
    request: WordsRequest


class Plans:
    """Bounded by its caller, who asks `hints` and `words` before adding."""

    def __init__(self, arrived_only: bool) -> None:
        """arrived_only: audio that has not arrived may be long in coming (`agent`)."""
        self._arrived_only = arrived_only
        self._utterances: dict[str, int | None] = {}  # stream position of the first sample; None: dropped
        self._hints: list[tuple[HintRequest, int | None]] = []  # with the media position of those that begin `now`
        self._words: list[_Spoken] = []  # in order of their start
        self._waiting: list[WordsRequest] = []  # for their utterance to begin
        self._cues: list[tuple[object, int, str]] = []  # likewise: cue, samples, utterance
        self._dropped = 0  # stream position up to which an interrupt has dropped what was not heard

    @property
    def hints(self) -> int:
        """Hints that have not begun."""
        return len(self._hints)

    @property
    def words(self) -> int:
        """Words that have not been spoken."""
        return len(self._words) + sum(len(request.words) for request in self._waiting)

    @property
    def cues(self) -> int:
        """Cues whose utterance has not begun."""
        return len(self._cues)

    def requests(self) -> list[object]:
        """Everything that has been asked for and not been used up."""
        words = {id(word.request): word.request for word in self._words}
        cues = (cue for cue, _, _ in self._cues)
        return [*(hint for hint, _ in self._hints), *words.values(), *self._waiting, *cues]

    def begin_utterance(self, name: str, stream: int) -> list[tuple[object, int]]:
        """The utterance's first sample lies at `stream`: the cues that waited for it, and where they lie."""
        self._utterances.pop(name, None)
        self._utterances[name] = stream
        if len(self._utterances) > KEPT_UTTERANCES:
            del self._utterances[next(iter(self._utterances))]
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self.add_words(request)
        cues = [(cue, stream + offset) for cue, offset, utterance in self._cues if utterance == name]
        self._cues = [item for item in self._cues if item[2] != name]
        return cues

    def place_cue(self, cue: object, at_s: float, utterance: str | None) -> int | None:
        """The stream position of a cue; None: it waits for its utterance. ValueError: that was dropped."""
        offset = round(at_s * SAMPLE_RATE)
        base = 0 if utterance is None else self._utterances.get(utterance, -1)
        if base == -1 and utterance is not None:
            self._cues.append((cue, offset, utterance))
            return None
        if base is None:
            raise ValueError(f"utterance: expected one that no interrupt has dropped, got {utterance!r}")
        return base + offset

    def add_hint(self, request: HintRequest, media: int | None = None) -> None:
        """media: where it came, if it is to begin there; None: with the next frame."""
        self._hints.append((request, media))

    def add_words(self, request: WordsRequest) -> None:
        """Takes the place of older words of the same time."""
        if request.utterance is not None and request.utterance not in self._utterances:
            self._waiting.append(request)
            return
        base = 0 if request.utterance is None else self._utterances[request.utterance]
        if base is None or not request.words:
            return
        added = [_spoken(word, base, request) for word in request.words]
        starts = [word.start for word in added]
        until = np.maximum.accumulate([word.end for word in added]).tolist()

        def stays(old: _Spoken) -> bool:
            before = bisect_right(starts, old.end - 1)  # of those that start before it ends
            return before == 0 or until[before - 1] <= old.start

        self._words = sorted([*filter(stays, self._words), *added], key=lambda word: word.start)

    def interrupt(self, sent: int) -> None:
        """Nothing told so far counts any more, nor does audio up to stream position `sent`."""
        self._hints.clear()
        self._words.clear()
        self._waiting.clear()
        self._cues.clear()
        self._utterances = dict.fromkeys(self._utterances)
        self._dropped = sent

    def forget(self, unused: Container[object]) -> None:
        """Takes out requests."""
        self._hints = [item for item in self._hints if item[0] not in unused]
        self._words = [word for word in self._words if word.request not in unused]
        self._waiting = [request for request in self._waiting if request not in unused]
        self._cues = [item for item in self._cues if item[0] not in unused]

    def due(self, frame: int, timeline: Timeline) -> list[Placed]:
        """Hints that begin, or begin to be approached, with motion frame `frame`."""
        if not self._hints:
            return []
        out, waiting = [], []
        for request, media in self._hints:
            placed = self._place(request, media, frame, timeline)
            if placed is None or placed.first > frame + LEAD_FRAMES:
                waiting.append((request, media))
            elif placed.last is None or placed.last > max(frame, 0, placed.first):
                out.append(placed)
        self._hints = waiting
        return out

    def _place(self, request: HintRequest, media: int | None, frame: int, timeline: Timeline) -> Placed | None:
        """None: nobody can tell yet when it begins."""
        base = 0 if request.utterance is None else self._utterances.get(request.utterance, -1)
        if base == -1:
            return None
        over = Placed(clip=request.clip, first=0, last=0)
        if base is None:
            return over
        start = None if request.from_s is None else base + ceil(request.from_s * SAMPLE_RATE - _ROUNDING)
        if start is None or start < self._dropped:
            media = frame_start(max(frame, 0)) if media is None else media
            start = timeline.stream_at(media)
        else:
            media = timeline.expected(start, arrived_only=self._arrived_only)
            if media is None:
                return None
        first = media * FPS // SAMPLE_RATE
        if request.to_s is None:
            return Placed(clip=request.clip, first=first, last=None)
        stop = base + floor(request.to_s * SAMPLE_RATE + _ROUNDING)
        if stop <= max(start, self._dropped):
            return over
        return Placed(clip=request.clip, first=first, last=frames_covering(media + stop - start))

    def words_at(self, frame: int, timeline: Timeline) -> Ids | None:
        """[2, N] the words spoken in audio frame `frame`, the last one consumed, and `WORD_AHEAD_FRAMES` later.

        None: nothing. Words that are over are dropped.
        """
        if not self._words:
            return None
        middle = (frame_start(frame) + frame_end(frame)) // 2
        later = frame_start(frame + WORD_AHEAD_FRAMES) + frame_end(frame + WORD_AHEAD_FRAMES)
        places = timeline.voiced(middle), timeline.coming(later // 2 - timeline.media, arrived_only=self._arrived_only)
        ids = np.zeros((2, WORD_IDS), np.int64)
        for i, place in enumerate(places):
            if place is not None and (word := self._at(place)) is not None:
                ids[i] = word.ids
        if self._words[0].end <= timeline.consumed:
            self._words = [word for word in self._words if word.end > timeline.consumed]
        return ids if ids.any() else None

    def _at(self, place: int) -> _Spoken | None:
        """The word that began last among those spoken at a stream position."""
        at = bisect_right(self._words, place, key=lambda word: word.start)
        return next((word for word in reversed(self._words[max(0, at - 8) : at]) if place < word.end), None)


def _spoken(word: Word, base: int, request: WordsRequest) -> _Spoken:
    start, end = (base + round(time_s * SAMPLE_RATE) for time_s in (word.start_s, word.end_s))
    return _Spoken(start, max(end, start + SAMPLE_RATE // FPS), word_ids(word.text), request)
