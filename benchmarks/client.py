"""A client that speaks at a fixed pace and notes when each frame arrives. Plain `websockets`, no code of the server."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

HEADER = struct.Struct("<2sBBHHIHHdd")  # magic, version, kind, flags, header bytes, sequence, revision, epoch, times
POSE_FRAME = 1
FPS = 30
CHUNK_S = 0.01


@dataclass
class Arrivals:
    """What one connection received."""

    frames: list[tuple[int, float]] = field(default_factory=list)
    """(sequence, time of arrival on `time.monotonic`), in order."""
    events: list[dict[str, Any]] = field(default_factory=list)
    granted: int | None = None
    """Mode `offline`: how many samples may have been sent in all; None: as many as one likes."""
    sent: int = 0
    """Samples sent so far."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def missing(self) -> int:
        """Frames between the first and the last that never came."""
        if not self.frames:
            return 0
        return self.frames[-1][0] - self.frames[0][0] + 1 - len(self.frames)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["name"] == name]


@dataclass(frozen=True, kw_only=True)
class Avatar:
    """One open session."""

    socket: ClientConnection
    ready: dict[str, Any]
    arrivals: Arrivals

    async def credit_for(self, samples: int) -> None:
        """Waits until the server has granted `samples` more."""
        arrivals = self.arrivals
        while arrivals.granted is not None and arrivals.sent + samples > arrivals.granted:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def open_avatar(url: str, *, rate: int, mode: str = "live", **start: Any) -> AsyncIterator[Avatar]:
    """Opens a session and reads it in the background until it is closed."""
    async with connect(url, compression=None, max_size=None) as socket:
        audio = {"rate": rate, "format": "s16le"}
        await socket.send(json.dumps({"type": "start", "protocol": 1, "mode": mode, "audio": audio, **start}))
        ready = json.loads(await socket.recv())
        if ready["type"] != "ready":
            raise RuntimeError(f"Expected `ready`, got {ready}")
        arrivals = Arrivals(granted=10 * rate if mode == "offline" else None)
        reader = asyncio.create_task(_read(socket, arrivals))
        try:
            yield Avatar(socket=socket, ready=ready, arrivals=arrivals)
        finally:
            if reader.done():
                reader.result()
            reader.cancel()


async def _read(socket: ClientConnection, arrivals: Arrivals) -> None:
    acked_s = 0.0
    try:
        async for message in socket:
            now_s = time.monotonic()
            if isinstance(message, str):
                _note_text(json.loads(message), arrivals)
                continue
            _, _, kind, _, _, sequence, *_ = HEADER.unpack_from(message)
            if kind == POSE_FRAME:
                arrivals.frames.append((sequence, now_s))
            if now_s - acked_s > 0.25:
                acked_s = now_s
                await socket.send(json.dumps({"type": "ack", "sequence": sequence, "played_s": None}))
    except ConnectionClosed:
        pass
    finally:
        arrivals.ended.set()


def _note_text(message: dict[str, Any], arrivals: Arrivals) -> None:
    if message["type"] == "error":
        raise RuntimeError(f"The server answered {message}")
    if message["type"] == "event":
        arrivals.events.append(message)
        arrivals.granted = message["samples"] if message["name"] == "credit" else arrivals.granted


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
        await avatar.socket.send(pcm[begin : begin + chunk].tobytes())
        avatar.arrivals.sent += chunk


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
    sequences = np.array([sequence for sequence, _ in arrivals.frames])
    times_s = [at_s for _, at_s in arrivals.frames]
    latencies = []
    for click in clicks[clicks >= skip_s * rate]:
        first = int(np.searchsorted(sequences, covering_frame(int(click), rate, resumed)))
        if first < len(times_s):
            latencies.append((times_s[first] - (start_s + int(click) / rate)) * 1000)
    return latencies
