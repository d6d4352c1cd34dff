"""Endurance: half an hour of speech streamed through a real server at ten times speed, its memory watched.

python -m benchmarks.soak --minutes 30 --speed 10
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks import machine
from benchmarks.client import FPS, Avatar, open_avatar, speak
from benchmarks.server import ServerProcess
from benchmarks.voice import speech

RATE = 16000


@dataclass(frozen=True, kw_only=True)
class Soak:
    """Streams for a long time and watches the server's memory."""

    minutes: float = 30.0
    """Media time."""
    speed: float = 10.0
    """Times real time; mode `offline`."""
    generator: str | None = None
    """None: the server's default."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


async def stream(server: ServerProcess, options: Soak) -> dict[str, Any]:
    """Streams minute by minute; resident memory is read after each."""
    start = {} if options.generator is None else {"generator": options.generator}
    minute = (speech(60, RATE) * 32767).astype(np.int16)
    memory_mb: list[float] = []
    async with open_avatar(server.url, rate=RATE, mode="offline", seed=1, **start) as avatar:
        begin_s = time.monotonic()
        for index in range(round(options.minutes)):
            await speak(avatar, minute, RATE, begin_s + 60 * index / options.speed, speed=options.speed)
            memory_mb.append(round(server.rss_mb(), 1))
            print(f"minute {index + 1:3d}: {memory_mb[-1]:7.1f} MB, {len(avatar.arrivals.frames)} frames", flush=True)
        frames = await _finish(avatar)
        wall_s = time.monotonic() - begin_s
    return {
        "minutes": len(memory_mb),
        "wall_s": round(wall_s, 1),
        "frames": frames,
        "frames_expected": 60 * FPS * len(memory_mb),
        "missing": avatar.arrivals.missing,
        "rss_mb": memory_mb,
        **growth(memory_mb),
    }


async def _finish(avatar: Avatar) -> int:
    await avatar.socket.send(json.dumps({"type": "end"}))
    await asyncio.wait_for(avatar.arrivals.ended.wait(), 30)
    return len(avatar.arrivals.frames)


def growth(memory_mb: list[float]) -> dict[str, float]:
    """Slope of a line through the second half (MB a media minute) and its difference from end to end, MB."""
    settled = np.array(memory_mb[len(memory_mb) // 2 :])
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) if len(settled) > 1 else 0.0
    return {"mb_per_minute": round(slope, 4), "growth_mb": round(float(settled[-1] - settled[0]), 2)}


def run(options: Soak) -> None:
    with ServerProcess() as server:
        result = asyncio.run(stream(server, options))
    print({name: value for name, value in result.items() if name != "rss_mb"})
    print("written to", machine.write_result("soak", result, options.output))


if __name__ == "__main__":
    run(tyro.cli(Soak))
