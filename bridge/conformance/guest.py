"""One client of the scripted server, without I/O: what it said in, what it is answered out."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from gesturestream.bridge.conformance.poses import SWAYS
from gesturestream.bridge.conformance.readies import RESUME_KEY, SESSION, ScriptedSession, scripted_ready
from gesturestream.bridge.conformance.scripts import FIRST_EPOCH, SCRIPTS, Close, Scene, Step, answers_ready
from gesturestream.bridge.protocol.codes import CloseCode, Limits
from gesturestream.bridge.protocol.connection import (
    Action,
    Command,
    Connection,
    Hangup,
    Join,
    Open,
    Pong,
    Push,
    Report,
    Send,
)
from gesturestream.bridge.protocol.messages import Ack, End, Interrupt, Start
from gesturestream.bridge.protocol.replies import event_text, pong_text, to_json
from gesturestream.models.motion import FPS
from gesturestream.realtime.frame import Event

if TYPE_CHECKING:
    from gesturestream.bridge.conformance.server import ScriptedServerConfig

Reply = str | bytes | Close
WATCHED_FROM = 4711
"""Sequence of the first frame that a watcher sees."""
_SECRETS = ("token", "resume_key")


class Guest:
    """Lives as long as its connection. `opened` is set once its script may begin."""

    def __init__(self, config: ScriptedServerConfig, connection: int, *, media_s: float) -> None:
        self.connection = connection
        self.opened = asyncio.Event()
        self.opening: dict[str, Any] | None = None
        """Its first message, until that has been reported; of secrets only whether they are right."""
        self._config = config
        self._media_s = media_s
        self._scene = Scene(form=None)
        self._protocol = Connection(token=None, limits=Limits(), now_s=0.0)
        self._said: Counter[str] = Counter()
        self._samples = 0
        self._sent = 0
        self._ack: Ack | None = None
        self._silent = False

    @property
    def counts(self) -> dict[str, Any]:
        """What it did, for the report."""
        ack = self._ack
        return {
            "said": dict(self._said),
            "samples": self._samples,
            "sent": self._sent,
            "acknowledged": ack and ack.sequence,
            "played_s": ack and ack.played_s,
        }

    def play(self) -> Iterator[Step]:
        """Its script, until the session ends."""
        for at_s, message in SCRIPTS[self._config.script](self._scene):
            if at_s > self._config.seconds:
                yield self._config.seconds, self._event("end", self._config.seconds)
                yield self._config.seconds, Close(CloseCode.NORMAL, "end")
                return
            self._silent = self._config.script == "stall" and self.connection == 1 and at_s > self._config.every_s
            self._sent += 1
            yield at_s, message

    def receive(self, message: str | bytes, now_s: float) -> Iterator[Reply]:
        """Answers a message as the real server would, except while its script is silent."""
        if isinstance(message, bytes):
            actions = self._protocol.receive_bytes(message, now_s)
        else:
            self._note(message)
            actions = self._protocol.receive_text(message, now_s)
        for action in actions:
            replies = list(self._perform(action, now_s))
            if not self._silent:
                yield from replies

    def _note(self, text: str) -> None:
        try:
            message = json.loads(text)
            kind = str(message["type"])
        except (ValueError, KeyError, TypeError):
            kind = "unreadable"
        if not self._said:
            right = {"token": None, "resume_key": RESUME_KEY}
            shown = {key: message[key] == right[key] if key in _SECRETS else message[key] for key in message}
            self.opening = shown
        self._said[kind] += 1

    def _perform(self, action: Action, now_s: float) -> Iterator[Reply]:
        match action:
            case Send(text):
                yield text
            case Hangup(code, reason):
                yield Close(code, reason)
            case Pong(t0, t1):
                yield pong_text(t0, t1, now_s)
            case Report():
                entry = {"session": SESSION, "name": "avatar", "generator": "script", "mode": "live"}
                yield to_json({"type": "sessions", "sessions": [entry]})
            case Open() | Join():
                yield from self._open(action, now_s)
            case Push(pcm):
                self._samples += len(pcm)
            case Command(message):
                yield from self._obey(message)

    def _open(self, action: Open | Join, now_s: float) -> Iterator[Reply]:
        request = action.start if isinstance(action, Open) else action.watch
        owner = isinstance(request, Start)
        resumed = isinstance(request, Start) and request.resume == SESSION and request.resume_key == RESUME_KEY
        self._scene = Scene(
            form=request.frames,
            audio=request.forward_audio if isinstance(request, Start) else request.audio,
            connection=self.connection,
            epoch=FIRST_EPOCH.get(self._config.script, 0),
            first=round(self._media_s * FPS) if resumed else (0 if owner else WATCHED_FROM),
            joined_late=not owner,
            chance=Random(self._config.seed),
            opened_s=now_s,
            stall_s=self._config.stall_s,
            every_s=self._config.every_s,
        )
        if isinstance(request, Start):
            self._protocol.accept_owner(request.audio)
        else:
            self._protocol.accept_watcher(control=request.control)
        if answers_ready(self._config.script, self.connection):
            yield self._ready(owner=owner, now_s=now_s)
        self.opened.set()

    def _ready(self, *, owner: bool, now_s: float) -> str:
        scene = self._scene
        session = ScriptedSession(epoch=scene.epoch, media_time_s=scene.first / FPS)
        script = {"name": self._config.script, "max_speed_rad_s": [round(s.max_speed_rad_s, 4) for s in SWAYS]}
        return to_json(scripted_ready(scene.form, session, owner=owner, server_time_s=now_s, script=script))

    def _obey(self, message: object) -> Iterator[Reply]:
        if isinstance(message, Ack):
            self._ack = message
        elif isinstance(message, Interrupt):
            epoch = self._scene.interrupt()
            told = {"epoch": epoch, "generated_s": 0.0, "played_s": message.played_s, "sample": self._samples}
            yield self._event("interrupted", 0.0, **told)
        elif isinstance(message, End):
            yield self._event("end", 0.0)
            yield Close(CloseCode.NORMAL, "end")

    def _event(self, name: str, media_time_s: float, **data: Any) -> str:
        return event_text(Event(name=name, media_time_s=media_time_s, audio_time_s=media_time_s, data=data))
