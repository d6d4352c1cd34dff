"""Endurance: half an hour of speech streamed through a real server as fast as it goes, its memory watched.

python -m benchmarks.soak --minutes 30
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks import machine
from benchmarks.client import FPS, Avatar, open_avatar, speak
from benchmarks.server import ServerProcess, cpu_ms
from benchmarks.voice import speech
from gesturestream.realtime.executors.choose import Wanted

RATE = 16000
CHUNK_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Soak:
    """Streams for a long time and watches the server's memory."""

    minutes: float = 30.0
    """Media time."""
    speed: float = math.inf
    """Not faster than so many times real time; mode `offline`."""
    generator: str | None = None
    """None: the server's default."""
    executor: Wanted = "auto"
    """Of the server."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


async def stream(server: ServerProcess, options: Soak) -> dict[str, Any]:
    """Streams minute by minute; resident memory is read after each."""
    start = {} if options.generator is None else {"generator": options.generator}
    minute = (speech(60, RATE) * 32767).astype(np.int16)
    memory_mb: list[float] = []
    async with open_avatar(server.url, rate=RATE, mode="offline", seed=1, **start) as avatar:
        begin_s, used_s, own_s = time.monotonic(), server.cpu_s(), time.process_time()
        for index in range(round(options.minutes)):
            start_s = begin_s + 60 * index / options.speed
            await speak(avatar, minute, RATE, start_s, speed=options.speed, chunk_s=CHUNK_S)
            memory_mb.append(round(server.rss_mb(), 1))
            print(f"minute {index + 1:3d}: {memory_mb[-1]:7.1f} MB, {len(avatar.arrivals.frames)} frames", flush=True)
        frames = await _finish(avatar)
        wall_s, used_s = time.monotonic() - begin_s, server.cpu_s() - used_s
        own_s = time.process_time() - own_s
    return {
        "minutes": len(memory_mb),
        "wall_s": round(wall_s, 1),
        "times_real_time": round(frames / FPS / wall_s, 2),
        "cpu_ms_per_frame": {"server": cpu_ms(used_s, frames), "client": cpu_ms(own_s, frames)},
        "speed_limit": options.speed if math.isfinite(options.speed) else None,
        "frames": frames,
        "frames_expected": 60 * FPS * len(memory_mb),
        "missing": avatar.arrivals.missing,
        "rss_mb": memory_mb,
        **growth(memory_mb),
    }


async def _finish(avatar: Avatar) -> int:
    avatar.say(type="end")
    await asyncio.wait_for(avatar.wire.closed.wait(), 60)
    return len(avatar.arrivals.frames)


def growth(memory_mb: list[float]) -> dict[str, float]:
    """Slope of a line through the second half (MB a media minute) and its difference from end to end, MB."""
    settled = np.array(memory_mb[len(memory_mb) // 2 :])
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) if len(settled) > 1 else 0.0
    return {"mb_per_minute": round(slope, 4), "growth_mb": round(float(settled[-1] - settled[0]), 2)}


def run(options: Soak) -> None:
    with ServerProcess("--executor", options.executor) as server:
        server.wait_settled()
        result = asyncio.run(stream(server, options))
    print(f"{result['times_real_time']:.1f} times real time")
    print({name: value for name, value in result.items() if name != "rss_mb"})
    print("written to", machine.write_result("soak", {"executor": options.executor, **result}, options.output))


if __name__ == "__main__":
    run(tyro.cli(Soak))
