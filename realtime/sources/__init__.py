"""Where a voice comes from: files and microphones, each a loop that pushes mono float32 until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Push = Callable[[Floats], None]
"""Takes the next samples, [n] float32 mono, -1..1, at the source's rate; the array may be kept, never written to."""


class Source(Protocol):
    """A voice that is pushed in real time, or as fast as it is taken."""

    @property
    def rate(self) -> int:
        """Rate of the pushed samples, Hz."""
        ...

    def run(self, push: Push, stop: Event) -> None:
        """Pushes until the source ends or `stop` is set; blocks the calling thread."""
        ...
