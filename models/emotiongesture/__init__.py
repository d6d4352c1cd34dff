"""EmotionGesture (Qi et al., 2023), causal and streamable: a planner that shows the emotion it hears or is given."""

from gesturestream.models.emotiongesture.config import EmotionGestureConfig
from gesturestream.models.emotiongesture.generator import EmotionGesture

__all__ = ["EmotionGesture", "EmotionGestureConfig"]
