"""Tools for engine tests: an executor whose output tells what it was given, a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.motion import EXPRESSIONS, MOTION_SIZE
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.base import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.realtime.finishing import rest_packed
from gesturestream.realtime.frame import Frame
from gesturestream.realtime.offline import Collector

WINDOW = 1024
COUNT, MEMORY, SOUND, NOISE, PRESENT, INTENSITY, EMITTED, NAME, SPEAKER, EMOTION = 0, 1, 2, 3, 4, 5, 6, 7, 10, 20


class EchoExecutor:
    """Rests, and says in its expression coefficients what it heard, is told and remembers.

    A real executor: rows with state (steps since reset, a leaky memory of the sound), masks, buckets, look-ahead by
    remembering past outputs.
    """

    def __init__(
        self, capacity: int = 4, *, name: str = "echo", mark: float = 1.0, speakers: int = 3, guide_size: int = 0
    ) -> None:
        self.info = GeneratorInfo(
            name=name, window_samples=WINDOW, noise_size=2, speakers=speakers, guide_size=guide_size
        )
        self.capacity, self.mark = capacity, mark
        self.buckets = tuple(sorted({1, (capacity + 1) // 2, capacity}))
        self.calls: list[StepInputs] = []
        self._count = np.full(capacity, 777)  # what a former tenant might have left
        self._memory = np.full(capacity, np.nan)
        self._said = np.full((capacity, 9, 100), np.nan, np.float32)

    def warm_up(self) -> None:
        pass

    def guide_codes(self, motion: np.ndarray) -> np.ndarray:
        """A clip's code is how its right shoulder turns."""
        first = 6 * INDEX["right_shoulder"]
        return motion[:, first : first + self.info.guide_size]

    def step(self, inputs: StepInputs) -> StepOutputs:
        rows = len(inputs.active)
        assert rows in self.buckets
        self.calls.append(StepInputs(*(array.copy() for array in inputs)))
        out = np.full((rows, MOTION_SIZE), np.nan, np.float32)
        valid = np.zeros(rows, bool)
        for row in np.flatnonzero(inputs.active):
            out[row], valid[row] = self._step_row(row, inputs)
        return StepOutputs(out, valid, np.tile(np.eye(8, dtype=np.float32)[1], (rows, 1)))

    def _step_row(self, row: int, inputs: StepInputs) -> tuple[np.ndarray, bool]:
        if inputs.reset[row]:
            self._count[row], self._memory[row], self._said[row] = 0, 0.0, 0.0
        sound = float(inputs.pcm[row, -533:].astype(np.float64).sum())
        self._memory[row] = 0.9 * self._memory[row] + 0.1 * sound
        said = np.zeros(100, np.float32)
        said[[COUNT, MEMORY, SOUND]] = self._count[row] / 1000, self._memory[row] / 100, sound / 100
        said[[NOISE, PRESENT, INTENSITY]] = inputs.noise[row, 0], inputs.audio_present[row], inputs.intensity[row]
        said[[EMITTED, NAME]] = inputs.emitted[row, EXPRESSIONS][COUNT], self.mark
        said[SPEAKER : SPEAKER + inputs.speaker.shape[1]] = inputs.speaker[row]
        said[EMOTION : EMOTION + 8] = inputs.emotion[row]
        self._said[row] = np.roll(self._said[row], 1, 0)
        self._said[row, 0] = said
        self._count[row] += 1
        motion = rest_packed().copy()
        motion[EXPRESSIONS] = self._said[row, inputs.lookahead[row]]
        return motion, bool(self._count[row] > inputs.lookahead[row])


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Rig:
    """An engine without a thread, on a clock turned by hand."""

    engine: Engine
    clock: Clock

    @classmethod
    def of(cls, *executors: EchoExecutor, **options: Any) -> Rig:
        clock = Clock()
        named = {executor.info.name: executor for executor in executors}
        return cls(Engine(named, default=executors[0].info.name, clock=clock, **options), clock)

    def drain(self) -> None:
        while self.engine.tick():
            pass

    def run(self, seconds: float, each: Callable[[], None] = lambda: None, every_s: float = 0.005) -> None:
        """Turns the clock on, ticking, and calls `each` at every step."""
        for _ in range(round(seconds / every_s)):
            self.clock.now += every_s
            each()
            self.drain()


@dataclass
class Viewer(Collector):
    """A sink that also knows the order in which everything came."""

    order: list[object] = field(default_factory=list)

    def on_frame(self, frame: Frame) -> None:
        super().on_frame(frame)
        self.order.append(frame)

    def on_event(self, event) -> None:
        super().on_event(event)
        self.order.append(event)

    def said(self, what: int) -> np.ndarray:
        """[T] one of the executor's tellings over all frames."""
        return np.array([frame.expressions[what] for frame in self.frames])

    def named(self, name: str) -> list:
        return [event for event in self.events if event.name == name]


def babble(seconds: float, seed: int = 0, rate: int = 16000) -> np.ndarray:
    """Noise with a syllable rhythm."""
    n = round(seconds * rate)
    rhythm = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(n) / rate)
    return (0.2 * rhythm * np.random.default_rng(seed).standard_normal(n)).clip(-1, 1).astype(np.float32)
