"""One step per emitted frame: batch 1, one CPU thread, in a closed loop over the bundled speech."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.voice import speech
from gesturestream.models.motion import EMOTIONS, FPS, SAMPLE_RATE
from gesturestream.models.noise import normals
from gesturestream.models.registry import GENERATORS, checkpoint_path
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import Executor, Floats, StepInputs
from gesturestream.realtime.finishing import Finisher, rest_packed

WARM_UP_FRAMES = 60


def executors(generator: str) -> Iterator[tuple[str, Callable[[], Executor]]]:
    """Every runtime that can run `generator` here, as (name, how to load it with one row)."""
    from gesturestream.realtime.executors.eager import EagerExecutor

    yield "eager", lambda: EagerExecutor.load(checkpoint_path(generator), capacity=1, threads=1)


def measure_steps(generator: str | None, runs: int, frames: int) -> list[dict[str, Any]]:
    """Figures of step, finishing and both, per generator and executor; the loop runs `runs` times from a new state."""
    rows = []
    for name in GENERATORS if generator is None else (generator,):
        for executor_name, load in executors(name):
            executor = load()
            executor.warm_up()
            times_ms = np.stack([closed_loop_ms(executor, frames, seed) for seed in range(runs)])
            parts = {"step": times_ms[..., 0], "finishing": times_ms[..., 1], "both": times_ms.sum(-1)}
            for part, part_ms in parts.items():
                medians = [round(float(median), 3) for median in np.median(part_ms, axis=1)]
                figures = {**machine.summary(part_ms.ravel().tolist()), "run_medians_ms": medians}
                rows.append({"generator": name, "executor": executor_name, "part": part, **figures})
    return rows


def closed_loop_ms(executor: Executor, frames: int, seed: int) -> NDArray[np.float64]:
    """[frames, 2] times of step and of finishing, ms; what finishing shows is what the next step is given."""
    window = executor.info.window_samples
    pcm = np.concatenate([np.zeros(window, np.float32), speech(frames / FPS + 3, SAMPLE_RATE)])
    finisher, row, emitted = Finisher(1), np.zeros(1, np.int64), rest_packed()[None]
    finisher.reset(0, seed=seed, leash_m=0.5)
    times_ms = []
    for frame in range(frames + WARM_UP_FRAMES):
        end = window + frame_end(frame)
        inputs = step_inputs(executor, pcm[end - window : end], emitted, seed, frame)
        begin_s = time.perf_counter()
        outputs = executor.step(inputs)
        stepped_s = time.perf_counter()
        emitted = finisher.step(row, outputs.motion).packed
        times_ms.append((1000 * (stepped_s - begin_s), 1000 * (time.perf_counter() - stepped_s)))
    return np.array(times_ms[WARM_UP_FRAMES:])


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
        guide=np.zeros((1, executor.info.guide_size + 1), np.float32),
        lookahead=np.zeros(1, np.int64),
        reset=np.full(1, frame == 0),
        active=np.ones(1, np.bool_),
    )
