"""Clients that speak at a fixed pace and note when each frame arrives: the protocol, and no code of the server."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.wire import BINARY, TEXT, Wire, connect

KIND, SEQUENCE = 3, struct.Struct("<8xI")  # of a binary message's header
POSE_FRAME = 1
FPS = 30
CHUNK_S = 0.01
ACK_S = 0.25


class Refused(RuntimeError):
    """The server does not take the session: it is full."""


@dataclass
class Arrivals:
    """What one connection received."""

    frames: list[tuple[int, float]] = field(default_factory=list)
    """(sequence, time of arrival on `time.monotonic`), in order."""
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    granted: int | None = None
    """Mode `offline`: how many samples may have been sent in all; None: as many as one likes."""
    sent: int = 0
    """Samples sent so far."""

    @property
    def missing(self) -> int:
        """Frames between the first and the last that never came."""
        if not self.frames:
            return 0
        return self.frames[-1][0] - self.frames[0][0] + 1 - len(self.frames)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["name"] == name]


class Avatar:
    """One open session."""

    def __init__(self, mode: str, rate: int) -> None:
        self.arrivals = Arrivals(granted=10 * rate if mode == "offline" else None)
        self.wire: Wire
        self.answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        """`ready`, or what the server answered instead."""
        self._acked_s = 0.0
        self._granted = asyncio.Event()

    def say(self, **message: Any) -> None:
        self.wire.send(TEXT, json.dumps(message).encode())

    def send_audio(self, pcm: NDArray[np.int16]) -> None:
        self.wire.send(BINARY, pcm.tobytes())
        self.arrivals.sent += len(pcm)

    async def end(self) -> None:
        """Ends the session, so that its place is free for others at once."""
        if self.wire.closed.is_set():
            return
        self.say(type="end")
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await self.wire.closed.wait()

    async def credit_for(self, samples: int) -> None:
        """Waits until the server has granted `samples` more."""
        arrivals = self.arrivals
        while arrivals.granted is not None and arrivals.sent + samples > arrivals.granted:
            self._granted.clear()
            await self._granted.wait()

    def on_binary(self, data: bytes, start: int, end: int) -> None:
        now_s = time.monotonic()
        (sequence,) = SEQUENCE.unpack_from(data, start)
        if data[start + KIND] == POSE_FRAME:
            self.arrivals.frames.append((sequence, now_s))
        if now_s - self._acked_s > ACK_S:
            self._acked_s = now_s
            self.say(type="ack", sequence=sequence, played_s=None)

    def on_text(self, data: bytes, start: int, end: int) -> None:
        message = json.loads(data[start:end])
        if not self.answer.done():
            self.answer.set_result(message)
        elif message["type"] == "error":
            self.arrivals.errors.append(message)
        elif message["type"] == "event":
            self.arrivals.events.append(message)
            if message["name"] == "credit":
                self.arrivals.granted = message["samples"]
                self._granted.set()


@asynccontextmanager
async def open_avatar(url: str, *, rate: int, mode: str = "live", **start: Any) -> AsyncIterator[Avatar]:
    """Opens a session and reads it until it is closed. Refused; RuntimeError: the server answered with an error."""
    avatar = Avatar(mode, rate)
    avatar.wire = await connect(url, avatar.on_text, avatar.on_binary)
    try:
        avatar.say(type="start", protocol=1, mode=mode, audio={"rate": rate, "format": "s16le"}, **start)
        ready = await avatar.answer
        if ready["type"] != "ready":
            raise Refused(f"Expected `ready`, got {ready}")
        yield avatar
        await avatar.end()
    finally:
        avatar.wire.close()
    if avatar.arrivals.errors:
        raise RuntimeError(f"The server answered {avatar.arrivals.errors[0]}")


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What one avatar is told, and when it begins."""

    avatar: Avatar
    pcm: NDArray[np.int16]
    start_s: float


async def speak(
    avatar: Avatar,
    pcm: NDArray[np.int16],
    rate: int,
    start_s: float,
    *,
    speed: float = 1.0,
    chunk_s: float = CHUNK_S,
) -> None:
    """Sends `pcm` in chunks; chunk i is sent when its last sample has sounded, at start_s + (i+1) * chunk_s / speed.

    Speed infinite: as soon as the server has granted it.
    """
    chunk = round(rate * chunk_s)
    for count, begin in enumerate(range(0, len(pcm), chunk), start=1):
        await sleep_until(start_s + count * chunk_s / speed)
        await avatar.credit_for(chunk)
        avatar.send_audio(pcm[begin : begin + chunk])


async def speak_together(speeches: Sequence[Speech], rate: int, *, chunk_s: float = CHUNK_S) -> None:
    """`speak` for many: one task, so that keeping time costs little beside what is measured."""
    chunk = round(rate * chunk_s)
    schedule = sorted(
        (speech.start_s + count * chunk_s, index, (count - 1) * chunk)
        for index, speech in enumerate(speeches)
        for count in range(1, -(-len(speech.pcm) // chunk) + 1)
    )
    for deadline_s, index, begin in schedule:
        await sleep_until(deadline_s)
        speeches[index].avatar.send_audio(speeches[index].pcm[begin : begin + chunk])


async def sleep_until(deadline_s: float) -> None:
    """Waits for an absolute time on `time.monotonic`."""
    if (delay_s := deadline_s - time.monotonic()) > 0:
        await asyncio.sleep(delay_s)


def covering_frame(sample: int, rate: int, resumed: list[dict[str, Any]]) -> int:
    """The frame that covers the client's sample `sample`, by the server's `audio_resumed` events."""
    anchor = max((event for event in resumed if event["sample"] <= sample), key=lambda event: int(event["sample"]))
    media_samples = round(anchor["media_time_s"] * rate) + sample - anchor["sample"]
    return int(media_samples * FPS // rate)


def sound_to_motion_ms(
    clicks: NDArray[np.int64], rate: int, start_s: float, arrivals: Arrivals, *, skip_s: float = 1.0
) -> list[float]:
    """For each click after the first `skip_s`: from the instant it sounds to the first frame that covers it, ms."""
    resumed = arrivals.named("audio_resumed")
    if not resumed or not arrivals.frames:
        return []  # too late for every click
    sequences = np.array([sequence for sequence, _ in arrivals.frames])
    times_s = [at_s for _, at_s in arrivals.frames]
    latencies = []
    for click in clicks[clicks >= skip_s * rate]:
        first = int(np.searchsorted(sequences, covering_frame(int(click), rate, resumed)))
        if first < len(times_s):
            latencies.append((times_s[first] - (start_s + int(click) / rate)) * 1000)
    return latencies
