"""How far a cue guides the generator: distance of the motion's code to the clip's, with and without the guide.

    python -m benchmarks.cues

The demo speech in a closed loop, seed 3; the cue plays at 3 s without its overlay, and the middle half of it counts.
"""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.steps import step_inputs
from benchmarks.voice import speech
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.models.registry import DEFAULT, checkpoint_path
from gesturestream.models.timing import frame_end
from gesturestream.realtime.cues.guide import RAMP_FRAMES, GuideBlend, clip_motion
from gesturestream.realtime.cues.library import shipped_cues
from gesturestream.realtime.executors.base import Executor, Floats
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.finishing import Finisher, rest_packed

CUES = ("wave", "palms_up", "think", "clap", "shrug", "hand_on_heart", "this_big", "explain")
BEGIN, SEED = 3 * FPS, 3


def codes_of(executor: Executor, name: str) -> Floats:
    """[n, G] of the cue's clip over the rest pose, frame by frame."""
    library = shipped_cues()
    clip = library.clips[library.index(name)]
    around = (len(clip_motion(clip, rest_packed())) - len(clip)) // 2
    codes = executor.guide_codes(clip_motion(clip, rest_packed()))
    return codes[around : around + len(clip)]


def motion(executor: Executor, codes: Floats | None, frames: int) -> Floats:
    """[frames, 489] as finishing shows it; codes None: nothing guides."""
    executor.warm_up()  # leaves the state new
    window = executor.info.window_samples
    pcm = np.concatenate([np.zeros(window, np.float32), speech(frames / FPS + 1, SAMPLE_RATE)])
    finisher, row, emitted, out = Finisher(1), np.zeros(1, np.int64), rest_packed()[None], []
    finisher.reset(0, seed=SEED, leash_m=0.5)
    blend = GuideBlend(1, executor.info.guide_size)
    for frame in range(frames):
        end = window + frame_end(frame)
        inputs = step_inputs(executor, pcm[end - window : end], emitted, SEED, frame)
        if codes is not None:
            into = frame - BEGIN
            plays = 0 <= into < len(codes)
            code = codes[into : into + 1] if plays else np.zeros_like(codes[:1])
            inputs.guide[:] = blend.step(row, code, np.array([len(codes) - into if plays else 0]))
        emitted = finisher.step(row, executor.step(inputs).motion).packed
        out.append(emitted[0])
    return np.array(out)


def run() -> None:
    executor = EagerExecutor.load(checkpoint_path(DEFAULT), capacity=1)
    table = Table("cue", "without guide", "with guide")
    for name in CUES:
        codes = codes_of(executor, name)
        frames = BEGIN + len(codes) + 2 * RAMP_FRAMES
        middle = slice(len(codes) // 4, len(codes) - len(codes) // 4)
        cells = []
        for wanted in (None, codes):
            found = executor.guide_codes(motion(executor, wanted, frames))[BEGIN : BEGIN + len(codes)]
            cells.append(f"{np.abs(found - codes)[middle].mean():.2f}")
        table.add_row(name, *cells)
    Console().print(table)


if __name__ == "__main__":
    run()
