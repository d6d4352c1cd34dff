"""Frames as the messages of the VMC protocol."""

from __future__ import annotations

import numpy as np

from gesturestream.bridge.vmc.face import Face
from gesturestream.bridge.vmc.osc import Datagrams, Message
from gesturestream.bridge.vmc.pose import RigPose
from gesturestream.bridge.vmc.rig import EYES, Rig
from gesturestream.realtime.frame import Frame

VMC_PORT = 39539
"""Where a receiver (a marionette, in the protocol's words) listens unless told otherwise."""


class VmcEncoder:
    """Frames as datagrams: OK, T, Root, bones with rest offsets, blend shapes, Apply last, as the strictest wants."""

    def __init__(self, rig: Rig, face: Face) -> None:
        bones = tuple(bone for bone in rig.bones if bone.name not in EYES or not face.moves_eyes)
        self._pose = RigPose(rig, bones)
        self._face = face
        messages = [
            Message(address="/VMC/Ext/OK", constants=(1,)),
            Message(address="/VMC/Ext/T", floats=1),
            Message(address="/VMC/Ext/Root/Pos", constants=("root",), floats=7),
        ]
        messages += [Message(address="/VMC/Ext/Bone/Pos", constants=(n,), floats=7) for n in self._pose.names]
        messages += [Message(address="/VMC/Ext/Blend/Val", constants=(n,), floats=1) for n in face.names]
        self._datagrams = Datagrams([*messages, Message(address="/VMC/Ext/Blend/Apply")])

    def encode(self, frame: Frame) -> list[memoryview]:
        """The datagrams of a frame, in order; valid until the next call."""
        time_and_root = (frame.media_time_s, 0, 0, 0, 0, 0, 0, 1)
        bones = self._pose.locals(frame).ravel()
        return self._datagrams.fill(np.concatenate([time_and_root, bones, self._face.values(frame.blendshapes)]))
