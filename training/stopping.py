"""Being asked to stop: the first Ctrl-C or SIGTERM is noted and the run ends after its step; the second one kills."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """A run that was asked to stop and has saved its state."""

    def __init__(self, step: int, folder: Path) -> None:
        super().__init__(f"stopped after step {step}; saved in {folder}: the same command goes on from there")
        self.step, self.folder = step, folder


class StopSignals:
    """A context in which `asked` turns true at the first signal. Outside the main thread nothing is caught."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
