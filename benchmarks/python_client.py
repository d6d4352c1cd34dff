"""The Python client for the table of `benchmarks.clients`: a reader that takes every frame, a renderer at 60 Hz.

    python -m benchmarks.python_client PORT SECONDS TRACE [INTERRUPT_EVERY_S]

Speaks the bundled recording in mode `live`; prints counts as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import math
import struct
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from benchmarks.client import sleep_until
from gesturestream.bridge.client import Avatar, ClientError, Frame, connect
from gesturestream.bridge.client.clocks import ArrivalClock
from gesturestream.realtime.sources.files import demo_speech_path, read_audio

PICTURES_PER_S = 60


class Recorder:
    """Writes records of benchmarks/watching.py."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._unix_s = time.time() - time.monotonic()

    def write(self, frame: Frame, now_s: float, offset_s: float | None, over_s: float | None = None) -> None:
        """`over_s` makes it a picture."""
        age_s = math.nan if offset_s is None else now_s + offset_s - frame.server_time_s
        head = (over_s is not None, self._unix_s + now_s, age_s, over_s or 0.0, frame.index, frame.epoch)
        self._file.write(struct.pack("<6d", *map(float, head)) + frame.quat_xyzw.astype("<f4").tobytes())

    def close(self) -> None:
        self._file.close()


async def speak(avatar: Avatar, until_s: float) -> None:
    speech = read_audio(demo_speech_path())
    while time.monotonic() < until_s:
        await avatar.speak(speech)


async def read(avatar: Avatar, recorder: Recorder, numbers: list[int]) -> None:
    async for frame in avatar.frames():
        recorder.write(frame, time.monotonic(), avatar.core.server_clock.offset_s)
        numbers.append(frame.index)


async def interrupt(avatar: Avatar, every_s: float) -> None:
    while every_s > 0:
        await asyncio.sleep(every_s)
        with suppress(ClientError):  # nobody is there to hear it
            await avatar.interrupt()


async def draw(avatar: Avatar, recorder: Recorder, until_s: float) -> None:
    began_s = time.monotonic()
    for picture in range(int((until_s - began_s) * PICTURES_PER_S)):
        await sleep_until(began_s + picture / PICTURES_PER_S)
        now_s, core = time.monotonic(), avatar.core
        pose = core.pose(now_s)  # avatar.pose() with a time that is known
        if pose is None or core.player is None or core.player.buffer.epoch is None:
            continue
        over_s = over_target_s(core.player.clock, now_s, core.player.playhead_s)
        recorder.write(pose, now_s, core.server_clock.offset_s, over_s)


def over_target_s(clock: object, now_s: float, playhead_s: float | None) -> float:
    """By how much what is shown is later than the jitter buffer aims at."""
    assert isinstance(clock, ArrivalClock), "only an agent's poses follow another clock"
    offset_s = clock.offset_s
    return 0.0 if offset_s is None or playhead_s is None else now_s + offset_s - playhead_s


def delay_s(clock: object) -> float:
    """What the jitter buffer aims at, behind the frames that come earliest."""
    assert isinstance(clock, ArrivalClock)
    return clock.delay_s


async def run(port: int, seconds: float, trace: Path, interrupt_every_s: float) -> dict[str, float]:
    recorder, numbers = Recorder(trace), list[int]()
    async with connect(f"ws://127.0.0.1:{port}", seed=1) as avatar:
        until_s = time.monotonic() + seconds
        others = [
            asyncio.create_task(task)
            for task in (speak(avatar, until_s), read(avatar, recorder, numbers), interrupt(avatar, interrupt_every_s))
        ]
        await draw(avatar, recorder, until_s)
        core = avatar.core
        assert core.player is not None
        counts = {
            "connections": core.connections,
            "malformed": core.malformed,
            "missing": sum(max(0, b - a - 1) for a, b in pairwise(numbers)),
            "underruns": core.player.underruns,
            "delay_ms": 1000 * delay_s(core.player.clock),
            "old": core.player.buffer.late,
        }
        for task in others:
            task.cancel()
        await asyncio.wait(others)
    recorder.close()
    return counts


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "0"]
    result = asyncio.run(run(int(arguments[0]), float(arguments[1]), Path(arguments[2]), float(arguments[3])))
    sys.stdout.write(json.dumps(result) + "\n")
