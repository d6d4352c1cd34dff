"""A real `gesturestream serve` in a process of its own: what the benchmarks over sockets talk to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self


class ServerProcess:
    """Starts the server on a free port, waits until it is ready, stops it with the signal Ctrl-C sends."""

    def __init__(
        self,
        *options: str,
        module: tuple[str, ...] = ("gesturestream.cli",),
        ready_within_s: float = 60.0,
        port: int | None = None,
    ) -> None:
        """`module`: what runs in the place of the command, and what it is told first; `port` None: any free one."""
        self.port = free_port() if port is None else port
        self.started_s = time.monotonic()
        command = [sys.executable, "-m", *module, "serve", "--port", str(self.port), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._ready_within_s = ready_within_s

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def wait_ready(self) -> None:
        deadline = self.started_s + self._ready_within_s
        while not self._answers():
            if self.process.poll() is not None:
                assert self.process.stderr is not None
                raise RuntimeError(f"The server ended while starting: {self.process.stderr.read().decode().strip()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"The server was not ready within {self._ready_within_s:g} s")
            time.sleep(0.01)

    def rss_mb(self) -> float:
        """Resident memory of the server, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kilobytes) / 1024

    def cpu_s(self) -> float:
        """CPU time the server has used so far, all threads, s."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_settled(self, within_s: float = 60.0) -> None:
        """Until it has done what it does in the background after its start: codes of cues."""
        deadline_s, used_s = time.monotonic() + within_s, -1.0
        while self.cpu_s() - used_s > 0.02 and time.monotonic() < deadline_s:
            used_s = self.cpu_s()
            time.sleep(1.0)

    def stop(self) -> int:
        self.process.send_signal(2)
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Self:
        self.wait_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def cpu_ms(seconds: float, frames: int) -> float | None:
    """CPU time per frame, ms; None without a frame."""
    return round(1000 * seconds / frames, 3) if frames else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
