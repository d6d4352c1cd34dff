"""The Godot add-on: the Godot 3 one runs headless on real Skeletons, the Godot 4 one is only parsed.

Everything that needs no engine interface (`core/`) is the same in both but for names, which is tested too.
"""

import json
import os
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gdtoolkit.parser import parser
from PIL import Image

from gesturestream.bridge.conformance.make import GOLDEN
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor

HERE = Path(__file__).parent / "godot"
ADDONS = Path(__file__).parents[2] / "bridge" / "godot"
IN_GODOT_4 = {
    r"\bReference\b": "RefCounted",
    r"\bQuat\b": "Quaternion",
    r"\bPoolByteArray\b": "PackedByteArray",
    r"\bPoolRealArray\b": "PackedFloat32Array",
    r"\bTYPE_REAL\b": "TYPE_FLOAT",
    r"\bJSON\.print\(": "JSON.stringify(",
    r"(?<![.\w])to_json\(": "JSON.stringify(",
    r"\bJSON\.parse\((.*)\)\.result\b": r"JSON.parse_string(\1)",
    r"\.remove\(": ".remove_at(",
    r"\.ord_at\(": ".unicode_at(",
}
"""What the same lines are called there."""
TESTS = ("messages", "texts", "streams", "interpolation", "axes", "delays", "fuzz", "fuzz_texts", "reconnect")

needs_godot = pytest.mark.skipif(shutil.which("godot3-server") is None, reason="needs godot3-server")
needs_screen = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("godot3", "xvfb-run", "xauth")), reason="needs godot3 xvfb xauth"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A Godot 3 project with the add-on in it."""
    folder = tmp_path_factory.mktemp("godot") / "project"
    shutil.copytree(HERE, folder)
    shutil.copytree(ADDONS / "godot3" / "addons", folder / "addons")
    texts = json.loads((GOLDEN / "texts.json").read_text())
    plain = json.dumps(texts, ensure_ascii=False).encode("utf-8", "surrogatepass")
    (folder / "plain_texts.json").write_bytes(plain)
    return folder


def run_godot(project, script, *arguments, seconds=0):
    """What it prints. Errors of scripts fail; those of the engine's own dummy drivers are nothing to us."""
    command = ["godot3-server", "--path", project, "-s", script, *arguments]
    home = {**os.environ, "HOME": str(project.parent), "XDG_DATA_HOME": str(project.parent)}
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=seconds + 120, env=home
    )
    assert "SCRIPT ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


@needs_godot
@pytest.mark.parametrize("test", TESTS)
def test_the_addon_passes_the_conformance_kit(project, test):
    done = run_godot(project, "kit.gd", GOLDEN, test)
    assert done.returncode == 0 and re.search(r"^0 of [1-9]\d* checks failed", done.stdout, re.M), (
        done.stdout[-3000:] + done.stderr[-3000:]
    )


PATIENCE_S = 90
"""Nothing takes so long, unless the machine has no time for us."""


def client(project, port, seconds, *options):
    """What a client saw, at the latest after so many seconds."""
    done = run_godot(project, "run.gd", port, seconds, *options, seconds=seconds)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT "))


def until(**counts):
    """Options: the client goes on until all of these were counted."""
    return [f"until={name}:{count}" for name, count in counts.items()]


def play(project, config, seconds, options):
    """What a client saw of a script, and the server's reports."""
    with running_script(config) as server:
        seen = client(project, server.port, seconds, *options)
    reports = []
    while not server.reports.empty():
        reports.append(server.reports.get())
    return seen, reports


@pytest.fixture(scope="module")
def runs(project):
    """All scripts at once, for they mostly wait."""
    config = ScriptedServerConfig
    wanted = {
        "golden": (config(script="golden"), PATIENCE_S, ["own", "f32", "voice", *until(closed=1)]),
        "malformed": (config(script="malformed"), PATIENCE_S, until(malformed=11, frames=31)),
        "drops": (config(script="drops"), PATIENCE_S, until(missing=1, frames=30)),
        "interrupt": (
            config(script="interrupt", every_s=1.0),
            PATIENCE_S,
            ["own", *until(epochs=2, old=6, pictures=31)],
        ),
        "restart": (config(script="restart", every_s=0.3), PATIENCE_S, ["own", *until(connections=4, frames_since=10)]),
        "refuse": (config(script="refuse"), 5, ["own"]),  # long enough to come back, if it did
        "plain": (config(script="plain"), PATIENCE_S, ["own", "interrupt", *until(epochs=1, interrupted=1, frames=60)]),
    }
    with ThreadPoolExecutor() as pool:
        started = {name: pool.submit(play, project, *run) for name, run in wanted.items()}
        return {name: run.result() for name, run in started.items()}


@needs_godot
def test_every_golden_message_decodes_and_the_end_is_the_end(runs):
    seen, reports = runs["golden"]
    assert (seen["malformed"], seen["ignored"], seen["connections"]) == (0, 0, 1)
    assert seen["frames"] + seen["old"] >= 10 and seen["samples"] > 500
    assert (seen["ended"], seen["gave_up"]) == (1, True)
    assert seen["events"].keys() >= {"audio_resumed", "interrupted", "cue_start", "emotion"}
    assert reports[-1]["code"] == 1000


