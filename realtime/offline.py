"""A whole recording at once, through the same streaming path as everything live, as fast as the machine can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from gesturestream.models.motion import FPS
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.frame import AudioChunk, Event, Floats, Frame, FrameSequence

__all__ = ["Collector", "FrameSequence", "render"]

Progress = Callable[[int, int], None]
"""Frames done, frames in all."""

CHUNK_S = 1.0


@dataclass
class Collector:
    """A sink that keeps everything, for recordings that fit in memory (0.9 MB of arrays a minute and kind)."""

    frames: list[Frame] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    audio: list[AudioChunk] = field(default_factory=list)

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def on_audio(self, chunk: AudioChunk) -> None:
        self.audio.append(chunk)

    def sequence(self) -> FrameSequence:
        """What has been collected so far; ValueError if that is nothing."""
        if not self.frames:
            raise ValueError("expected at least one frame, got none")
        return FrameSequence(
            quat_xyzw=np.stack([frame.quat_xyzw for frame in self.frames]),
            root_m=np.stack([frame.root_m for frame in self.frames]),
            expressions=np.stack([frame.expressions for frame in self.frames]),
            blendshapes=np.stack([frame.blendshapes for frame in self.frames]),
            contacts=np.stack([frame.contacts for frame in self.frames]),
        )


def render(
    executor: Executor, pcm: Floats, config: SessionConfig | None = None, *, progress: Progress | None = None
) -> FrameSequence:
    """Generates the motion to a recording. Runs in the caller's thread and never sleeps.

    pcm [n] mono float32 at `config.audio_rate` -> ceil(30 n / rate) frames. `config.mode` is ignored. RuntimeError: the
    session broke off; ValueError: no audio, or a bad field.
    """
    config = replace(config or SessionConfig(), mode="offline", generator=executor.info.name)
    engine = Engine({executor.info.name: executor}, default=executor.info.name, max_sessions=1)
    collector = Collector()
    session = engine.open(config, collector)
    chunk, total = round(CHUNK_S * config.audio_rate), -(-len(pcm) * FPS // config.audio_rate)
    for start in range(0, len(pcm), chunk):
        session.push_audio(pcm[start : start + chunk])
        _drain(engine, collector, total, progress)
    session.end()
    _drain(engine, collector, total, progress)
    engine.close()
    for event in collector.events:
        if event.name == "internal_error":
            raise RuntimeError(event.data["message"])
    return collector.sequence()


def _drain(engine: Engine, collector: Collector, total: int, progress: Progress | None) -> None:
    while engine.tick():
        if progress is not None:
            progress(len(collector.frames), total)
