"""The programs of `benchmarks.clients`: how each is built, and told what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine

BRIDGE, TESTS = machine.ROOT / "bridge", machine.ROOT / "tests" / "bridge"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a client is to do."""

    port: int
    seconds: float
    trace: Path
    """Where its records go (`benchmarks.watching`)."""
    voice: Path
    """Folder of what it says: speech.wav, speech.raw."""
    page: int | None = None
    """Port of a server that has the viewer, where `port` has none."""
    interrupt_every_s: float = 0.0
    """0: never."""


@dataclass(frozen=True)
class Program:
    """A client that has been built."""

    name: str
    command: Callable[[Task], list[str]]
    announces: bool = False
    """It says a line when it begins."""


def built(folder: Path, only: tuple[str, ...]) -> Iterator[Program]:
    """Every client that this machine can build, or those named."""
    makers = {"unreal": _unreal, "unity": _unity, "godot": _godot, "browser": _browser, "python": _python}
    if unknown := set(only) - set(makers):
        raise ValueError(f"expected clients of {', '.join(makers)}, got {', '.join(sorted(unknown))}")
    for name, make in makers.items():
        program = make(folder) if name in only or not only else None
        if program is not None:
            yield program


def _unreal(folder: Path) -> Program | None:
    if not (shutil.which("g++") and Path("/usr/include/boost/beast.hpp").exists()):
        return None
    program = folder / "client"
    include = BRIDGE / "unreal" / "Source" / "GestureStream" / "Public"
    source = TESTS / "unreal" / "client.cpp"
    subprocess.run(["g++", "-std=c++17", "-O2", "-pthread", f"-I{include}", source, "-o", program], check=True)

    def command(task: Task) -> list[str]:
        interrupt = ["interrupt"] if task.interrupt_every_s else []
        raw, trace = f"raw={task.voice / 'speech.raw'}", f"trace={task.trace}"
        return [str(program), str(task.port), str(task.seconds), raw, trace, *interrupt]

    return Program("unreal core (g++)", command)


def _unity(folder: Path) -> Program | None:
    if not (shutil.which("mcs") and shutil.which("mono")):
        return None
    program = folder / "client.exe"
    core = sorted((BRIDGE / "unity" / "Runtime" / "Core").glob("*.cs"))
    compile = ["mcs", "-langversion:7", f"-out:{program}", *core, TESTS / "unity" / "Client.cs"]
    subprocess.run([*map(str, compile)], check=True)

    def command(task: Task) -> list[str]:
        interrupt = ["--interrupt-every", str(task.interrupt_every_s)] if task.interrupt_every_s else []
        spoken = ["--wav", str(task.voice / "speech.wav"), "--trace", str(task.trace)]
        return ["mono", str(program), str(task.port), str(task.seconds), *spoken, *interrupt]

    return Program("unity core (mono)", command)


def _godot(folder: Path) -> Program | None:
    if not shutil.which("godot3-server"):
        return None
    project = folder / "project"
    shutil.copytree(TESTS / "godot", project)
    shutil.copytree(BRIDGE / "godot" / "godot3" / "addons", project / "addons")

    def command(task: Task) -> list[str]:
        interrupt = ["interrupt", f"every={task.interrupt_every_s}"] if task.interrupt_every_s else []
        spoken = ["own", f"raw={task.voice / 'speech.raw'}", f"trace={task.trace}"]
        engine = ["godot3-server", "--path", str(project), "-s", "run.gd"]
        return [*engine, str(task.port), str(task.seconds), *spoken, *interrupt]

    return Program("godot 3", command)


def _browser(_: Path) -> Program | None:
    web = BRIDGE / "web"
    node, there = shutil.which("node"), (web / "dist" / "index.html", web / "node_modules" / "playwright-core")
    if node is None or not shutil.which("chromium") or not all(path.exists() for path in there):
        return None

    def command(task: Task) -> list[str]:
        there = f"http://127.0.0.1:{task.page or task.port}/"
        url, spoken = (
            (f"{there}?server=127.0.0.1:{task.port}", "-") if task.page else (there, task.voice / "speech.wav")
        )
        told = [url, task.seconds, task.trace, spoken, task.interrupt_every_s]
        return [node, str(TESTS / "web" / "trace.mjs"), *map(str, told)]

    return Program("browser (viewer)", command, announces=True)


def _python(_: Path) -> Program | None:
    def command(task: Task) -> list[str]:
        told = [task.port, task.seconds, task.trace, task.interrupt_every_s]
        return [sys.executable, "-m", "benchmarks.python_client", *map(str, told)]

    return Program("python", command)
