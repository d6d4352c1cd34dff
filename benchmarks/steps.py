"""One step per emitted frame: batch 1, one CPU thread, in a closed loop over the bundled speech."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.voice import speech
from gesturestream.models.motion import EMOTIONS, MOTION_SIZE, SAMPLE_RATE
from gesturestream.models.noise import normals
from gesturestream.models.registry import GENERATORS, checkpoint_path
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import Executor, Floats, StepInputs

WARM_UP_FRAMES = 60


def executors(generator: str) -> Iterator[tuple[str, Callable[[], Executor]]]:
    """Every runtime that can run `generator` here, as (name, how to load it with one row)."""
    from gesturestream.realtime.executors.eager import EagerExecutor

    yield "eager", lambda: EagerExecutor.load(checkpoint_path(generator), capacity=1, threads=1)


def measure_steps(generator: str | None, runs: int, frames: int) -> list[dict[str, Any]]:
    """One row of figures per generator and executor; the loop runs `runs` times from a new state."""
    rows = []
    for name in GENERATORS if generator is None else (generator,):
        for executor_name, load in executors(name):
            executor = load()
            executor.warm_up()
            runs_ms = [closed_loop_ms(executor, frames, seed) for seed in range(runs)]
            medians = [round(float(np.median(times)), 3) for times in runs_ms]
            times_ms = [milliseconds for times in runs_ms for milliseconds in times]
            figures = {**machine.summary(times_ms), "run_medians_ms": medians}
            rows.append({"generator": name, "executor": executor_name, "part": "step", **figures})
    return rows


def closed_loop_ms(executor: Executor, frames: int, seed: int) -> list[float]:
    """Times of `frames` steps, ms; what a step emits is what the next one is given."""
    info = executor.info
    pcm = np.concatenate([np.zeros(info.window_samples, np.float32), speech(frames / 30 + 3, SAMPLE_RATE)])
    emitted = np.zeros((1, MOTION_SIZE), np.float32)
    times_ms = []
    for frame in range(frames + WARM_UP_FRAMES):
        end = info.window_samples + frame_end(frame)
        inputs = step_inputs(executor, pcm[end - info.window_samples : end], emitted, seed, frame)
        begin_s = time.perf_counter()
        outputs = executor.step(inputs)
        times_ms.append((time.perf_counter() - begin_s) * 1000)
        emitted = np.asarray(outputs.motion, np.float32)
    return times_ms[WARM_UP_FRAMES:]


def step_inputs(executor: Executor, window: Floats, emitted: Floats, seed: int, frame: int) -> StepInputs:
    """Inputs of one row that hears `window` and showed `emitted` [1, 489] last."""
    return StepInputs(
        pcm=window[None],
        audio_present=np.ones(1, np.bool_),
        emitted=emitted,
        noise=normals(np.array([seed], np.uint64), np.array([frame]), executor.info.noise_size),
        emotion=np.zeros((1, len(EMOTIONS)), np.float32),
        speaker=np.eye(1, executor.info.speakers, dtype=np.float32),
        intensity=np.ones(1, np.float32),
        lookahead=np.zeros(1, np.int64),
        reset=np.full(1, frame == 0),
        active=np.ones(1, np.bool_),
    )
