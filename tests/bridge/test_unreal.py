"""The Unreal plug-in's plain C++ core against the conformance kit, and its glue against hand-written signatures.

No engine runs here. The core is compiled with g++ and the sanitizers; the glue is only compiled.
"""

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gesturestream.bridge.conformance.make import GOLDEN
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor

HERE = Path(__file__).parent / "unreal"
MODULE = Path(__file__).parents[2] / "bridge" / "unreal" / "Source" / "GestureStream"
FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{MODULE / 'Public'}"]
GLUE = sorted((MODULE / "Private").glob("*.cpp"))
TESTS = ("messages", "texts", "streams", "fuzz", "interpolation", "axes", "delays", "reconnect", "small_parts")

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
needs_beast = pytest.mark.skipif(not Path("/usr/include/boost/beast.hpp").exists(), reason="needs libboost-dev")


def compile(*arguments):
    done = subprocess.run(["g++", *FLAGS, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """The core's tests, compiled: run with the golden folder and the name of a test."""
    folder = tmp_path_factory.mktemp("unreal")
    sanitized = ["-O1", "-Wpedantic", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    units = [(HERE / f"{name}.cpp", folder / f"{name}.o") for name in ("decoding", "motion")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda unit: compile(*sanitized, "-c", unit[0], "-o", unit[1]), units))
    compile(*sanitized, *(out for _, out in units), "-o", folder / "kit")
    return folder / "kit"


@needs_compiler
@pytest.mark.parametrize("test", TESTS)
def test_the_core_passes_the_conformance_kit(kit, test):
    done = subprocess.run([kit, GOLDEN, test], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


@needs_compiler
@pytest.mark.parametrize("source", GLUE, ids=lambda path: path.stem)
def test_the_glue_compiles_against_the_documented_signatures(source, tmp_path):
    for name in (HERE / "stubs" / "headers.txt").read_text().split():
        header = tmp_path / name
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text('#include "UnrealPlugins.h"\n')
    folders = [f"-I{folder}" for folder in (tmp_path, HERE / "stubs", MODULE / "Private")]
    compile("-fsyntax-only", "-Wno-unused-parameter", *folders, source)


def test_the_core_knows_no_engine():
    for header in (MODULE / "Public" / "Core").glob("*.h"):
        includes = [line.split()[1] for line in header.read_text().splitlines() if line.startswith("#include")]
        own = {f'"{other.name}"' for other in header.parent.glob("*.h")}
        assert all(name.startswith("<") or name in own for name in includes), header.name


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A command-line client around the core: PORT SECONDS [watch] [voice] [interrupt]."""
    out = tmp_path_factory.mktemp("beast") / "client"
    compile("-O0", "-pthread", HERE / "client.cpp", "-o", out)
    return out


def run_client(client, port, seconds, *options):
    command = [client, str(port), str(seconds), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return json.loads(done.stdout)


def play(client, script, seconds, options):
    """What the client saw of a script, and the server's reports."""
    command = [sys.executable, "-m", "gesturestream.bridge.conformance.server", "--script", *script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = json.loads(server.stdout.readline())["port"]
            seen = run_client(client, port, seconds, *options)
        finally:
            server.terminate()
        return seen, [json.loads(line) for line in server.stdout]


@pytest.fixture(scope="module")
def runs(client):
    """All scripts at once, for they mostly wait."""
    wanted = {
        "golden": (["golden"], 4, []),
        "malformed": (["malformed"], 4, ["watch"]),
        "drops": (["drops"], 4, []),
        "interrupt": (["interrupt", "--every-s", "1.0"], 5, []),
        "restart": (["restart", "--every-s", "0.5"], 8, []),
        "refuse": (["refuse"], 3, []),
    }
    with ThreadPoolExecutor() as pool:
        started = {name: pool.submit(play, client, *run) for name, run in wanted.items()}
        return {name: run.result() for name, run in started.items()}


@needs_compiler
@needs_beast
def test_every_golden_message_decodes_and_the_end_is_the_end(runs):
    seen, reports = runs["golden"]
    assert (seen["malformed"], seen["frames"] + seen["old"] >= 10, seen["connections"]) == (0, True, 1)
    assert seen["ended"] == 1 and seen["gave_up"] is True
    assert reports[-1]["code"] == 1000


@needs_compiler
@needs_beast
def test_what_is_malformed_costs_no_frame(runs):
    seen, _ = runs["malformed"]
    assert seen["malformed"] > 10 and seen["missing"] == 0 and seen["frames"] > 30 and seen["connections"] == 1


@needs_compiler
@needs_beast
def test_dropped_frames_are_counted(runs):
    seen, _ = runs["drops"]
    assert seen["missing"] > 0 and seen["malformed"] == 0


@needs_compiler
@needs_beast
def test_no_old_frame_is_shown_after_an_interrupt(runs):
    seen, _ = runs["interrupt"]
    assert seen["epochs"] >= 2 and seen["old"] >= 6  # the old frames came, all of them with the left arm raised
    assert seen["raised"] == 0 and seen["pictures"] > 30


@needs_compiler
@needs_beast
def test_it_reconnects_and_resumes_by_itself(runs):
    seen, reports = runs["restart"]
    openings = [report["message"] for report in reports if report["event"] == "opened"]
    assert len(openings) == seen["connections"] == 4
    assert "resume" not in openings[0]
    assert all(message["resume_key"] is True for message in openings[1:])  # the right key
    assert seen["gave_up"] is False and seen["frames"] > 20


@needs_compiler
@needs_beast
def test_a_refused_token_is_not_tried_again(runs):
    seen, _ = runs["refuse"]
    assert seen["gave_up"] is True and seen["connections"] == 1


@needs_compiler
@needs_beast
def test_a_session_with_the_real_server_survives_its_restart(client):
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine, ThreadPoolExecutor() as pool:
        with running_server(engine) as url:
            port = int(url.rsplit(":", 1)[1].strip("/"))
            running = pool.submit(run_client, client, port, 9, "voice")
            time.sleep(3)
        with running_server(engine, ServerConfig(port=port)):
            seen = running.result()
    assert seen["connections"] >= 2 and seen["frames"] > 90
    assert (seen["malformed"], seen["missing"], seen["gave_up"]) == (0, 0, False)
