"""One step per emitted frame: batch 1, one CPU thread, in a closed loop over the bundled speech.

Wall time is what a viewer waits for; CPU time of the thread, beside it, is what the step costs where other programs
hold the cores.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from benchmarks.voice import speech
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.models.noise import normals
from gesturestream.models.registry import available, checkpoint_path
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import Executor, Floats, StepInputs, neutral_inputs
from gesturestream.realtime.executors.choose import EXECUTORS, ExecutorError, Wanted, load_executor
from gesturestream.realtime.finishing import Finisher, rest_packed

WARM_UP_FRAMES = 60


def executors(generator: str, wanted: Wanted) -> Iterator[tuple[str, Executor]]:
    """Those that are wanted, `auto` being every one that can run `generator` here, each with one row and its name."""
    for name in EXECUTORS:
        if wanted not in ("auto", name):
            continue
        try:
            yield name, load_executor(checkpoint_path(generator), 1, name).executor
        except ExecutorError as error:
            print(f"{generator}, {name}: {error}")


def measure_steps(generator: str | None, runs: int, frames: int, wanted: Wanted = "auto") -> list[dict[str, Any]]:
    """Figures of step, finishing and both, per generator and executor; the loop runs `runs` times from a new state."""
    rows = []
    for name in available() if generator is None else (generator,):
        for executor_name, executor in executors(name, wanted):
            executor.warm_up()
            times_ms = np.stack([closed_loop_ms(executor, frames, seed) for seed in range(runs)])
            parts = {"step": times_ms[..., 0], "finishing": times_ms[..., 1], "both": times_ms[..., :2].sum(-1)}
            for part, part_ms in parts.items():
                medians = [round(float(median), 3) for median in np.median(part_ms, axis=1)]
                figures = {**machine.summary(part_ms.ravel().tolist()), "run_medians_ms": medians}
                rows.append({"generator": name, "executor": executor_name, "part": part, **figures})
            cpu = machine.summary(times_ms[..., 2].ravel().tolist())
            rows.append({"generator": name, "executor": executor_name, "part": "step, CPU time", **cpu})
    return rows


def closed_loop_ms(executor: Executor, frames: int, seed: int) -> NDArray[np.float64]:
    """[frames, 3] times of step and of finishing and CPU time of the step, ms; what finishing shows is stepped on."""
    window = executor.info.window_samples
    pcm = np.concatenate([np.zeros(window, np.float32), speech(frames / FPS + 3, SAMPLE_RATE)])
    finisher, row, emitted = Finisher(1), np.zeros(1, np.int64), rest_packed()[None]
    finisher.reset(0, seed=seed, leash_m=0.5)
    times_ms = []
    for frame in range(frames + WARM_UP_FRAMES):
        end = window + frame_end(frame)
        inputs = step_inputs(executor, pcm[end - window : end], emitted, seed, frame)
        cpu_s, begin_s = time.thread_time(), time.perf_counter()
        outputs = executor.step(inputs)
        stepped_s, cpu_s = time.perf_counter(), time.thread_time() - cpu_s
        emitted = finisher.step(row, outputs.motion).packed
        times_ms.append((stepped_s - begin_s, time.perf_counter() - stepped_s, cpu_s))
    return 1000 * np.array(times_ms[WARM_UP_FRAMES:])


def step_inputs(executor: Executor, window: Floats, emitted: Floats, seed: int, frame: int) -> StepInputs:
    """Inputs of one row that hears `window` and showed `emitted` [1, 489] last."""
    noise = normals(np.array([seed], np.uint64), np.array([frame]), executor.info.noise_size)
    return neutral_inputs(executor.info, 1)._replace(
        pcm=window[None], emitted=emitted, noise=noise, reset=np.full(1, frame == 0)
    )
