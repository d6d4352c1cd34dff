"""What the command line makes of errors, and of a local session that fails."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from gesturestream.bridge.server import BridgeServer, ServerConfig
from gesturestream.cli import local
from gesturestream.cli.command import Command, UsageError, asked_for, execute
from gesturestream.cli.options import VoiceOptions
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor


@dataclass(frozen=True, kw_only=True)
class Failing(Command):
    error: Exception

    def run(self) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "hinted"),
    [
        (UsageError("--port: expected less"), 2, False),
        (FileNotFoundError(2, "No such file", "a.wav"), 2, False),
        (ValueError("shapes do not match"), 1, True),
        (KeyError("x"), 1, True),
    ],
)
def test_only_what_the_user_can_mend_has_code_2(error, code, hinted, capsys):
    assert execute(Failing(error=error)) == code
    stderr = capsys.readouterr().err
    assert str(error.args[-1]) in stderr
    assert ("internal error" in stderr and "--debug" in stderr) == hinted
    with pytest.raises(type(error)):
        execute(Failing(error=error, debug=True))


def test_what_was_asked_for_is_the_users():
    with pytest.raises(UsageError, match="speaker: expected 0") as caught, asked_for():
        raise ValueError("speaker: expected 0..1, got 7")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(KeyError), asked_for():
        raise KeyError("x")


class Faltering(LoudnessExecutor):
    """Fails `failures` times, a while after its row was reset."""

    def __init__(self, failures):
        super().__init__()
        self.failures = failures

    def step(self, inputs):
        outputs = super().step(inputs)
        if self.failures and (self._heard > 5).any():
            self.failures -= 1
            raise RuntimeError("failed on purpose")
        return outputs


class Tone:
    """A source that speaks in step with the clock."""

    rate = 16000

    def run(self, push, stop):
        while not stop.wait(0.02):
            push(np.full(320, 0.1, np.float32))


async def until_local(server, ended, sessions):
    """Speaks until as many sessions as wanted have been published, or the voice ends."""
    seen = {}
    while len(seen) < sessions and not ended.done():
        await asyncio.sleep(0.01)
        found = server._registry.find("local")
        if found is not None and found.session.stats().frames:
            seen[found.session.id] = found.session
    return list(seen.values())


async def speaking(sessions):
    silenced = threading.Event()
    voice = local.LocalVoice(source=Tone(), microphone=False, options=VoiceOptions())
    with Engine({"loudness": Faltering(2)}, default="loudness") as engine:
        async with BridgeServer(engine, ServerConfig(port=0)) as server:
            task = asyncio.create_task(local._speak(server, engine, voice, voice.open(engine), silenced))
            seen = await until_local(server, task, sessions)
            silenced.set()
            await task
    return seen


def test_a_local_session_that_fails_is_followed_by_a_new_one(monkeypatch):
    monkeypatch.setattr(local, "LASTING_S", 0.1)
    first, second, third = asyncio.run(speaking(3))
    assert first.closed and second.closed and third.media_time_s > 0


def test_a_local_session_that_fails_right_away_is_an_internal_error():
    with pytest.raises(RuntimeError, match="local session failed"):
        asyncio.run(speaking(2))
