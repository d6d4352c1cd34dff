"""What docs/python-client.md shows works, word by word, on a real server."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from gesturestream.bridge.server import Local, ServerConfig, running_server
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor, NullSink

PAGE = Path(__file__).parents[2] / "docs" / "python-client.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def url():
    """A server with a voice of its own."""
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine:
        session = engine.open(SessionConfig(name="demo"), NullSink())
        with running_server(engine, ServerConfig(port=0), local=Local(session=session, microphone=False)) as url:
            talking = threading.Event()

            def talk():
                while not talking.wait(0.05):
                    session.push_audio(np.zeros(800, np.float32))

            thread = threading.Thread(target=talk)
            thread.start()
            yield url.replace("http", "ws").rstrip("/")
            talking.set()
            thread.join()


def run(example, url):
    assert "ws://127.0.0.1:8765" in example
    code = example.replace("ws://127.0.0.1:8765", url)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "torch" not in done.stderr
    return done.stdout.splitlines()


def test_there_are_as_many_examples_as_are_tested_here():
    assert len(EXAMPLES) == 4


def test_a_recording_becomes_motion(url):
    lines = run(EXAMPLES[0], url)
    assert len(lines) > 800 and lines[-1].startswith(f"{(len(lines) - 1) / 30:.2f} s [")


def test_an_agent_can_be_interrupted(url):
    (line,) = run(EXAMPLES[1], url)
    heard_s, sent_s = (float(number) for number in re.findall(r"[\d.]+(?= s)", line))
    assert 0.5 < heard_s < sent_s <= 10.0


def test_a_renderer_gets_poses(url):
    lines = run(EXAMPLES[2], url)
    times = [float(line.split()[0]) for line in lines]
    assert len(lines) > 20 and times == sorted(times)


def test_a_refusal_names_the_field(url):
    (line,) = run(EXAMPLES[3], url)
    assert line.startswith("emotion - emotion: expected one of auto, neutral")
