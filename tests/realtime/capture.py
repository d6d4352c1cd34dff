"""Run as a program: captures from a microphone until SIGTERM, tells what happens, leaves what it heard in a .npz.

    python capture.py DEVICE OUTPUT.npz

Standard output, one word a line: `hearing` with the first block, `lost`, `back` with the first block after that.
"""

from __future__ import annotations

import signal
import sys
import time
from threading import Event

import numpy as np

from gesturestream.realtime.sources.microphone import MicrophoneSource


class Capture:
    """Keeps every block and when it came."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []
        self.arrivals: list[float] = []
        self._word: str | None = "hearing"

    def push(self, block: np.ndarray) -> None:
        self.blocks.append(block)
        self.arrivals.append(time.monotonic())
        if self._word:
            print(self._word, flush=True)
            self._word = None

    def back(self) -> None:
        self._word = "back"


def main(device: str, output: str) -> None:
    stop, capture, microphone = Event(), Capture(), MicrophoneSource(device)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    microphone.run(capture.push, stop, on_lost=lambda: print("lost", flush=True), on_back=capture.back)
    np.savez(
        output,
        pcm=np.concatenate(capture.blocks),
        samples=[len(block) for block in capture.blocks],
        arrivals=capture.arrivals,
        rate=microphone.rate,
        overflows=microphone.overflows,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
