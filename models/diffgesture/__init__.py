"""DiffGesture (Zhu et al., CVPR 2023), causal and streamable."""

from gesturestream.models.diffgesture.config import DiffGestureConfig
from gesturestream.models.diffgesture.generator import DiffGesture

__all__ = ["DiffGesture", "DiffGestureConfig"]
