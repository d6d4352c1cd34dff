"""A live microphone through PortAudio: 10 ms blocks, at the device's rate, unplugged and plugged in again at will."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from threading import Event
from types import ModuleType
from typing import Any

from gesturestream.realtime.sources import Floats, Push
from gesturestream.realtime.sources.devices import (
    AudioDevice,
    AudioDeviceError,
    find_device,
    portaudio,
    restart_portaudio,
)

log = logging.getLogger(__name__)

BLOCK_S = 0.01
RING_BLOCKS = 100
"""1 s of blocks may wait for a slow taker; then the oldest are dropped and counted."""
FIRST_BLOCK_S = 15.0
"""Sound servers may take seconds until the first block: PulseAudio's monitors 2 s, on a busy machine many more."""
LOST_AFTER_S = 1.0
"""A stream that was running and gives nothing for so long is gone."""
POLL_S = 0.1
RETRY_S = (0.25, 2.0)
"""First and longest pause between attempts to find a lost device again."""


class BlockRing:
    """Blocks from PortAudio's real-time thread to one taker: ordered, bounded, drops the oldest and counts it."""

    def __init__(self, blocks: int) -> None:
        self._blocks: deque[Floats] = deque(maxlen=blocks)
        self._arrived = Event()
        self.overflows = 0

    def put(self, block: Floats) -> None:
        """Never waits: a deque's append is atomic."""
        self.overflows += len(self._blocks) == self._blocks.maxlen
        self._blocks.append(block)
        self._arrived.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether a block is there, or comes within `timeout_s`."""
        return self._arrived.wait(timeout_s)

    def take(self) -> list[Floats]:
        """All blocks that have come, oldest first."""
        self._arrived.clear()  # before the deque is emptied: a block that comes in between sets it again
        return [self._blocks.popleft() for _ in range(len(self._blocks))]


class MicrophoneSource:
    """One capture device: by index, by (part of) its name, or the default one.

    It is looked for here, so that AudioDeviceError comes at once, with the list of what exists. `rate` is the device's
    own and stays what it is when another device takes its place. One microphone per process: finding a device again
    restarts PortAudio.
    """

    def __init__(self, device: int | str | None = None) -> None:
        found = find_device(device)
        self.name, self.rate = found.name, found.rate
        self._wanted = None if device is None else found.name  # an index means another device after a restart
        self._ring = BlockRing(RING_BLOCKS)
        self._device_overflows = 0

    @property
    def overflows(self) -> int:
        """Times that samples were lost, because the taker or this process was too slow."""
        return self._ring.overflows + self._device_overflows

    def run(
        self,
        push: Push,
        stop: Event,
        on_lost: Callable[[], None] = lambda: None,
        on_back: Callable[[], None] = lambda: None,
    ) -> None:
        """Pushes blocks until `stop` is set; blocks the calling thread, on which all three are called.

        When the device goes away `on_lost` is called, and `on_back` before the first block after it was found again.
        AudioDeviceError when it cannot be opened at first.
        """
        stream = self._open(stop)
        while True:
            with closing(stream):
                if self._pump(stream, push, stop):
                    return
                log.warning("microphone %s lost", self.name)
                on_lost()  # before it is closed, which blocks for as long as a sound server hangs
            stream = self._find_again(stop)
            if stream is None:
                return
            log.info("microphone %s is back", self.name)
            on_back()

    def _open(self, stop: Event) -> Any:
        """Starts a `sounddevice.InputStream` and waits for its first block, so that one that is open also hears."""
        module = portaudio()
        device = find_device(self._wanted)
        try:
            stream = self._start(module, device)
        except module.PortAudioError as error:
            raise AudioDeviceError(f"cannot open microphone {device} at {self.rate} Hz: {error}") from error
        if not self._hears(stream, stop):
            stream.close()
            raise AudioDeviceError(f"microphone {device} gave no samples for {FIRST_BLOCK_S:g} s")
        self.name = device.name
        return stream

    def _start(self, module: ModuleType, device: AudioDevice) -> Any:
        stream = module.InputStream(
            device=device.index,
            samplerate=self.rate,
            blocksize=round(BLOCK_S * self.rate),
            channels=1,
            dtype="float32",
            latency="low",
            callback=self._on_block,
        )
        try:
            stream.start()
        except module.PortAudioError:
            stream.close()
            raise
        return stream

    def _hears(self, stream: Any, stop: Event) -> bool:
        """Whether the first block comes in time; True as well when `stop` is set."""
        deadline = time.monotonic() + FIRST_BLOCK_S
        while not stop.is_set() and not self._ring.wait(POLL_S):
            if not stream.active or time.monotonic() > deadline:
                return False
        return True

    def _on_block(self, block: Floats, frames: int, when: Any, status: Any) -> None:
        """PortAudio's real-time thread: no waiting, no work."""
        self._device_overflows += bool(status.input_overflow)
        self._ring.put(block[:, 0].copy())

    def _pump(self, stream: Any, push: Push, stop: Event) -> bool:
        """Pushes what arrives until `stop` is set (True) or the stream is dead (False)."""
        deadline = time.monotonic() + LOST_AFTER_S
        while not stop.is_set():
            if self._ring.wait(POLL_S):
                deadline = time.monotonic() + LOST_AFTER_S
                for block in self._ring.take():
                    push(block)
            elif not stream.active or time.monotonic() > deadline:
                return False
        return True

    def _find_again(self, stop: Event) -> Any:
        """Tries until the device gives samples again: its open stream, or None when `stop` was set."""
        pause_s, longest_s = RETRY_S
        while not stop.wait(pause_s):
            pause_s = min(2 * pause_s, longest_s)
            try:
                restart_portaudio()
                return self._open(stop)
            except AudioDeviceError as error:
                log.debug("microphone %s is still lost: %s", self.name, error)
        return None
