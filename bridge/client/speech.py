"""What is said: an utterance on its way, and where the client's samples lie in media time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from gesturestream.realtime.frame import Event


@dataclass
class Speech:
    """One utterance."""

    id: str
    begin_s: float
    """Audio time of its first sample: seconds of samples that the session was sent before it."""
    sent_s: float = 0.0
    """How much of it has been sent."""
    interrupted: bool = False
    """An interrupt has ended it; what was not sent yet never will be."""

    def heard_s(self, heard_s: float) -> float:
        """How much of this utterance was heard, given what `interrupt` says was heard of the whole session."""
        return min(max(0.0, heard_s - self.begin_s), self.sent_s)


class _Anchor(NamedTuple):
    media_s: float
    audio_s: float


class AudioTimeline:
    """Audio time (seconds of samples sent) to media time and back, from the events `audio_resumed`."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._anchors: deque[_Anchor] = deque(maxlen=256)

    def clear(self) -> None:
        self._anchors.clear()

    def observe(self, event: Event) -> None:
        """An event has arrived; only `audio_resumed` says something."""
        sample = event.data.get("sample")
        if event.name == "audio_resumed" and isinstance(sample, int):
            self._anchors.append(_Anchor(event.media_time_s, sample / self._rate))

    def audio_s(self, media_s: float, unused_s: float) -> float:
        """Audio heard up to a media time; never beyond `unused_s`, the first audio that has not become motion.

        In a pause it is the place where the voice stopped.
        """
        heard_s, stop_s = 0.0, unused_s
        for anchor in reversed(self._anchors):
            if anchor.media_s <= media_s:
                heard_s = anchor.audio_s + media_s - anchor.media_s
                break
            stop_s = min(stop_s, anchor.audio_s)
        return max(0.0, min(heard_s, stop_s))

    def media_s(self, audio_s: float) -> float | None:
        """Media time at which the audio at `audio_s` is heard; None before any of it is."""
        for anchor in reversed(self._anchors):
            if anchor.audio_s <= audio_s:
                return anchor.media_s + audio_s - anchor.audio_s
        return None
