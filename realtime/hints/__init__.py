"""Body hints and words: what a session is told beside its audio, from the request to the step's inputs."""

from gesturestream.realtime.hints.clip import HintClip, hint_clip
from gesturestream.realtime.hints.plans import Plans
from gesturestream.realtime.hints.requests import HintRequest, Placed, Word, WordsRequest

__all__ = ["HintClip", "HintRequest", "Placed", "Plans", "Word", "WordsRequest", "hint_clip"]
