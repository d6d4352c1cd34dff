"""Named gestures that a client may ask for, and the player that lays them over the generator's motion."""

from gesturestream.realtime.cues.library import CUE_NAMES, CueLibrary, shipped_cues
from gesturestream.realtime.cues.player import CuePlayer, Playing

__all__ = ["CUE_NAMES", "CueLibrary", "CuePlayer", "Playing", "shipped_cues"]
