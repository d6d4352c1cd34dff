"""TensorRT without TensorRT: every operator of every generator's step has a converter in torch-tensorrt's sources.

The table is read out of the wheel by `tensorrt_wheel.py`; what stays in PyTorch is listed here, with the reason.
"""

from __future__ import annotations

import json
import operator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._decomp import get_decompositions
from torch._export.utils import _collect_all_valid_cia_ops_for_aten_namespace, _get_decomp_for_cia

from gesturestream.models import registry
from gesturestream.models.export.compiled import traced
from tests.models import tensorrt_wheel

pytestmark = pytest.mark.timeout(1200)  # tracing takes seconds, on a machine with other work minutes
KNOWN: dict[str, Any] = json.loads(tensorrt_wheel.TABLE.read_text())
IN_TORCH = {
    "aten.as_strided.default": "cuts the samples into overlapping windows; its converter takes no open batch size",
    "aten.gather.default": "reads one row of the look-ahead's window (EMAGE); its converter takes no open batch size",
}
"""Operators that stay in PyTorch, where the engine is split in two -> what they are for."""
REMOVED = {"aten._assert_tensor_metadata.default"}
"""Torch-tensorrt strikes them out before it converts (lowering/passes/remove_assert_nodes.py)."""


def test_the_table_is_what_the_wheel_says(tmp_path: Path) -> None:
    try:
        wheel = tensorrt_wheel.download(tmp_path)
    except tensorrt_wheel.NoWheel as reason:
        pytest.skip(f"optional: the registry does not give torch-tensorrt's wheel: {reason}")
    assert tensorrt_wheel.operators(wheel) == KNOWN, "python -m tests.models.tensorrt_wheel writes it anew"


CHECKPOINTS = {path.stem: path for path in sorted((registry.ASSETS.parent / "candidates").glob("*.safetensors"))}
CHECKPOINTS |= {name: registry.checkpoint_path(name) for name in registry.available()}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_every_operator_of_the_step_has_a_converter(name: str) -> None:
    """With open batch size. A validator may still refuse single nodes: `export --to tensorrt` lists what it leaves."""
    program = traced(CHECKPOINTS[name], "", rows=64).program.run_decompositions(_decompositions())
    used = {_name(node.target) for node in program.graph.nodes if node.op == "call_function"} - REMOVED
    without = {each for each in used if not _converted(each)}
    assert len(used) > 20
    assert without == set(IN_TORCH) & used


def _converted(name: str) -> bool:
    """By its overload, or by the operator where that has only one."""
    rewritten = {*KNOWN["rewritten"]}
    names = (name, name.rpartition(".")[0])
    return any(KNOWN["converters"].get(each, {}).get("dynamic") or each in rewritten for each in names)


def _decompositions() -> dict[Any, Any]:
    """What torch-tensorrt takes apart before it converts, by torch's own rules; those that it rewrites stay whole."""
    kept, own = ({_operator(name) for name in KNOWN[part]} for part in ("kept", "rewritten"))
    enabled = get_decompositions([found for name in KNOWN["decomposed"] if (found := _operator(name)) is not None])
    composite = {each: _get_decomp_for_cia(each) for each in _collect_all_valid_cia_ops_for_aten_namespace()}
    whole = kept | own
    return {each: rule for each, rule in {**composite, **enabled}.items() if not {each, each.overloadpacket} & whole}


def _operator(name: str) -> Any:
    """aten.cat.default -> the operator; None: this torch has none of that name."""
    namespace, *path = name.split(".")
    found: Any = getattr(torch.ops, namespace)
    for part in path:
        found = getattr(found, part, None)
    return found


def _name(target: Any) -> str:
    return f"operator.{target.__name__}" if target.__module__ == operator.getitem.__module__ else str(target)
