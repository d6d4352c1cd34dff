"""Several arrays in one piece of memory, so that one transfer brings all of them to a graphics card, or back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

_ALIGNMENT = 256
"""Bytes: every array begins where a GPU reads well."""


class Packed:
    """Tensors of given shapes side by side in one buffer, on the host and on a device."""

    def __init__(self, like: Mapping[str, np.ndarray], device: torch.device) -> None:
        """`like`: arrays whose shapes and types are taken. Everything is zero."""
        places, size = {}, 0
        for name, array in like.items():
            places[name] = slice(size, size + array.nbytes)
            size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        self._there = torch.zeros(size, dtype=torch.uint8, device=device)
        self._here = torch.zeros(size, dtype=torch.uint8, pin_memory=device.type == "cuda")
        self.tensors = {name: _view(self._there, places[name], array) for name, array in like.items()}
        """On the device."""
        self.arrays = {name: _view(self._here, places[name], array).numpy() for name, array in like.items()}
        """On the host; where there is a card, in memory that it reads by itself."""

    def send(self) -> None:
        """Host to device, in the device's own time."""
        self._there.copy_(self._here, non_blocking=True)

    def fetch(self) -> None:
        """Device to host; returns when everything is there."""
        self._here.copy_(self._there, non_blocking=True)
        if self._there.is_cuda:
            torch.cuda.current_stream().synchronize()


def _view(buffer: Tensor, place: slice, like: np.ndarray) -> Tensor:
    dtype = getattr(torch, like.dtype.name)
    return buffer[place].view(dtype).view(like.shape)
