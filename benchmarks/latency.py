"""How fast one step is and how long a sound takes to become motion (docs/streaming-contract.md, protocol).

    python -m benchmarks.latency             or     gesturestream bench latency

Three tables: one step per emitted frame (batch 1, one CPU thread), sound to motion over a real socket at paced speed,
and the time from starting the server to the first frame.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.client import open_avatar, sleep_until, sound_to_motion_ms, speak
from benchmarks.server import ServerProcess
from benchmarks.steps import measure_steps
from benchmarks.voice import speech_with_clicks
from gesturestream.realtime.executors.choose import Wanted


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Step time, sound to motion and cold start."""

    runs: int = 5
    """How often each measurement is repeated."""
    seconds: float = 20.0
    """How long each run over the socket speaks."""
    frames: int = 600
    """Frames each run of steps generates."""
    generator: str | None = None
    """None: every generator for steps, the server's default over the socket."""
    executor: Wanted = "auto"
    """Of the server; steps are measured on this one, in `auto` on every one there is."""
    rates: tuple[int, ...] = (16000, 48000)
    """Sample rates the client sends, Hz."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


async def sound_to_motion(url: str, rate: int, seconds: float, seed: int, generator: str | None) -> dict[str, Any]:
    """One run: clicks at random instants of paced speech, one session, look-ahead 0."""
    pcm, clicks = speech_with_clicks(seconds, rate, seed)
    start = {} if generator is None else {"generator": generator}
    async with open_avatar(url, rate=rate, seed=seed, **start) as avatar:
        start_s = time.monotonic() + 0.1
        await speak(avatar, pcm, rate, start_s)
        await asyncio.sleep(0.1)
        arrivals = avatar.arrivals
    latencies = sound_to_motion_ms(clicks, rate, start_s, arrivals)
    return {"latencies": latencies, "lost": arrivals.missing, "overruns": len(arrivals.named("overrun"))}


async def first_frame(server: ServerProcess) -> float:
    """Seconds from starting the server's process to the first frame a client receives."""
    await asyncio.to_thread(server.wait_ready)
    async with open_avatar(server.url, rate=16000) as avatar:
        await speak(avatar, np.zeros(1600, np.int16), 16000, time.monotonic())
        async with asyncio.timeout(60):
            while not avatar.arrivals.frames:
                await sleep_until(time.monotonic() + 0.001)
        return avatar.arrivals.frames[0][1] - server.started_s


def measure_sound_to_motion(options: Latency) -> list[dict[str, Any]]:
    rows = []
    with ServerProcess("--executor", options.executor) as server:
        server.wait_settled()
        for rate in options.rates:
            measured = [
                asyncio.run(sound_to_motion(server.url, rate, options.seconds, seed, options.generator))
                for seed in range(options.runs)
            ]
            medians = [float(np.median(run["latencies"])) for run in measured if run["latencies"]]
            rows.append(
                {
                    "rate_hz": rate,
                    **machine.summary([latency for run in measured for latency in run["latencies"]]),
                    "run_medians_ms": [round(median, 2) for median in medians],
                    "lost": sum(run["lost"] for run in measured),
                    "overruns": sum(run["overruns"] for run in measured),
                }
            )
    return rows


def measure_cold_start(runs: int, executor: Wanted) -> dict[str, Any]:
    seconds = []
    for _ in range(runs):
        server = ServerProcess("--executor", executor)
        try:
            seconds.append(round(asyncio.run(first_frame(server)), 3))
        finally:
            server.stop()
    return {"median_s": float(np.median(seconds)), "runs_s": seconds}


def table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Table:
    out = Table(title=title, title_justify="left")
    for column in columns:
        out.add_column(column, justify="right" if isinstance(rows[0].get(column), int | float) else "left")
    for row in rows:
        out.add_row(*(str(row.get(column, "")) for column in columns))
    return out


def run(options: Latency) -> None:
    console = Console()
    steps = measure_steps(options.generator, options.runs, options.frames, options.executor)
    console.print(
        table(
            "one step, batch 1, one CPU thread", steps, ("generator", "executor", "part", "p50_ms", "p99_ms", "max_ms")
        )
    )
    sound = measure_sound_to_motion(options)
    console.print(
        table(
            "sound to motion, one session",
            sound,
            ("rate_hz", "count", "p50_ms", "p99_ms", "max_ms", "lost", "overruns"),
        )
    )
    cold = measure_cold_start(min(options.runs, 3), options.executor)
    console.print(f"cold start to first frame: median {cold['median_s']:.2f} s of {cold['runs_s']}")
    result = {"executor": options.executor, "step": steps, "sound_to_motion": sound, "cold_start": cold}
    console.print("written to", str(machine.write_result("latency", result, options.output)))


if __name__ == "__main__":
    run(tyro.cli(Latency))
