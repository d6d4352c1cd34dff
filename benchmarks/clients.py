"""The clients of all engines, each for a minute against the real server: what they lose, how late and smooth they are.

    python -m benchmarks.clients --seconds 60

Four runs of each: on the real server; on the conformance kit's server, which needs no processor, behind the proxy of a
bad network (0-50 ms late both ways, 300 ms stalls for 2 % of the time); on the kit's script `interrupt`, where frames
keep coming that must not be seen; and on a real server that is stopped and started again while the client interrupts
every two seconds. The Unreal plug-in's core is built by g++ with Boost.Beast, the Unity package's by mono; the Godot
add-on runs in Godot 3; the viewer in Chromium. Where a tool is missing that client is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import numpy as np
import soundfile
import tyro
from rich.console import Console
from rich.table import Table

from benchmarks import client_programs, machine, watching
from benchmarks.client_programs import Program, Task
from benchmarks.server import ServerProcess
from benchmarks.voice import speech
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.realtime.executors.choose import Wanted

RATE = 16000
RunName = Literal["direct", "bad_network", "script", "restart"]
RUNS: tuple[RunName, ...] = ("direct", "bad_network", "script", "restart")
INTERRUPT_EVERY_S = 2.0
RESTART_S, RESTARTED_RUN_S, SCRIPT_S = 8.0, 60.0, 15.0
COUNTS = ("missing", "malformed", "underruns", "delay_ms")


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Runs every client that this machine can build."""

    seconds: int = 60
    """How long each of them runs, directly and behind the bad network."""
    executor: Wanted = "auto"
    """Of the server."""
    only: tuple[str, ...] = ()
    """Names of clients, e.g. browser; none: all."""
    runs: tuple[RunName, ...] = RUNS
    """Which to make; where not all are made, the file keeps what it has of the others."""
    output: Path = machine.RESULTS
    """Folder the JSON is written to."""


@dataclass
class BadNetwork:
    """The proxy that runs, and when its stalls ended, UNIX time."""

    port: int
    stalls_s: list[float] = field(default_factory=list)


