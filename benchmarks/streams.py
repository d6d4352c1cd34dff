"""How many live avatars a machine carries: N sessions over real sockets, each spoken to at paced speed.

    python -m benchmarks.streams --counts 16 32 64

The server runs in its own process, the N clients share this one; both compete for the same cores.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks import machine
from benchmarks.client import Refused, Speech, open_avatar, sound_to_motion_ms, speak_together
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


async def measure(server: ServerProcess, count: int, seconds: float, generator: str | None) -> dict[str, Any]:
    """One measurement with `count` avatars, staggered over a frame so that they are not in step."""
    start = {} if generator is None else {"generator": generator}
    async with AsyncExitStack() as stack:
        avatars = []
        for seed in range(count):
            with suppress(Refused):
                avatars.append(await stack.enter_async_context(open_avatar(server.url, rate=RATE, seed=seed, **start)))
        voices = [speech_with_clicks(seconds, RATE, seed, per_second=4.0) for seed in range(len(avatars))]
        begin_s = time.monotonic() + 0.5
        speeches = [
            Speech(avatar=avatar, pcm=pcm, start_s=begin_s + index / count / 30)
            for index, (avatar, (pcm, _)) in enumerate(zip(avatars, voices))
        ]
        await asyncio.sleep(0.4)
        used_s, own_s, wall_s = server.cpu_s(), time.process_time(), time.monotonic()
        await speak_together(speeches, RATE)
        used_s, own_s, wall_s = server.cpu_s() - used_s, time.process_time() - own_s, time.monotonic() - wall_s
        await asyncio.sleep(0.15)
        latencies = [
            latency
            for speech, (_, clicks) in zip(speeches, voices)
            for latency in sound_to_motion_ms(clicks, RATE, speech.start_s, speech.avatar.arrivals, skip_s=2.0)
        ]
        arrivals = [avatar.arrivals for avatar in avatars]
    return {
        "avatars": count,
        "refused": count - len(avatars),
        **machine.summary(latencies),
        "frames": sum(len(one.frames) for one in arrivals),
        "lost": sum(one.missing for one in arrivals),
        "overruns": sum(len(one.named("overrun")) for one in arrivals),
        "cores": {"server": round(used_s / wall_s, 2), "client": round(own_s / wall_s, 2)},
    }


def run(options: Streams) -> None:
    results = []
    columns = ("avatars", "refused", "p50_ms", "p99_ms", "max_ms", "frames", "lost", "cores")
    print(*(f"{column:>9}" for column in columns))
    with ServerProcess("--max-sessions", str(max(options.counts)), "--executor", options.executor) as server:
        server.wait_settled()
        for count in options.counts:
            row = asyncio.run(measure(server, count, options.seconds, options.generator))
            results.append(row)
            cores = "+".join(str(value) for value in row["cores"].values())
            print(*(f"{value if value is not None else '-':>9}" for value in (*map(row.get, columns[:-1]), cores)))
    print(
        "written to",
        machine.write_result("streams", {"executor": options.executor, "streams": results}, options.output),
    )


if __name__ == "__main__":
    run(tyro.cli(Streams))
