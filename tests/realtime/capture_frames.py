"""Run as a program: a microphone drives the engine until SIGTERM; leaves the frames in a .npz, says `hearing`.

python capture_frames.py DEVICE OUTPUT.npz
"""

from __future__ import annotations

import signal
import sys
from threading import Event as Signal

import numpy as np

from gesturestream.models import registry
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.frame import AudioChunk, Event, Frame
from gesturestream.realtime.session import Session
from gesturestream.realtime.sources.microphone import MicrophoneSource


class Recorder:
    """A sink that keeps everything; its session's audio says `hearing` when it begins."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.audio: list[np.ndarray] = []

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_event(self, event: Event) -> None:
        pass

    def on_audio(self, chunk: AudioChunk) -> None:
        if not self.audio:
            print("hearing", flush=True)
        self.audio.append(chunk.pcm)


def drive(microphone: MicrophoneSource, session: Session, stop: Signal) -> int:
    """Pushes until `stop`, ends the session and waits for its last frame; samples pushed."""
    pushed = 0

    def push(block: np.ndarray) -> None:
        nonlocal pushed
        session.push_audio(block)
        pushed += len(block)

    microphone.run(push, stop)
    session.end()
    assert session.wait(timeout_s=60)
    return pushed


def main(device: str, output: str) -> None:
    stop, recorder, microphone = Signal(), Recorder(), MicrophoneSource(device)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    executor = EagerExecutor.load(registry.checkpoint_path(registry.DEFAULT), capacity=1)
    with Engine({registry.DEFAULT: executor}, default=registry.DEFAULT) as engine:
        session = engine.open(SessionConfig(mode="live", audio_rate=microphone.rate, seed=1), recorder)
        pushed = drive(microphone, session, stop)
    np.savez(
        output,
        pcm=np.concatenate(recorder.audio),
        pushed_s=pushed / microphone.rate,
        index=[frame.index for frame in recorder.frames],
        flags=[frame.flags for frame in recorder.frames],
        quat_xyzw=[frame.quat_xyzw for frame in recorder.frames],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
