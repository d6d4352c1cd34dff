"""Imports run one way, a machine without torch can serve, and the wheel holds what the tree holds."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("models", "realtime", "bridge", "training")
MAY_IMPORT = {
    "models": {"models"},
    "realtime": {"realtime", "models"},
    "bridge": {"bridge", "realtime", "models"},
    "training": {"training", "models"},
}
"""Folder -> folders that it may import from; `gesturestream.cli` may import everything."""
TORCH_FREE_MODELS = ("body", "motion", "timing", "noise", "step", "registry", "checkpoint", "export.artefact")
TORCH_EXECUTORS = tuple(
    f"gesturestream.realtime.executors.{name}"
    for name in ("eager", "aoti", "cuda_graph", "tensorrt", "flat_step", "packed")
)
"""The only modules of `realtime` and `bridge` that may import torch at their top level."""


def modules(*folders: str) -> dict[str, Path]:
    """Import name -> file of every module in `folders`."""
    names = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "node_modules" not in parts:
                names[".".join(("gesturestream", *parts)).removesuffix(".__init__")] = path
    return names


def imports(module: str, path: Path, top_level: bool = False) -> Iterator[str]:
    """Absolute names that `module` imports, inside functions too unless only the `top_level` is asked for."""
    tree = ast.parse(path.read_text())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else None
            source = ".".join(part for part in (base, node.module) if part)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def is_inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_one_way(folder):
    forbidden = [f"gesturestream.{other}" for other in (*FOLDERS, "cli") if other not in MAY_IMPORT[folder]]
    found = modules(folder)
    assert f"gesturestream.{folder}" in found
    wrong = {
        f"{module} imports {name}"
        for module, path in found.items()
        for name in imports(module, path)
        if any(is_inside(name, package) for package in forbidden)
    }
    assert not wrong


def test_bare_names_are_never_imported():
    """`models` and its like belong to other distributions; here they are `gesturestream.models`."""
    files = modules(*FOLDERS, "gesturestream", "tests", "benchmarks")
    wrong = {
        f"{path} imports {name}"
        for module, path in files.items()
        for name in imports(module, path)
        if name.partition(".")[0] in FOLDERS
    }
    assert not wrong


def test_only_torch_executors_of_the_engine_import_torch():
    wrong = {
        module
        for module, path in modules("realtime", "bridge").items()
        for name in imports(module, path, top_level=True)
        if is_inside(name, "torch") and module not in TORCH_EXECUTORS
    }
    assert not wrong


WITHOUT_TORCH = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("torch is not blocked")
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not [name for name in sys.modules if name.startswith("gesturestream.training")]
"""


def test_everything_a_server_needs_imports_without_torch():
    names = [name for name in modules("realtime", "bridge") if name not in TORCH_EXECUTORS]
    torch_free = [f"gesturestream.models.{part}" for part in TORCH_FREE_MODELS]
    names += [name for name in modules("models") if any(is_inside(name, part) for part in torch_free)]
    assert {"gesturestream.models.timing", "gesturestream.models.body.kinematics", "gesturestream.bridge"} <= set(names)
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy of the tree so that no build folder is left in it."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for folder in ("gesturestream", *FOLDERS):
        copytree(ROOT / folder, tree / folder, ignore=ignore_patterns("__pycache__", "node_modules", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (tree / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(out), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return next(out.glob("gesturestream-*.whl"))


def files_of(folder: Path) -> set[str]:
    """Files below `folder`, relative to the root of the repository."""
    return {str(path.relative_to(ROOT)) for path in folder.rglob("*") if path.is_file()}


def test_wheel_holds_every_module_under_the_import_root(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name for name in names if ".dist-info/" not in name}
    assert all(name.startswith("gesturestream/") for name in inside)
    expected = {f"gesturestream/{path.relative_to(ROOT)}" for path in modules(*FOLDERS).values()}
    expected |= {str(path.relative_to(ROOT)) for path in (ROOT / "gesturestream").rglob("*.py")}
    assert {name for name in inside if name.endswith(".py")} == expected
    assert "gesturestream/py.typed" in inside


@pytest.mark.parametrize("folder", ["realtime/assets", "models/assets", "bridge/web/dist", "bridge/recorders/assets"])
def test_wheel_holds_the_assets(wheel, folder):
    expected = {f"gesturestream/{name}" for name in files_of(ROOT / folder)}
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_installed_wheel_finds_its_demo_speech(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = """
from gesturestream.realtime.sources.files import demo_speech_path, read_audio
print(demo_speech_path(), len(read_audio(demo_speech_path())))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    path, samples = done.stdout.split()
    assert Path(path) == tmp_path / "gesturestream/realtime/assets/demo_speech.flac"
    assert int(samples) > 20 * 16000