@contextmanager
def proxied(port: int) -> Iterator[BadNetwork]:
    """A bad network in front of a server."""
    module = "gesturestream.bridge.conformance.proxy"
    command = [sys.executable, "-m", module, "--target-port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout
        network = BadNetwork(int(json.loads(lines.readline())["port"]))

        def follow() -> None:
            network.stalls_s.extend(json.loads(line)["ends_unix_s"] for line in lines)

        reader = Thread(target=follow, daemon=True)
        reader.start()
        try:
            yield network
        finally:
            process.kill()
            reader.join()


class Measured:
    """One run of one client: its counts and its trace."""

    def __init__(self, program: Program, task: Task) -> None:
        self._path = task.trace
        self._process = subprocess.Popen(
            program.command(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "HOME": str(task.trace.parent)},
        )
        if program.announces:
            assert self._process.stdout is not None
            self._process.stdout.readline()
        self._patience_s = task.seconds + 60

    def finish(self) -> tuple[dict[str, Any], watching.Trace]:
        """Waits for its end."""
        out, _ = self._process.communicate(timeout=self._patience_s)
        if self._process.returncode != 0:
            raise RuntimeError(f"a client ended with {self._process.returncode}: {self._process.args!r}")
        line = next(line for line in reversed(out.splitlines()) if line.endswith("}"))
        counts = json.loads(line.removeprefix("RESULT "))
        return counts, watching.read_trace(self._path)


def a_minute(program: Program, task: Task, network: BadNetwork | None = None) -> dict[str, Any]:
    """What is told of a run directly or behind a bad network."""
    load = machine.load()
    counts, trace = Measured(program, task).finish()
    stalls_s = network.stalls_s if network else ()
    told = {name: round(counts[name], 1) for name in COUNTS}
    return {**watching.figures(trace, stalls_s), **told, "load_average_1min": load}


def a_restart(program: Program, task: Task, server: ServerProcess, executor: Wanted) -> dict[str, Any]:
    """What becomes of a client whose server goes and comes back on the same port. Stops `server`."""
    running = Measured(program, task)
    time.sleep(RESTART_S)
    server.stop()
    away_s = time.time()
    with ServerProcess("--executor", executor, port=task.port, ready_within_s=180.0):
        back_s = time.time()
        counts, trace = running.finish()
    return {
        "connections": counts["connections"],
        "malformed": counts["malformed"],
        "server_away_s": round(back_s - away_s, 1),
        "back_after_s": watching.back_after_s(trace, back_s),
        "frames_since": watching.frames_since(trace, back_s),
        "epochs": watching.epochs(trace),
        "old_pictures": watching.old_pictures(trace),
    }


def a_script(program: Program, task: Task) -> dict[str, Any]:
    """Interrupts after which old frames go on coming."""
    counts, trace = Measured(program, task).finish()
    told = {"pictures": int(np.sum(trace["picture"])), "epochs": watching.epochs(trace)}
    return {**told, "old_frames": counts["old"], "old_pictures": watching.old_pictures(trace)}


def measure(program: Program, options: Clients, folder: Path) -> dict[str, Any]:
    """The runs of one client that are wanted."""

    def task(port: int, seconds: float, *, interrupts: bool = False, page: int | None = None) -> Task:
        places = {"trace": folder / "trace", "voice": folder}
        every_s = INTERRUPT_EVERY_S if interrupts else 0.0
        return Task(port=port, seconds=seconds, **places, page=page, interrupt_every_s=every_s)

    def run(name: RunName) -> dict[str, Any]:
        if name == "direct":
            return a_minute(program, task(server.port, options.seconds))
        if name == "bad_network":
            plain = ScriptedServerConfig(script="plain", seconds=options.seconds + 60.0)
            with running_script(plain) as script, proxied(script.port) as network:
                return a_minute(program, task(network.port, options.seconds, page=server.port), network)
        if name == "script":
            with running_script(ScriptedServerConfig(script="interrupt")) as script:
                return a_script(program, task(script.port, SCRIPT_S, page=server.port))
        return a_restart(program, task(server.port, RESTARTED_RUN_S, interrupts=True), server, options.executor)

    server = ServerProcess("--executor", options.executor, ready_within_s=180.0)
    server.wait_ready()
    try:
        server.wait_settled()
        return {
            name: run(name) for name in RUNS if name in options.runs
        }  # in this order: the last one stops the server
    finally:
        server.stop()


def known(options: Clients) -> dict[str, dict[str, Any]]:
    """What the file has already of runs that are not made."""
    path = options.output / "clients.json"
    if set(options.runs) == set(RUNS) or not path.exists():
        return {}
    clients: dict[str, dict[str, Any]] = json.loads(path.read_text())["clients"]
    return clients


def write_voice(folder: Path) -> None:
    """The bundled speech, 30 s of it, as `speech.wav` and as samples alone, `speech.raw`."""
    pcm = (speech(30, RATE) * 32767).astype("<i2")
    soundfile.write(folder / "speech.wav", pcm, RATE, subtype="PCM_16")
    (folder / "speech.raw").write_bytes(pcm.tobytes())


def show(results: dict[str, dict[str, Any]]) -> None:
    for run in RUNS:
        rows = list(dict.fromkeys(name for result in results.values() for name in result.get(run, ())))
        table = Table("", *results, title=run)
        for row in rows:
            table.add_row(row, *(str(result.get(run, {}).get(row, "")) for result in results.values()))
        Console().print(table)


def run(options: Clients) -> None:
    results = known(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_voice(folder)
        for program in client_programs.built(folder, options.only):
            results.setdefault(program.name, {}).update(measure(program, options, folder))
            told = {"seconds": options.seconds, "executor": options.executor, "clients": results}
            path = machine.write_result("clients", told, options.output)  # what there is, should the next one fail
            print(program.name, json.dumps(results[program.name]), flush=True)
    show(results)
    print("written to", path)


if __name__ == "__main__":
    run(tyro.cli(Clients, description=__doc__))
