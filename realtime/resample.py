"""Live resampling to the engine's rate: a short causal filter, exact phases, the same bits for any chunking.

Kaiser-windowed sinc of 4 ms, linear phase: it sees 2 ms on either side of a sample (`delay_s`). What is recorded waits
for them, and every sample stands at its time: frames and marks mean the same at every rate. What is live does not wait
(`lag`): everything due is given out at once, heard 2 ms late. Waiting would cost more than 2 ms: a frame that ends with
a chunk of 10 ms would have to wait for the next chunk. Measured with tones
(tests/realtime/test_resample.py does it again): at least 63 dB of attenuation above the lower Nyquist frequency,
pass-band ripple below 0.02 dB up to 0.9 kHz short of it (7.1 of 8 kHz from 44.1, 48 and 96 kHz). 10 ms of 48 kHz take
0.03 ms on one core.
Files take soxr (`sources/files.py`), which is flatter and sharper but holds back 21-37 ms.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gesturestream.models.motion import SAMPLE_RATE

Floats = NDArray[np.float32]

RATES_HZ = (8_000, 192_000)
"""Lowest and highest rate that is taken."""
DELAY_S = 0.002
STOPBAND_DB = 60.0
MAX_COEFFICIENTS = 2**18
"""Bounds a filter bank to 1 MB. Rates without a common measure (44,101 Hz) would have 16000 phases: the next lower of
those that fit is taken, and the noise of that is below -70 dB."""
BLOCK = 2048
"""Outputs computed at once: bounds the gathered windows to a few MB however long the chunk."""


class CausalResampler:
    """Turns a stream at `rate_in` into one at `rate_out`; holds the last 4 ms and the exact phase.

    n input samples and a flush give exactly ceil(n * rate_out / rate_in), after hours too: output j sits at input
    position j * rate_in / rate_out in integer arithmetic. A NaN sample is heard for 4 ms and leaves no trace.
    With `lag` the count is exact after every chunk, without a flush, and the sound `delay_s` late.
    """

    def __init__(self, rate_in: int, rate_out: int = SAMPLE_RATE, *, lag: bool = False) -> None:
        for rate in (rate_in, rate_out):
            if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
                raise ValueError(f"expected a sample rate of {RATES_HZ[0]}..{RATES_HZ[1]} Hz, got {rate}")
        self.rate_in, self.rate_out, self.lag = rate_in, rate_out, lag
        common = gcd(rate_in, rate_out)
        self._step, self._phases = rate_in // common, rate_out // common
        self._bank = _filter_bank(rate_in, rate_out)
        self._taps: int = self._bank.shape[1]
        self._past: Floats
        self._position: int  # of the next output's newest input, from `_past`'s sample taps - 1 on, in 1/phases
        self._restart()

    @property
    def passes(self) -> bool:
        """At equal rates everything comes out as it went in, at once."""
        return self.rate_in == self.rate_out

    @property
    def delay_s(self) -> float:
        """How long an output is held back (with `lag`: how late it sounds), s: 0 at equal rates, else up to 0.002."""
        return 0.0 if self.rate_in == self.rate_out else self._taps / 2 / self.rate_in

    def process(self, pcm: Floats) -> Floats:
        """The samples that become due with `pcm` ([n] float32 at `rate_in`): [m] float32 at `rate_out`."""
        pcm = np.asarray(pcm, np.float32)
        if pcm.ndim != 1:
            raise ValueError(f"expected mono samples [n], got shape {list(pcm.shape)}")
        if self.rate_in == self.rate_out:
            return pcm
        self._past = np.concatenate((self._past, pcm))
        out = self._filter(self._due())
        self._forget()
        return out

    def flush(self) -> Floats:
        """The last 2 ms, held back until now (with `lag`: nothing); afterwards the resampler is as new."""
        held_back = self.delay_s and not self.lag
        tail = self.process(np.zeros(self._taps // 2, np.float32)) if held_back else np.zeros(0, np.float32)
        self._restart()
        return tail

    def _restart(self) -> None:
        self._past = np.zeros(self._taps - 1, np.float32)
        self._position = 0 if self.lag else self._taps // 2 * self._phases

    def _due(self) -> int:
        """How many outputs the samples at hand allow: those whose newest input sample has arrived."""
        fresh = len(self._past) - (self._taps - 1)
        return max(0, -((self._position - fresh * self._phases) // self._step))

    def _filter(self, count: int) -> Floats:
        out = np.empty(count, np.float32)
        for start in range(0, count, BLOCK):
            block = out[start : start + BLOCK]
            self._filter_block(block)
            self._position += len(block) * self._step
        return out

    def _filter_block(self, out: Floats) -> None:
        positions = self._position + np.arange(len(out), dtype=np.int64) * self._step
        newest, phase = np.divmod(positions, self._phases)
        row = phase * len(self._bank) // self._phases
        (stride,) = self._past.strides
        windows = as_strided(self._past, (len(self._past) - self._taps + 1, self._taps), (stride, stride))
        # einsum and not matmul: BLAS sums in an order that depends on how many rows it is given.
        np.einsum("nk,nk->n", windows[newest], self._bank[row], out=out)

    def _forget(self) -> None:
        used = min(self._position // self._phases, len(self._past) - (self._taps - 1))
        self._past = self._past[used:]
        self._position -= used * self._phases


@lru_cache(maxsize=16)
def _filter_bank(rate_in: int, rate_out: int) -> Floats:
    """Polyphase bank [phases, taps], oldest tap first; every phase has unit gain at 0 Hz."""
    taps = 2 * int(DELAY_S * rate_in)
    phases = min(rate_out // gcd(rate_in, rate_out), MAX_COEFFICIENTS // taps)
    transition_hz = (STOPBAND_DB - 8) / (2.285 * 2 * np.pi * 2 * DELAY_S)  # Kaiser's formula for this length
    cutoff = (min(rate_in, rate_out) - transition_hz) / rate_in  # of the input's Nyquist frequency
    age = np.arange(taps)[::-1] + np.arange(phases)[:, None] / phases  # of each tap, input samples
    time = age - taps / 2
    window = np.i0(0.1102 * (STOPBAND_DB - 8.7) * np.sqrt(np.clip(1 - (2 * time / taps) ** 2, 0, 1)))
    kernel = np.sinc(cutoff * time) * window
    bank: Floats = (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
    bank.setflags(write=False)
    return bank
