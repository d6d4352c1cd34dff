"""Many avatars for a long time over real sockets: does anything grow, get late, or get lost, minute by minute?

    python -m benchmarks.endurance --avatars 64 --minutes 10

When all are seated one more asks for a place, and must be refused at once while the others go on.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks import machine
from benchmarks.client import Avatar, Refused, Speech, open_avatar, sound_to_motion_ms, speak_together
from benchmarks.server import ServerProcess
from benchmarks.soak import growth
from benchmarks.voice import speech_with_clicks
from gesturestream.realtime.executors.choose import Wanted

RATE = 16000
MINUTE_S = 60


@dataclass(frozen=True, kw_only=True)
class Endurance:
    """Live avatars for minutes."""

    avatars: int = 64
    """At once."""
    minutes: int = 10
    """How long."""
    minute_s: float = MINUTE_S
    """Length of what is spoken over and over; shorter for a try."""
    generator: str | None = None
    """None: the server's default."""
    executor: Wanted = "auto"
    """Of the server."""
    output: Path = machine.RESULTS
    """Folder the JSON and the plot are written to."""


async def stream(server: ServerProcess, options: Endurance) -> list[dict[str, Any]]:
    """A row for every minute, after the first one, in which everything settles."""
    start = {} if options.generator is None else {"generator": options.generator}
    rows = []
    async with AsyncExitStack() as stack:
        avatars = [
            await stack.enter_async_context(open_avatar(server.url, rate=RATE, seed=seed, **start))
            for seed in range(options.avatars)
        ]
        refusal_ms = await refused_ms(server, start)
        voices = [speech_with_clicks(options.minute_s, RATE, seed, per_second=2.0) for seed in range(options.avatars)]
        begin_s = time.monotonic() + 0.5
        starts_s = [begin_s + index / options.avatars / 30 for index in range(options.avatars)]
        for minute in range(options.minutes + 1):
            used_s, wall_s = server.cpu_s(), time.monotonic()
            shift_s = minute * options.minute_s
            told = zip(avatars, voices, starts_s)
            await speak_together([Speech(avatar=a, pcm=v[0], start_s=s + shift_s) for a, v, s in told], RATE)
            cores = (server.cpu_s() - used_s) / (time.monotonic() - wall_s)
            await asyncio.sleep(0.15)  # the last frames are on their way
            late = [
                latency
                for avatar, (_, clicks), start_s in zip(avatars, voices, starts_s)
                for latency in latencies_ms(avatar, clicks, start_s, round(shift_s * RATE))
            ]
            if minute:
                rows.append(row(minute, late, avatars, server, cores) | {"refusal_ms": refusal_ms})
                print(rows[-1], flush=True)
    return rows


def latencies_ms(avatar: Avatar, clicks: Any, start_s: float, shift: int) -> list[float]:
    """Of the clicks of one minute, which begins `shift` samples after the stream did."""
    return sound_to_motion_ms(clicks + shift, RATE, start_s, avatar.arrivals, skip_s=2.0)


async def refused_ms(server: ServerProcess, start: dict[str, Any]) -> float | None:
    """How long it takes to be told that there is no room; None: there was."""
    begin_s = time.monotonic()
    try:
        async with open_avatar(server.url, rate=RATE, **start):
            return None
    except Refused:
        return round(1000 * (time.monotonic() - begin_s), 1)


def row(minute: int, late: list[float], avatars: list[Avatar], server: ServerProcess, cores: float) -> dict[str, Any]:
    arrivals = [avatar.arrivals for avatar in avatars]
    return {
        "minute": minute,
        **machine.summary(late),
        "frames": sum(len(one.frames) for one in arrivals),
        "lost": sum(one.missing for one in arrivals),
        "overruns": sum(len(one.named("overrun")) for one in arrivals),
        "rss_mb": round(server.rss_mb(), 1),
        "server_cores": round(cores, 2),
    }


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Latency above, memory below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 4.5), sharex=True, layout="constrained")
    minutes = [one["minute"] for one in rows]
    for name, style in (("p50_ms", "o-"), ("p99_ms", "^-")):
        above.plot(minutes, [np.nan if one[name] is None else one[name] for one in rows], style, label=name[:3])
    above.axhline(110, color="0.6", linewidth=1, linestyle="--")
    above.set_ylabel("sound to motion, ms")
    above.legend(frameon=False)
    below.plot(minutes, [one["rss_mb"] for one in rows], "s-", color="C2")
    below.set_ylabel("server's memory, MB")
    below.set_xlabel("minute")
    for axes in (above, below):
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def run(options: Endurance) -> None:
    with ServerProcess("--max-sessions", str(options.avatars), "--executor", options.executor) as server:
        server.wait_settled()
        rows = asyncio.run(stream(server, options))
    memory = growth([one["rss_mb"] for one in rows])
    result = {"executor": options.executor, "avatars": options.avatars, "minutes": rows, **memory}
    print("written to", machine.write_result("endurance", result, options.output), memory)
    try:
        draw(rows, options.output / "endurance.png")
    except ModuleNotFoundError as missing:
        print(f"no plot: {missing}")


if __name__ == "__main__":
    run(tyro.cli(Endurance))
