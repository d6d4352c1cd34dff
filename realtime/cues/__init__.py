"""Named gestures that a client may ask for, and the player that lays them over the generator's motion."""

from gesturestream.realtime.cues.gestures import CUE_NAMES
from gesturestream.realtime.cues.player import CuePlayer

__all__ = ["CUE_NAMES", "CuePlayer"]
