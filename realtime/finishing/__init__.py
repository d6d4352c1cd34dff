"""Motion finishing: what happens between a generator's output and what the viewer is shown."""

from gesturestream.realtime.cues import CUE_NAMES
from gesturestream.realtime.finishing.finisher import FinishedBatch, Finisher
from gesturestream.realtime.finishing.rest import rest_packed

__all__ = ["CUE_NAMES", "FinishedBatch", "Finisher", "rest_packed"]
