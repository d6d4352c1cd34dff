"""The engines' clients, each for a minute against the real server: what they lose, how late they show it.

python -m benchmarks.clients --seconds 60

Once directly, once through the proxy of a bad network (0-50 ms late both ways, 300 ms stalls for 2 % of the time). The
Unreal plug-in's core is built by g++ with Boost.Beast, the Unity package's by mono; the Godot add-on runs in Godot 3;
where a tool is missing that client is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import tyro

from benchmarks import machine
from benchmarks.server import ServerProcess
from benchmarks.voice import speech
from gesturestream.realtime.executors.choose import Wanted

RATE = 16000
BRIDGE, TESTS = machine.ROOT / "bridge", machine.ROOT / "tests" / "bridge"
FIGURES = (
    "connections", "frames", "missing", "malformed", "pictures", "underruns", "delay_ms", "latency_ms_p50",
    "latency_ms_p99", "shown_ms_p50", "shown_ms_p99",
)  # fmt: skip
"""`latency`: from the step that made a frame to its arrival; `shown`: to the screen, the jitter buffer included."""


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Runs every client that this machine can build."""

    seconds: int = 60
    """How long each of them runs, each time."""
    executor: Wanted = "auto"
    """Of the server."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


def commands(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and command of each client that could be built, `PORT` and `SECONDS` still to be put in."""
    if shutil.which("g++") and Path("/usr/include/boost/beast.hpp").exists():
        yield "unreal core (g++)", [*_cpp(folder), "PORT", "SECONDS", "voice"]
    if shutil.which("mcs") and shutil.which("mono"):
        yield "unity core (mono)", ["mono", *_mono(folder), "PORT", "SECONDS", "--wav", _voice(folder)]
    if shutil.which("godot3-server"):
        yield "godot 3", ["godot3-server", "--path", _godot(folder), "-s", "run.gd", "PORT", "SECONDS", "own"]


def _cpp(folder: Path) -> list[str]:
    program = folder / "client"
    include = BRIDGE / "unreal" / "Source" / "GestureStream" / "Public"
    source = TESTS / "unreal" / "client.cpp"
    subprocess.run(["g++", "-std=c++17", "-O2", "-pthread", f"-I{include}", source, "-o", program], check=True)
    return [str(program)]


def _mono(folder: Path) -> list[str]:
    program = folder / "client.exe"
    core = sorted((BRIDGE / "unity" / "Runtime" / "Core").glob("*.cs"))
    command = ["mcs", "-langversion:7", f"-out:{program}", *core, TESTS / "unity" / "Client.cs"]
    subprocess.run([*map(str, command)], check=True)
    return [str(program)]


def _godot(folder: Path) -> str:
    project = folder / "project"
    shutil.copytree(TESTS / "godot", project)
    shutil.copytree(BRIDGE / "godot" / "godot3" / "addons", project / "addons")
    return str(project)


def _voice(folder: Path) -> str:
    path = folder / "speech.wav"
    soundfile.write(path, (speech(30, RATE) * 32767).astype(np.int16), RATE, subtype="PCM_16")
    return str(path)


@contextmanager
def proxied(port: int) -> Iterator[int]:
    """The port of a bad network in front of a server."""
    module = "gesturestream.bridge.conformance.proxy"
    command = [sys.executable, "-m", module, "--target-port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()


def measure(command: list[str], port: int, seconds: int, home: Path) -> dict[str, Any]:
    """What one client saw."""
    values = {"PORT": str(port), "SECONDS": str(seconds)}
    done = subprocess.run(
        [values.get(word, word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=seconds + 60,
        env={**os.environ, "HOME": str(home)},
    )
    line = next(line for line in reversed(done.stdout.splitlines()) if line.endswith("}"))
    seen = json.loads(line.removeprefix("RESULT "))
    return {name: round(seen[name], 3) for name in FIGURES if name in seen}


def run(options: Clients) -> None:
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name, ServerProcess("--executor", options.executor) as server:
        folder = Path(name)
        clients = list(commands(folder))
        server.wait_settled()
        for client, command in clients:
            direct = measure(command, server.port, options.seconds, folder)
            with proxied(server.port) as port:
                bad = measure(command, port, options.seconds, folder)
            results[client] = {"direct": direct, "bad_network": bad}
            print(client, json.dumps(results[client]), flush=True)
    told = {"seconds": options.seconds, "executor": options.executor, "clients": results}
    print("written to", machine.write_result("clients", told, options.output))


if __name__ == "__main__":
    run(tyro.cli(Clients))
