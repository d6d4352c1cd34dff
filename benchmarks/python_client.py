"""What the Python client shows, directly and behind a bad network (docs/python-client.md).

    python -m benchmarks.python_client

A server of its own, a voice sent in real time, a reader that takes every frame and a renderer that asks for the pose 60
times a second; then the same through the conformance kit's proxy: 0-50 ms late both ways, and for 2 % of the time
nothing passes for 300 ms.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.client import sleep_until
from benchmarks.server import ServerProcess
from gesturestream.bridge.client import Avatar, Frame, connect
from gesturestream.models.body.rotations import angle_between
from gesturestream.realtime.sources.files import demo_speech_path, read_audio

PICTURES_PER_S = 60
WARM_UP_S = 2.0
MOVING_RAD_S = 0.5
"""Joints whose fastest moment is slower are left out of the ratio: rounding would decide it."""
BACK_S = 0.05
"""A delay is back when it is so near to its median."""


@dataclass(frozen=True, kw_only=True)
class PythonClient:
    """Delay, underruns and smoothness of the Python client."""

    seconds: float = 60.0
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


@dataclass
class Seen:
    """What one run received and drew."""

    frames: list[Frame]
    ages_s: list[float]
    """Of each frame as it is given out: our time less when the server made it."""
    pictures: list[tuple[float, Frame]]
    delays_s: list[float]
    """Of each picture: its time less when the server made what it shows."""
    underruns: int = 0
    skipped: int = 0
    malformed: int = 0


async def speak(avatar: Avatar, until_s: float) -> None:
    speech = read_audio(demo_speech_path())
    while time.monotonic() < until_s:
        await avatar.speak(speech)


async def read(avatar: Avatar, seen: Seen) -> None:
    async for frame in avatar.frames():
        seen.frames.append(frame)
        offset_s = avatar.core.server_clock.offset_s
        if offset_s is not None:
            seen.ages_s.append(time.monotonic() + offset_s - frame.server_time_s)


async def draw(avatar: Avatar, seen: Seen, until_s: float) -> None:
    began_s = time.monotonic()
    for picture in range(int((until_s - began_s) * PICTURES_PER_S)):
        await sleep_until(began_s + picture / PICTURES_PER_S)
        now_s, offset_s = time.monotonic(), avatar.core.server_clock.offset_s
        pose = avatar.core.pose(now_s)  # avatar.pose() with a time that is known
        if pose is not None and offset_s is not None and now_s - began_s > WARM_UP_S:
            seen.pictures.append((now_s, pose))
            seen.delays_s.append(now_s + offset_s - pose.server_time_s)


async def run(url: str, seconds: float) -> Seen:
    seen = Seen([], [], [], [])
    async with connect(url, seed=1) as avatar:
        until_s = time.monotonic() + seconds
        others = [asyncio.create_task(speak(avatar, until_s)), asyncio.create_task(read(avatar, seen))]
        await draw(avatar, seen, until_s)
        core = avatar.core
        assert core.player is not None
        seen.underruns, seen.skipped, seen.malformed = core.player.underruns, core.frames.skipped, core.malformed
        for task in others:
            task.cancel()
        await asyncio.wait(others)
    return seen


def figures(seen: Seen) -> dict[str, Any]:
    """Everything that is told of one run."""
    numbers = np.array([frame.index for frame in seen.frames])
    speeds = rotations_rad(seen.frames) * 30 / np.diff(numbers)[:, None]
    times_s = np.array([now_s for now_s, _ in seen.pictures])
    turned = rotations_rad([pose for _, pose in seen.pictures])
    shown = turned / np.diff(times_s)[:, None]
    moving = speeds.max(0) > MOVING_RAD_S
    return {
        "frames": len(seen.frames),
        "missing": int(numbers[-1] - numbers[0] + 1 - len(numbers)),
        "skipped": seen.skipped,
        "malformed": seen.malformed,
        "age_of_frames": machine.summary([1000 * age for age in seen.ages_s]),
        "pictures": len(seen.pictures),
        "delay_of_pictures": machine.summary([1000 * delay for delay in seen.delays_s]),
        "underruns": seen.underruns,
        "speed_ratio": round(float((shown.max(0) / speeds.max(0))[moving].max()), 3),
        "frozen_share": round(float(np.mean(turned.max(1) < 1e-6)), 4),
        "longest_recovery_s": round(longest_recovery_s(times_s, np.array(seen.delays_s)), 2),
    }


def rotations_rad(frames: list[Frame]) -> NDArray[np.float64]:
    """[n - 1, 55] by how much each joint turns from one to the next."""
    quats = np.stack([frame.quat_xyzw for frame in frames]).astype(np.float64)
    quats /= np.linalg.norm(quats, axis=-1, keepdims=True)
    angles: NDArray[np.float64] = angle_between(quats[:-1], quats[1:])
    return angles


def longest_recovery_s(times_s: NDArray[np.float64], delays_s: NDArray[np.float64]) -> float:
    """From the worst moment of each excursion of the delay until it is near its median again."""
    late = delays_s > np.median(delays_s) + BACK_S
    edges = np.flatnonzero(np.diff(np.concatenate([[False], late, [False]]).astype(int)))
    longest = 0.0
    for begin, end in zip(edges[::2], edges[1::2]):
        worst = begin + int(np.argmax(delays_s[begin:end]))
        longest = max(longest, float(times_s[min(end, len(times_s) - 1)] - times_s[worst]))
    return longest


@asynccontextmanager
async def proxied(port: int) -> AsyncIterator[str]:
    """The kit's proxy in front of the server: its URL."""
    command = [sys.executable, "-m", "gesturestream.bridge.conformance.proxy", "--target-port", str(port)]
    proxy = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert proxy.stdout is not None
        near = json.loads(await proxy.stdout.readline())["port"]
        yield f"ws://127.0.0.1:{near}"
    finally:
        proxy.terminate()
        await proxy.wait()


async def measure(options: PythonClient) -> dict[str, Any]:
    with ServerProcess() as server:
        direct = figures(await run(server.url, options.seconds))
        async with proxied(server.port) as url:
            behind = figures(await run(url, options.seconds))
    return {"seconds": options.seconds, "direct": direct, "bad_network": behind}


def show(result: dict[str, Any]) -> None:
    table = Table("", "direct", "bad network")
    for name in result["direct"]:
        table.add_row(name, *(str(result[network][name]) for network in ("direct", "bad_network")))
    Console().print(table)


def main() -> None:
    options = tyro.cli(PythonClient, description=__doc__)
    result = asyncio.run(measure(options))
    show(result)
    print(machine.write_result("python_client", result, options.output))


if __name__ == "__main__":
    main()
