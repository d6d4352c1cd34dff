"""One receiver: frames of one session go out as datagrams, from a thread of its own."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gesturestream.bridge.datagrams.target import Target
from gesturestream.models.motion import FPS
from gesturestream.realtime.config import Mode
from gesturestream.realtime.frame import Frame
from gesturestream.realtime.pacing import PLAY_LEAD_S

log = logging.getLogger(__name__)

_AHEAD_FRAMES = math.ceil(PLAY_LEAD_S * FPS) + 1
"""In agent mode frames come ahead of the voice, the first of them all at once."""


class Encoder(Protocol):
    """How a frame is told. Called on the sender's thread."""

    def encode(self, frame: Frame) -> Sequence[bytes | memoryview]:
        """The datagrams of a frame, in order; valid until the next call."""
        ...


class DatagramSender:
    """`on_frame` may be called by any thread and never waits; frames that nobody had time to send are dropped.

    A live session's newest frame goes out at once. In `agent` mode up to nine wait, a 30th of a second apart, so that
    the body does not run ahead of the voice.
    """

    def __init__(self, target: Target, encoder: Encoder) -> None:
        """OSError when the host is not known."""
        family, _, _, _, resolved = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)[0]
        self._address: tuple[Any, ...] = resolved
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._encoder = encoder
        self._changed = threading.Condition()
        self._waiting: deque[tuple[float, Frame]] = deque(maxlen=1)  # with the moment it came
        self._spacing_s = 0.0
        self._closed = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="datagrams", daemon=True)

    def start(self) -> None:
        """From now on frames are sent."""
        self._thread.start()

    def show(self, mode: Mode) -> None:
        """What follows is another session's, in that mode."""
        agent = mode == "agent"
        with self._changed:
            self._waiting = deque(self._waiting, maxlen=_AHEAD_FRAMES if agent else 1)
            self._spacing_s = 1 / FPS if agent else 0.0

    def on_frame(self, frame: Frame) -> None:
        """Takes a frame; what waits of an epoch that is over is not shown any more."""
        with self._changed:
            if self._waiting and self._waiting[-1][1].epoch != frame.epoch:
                self._waiting.clear()
            self._waiting.append((time.monotonic(), frame))
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
            # From when frames came, not from when this thread had time: what is late is caught up with.
            due_s = max(self._next()[0], due_s + self._spacing_s)
            if not self._wait_for(lambda: False, until_s=due_s):
                return
            self._send(self._next(take=True)[1])

    def _next(self, *, take: bool = False) -> tuple[float, Frame]:
        """Who waits longest. What is there may be replaced, but it never becomes nothing behind this thread's back."""
        with self._changed:
            return self._waiting.popleft() if take else self._waiting[0]

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
                log.warning("to %s, port %d: %s; it goes on trying", *self._address[:2], error.strerror or error)
            self._failing = True
