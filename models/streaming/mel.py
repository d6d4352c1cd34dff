"""The mel filter bank in numpy: equal to `librosa.filters.mel` (Slaney scale and norm) without its start-up time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LINEAR_STEP_HZ = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_STEP_HZ
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    above = _LOG_FROM_MEL + np.log(np.maximum(hz, 1e-9) / _LOG_FROM_HZ) / _LOG_STEP
    return np.where(hz >= _LOG_FROM_HZ, above, hz / _LINEAR_STEP_HZ)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    above = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.where(mel >= _LOG_FROM_MEL, above, mel * _LINEAR_STEP_HZ)


def mel_filters(rate_hz: int, n_fft: int, bands: int) -> NDArray[np.float64]:
    """[bands, n_fft // 2 + 1] triangles of equal area from 0 to rate/2."""
    edges = mel_to_hz(np.linspace(0.0, float(hz_to_mel(np.array(rate_hz / 2.0))), bands + 2))
    bins = np.linspace(0.0, rate_hz / 2.0, n_fft // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]
