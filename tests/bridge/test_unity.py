"""The Unity package's plain C# core against the conformance kit, real servers and a restart, run by mono.

No engine runs here. What needs Unity is compiled against hand-written signatures of its documented API, and runs on a
stand-in that has little more than a hierarchy of transforms: arithmetic and order of calls are tested, Unity is not.
"""

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gesturestream.bridge.conformance.make import GOLDEN
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.toy import LoudnessExecutor
from tests.bridge.unity.metas import assets, guid_of, meta_of

HERE = Path(__file__).parent / "unity"
PACKAGE = Path(__file__).parents[2] / "bridge" / "unity"
CORE = sorted((PACKAGE / "Runtime" / "Core").glob("*.cs"))
STAND_IN = [HERE / "stubs" / name for name in ("Objects.cs", "Numbers.cs", "Modules.cs")]
KIT = [HERE / name for name in ("Check.cs", "Decoding.cs", "Motion.cs", "Parts.cs")]
TESTS = (
    "messages", "texts", "streams", "fuzz", "interpolation", "axes", "retarget", "delays", "fades", "reconnect",
    "voice", "small_parts", "garbage",
)  # fmt: skip

NET_STANDARD = "-define:NETSTANDARD2_1"
"""Unity's default profile."""

needs_mono = pytest.mark.skipif(
    not (shutil.which("mcs") and shutil.which("mono")), reason="needs mono-mcs and mono-runtime"
)
pytestmark = [needs_mono, pytest.mark.timeout(900)]


def sources(folder):
    return sorted((PACKAGE / folder).glob("*.cs"))


