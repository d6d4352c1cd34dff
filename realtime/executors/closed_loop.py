"""One session stepped without an engine: what the generator says is the next step's last emitted pose."""

from __future__ import annotations

import numpy as np

from gesturestream.models.noise import normals
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import Executor, Floats, neutral_inputs


def closed_loop(
    executor: Executor,
    pcm: Floats,
    frames: int,
    *,
    lookahead: int = 0,
    seed: int = 1,
    history: Floats | None = None,
) -> Floats:
    """Motion [frames, 489] to a voice [n] at 16 kHz; a voice that is shorter is followed by silence.

    history: what another executor said [frames, 489], shown in the place of what this one says. State and rounding are
    compared step by step then; left to themselves two executors part in the end, as any two roundings do.
    """
    window = executor.info.window_samples
    padded = np.concatenate([np.zeros(window, np.float32), pcm, np.zeros(frame_end(frames + lookahead), np.float32)])
    motion: list[Floats] = []
    for k in range(frames + lookahead):
        inputs = neutral_inputs(executor.info, 1)
        inputs.pcm[0] = padded[frame_end(k) : frame_end(k) + window]
        inputs.noise[0] = normals(np.array([seed], np.uint64), np.array([k]), executor.info.noise_size)[0]
        inputs.lookahead[0], inputs.reset[0] = lookahead, k == 0
        if motion:
            inputs.emitted[0] = motion[-1] if history is None else history[len(motion) - 1]
        outputs = executor.step(inputs)
        if outputs.valid[0]:
            motion.append(outputs.motion[0])
    return np.stack(motion)
