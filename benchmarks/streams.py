"""How many live avatars a machine carries: N sessions over real sockets, each spoken to at paced speed.

    python -m benchmarks.streams --counts 16 32 64

The server runs in its own process, the N clients share this one; both compete for the same cores.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks import machine
from benchmarks.client import Avatar, open_avatar, sound_to_motion_ms, speak
from benchmarks.server import ServerProcess
from benchmarks.voice import speech_with_clicks
from gesturestream.realtime.executors.choose import Wanted

RATE = 16000


@dataclass(frozen=True, kw_only=True)
class Streams:
    """N live avatars over real sockets: sound to motion p99 and lost frames."""

    counts: tuple[int, ...] = (1, 8, 16, 32, 64)
    """How many avatars at once, one measurement each."""
    seconds: float = 15.0
    """How long each measurement speaks."""
    generator: str | None = None
    """None: the server's default."""
    executor: Wanted = "auto"
    """Of the server."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


async def measure(url: str, count: int, seconds: float, generator: str | None) -> dict[str, Any]:
    """One measurement with `count` avatars, staggered over a frame so that they are not in step."""
    start = {} if generator is None else {"generator": generator}
    async with AsyncExitStack() as stack:
        avatars = [
            await stack.enter_async_context(open_avatar(url, rate=RATE, seed=seed, **start)) for seed in range(count)
        ]
        begin_s = time.monotonic() + 0.5
        starts = [begin_s + index / count / 30 for index in range(count)]
        rows = await asyncio.gather(*(_one(a, s, seconds, seed) for seed, (a, s) in enumerate(zip(avatars, starts))))
    latencies = [latency for row, _, _ in rows for latency in row]
    return {
        "avatars": count,
        **machine.summary(latencies),
        "frames": sum(frames for _, frames, _ in rows),
        "lost": sum(missing for _, _, missing in rows),
    }


async def _one(avatar: Avatar, start_s: float, seconds: float, seed: int) -> tuple[list[float], int, int]:
    pcm, clicks = speech_with_clicks(seconds, RATE, seed, per_second=4.0)
    await speak(avatar, pcm, RATE, start_s)
    await asyncio.sleep(0.15)
    latencies = sound_to_motion_ms(clicks, RATE, start_s, avatar.arrivals, skip_s=2.0)
    return latencies, len(avatar.arrivals.frames), avatar.arrivals.missing


def run(options: Streams) -> None:
    results = []
    print(f"{'avatars':>8} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'frames':>8} {'lost':>6}")
    with ServerProcess("--max-sessions", str(max(options.counts)), "--executor", options.executor) as server:
        for count in options.counts:
            row = asyncio.run(measure(server.url, count, options.seconds, options.generator))
            results.append(row)
            print(
                f"{count:8d} {row['p50_ms']:8.1f} {row['p99_ms']:8.1f} {row['max_ms']:8.1f}"
                f" {row['frames']:8d} {row['lost']:6d}"
            )
    print(
        "written to",
        machine.write_result("streams", {"executor": options.executor, "streams": results}, options.output),
    )


if __name__ == "__main__":
    run(tyro.cli(Streams))