@needs_godot
def test_what_is_malformed_costs_no_frame(runs):
    seen, _ = runs["malformed"]
    assert seen["malformed"] > 10 and seen["missing"] == 0 and seen["frames"] > 30 and seen["connections"] == 1


@needs_godot
def test_dropped_frames_are_counted(runs):
    seen, _ = runs["drops"]
    assert seen["missing"] > 0 and seen["malformed"] == 0


@needs_godot
def test_no_old_frame_is_shown_after_an_interrupt(runs):
    seen, _ = runs["interrupt"]
    assert seen["epochs"] >= 2 and seen["old"] >= 6  # the old frames came, all of them with the left arm raised
    assert seen["raised"] == 0 and seen["pictures"] > 30 and seen["moved_m"] > 0.1


@needs_godot
def test_an_interrupt_is_said_and_its_epoch_shown(runs):
    seen, reports = runs["plain"]
    said = reports[-1]["said"]
    assert said["interrupt"] >= 1 and said["ack"] > 1 and said["ping"] >= 1
    assert seen["epochs"] >= 1 and seen["events"]["interrupted"] >= 1 and seen["malformed"] == 0
    assert reports[-1]["samples"] > 1000 and reports[-1]["acknowledged"] > 10


@needs_godot
def test_it_reconnects_and_resumes_by_itself(runs):
    seen, reports = runs["restart"]
    openings = [report["message"] for report in reports if report["event"] == "opened"]
    assert len(openings) == seen["connections"] == 4
    assert "resume" not in openings[0]
    assert all(message["resume_key"] is True for message in openings[1:])  # the right key
    assert seen["gave_up"] is False and seen["frames_since"] >= 10


@needs_godot
def test_a_refused_token_is_not_tried_again(runs):
    seen, _ = runs["refuse"]
    assert seen["gave_up"] is True and seen["connections"] == 1


@needs_godot
def test_a_session_with_the_real_server_survives_its_restart(project):
    options = ["own", "interrupt", *until(connections=2, epochs=1, frames_since=30)]
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine, ThreadPoolExecutor() as pool:
        with running_server(engine) as url:
            port = int(url.rsplit(":", 1)[1].strip("/"))
            running = pool.submit(client, project, port, PATIENCE_S, *options)
            while not running.done() and not any(session.media_time_s > 1 for session in engine.sessions.values()):
                time.sleep(0.05)
        with running_server(engine, ServerConfig(port=port)):
            seen = running.result()
    assert seen["connections"] >= 2 and seen["frames_since"] >= 30 and seen["epochs"] >= 1
    assert (seen["malformed"], seen["gave_up"]) == (0, False)


@needs_godot
@needs_screen
def test_the_demo_scene_draws_a_body_that_moves(project):
    files = [project.parent / f"{k}.png" for k in range(2)]
    screen = ["xvfb-run", "-a", "-s", "-screen 0 640x480x24", "godot3", "--path", project, "--video-driver", "GLES2"]
    options = ["--audio-driver", "Dummy", "--resolution", "320x240", "-s", "picture.gd"]
    with running_script(ScriptedServerConfig(script="plain")) as server:
        command = [*map(str, [*screen, *options, server.port, *files])]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "HOME": str(project.parent)},
        )
    assert done.returncode == 0 and "SCRIPT ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    first, second = (np.asarray(Image.open(file).convert("RGB")).astype(int) for file in files)
    assert first.shape == (240, 320, 3)
    blue = (first[..., 2] > first[..., 0] + 60).mean()  # the shirt
    skin = (first[..., 0] > first[..., 2] + 30).mean()
    assert 0.01 < blue < 0.2 and 0.003 < skin < 0.2
    assert (abs(first - second).max(-1) > 40).mean() > 0.002


GODOT_4 = sorted((ADDONS / "godot4").rglob("*.gd"))


@pytest.mark.parametrize("script", GODOT_4, ids=lambda path: path.stem)
def test_the_godot_4_scripts_parse(script):
    parser.parse(script.read_text())


@pytest.mark.parametrize("name", ["json", "wire", "player", "session", "bones"])
def test_both_addons_have_the_same_core(name):
    core = Path("addons", "gesturestream", "core", f"{name}.gd")
    text = (ADDONS / "godot3" / core).read_text()
    for old, new in IN_GODOT_4.items():
        text = re.sub(old, new, text)
    assert (ADDONS / "godot4" / core).read_text() == text


def test_both_addons_offer_the_same():
    def offered(version, name):
        text = (ADDONS / version / "addons" / "gesturestream" / f"{name}.gd").read_text()
        declared = re.findall(r"^(?:signal|func|@?export[^\n]*? ?var|class_name) (\w+)", text, re.M)
        return {word for word in declared if not word.startswith("_")}

    for name in ("client", "avatar"):
        assert offered("godot3", name) == offered("godot4", name)
        assert len(offered("godot3", name)) > 5