def compile(out, sources, *options):
    """C# 7, as old Unity takes it; warnings are errors."""
    command = [
        "mcs",
        "-langversion:7",
        "-warnaserror",
        "-warn:4",
        "-debug",
        f"-out:{out}",
        *options,
        *map(str, sources),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def mono(program, *arguments, timeout):
    command = ["mono", "--debug", str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the package's assemblies as its asmdefs cut them, and the programs that use them:

    `kit.exe` (golden folder, a test's name), `client.exe`, `own.exe` (the package's own tests) and `bodies.exe`.
    """
    folder = tmp_path_factory.mktemp("unity")
    library = "-target:library"
    core = compile(folder / "core.dll", CORE, library, NET_STANDARD)
    engine = compile(folder / "engine.dll", STAND_IN, library)
    runtime = compile(folder / "runtime.dll", sources("Runtime"), library, f"-r:{core}", f"-r:{engine}")
    references = [f"-r:{part}" for part in (core, engine, runtime)]
    sample = compile(folder / "sample.dll", sources("Samples~/CapsuleRig"), library, *references)
    own_tests = [*sources("Tests/Editor"), HERE / "stubs" / "NUnit.cs"]
    jobs = [
        (folder / "editor.dll", sources("Editor"), library, *references),
        (folder / "kit.exe", KIT, f"-r:{core}"),
        (folder / "client.exe", [HERE / "Client.cs"], f"-r:{core}"),
        (folder / "own.exe", own_tests, f"-r:{core}"),
        (folder / "bodies.exe", [HERE / "Bodies.cs"], *references, f"-r:{sample}"),
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: compile(*job), jobs))
    return folder


@pytest.fixture(scope="module")
def built_for_net_framework(tmp_path_factory):
    """The client on Unity's other profile, which knows no `Memory<byte>`."""
    folder = tmp_path_factory.mktemp("unity_net_framework")
    core = compile(folder / "core.dll", CORE, "-target:library")
    compile(folder / "client.exe", [HERE / "Client.cs"], f"-r:{core}")
    return folder


@pytest.mark.parametrize("test", TESTS)
def test_the_core_passes_the_conformance_kit(built, test):
    done = mono(built / "kit.exe", GOLDEN, test, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_tests_in_the_package_pass(built):
    done = mono(built / "own.exe", timeout=120)
    assert done.returncode == 0, done.stderr


PATIENCE_S = 120
"""How long a busy machine may take to see what is waited for; a quick one takes a second or two."""


def start_client(built, port, *options, seconds=PATIENCE_S):
    command = ["mono", "--debug", built / "client.exe", port, seconds, *options]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def play(built, config, until, *options, seconds=PATIENCE_S):
    """What the client saw of a script, and the server's reports."""
    with running_script(config) as server:
        client = start_client(built, server.port, *options, "--until", until, seconds=seconds)
        out, err = client.communicate(timeout=seconds + 60)
    assert client.returncode == 0, err
    reports = []
    while not server.reports.empty():
        reports.append(server.reports.get())
    return json.loads(out.splitlines()[-1]), reports


@pytest.fixture(scope="module")
def runs(built):
    """All scripts, a few at a time, for they mostly wait."""
    config = ScriptedServerConfig
    wanted = {
        "golden": (config(script="golden"), "gave_up=1", "--voice"),
        "malformed": (config(script="malformed"), "malformed=40,pictures=30", "--watch", "local"),
        "drops": (config(script="drops"), "missing=3,pictures=100"),
        "interrupt": (config(script="interrupt", every_s=0.5), "epochs=3,old=12,loudest_percent=10", "--voice"),
        "stall": (config(script="stall"), "readies=2,pictures=30"),
        "restart": (config(script="restart", every_s=0.3), "readies=3,connections=4,frames=20"),
    }
    with ThreadPoolExecutor(3) as pool:
        started = {name: pool.submit(play, built, *run) for name, run in wanted.items()}
        started["refuse"] = pool.submit(play, built, config(script="refuse"), "connections=2", seconds=8)
        return {name: run.result() for name, run in started.items()}


def test_every_golden_message_decodes_and_the_end_is_the_end(runs):
    seen, reports = runs["golden"]
    assert (seen["malformed"], seen["frames"] + seen["old"] >= 10, seen["connections"]) == (0, True, 1)
    assert seen["events"]["end"] == 1 and len(seen["events"]) == 14 and seen["voice"] > 0
    assert seen["gave_up"] is True
    assert reports[-1]["code"] == 1000


def test_the_other_profile_of_unity_receives_and_sends_the_same(built_for_net_framework):
    config = ScriptedServerConfig(script="golden")
    seen, reports = play(built_for_net_framework, config, "gave_up=1", "--voice")
    assert (seen["malformed"], seen["connections"], len(seen["events"])) == (0, 1, 14)
    assert seen["frames"] >= 10 and seen["voice"] > 0 and reports[-1]["code"] == 1000


def test_what_is_malformed_costs_no_frame(runs):
    seen, _ = runs["malformed"]
    assert seen["malformed"] > 10 and seen["missing"] == 0 and seen["frames"] > 30 and seen["connections"] == 1


def test_dropped_frames_are_counted(runs):
    seen, reports = runs["drops"]
    assert seen["missing"] > 0 and seen["malformed"] == 0
    assert reports[-1]["said"]["ack"] >= 2 and reports[-1]["acknowledged"] > 10 and reports[-1]["played_s"] > 0
    assert reports[-1]["said"]["end"] == 1  # it leaves properly


def test_no_old_frame_is_shown_after_an_interrupt(runs):
    seen, _ = runs["interrupt"]
    assert seen["epochs"] >= 2 and seen["old"] >= 6  # the old frames came, all of them with the left arm raised
    assert seen["raised"] == 0 and seen["pictures"] > 30
    assert seen["loudest"] > 0.1  # and the voice was heard


def test_five_silent_seconds_are_a_lost_connection(runs):
    seen, reports = runs["stall"]
    assert seen["connections"] == 2 and reports[0]["event"] == "opened" and seen["gave_up"] is False


def test_it_reconnects_and_resumes_by_itself(runs):
    seen, reports = runs["restart"]
    openings = [report["message"] for report in reports if report["event"] == "opened"]
    assert len(openings) == seen["connections"] == 4
    assert "resume" not in openings[0]
    assert all(message["resume_key"] is True for message in openings[1:])  # the right key
    assert seen["gave_up"] is False and seen["frames"] >= 20


def test_a_refused_token_is_not_tried_again(runs):
    seen, _ = runs["refuse"]
    assert seen["gave_up"] is True and seen["connections"] == 1


def test_a_session_with_the_real_server_survives_its_restart(built, tmp_path):
    wav = tmp_path / "voice.wav"
    write_tone(wav)
    options = ["--wav", wav, "--mode", "agent", "--voice", "--interrupt-every", "1.5"]
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine:
        with running_server(engine) as url:
            port = int(url.rsplit(":", 1)[1].strip("/"))
            client = start_client(built, port, *options, "--until", "readies=2,epochs=3,loudest_percent=20")
            while client.stdout.readline() != "epoch\n":
                assert client.poll() is None, client.stderr.read()
        with running_server(engine, ServerConfig(port=port)):
            out, _ = client.communicate(timeout=PATIENCE_S + 60)
    seen = json.loads(out.splitlines()[-1])
    assert (seen["readies"], seen["malformed"], seen["gave_up"]) == (2, 0, False)
    assert seen["frames"] > 30 and seen["epochs"] >= 3
    assert seen["voice"] > 5 and seen["loudest"] > 0.2


@pytest.mark.parametrize("body", ["smplx", "humanoid", "face"])
def test_poses_reach_the_bones_of_any_rig(built, body):
    """Joint positions in Unity's frame: the left arm is the left arm, on bones of any axes, size and place."""
    done = mono(built / "bodies.exe", GOLDEN, body, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


def play_sample(built, port, voice):
    done = mono(built / "bodies.exe", GOLDEN, "scene", port, voice, PATIENCE_S, timeout=PATIENCE_S + 60)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["malformed"], seen["said"]) == (0, 0), done.stderr
    return seen


def test_the_sample_speaks_a_clip_and_is_interrupted(built):
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine, running_server(engine) as url:
        seen = play_sample(built, url.rsplit(":", 1)[1].strip("/"), "clip")
    assert seen["travel_m"] > 0.02 and seen["loudest"] > 0.2 and seen["interrupted_s"] > 0


def test_the_sample_sends_the_microphone(built):
    with running_script(ScriptedServerConfig(script="plain")) as server:
        seen = play_sample(built, server.port, "microphone")
        reports = [server.next_report(), server.next_report()]
    assert seen["travel_m"] > 0.1 and seen["interrupted_s"] >= 0
    assert reports[0]["message"]["audio"]["rate"] == 16000
    assert reports[1]["samples"] > 16000 and reports[1]["said"]["interrupt"] == 1


def write_tone(path):
    """Four seconds that swell and fade, 24 kHz."""
    import numpy as np
    import soundfile

    t = np.arange(4 * 24000) / 24000
    soundfile.write(path, 0.4 * np.sin(1382 * t) * np.sin(np.pi * t) ** 2, 24000, subtype="PCM_16")


def test_every_asset_has_a_meta_file_of_its_own():
    guids = [guid_of(asset) for asset in assets()]
    assert len(guids) == len(set(guids)) > 20
    orphans = set(PACKAGE.rglob("*.meta")) - {meta_of(asset) for asset in assets()}
    assert not orphans


def test_the_manifest_names_what_is_there():
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert manifest["unity"] == "2021.3" and manifest["version"] in (PACKAGE / "CHANGELOG.md").read_text()
    for sample in manifest["samples"]:
        assert list((PACKAGE / sample["path"]).glob("*.unity")), sample["path"]


def test_the_scene_refers_to_scripts_of_the_package():
    (scene,) = (PACKAGE / "Samples~").rglob("*.unity")
    guids = set(re.findall(r"guid: ([0-9a-f]{32})", scene.read_text()))
    assert guids == {guid_of(scene.with_name("CapsuleRigSample.cs"))}


def test_assemblies_refer_to_assemblies_that_are_there():
    """And the core knows no engine."""
    assemblies = {path: json.loads(path.read_text()) for path in PACKAGE.rglob("*.asmdef")}
    names = {assembly["name"] for assembly in assemblies.values()}
    for path, assembly in assemblies.items():
        own = [name for name in assembly["references"] if not name.endswith("TestRunner")]
        assert set(own) <= names, path
    (core,) = (assembly for assembly in assemblies.values() if assembly["name"] == "GestureStream.Core")
    assert core["noEngineReferences"] is True and core["references"] == []
