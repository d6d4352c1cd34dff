"""Many rows on one card: samples come in, poses go out, everything between stays on the card.

A tick is what a server would do for all its sessions at once: the samples that arrived are put into memory that the
card reads, the windows move on, one step runs, every pose is read back. What was emitted is the next step's input.
Noise is drawn on the card (a server draws it ahead, `realtime/noise_ahead.py`); motion finishing is not part of it.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray

from gesturestream.models.timing import frame_end, frame_start
from gesturestream.realtime.executors.cuda_graph import CudaGraphExecutor

MOST_SAMPLES = 534
"""Of one frame."""


class Rows:
    """`rows` sessions in step."""

    def __init__(self, executor: CudaGraphExecutor, rows: int) -> None:
        device = executor._device
        on_card = device.type == "cuda"
        self.inputs, self.outputs, self._step = executor.static(rows)
        self._arriving = torch.zeros(rows, MOST_SAMPLES, dtype=torch.int16, pin_memory=on_card)
        self._samples = torch.zeros(rows, MOST_SAMPLES, dtype=torch.int16, device=device)
        self._shown = torch.zeros(rows, self.outputs.tensors["motion"].shape[1], pin_memory=on_card)
        self._on_card = on_card
        self._frame = 0
        for name, value in (("active", True), ("audio_present", True), ("intensity", 1.0)):
            self.inputs.tensors[name].fill_(value)
        self.inputs.tensors["speaker"][:, 0] = 1.0

    def tick(self, pcm: NDArray[np.int16]) -> NDArray[np.float32]:
        """[rows, 534] samples, of which the frame takes the first 533 or 534 -> the poses [rows, 489], until the next
        tick."""
        count = frame_end(self._frame) - frame_start(self._frame)
        np.copyto(self._arriving.numpy(), pcm)
        self._samples.copy_(self._arriving, non_blocking=True)
        window, given = self.inputs.tensors["pcm"], self.inputs.tensors
        window.copy_(torch.cat([window[:, count:], self._samples[:, :count].float() / 32768], 1))
        if self._frame:
            given["emitted"].copy_(self.outputs.tensors["motion"])
        given["noise"].normal_()
        self._step()
        self._shown.copy_(self.outputs.tensors["motion"], non_blocking=True)
        if self._on_card:
            torch.cuda.synchronize()
        self._frame += 1
        return self._shown.numpy()


@torch.inference_mode()
def ticks_ms(executor: CudaGraphExecutor, rows: int, voice: NDArray[np.int16], seconds: float) -> list[float]:
    """Times of ticks, ms, for about so long, after ten that warm up. Every row hears `voice` from another place."""
    executor.restart()
    batch, times_ms = Rows(executor, rows), []
    starts = np.random.default_rng(1).integers(0, len(voice) - MOST_SAMPLES, rows)
    until_s, tick = time.perf_counter() + seconds, 0
    while time.perf_counter() < until_s or tick < 15:
        at = (starts + tick * MOST_SAMPLES) % (len(voice) - MOST_SAMPLES)
        pcm = voice[at[:, None] + np.arange(MOST_SAMPLES)]  # as if it had arrived: not part of the tick
        begin_s = time.perf_counter()
        poses = batch.tick(pcm)
        if tick >= 10:
            times_ms.append(1000 * (time.perf_counter() - begin_s))
        tick += 1
    if not np.isfinite(poses).all():
        raise RuntimeError(f"expected finite poses of {rows} rows")
    return times_ms
