"""Features of whole clips, exactly as the stream computes them: the normaliser is run frame by frame, once."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gesturestream.models.streaming import level
from gesturestream.models.streaming.features import WINDOW_SAMPLES, Heard, LogMel
from gesturestream.models.timing import frame_end, frames_covering

Floats = NDArray[np.float32]


def frame_windows(pcm: Floats) -> Tensor:
    """[n] samples -> [T, 1024] right-aligned windows, zeros before the first sample and after the last."""
    frames = frames_covering(len(pcm))
    padded = np.zeros(WINDOW_SAMPLES + frame_end(frames - 1), np.float32)
    padded[WINDOW_SAMPLES : WINDOW_SAMPLES + len(pcm)] = pcm
    ends = np.array([frame_end(k) for k in range(frames)])
    return torch.from_numpy(padded[ends[:, None] + np.arange(WINDOW_SAMPLES)])


@torch.inference_mode()
def clip_features(clips: list[Floats]) -> list[Floats]:
    """Normalised features [T_i, 68] of several clips at once, each from a new normaliser."""
    mel = LogMel()
    heard = [mel(frame_windows(pcm)) for pcm in clips]
    longest = max(len(h.level_db) for h in heard)
    batch = Heard(*(torch.stack([_pad(part, longest) for part in parts]) for parts in zip(*heard)))
    state, out = level.init_state(len(clips)), []
    for t in range(longest):
        features, state = level.normalize(Heard(*(part[:, t] for part in batch)), state)
        out.append(features)
    stacked = torch.stack(out, 1).numpy()
    return [stacked[i, : len(h.level_db)] for i, h in enumerate(heard)]


def _pad(part: Tensor, length: int) -> Tensor:
    return torch.cat([part, part[-1:].expand(length - len(part), *part.shape[1:])])


def as_recorded(pcm: Floats, generator: np.random.Generator) -> Floats:
    """The same voice through another microphone: another gain, a background, a tilted spectrum."""
    tilt = generator.uniform(-0.45, 0.45)
    out = pcm + tilt * np.concatenate([[0.0], pcm[:-1]])
    speech_rms = float(np.sqrt(np.mean(np.square(out)))) + 1e-6
    snr_db = generator.uniform(18.0, 50.0)
    noise = generator.standard_normal(len(pcm))
    if generator.random() < 0.5:  # a hum or a fan rather than hiss
        noise = np.convolve(noise, np.full(24, 1 / np.sqrt(24)), "same")
    out = out + noise * speech_rms * 10 ** (-snr_db / 20)
    return np.clip(out * 10 ** (generator.uniform(-20.0, 6.0) / 20), -1.0, 1.0).astype(np.float32)
