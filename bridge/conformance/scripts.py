"""What the scripted server does on one connection, as pure functions: a script yields what to send, and when.

Times are seconds since the connection was opened. Every script plays the swaying body of `poses.SWAYS`; what a client
must never show is posed as `poses.left_arm_raised`, so that a test recognises it on the screen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import count
from random import Random
from typing import Literal, get_args

import numpy as np

from gesturestream.bridge.conformance.answers import DELAY_S, STALL_S, STALL_SHARE
from gesturestream.bridge.conformance.malformed import broken_messages
from gesturestream.bridge.conformance.messages import golden_frames, valid_messages
from gesturestream.bridge.conformance.poses import NO_FLAGS, left_arm_raised, swaying
from gesturestream.bridge.conformance.texts import texts
from gesturestream.bridge.protocol.codes import CloseCode
from gesturestream.bridge.protocol.frames import encode_audio, encode_frame
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.protocol.replies import error_text, event_text
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.models.timing import frame_end, frame_start
from gesturestream.realtime.frame import AudioChunk, Event, FrameFlag

ScriptName = Literal["plain", "golden", "malformed", "delays", "drops", "stall", "interrupt", "restart", "refuse"]
SCRIPT_NAMES: tuple[ScriptName, ...] = get_args(ScriptName)


@dataclass(frozen=True)
class Close:
    """Ends the connection: a close code, or None to cut the cable."""

    code: int | None
    reason: str = ""
    away_s: float = 0.0
    """The server refuses connections for so long."""


Step = tuple[float, str | bytes | Close]
Script = Callable[["Scene"], Iterator[Step]]


@dataclass(kw_only=True)
class Scene:
    """One connection as its script sees it. `epoch` rises when the client interrupts."""

    form: FrameFormat | None
    audio: bool = False
    connection: int = 1
    """Counts from 1."""
    first: int = 0
    """Index of the first frame."""
    joined_late: bool = False
    epoch: int = 0
    chance: Random = field(default_factory=lambda: Random(7))
    stall_s: float = 6.0
    every_s: float = 1.5
    """How often something happens."""
    opened_s: float = 0.0
    """Server time when the connection was opened."""
    retracting: int = 0

    def interrupt(self) -> int:
        """The epoch rises; the next 9 frames retract."""
        self.epoch, self.retracting = (self.epoch + 1) & 0xFFFF, 9
        return self.epoch

    def due_s(self, index: int) -> float:
        """When frame `index` is sent."""
        return (index - self.first) / FPS

    def messages(self, index: int, flags: FrameFlag = NO_FLAGS) -> Iterator[bytes]:
        """The frame, and its audio when the client asked for it."""
        if self.joined_late and index == self.first:
            flags |= FrameFlag.DISCONTINUITY
        if self.retracting:
            self.retracting -= 1
            flags |= FrameFlag.RETRACTING
        if self.form is not None:
            frame = swaying(index, epoch=self.epoch, flags=flags)
            yield encode_frame(changed(frame, server_time_s=self.opened_s + self.due_s(index)), self.form)
        if self.audio:
            yield self.voice(index)

    def voice(self, index: int, epoch: int | None = None) -> bytes:
        """A frame's share of a 220 Hz tone."""
        samples = np.arange(frame_start(index), frame_end(index))
        pcm = (0.3 * np.sin(2 * math.pi * 220 / SAMPLE_RATE * samples)).astype(np.float32)
        chunk = AudioChunk(media_time_s=index / FPS, epoch=self.epoch if epoch is None else epoch, pcm=pcm)
        return encode_audio(chunk, index - self.first, index / FPS)

    def leftovers(self, index: int, epoch: int) -> Iterator[bytes]:
        """A frame and audio of an epoch that is over: never to be shown."""
        if self.form is not None:
            yield encode_frame(changed(left_arm_raised(index), epoch=epoch), self.form)
        if self.audio:
            yield self.voice(index, epoch)


def plain(scene: Scene) -> Iterator[Step]:
    """30 frames a second, exactly."""
    for k in count(scene.first):
        for message in scene.messages(k):
            yield scene.due_s(k), message


def delays(scene: Scene) -> Iterator[Step]:
    """Each message late by 0-50 ms, order kept; 300 ms stalls for 2 % of the time."""
    every_s = STALL_S / STALL_SHARE
    stall_s, sent_s = scene.chance.uniform(2.0, 4.0), 0.0
    for due_s, message in plain(scene):
        sent_s = max(sent_s, due_s + scene.chance.uniform(0.0, DELAY_S))
        if stall_s <= sent_s:
            sent_s = max(sent_s, stall_s + STALL_S)
            stall_s += every_s
        yield sent_s, message


