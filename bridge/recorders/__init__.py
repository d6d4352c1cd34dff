"""Motion files: what a session did, written so that other programs open it."""

from gesturestream.bridge.recorders.recorder import FORMATS, Recorder

__all__ = ["FORMATS", "Recorder"]
