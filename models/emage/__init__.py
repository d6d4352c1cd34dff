"""EMAGE (Liu et al., CVPR 2024), causal and streamable."""

from gesturestream.models.emage.config import LARGE, EmageConfig
from gesturestream.models.emage.generator import Emage

__all__ = ["LARGE", "Emage", "EmageConfig"]
