"""What torch-tensorrt can convert, read out of its wheel's sources, which are nowhere imported: no TensorRT is needed.

python -m tests.models.tensorrt_wheel    writes tensorrt_operators.json anew, for the version named here
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "2.13.0"
"""Of torch-tensorrt: that of the torch this project is tested with."""
TABLE = Path(__file__).with_name("tensorrt_operators.json")
_PACKAGE = "torch_tensorrt/dynamo/"
_PYTHON, _PLATFORM = "3.12", "manylinux_2_28_x86_64"


class NoWheel(Exception):
    """The registry does not give it."""


def download(folder: Path) -> Path:
    """The wheel (4 MB) by pip, without what it depends on."""
    place = ["--platform", _PLATFORM, "--python-version", _PYTHON, "--only-binary=:all:", "--no-deps"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *place, "--dest", str(folder)]
    done = subprocess.run([*command, f"torch-tensorrt=={VERSION}"], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise NoWheel(done.stderr.strip().splitlines()[-1])
    return next(folder.glob("torch_tensorrt-*.whl"))


def operators(wheel: Path) -> dict[str, Any]:
    """`converters`: operator -> whether it takes open shapes (dynamic), and whether a validator may refuse a node of it
    (conditional). `decomposed`: operators that are taken apart before; `kept`: those that are not, although they could
    be; `rewritten`: by torch-tensorrt's own functions."""
    with zipfile.ZipFile(wheel) as archive:
        sources = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}
    trees = {name: ast.parse(text) for name, text in sources.items() if name.startswith(_PACKAGE)}
    converting = [tree for name, tree in trees.items() if name.startswith(f"{_PACKAGE}conversion/")]
    groups, own = (trees[f"{_PACKAGE}lowering/{name}.py"] for name in ("_decomposition_groups", "_decompositions"))
    return {
        "version": VERSION,
        "converters": _converters(converting),
        "decomposed": sorted(_set(groups, "torch_enabled_decompositions")),
        "kept": sorted(_set(groups, "torch_disabled_decompositions")),
        "rewritten": sorted({_name(call.args[0]) for call in _calls(own, "register_torch_trt_decomposition")}),
    }


def _converters(trees: list[ast.Module]) -> dict[str, dict[str, bool]]:
    """An operator may have several: the most able one counts."""
    found: dict[str, dict[str, bool]] = {}
    for call in (call for tree in trees for call in _calls(tree, "dynamo_tensorrt_converter")):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        dynamic, conditional = given.get("supports_dynamic_shapes") == "True", "capability_validator" in given
        other = found.get(_name(call.args[0]), {"dynamic": False, "conditional": True})
        found[_name(call.args[0])] = {
            "dynamic": dynamic or other["dynamic"],
            "conditional": conditional and other["conditional"],
        }
    return dict(sorted(found.items()))


def _calls(tree: ast.Module, function: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function and node.args:
            yield node


def _set(tree: ast.Module, name: str) -> set[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name and isinstance(node.value, ast.Set):
            return {_name(element) for element in node.value.elts}
    raise ValueError(f"expected a set {name} in torch-tensorrt {VERSION}; its sources are laid out in another way now")


def _name(key: ast.expr) -> str:
    """torch.ops.aten.cat.default -> aten.cat.default"""
    return ast.unparse(key).removeprefix("torch.ops.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        TABLE.write_text(json.dumps(operators(download(Path(name))), indent=1) + "\n")
    print("written to", TABLE)
