"""The Unreal plug-in's plain C++ core against the conformance kit, and its glue against hand-written signatures.

No engine runs here. The core is compiled with g++ and the sanitizers; the glue is only compiled.
"""

import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gesturestream.bridge.conformance.make import GOLDEN
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor

HERE = Path(__file__).parent / "unreal"
MODULE = Path(__file__).parents[2] / "bridge" / "unreal" / "Source" / "GestureStream"
FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{MODULE / 'Public'}"]
GLUE = sorted((MODULE / "Private").glob("*.cpp"))
TESTS = ("messages", "texts", "streams", "fuzz", "interpolation", "axes", "delays", "fades", "reconnect", "small_parts")

# Compiling takes 10 s of two quiet cores, minutes of busy ones.
pytestmark = pytest.mark.timeout(900)
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
BEAST = Path("/usr/include/boost/beast.hpp")
needs_beast = pytest.mark.skipif(not BEAST.exists(), reason="needs libboost-dev")


def compile(*arguments):
    done = subprocess.run(["g++", *FLAGS, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with `kit` (run with the golden folder and a test's name) and, where there is Beast, `client`."""
    folder = tmp_path_factory.mktemp("unreal")
    sanitized = ["-O1", "-Wpedantic", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    units = [HERE / "decoding.cpp", HERE / "motion.cpp"]
    jobs = [(*sanitized, "-c", unit, "-o", folder / f"{unit.stem}.o") for unit in units]
    if BEAST.exists():
        jobs.insert(0, ("-O0", "-pthread", HERE / "client.cpp", "-o", folder / "client"))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: compile(*job), jobs))
    compile(*sanitized, *(folder / f"{unit.stem}.o" for unit in units), "-o", folder / "kit")
    return folder


@needs_compiler
@pytest.mark.parametrize("test", TESTS)
def test_the_core_passes_the_conformance_kit(built, test):
    done = subprocess.run([built / "kit", GOLDEN, test], capture_output=True, text=True, check=False, timeout=120)
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
def client(built):
    """A command-line client around the core: PORT SECONDS [watch] [voice] [interrupt]."""
    return built / "client"


def run_client(client, port, seconds, *options):
    command = [client, str(port), str(seconds), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return json.loads(done.stdout)


def play(client, config, seconds, options):
    """What the client saw of a script, and the server's reports."""
    with running_script(config) as server:
        seen = run_client(client, server.port, seconds, *options)
    reports = []
    while not server.reports.empty():
        reports.append(server.reports.get())
    return seen, reports


@pytest.fixture(scope="module")
def runs(client):
    """All scripts at once, for they mostly wait."""
    config = ScriptedServerConfig
    wanted = {
        "golden": (config(script="golden"), 4, []),
        "malformed": (config(script="malformed"), 4, ["watch"]),
        "drops": (config(script="drops"), 4, []),
        "interrupt": (config(script="interrupt", every_s=1.0), 5, []),
        "restart": (config(script="restart", every_s=0.3), 6, []),
        "refuse": (config(script="refuse"), 3, []),
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
            running = pool.submit(run_client, client, port, 6, "voice")
            time.sleep(2)
        with running_server(engine, ServerConfig(port=port)):
            seen = running.result()
    assert seen["connections"] >= 2 and seen["frames"] > 10
    assert (seen["malformed"], seen["gave_up"]) == (0, False)