def drops(scene: Scene) -> Iterator[Step]:
    """Up to ten frames are missing now and then: a gap in the sequence, flag 16."""
    begin, length = scene.first, round(scene.every_s * FPS / 2)
    while True:
        for k in range(begin, begin + length):
            after_a_gap = k == begin != scene.first
            for message in scene.messages(k, FrameFlag.DROPPED if after_a_gap else NO_FLAGS):
                yield scene.due_s(k), message
        begin += length + scene.chance.randint(1, 10)


def malformed(scene: Scene) -> Iterator[Step]:
    """Good frames, and before every second one something that is no message."""
    bad: list[str | bytes] = list(broken_messages(scene.form or FrameFormat()).values())
    bad += [entry["text"] for entry in texts() if entry["expect"] in ("refuse", "ignore")]
    for n, (due_s, message) in enumerate(plain(scene)):
        if n % 2 and n > 4:
            yield due_s, bad[n // 2 % len(bad)]
        yield due_s, message


_ENDINGS = ("error_fatal", "event_end")


def golden(scene: Scene) -> Iterator[Step]:
    """Golden frames in the client's format, audio, and every golden text, 100 a second, then the end."""
    items: list[str | bytes] = [encode_frame(frame, scene.form) for frame in golden_frames() if scene.form is not None]
    items += [m.data for m in valid_messages() if scene.audio and m.name.startswith("audio_")]
    items += [entry["text"] for entry in texts() if entry["expect"] == "decode" and entry["name"] not in _ENDINGS]
    for n, item in enumerate(items):
        yield n / 100, item
    yield len(items) / 100, event_text(Event(name="end", media_time_s=3.0, audio_time_s=3.0))
    yield len(items) / 100, Close(CloseCode.NORMAL, "end")


def interrupt(scene: Scene) -> Iterator[Step]:
    """Every 1.5 s a new epoch, from 65534 on (it wraps); frames and audio of the one before still come for a while."""
    for k in count(scene.first):
        begins = k > scene.first and (k - scene.first) % round(scene.every_s * FPS) == 0
        if begins:
            told = {"epoch": scene.interrupt(), "generated_s": k / FPS, "played_s": None, "sample": 0}
            event = Event(name="interrupted", media_time_s=k / FPS, audio_time_s=k / FPS, data=told)
            yield scene.due_s(k), event_text(event)
        for message in scene.messages(k):
            yield scene.due_s(k), message
        if (k - scene.first) % round(scene.every_s * FPS) < 6 and k > scene.first + 6:
            for message in scene.leftovers(k + 3, (scene.epoch - 1) & 0xFFFF):
                yield scene.due_s(k), message


def stall(scene: Scene) -> Iterator[Step]:
    """The first connection falls silent after 1.5 s; the next one is plain."""
    for due_s, message in plain(scene):
        if scene.connection == 1 and due_s >= scene.every_s:
            due_s += scene.stall_s
        yield due_s, message


def restart(scene: Scene) -> Iterator[Step]:
    """Shutdown and a second away; then a cut cable; then a full server; then plain."""
    endings = {
        1: Close(CloseCode.SHUTDOWN, "the server shuts down", away_s=1.0),
        2: Close(None),
    }
    if scene.connection == 3:
        yield 0.0, error_text("server_full", "expected fewer sessions", fatal=True, retry_after_s=1.0)
        yield 0.0, Close(CloseCode.BUSY, "server full")
        return
    for due_s, message in plain(scene):
        if scene.connection in endings and due_s >= scene.every_s:
            yield due_s, endings[scene.connection]
            return
        yield due_s, message


def refuse(scene: Scene) -> Iterator[Step]:
    """A wrong token: the client must not come back."""
    yield 0.0, error_text("forbidden", "token missing or wrong", field="token", fatal=True)
    yield 0.0, Close(CloseCode.TOKEN, "token missing or wrong")


SCRIPTS: dict[ScriptName, Script] = {
    "plain": plain,
    "golden": golden,
    "malformed": malformed,
    "delays": delays,
    "drops": drops,
    "stall": stall,
    "interrupt": interrupt,
    "restart": restart,
    "refuse": refuse,
}


FIRST_EPOCH: dict[ScriptName, int] = {"interrupt": 65534}


def answers_ready(name: ScriptName, connection: int) -> bool:
    """Whether the connection is accepted at all."""
    return name != "refuse" and not (name == "restart" and connection == 3)
