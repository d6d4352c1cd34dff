"""gesturestream: a voice goes in, a whole moving body comes out, frame by frame, while the person still speaks."""

__version__ = "0.1.0"
