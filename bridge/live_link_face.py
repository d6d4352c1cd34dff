"""Faces as Epic's app Live Link Face sends them (UDP): MetaHumans take them without a plug-in.

Per frame one packet of 326 bytes and the subject's name. The format is not published; this is what its receivers read.
"""

from __future__ import annotations

import struct
import uuid

import numpy as np

from gesturestream.models.motion import BLENDSHAPE_COUNT, FPS
from gesturestream.realtime.frame import Frame

LIVE_LINK_FACE_PORT = 11111
"""Where Unreal's plug-in Apple ARKit Face Support listens unless told otherwise."""

_VERSION = 6
_VALUES = 61
"""The 52 blend shapes, then yaw, pitch and roll of head, left and right eye, which stay 0: the body turns them."""


class LiveLinkFaceEncoder:
    """One subject."""

    def __init__(self, subject: str) -> None:
        """`subject`: what Unreal lists it as."""
        name = subject.encode()
        device = f"${uuid.uuid4()}".encode()
        self._head = struct.pack("<I", _VERSION) + device + struct.pack(">i", len(name)) + name
        self._values = np.zeros(_VALUES, ">f4")

    def encode(self, frame: Frame) -> list[bytes]:
        """The packet of a frame."""
        self._values[:BLENDSHAPE_COUNT] = frame.blendshapes
        time = struct.pack(">ifii", frame.index & 0x7FFFFFFF, 0.0, FPS, 1)  # frame, part of a frame, rate as a fraction
        return [self._head + time + bytes([_VALUES]) + self._values.tobytes()]
