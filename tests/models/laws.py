"""Drives an executor in a closed loop for the shared law suite: what was emitted is the next step's input."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gesturestream.models.motion import MOTION_SIZE
from gesturestream.models.noise import normals
from gesturestream.models.step import StepInputs, StepOutputs, neutral_inputs
from gesturestream.models.timing import frame_end, frames_covering
from gesturestream.realtime.executors.base import Executor


@dataclass
class Row:
    """One session as the executor sees it."""

    pcm: np.ndarray
    seed: int = 1
    lookahead: int = 0
    emotion: int | None = None
    intensity: float = 1.0
    speaker: int = 0
    guide: np.ndarray | None = None
    """[T, G + 1] an authored clip's codes and weights, step by step, over and over; None: no clip."""
    history: np.ndarray | None = None
    """[T, 489] what is shown in the place of what it says; None: a closed loop."""
    starts_at: int = 0
    """Tick of its first frame: the row is idle before and after its clip."""
    frame: int = field(default=0, init=False)
    emitted: np.ndarray = field(default_factory=lambda: np.zeros(MOTION_SIZE, np.float32), init=False)
    motion: list[np.ndarray] = field(default_factory=list, init=False)
    steps: list[StepInputs] = field(default_factory=list, init=False)
    """Every step's inputs, for forced-history parity."""

    @property
    def audio_frames(self) -> int:
        return frames_covering(len(self.pcm))

    @property
    def steps_left(self) -> int:
        return self.audio_frames + self.lookahead - self.frame


def run(executor: Executor, rows: list[Row], bucket: int | None = None) -> list[np.ndarray]:
    """Streams every row to its end; returns each row's motion [T, 489], T = the frames its audio covers."""
    bucket = bucket or min(b for b in executor.buckets if b >= len(rows))
    tick = 0
    while any(row.steps_left > 0 for row in rows):
        inputs = _inputs(executor, rows, bucket, tick)
        outputs = executor.step(inputs)
        for i, row in enumerate(rows):
            if inputs.active[i]:
                _take(row, i, inputs, outputs)
        tick += 1
    return [np.array(row.motion) for row in rows]


def _inputs(executor: Executor, rows: list[Row], bucket: int, tick: int) -> StepInputs:
    info = executor.info
    blank = neutral_inputs(info, bucket)
    blank.active[:] = False
    for array in blank:  # idle rows hold garbage on purpose
        if array.dtype == np.float32:
            array[:] = np.nan
    for i, row in enumerate(rows):
        if row.starts_at <= tick and row.steps_left > 0:
            _fill(blank, i, row, info.window_samples, info.noise_size, list(info.settings.values()))
    return blank


def _fill(inputs: StepInputs, i: int, row: Row, window: int, noise_size: int, settings: list[float]) -> None:
    inputs.active[i], inputs.reset[i] = True, row.frame == 0
    inputs.audio_present[i] = row.frame < row.audio_frames
    end = frame_end(row.frame)
    padded = np.zeros(window + max(end, len(row.pcm)), np.float32)
    padded[window : window + len(row.pcm)] = row.pcm
    inputs.pcm[i] = padded[end : end + window]
    inputs.emitted[i] = row.emitted
    inputs.noise[i] = normals(np.array([row.seed], np.uint64), np.array([row.frame]), noise_size)[0]
    inputs.lookahead[i], inputs.intensity[i] = row.lookahead, row.intensity
    inputs.guide[i] = 0.0 if row.guide is None else row.guide[row.frame % len(row.guide)]
    inputs.speaker[i], inputs.emotion[i] = 0.0, 0.0
    inputs.speaker[i, row.speaker] = 1.0
    inputs.hint[i], inputs.settings[i] = 0.0, settings
    if row.emotion is not None:
        inputs.emotion[i, row.emotion] = 1.0


def _take(row: Row, i: int, inputs: StepInputs, outputs: StepOutputs) -> None:
    row.steps.append(StepInputs(*(array[i].copy() for array in inputs)))
    row.frame += 1
    if outputs.valid[i]:
        row.motion.append(outputs.motion[i].copy())
        row.emitted = row.motion[-1] if row.history is None else row.history[len(row.motion) - 1]


def babble(seconds: float, seed: int = 0) -> np.ndarray:
    """Speech-like noise: syllables of voiced harmonics at varying pitch and loudness, with gaps."""
    generator = np.random.default_rng(seed)
    n = int(seconds * 16000)
    t = np.arange(n) / 16000
    pitch = 120 * 2 ** (0.3 * np.sin(2 * np.pi * 0.4 * t + seed))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    voice = sum(np.sin(h * phase) / h for h in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 4.1 * t + seed) + 0.3 * np.sin(2 * np.pi * 1.3 * t), 0, 1)
    pauses = (np.sin(2 * np.pi * 0.35 * t + seed) > -0.6).astype(float)
    out = 0.2 * voice * syllables * pauses + 0.002 * generator.standard_normal(n)
    return out.astype(np.float32)
