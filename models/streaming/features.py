"""What is heard in one frame: log-mel, level, onset strength, all from one right-aligned window of raw samples.

Nothing here has memory and nothing looks ahead: each window ends where its frame ends and is transformed from
scratch, the DFT as a matrix product, so that any runtime that can run the graph needs only PCM.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.models.streaming.mel import mel_filters

N_FFT = 512
HOP = 256
COLUMNS = 3
WINDOW_SAMPLES = N_FFT + HOP * (COLUMNS - 1)
"""1024: two and a half columns per frame, so that every sample of the frame lies under a window."""
BANDS = 64
FLOOR_DB = -100.0


class Heard(NamedTuple):
    """Features of one frame, before level normalisation."""

    mel_db: Tensor  # [B, 64] log-mel power of the newest column, dB
    level_db: Tensor  # [B] mean power of the window's newest 534 samples, dB below full scale
    peak: Tensor  # [B] amplitude: largest |sample| of the same samples, 0..1
    onset: Tensor  # [B] onset strength (rise of the log-mel spectrum), mean dB per band, summed over the columns


class LogMel(nn.Module):
    """Raw samples [B, 1024] to `Heard`; equals librosa with center=False, ref=1.0, top_db=None."""

    fourier: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        n, k = np.arange(N_FFT), np.arange(N_FFT // 2 + 1)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * n / N_FFT)
        angle = 2 * np.pi * np.outer(n, k) / N_FFT
        self._constant("fourier", window[:, None] * np.concatenate([np.cos(angle), np.sin(angle)], 1))
        self._constant("filters", mel_filters(SAMPLE_RATE, N_FFT, BANDS).T)

    def _constant(self, name: str, value: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(value).float(), persistent=False)

    def columns_db(self, pcm: Tensor) -> Tensor:
        """[B, W] -> [B, columns, 64] log-mel, dB; the last column ends with the window."""
        # copied into rows first: matmul on overlapping views falls back to a batch of small products
        frames = pcm.unfold(1, N_FFT, HOP).reshape(-1, N_FFT)
        real, imaginary = (frames @ self.fourier).chunk(2, -1)
        mel = (real.square() + imaginary.square()) @ self.filters
        return 10.0 * torch.log10(mel.clamp_min(1e-10)).view(pcm.shape[0], -1, BANDS)

    def forward(self, pcm: Tensor) -> Heard:
        pcm = clean(pcm)
        columns = self.columns_db(pcm)
        onset = (columns[:, 1:] - columns[:, :-1]).clamp_min(0.0).mean(-1).sum(-1)
        newest = pcm[:, -534:]
        level = 10.0 * torch.log10(newest.square().mean(-1).clamp_min(10 ** (FLOOR_DB / 10)))
        return Heard(columns[:, -1], level, newest.abs().amax(-1), onset)


def clean(pcm: Tensor) -> Tensor:
    """Samples as they must be: finite and within -1..1; NaN and infinities become silence."""
    return torch.where(pcm.isfinite(), pcm, 0.0).clamp(-1.0, 1.0)
