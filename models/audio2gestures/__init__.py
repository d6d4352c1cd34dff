"""Audio2Gestures as a causal stream."""

from gesturestream.models.audio2gestures.config import Audio2GesturesConfig
from gesturestream.models.audio2gestures.generator import Audio2Gestures

__all__ = ["Audio2Gestures", "Audio2GesturesConfig"]
