"""One receiver: frames of one session go out as datagrams, from a thread of its own."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from gesturestream.bridge.vmc.face import Face
from gesturestream.bridge.vmc.osc import Datagrams, Message
from gesturestream.bridge.vmc.pose import RigPose
from gesturestream.bridge.vmc.rig import EYES, Rig
from gesturestream.models.motion import FPS
from gesturestream.realtime.config import Mode
from gesturestream.realtime.frame import Frame
from gesturestream.realtime.pacing import PLAY_LEAD_S

log = logging.getLogger(__name__)

_AHEAD_FRAMES = math.ceil(PLAY_LEAD_S * FPS) + 1
"""In agent mode frames come ahead of the voice, the first of them all at once."""


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


class VmcSender:
    """`on_frame` may be called by any thread and never waits; frames that nobody had time to send are dropped.

    A live session's newest frame goes out at once. In `agent` mode up to nine wait, a 30th of a second apart, so that
    the body does not run ahead of the voice.
    """

    def __init__(self, address: tuple[str, int], encoder: VmcEncoder) -> None:
        """OSError when the host is not known."""
        family, _, _, _, resolved = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
        self._address: tuple[Any, ...] = resolved
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._encoder = encoder
        self._changed = threading.Condition()
        self._waiting: deque[Frame] = deque(maxlen=1)
        self._spacing_s = 0.0
        self._closed = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="vmc-sender", daemon=True)

    def start(self) -> None:
        """From now on frames are sent."""
        self._thread.start()

    def show(self, mode: Mode) -> None:
        """What follows is another session's, in that mode."""
        agent = mode == "agent"
        with self._changed:
            self._waiting = deque(maxlen=_AHEAD_FRAMES if agent else 1)
            self._spacing_s = 1 / FPS if agent else 0.0

    def on_frame(self, frame: Frame) -> None:
        """Takes a frame; what waits of an epoch that is over is not shown any more."""
        with self._changed:
            if self._waiting and self._waiting[-1].epoch != frame.epoch:
                self._waiting.clear()
            self._waiting.append(frame)
            self._changed.notify()

    def close(self) -> None:
        """Stops sending."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        due_s = -math.inf
        while self._wait_for(lambda: bool(self._waiting)):
            due_s = max(time.monotonic(), due_s + self._spacing_s)
            if not self._wait_for(lambda: False, until_s=due_s):
                return
            with self._changed:
                frame = self._waiting.popleft() if self._waiting else None
            if frame is not None:
                self._send(frame)

    def _wait_for(self, happens: Callable[[], bool], until_s: float = math.inf) -> bool:
        """Waits for something or for a moment; False once closed."""
        with self._changed:
            left_s = None if until_s == math.inf else max(0.0, until_s - time.monotonic())
            self._changed.wait_for(lambda: self._closed or happens(), left_s)
            return not self._closed

    def _send(self, frame: Frame) -> None:
        try:
            for datagram in self._encoder.encode(frame):
                self._socket.sendto(datagram, self._address)
            self._failing = False
        except OSError as error:  # no route, a network that is gone: it may come back
            if not self._failing:
                log.warning("VMC to %s: %s; it goes on trying", self._address[0], error.strerror or error)
            self._failing = True
