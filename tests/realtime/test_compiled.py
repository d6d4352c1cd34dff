"""Compiled steps: AOTInductor's machine code moves as the checkpoint does, and what does not fit is refused.

The generator is a small one with random weights: a compiler takes half a minute even so.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from gesturestream.cli import main
from gesturestream.models import checkpoint
from gesturestream.models.export.artefact import ArtefactError
from gesturestream.models.export.to_pt2 import export_pt2, pt2_path
from gesturestream.realtime.executors import choose, tensorrt
from gesturestream.realtime.executors.aoti import AotExecutor
from gesturestream.realtime.executors.choose import ExecutorError, load_executor
from gesturestream.realtime.executors.closed_loop import closed_loop
from gesturestream.realtime.executors.eager import EagerExecutor
from tests.models.laws import Row, babble, run
from tests.models.small import small_generator

ROWS = 3
pytestmark = pytest.mark.timeout(1200)  # of which a machine with other work needs most for the compiler


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "small.safetensors"
    checkpoint.save(small_generator(), path, card="")
    return path


@pytest.fixture(scope="module")
def compiled(small: Path) -> Path:
    if shutil.which("g++") is None:
        pytest.skip("AOTInductor needs g++: apt-get install g++")
    return export_pt2(small, pt2_path(small), rows=ROWS, quick=True)[0]


@pytest.fixture
def copied(small: Path, compiled: Path, tmp_path: Path) -> Path:
    """Checkpoint and compiled step in a folder of their own."""
    for path in (small, compiled):
        shutil.copy(path, tmp_path)
    return tmp_path / compiled.name


def test_a_compiled_step_moves_as_the_checkpoint_does(small: Path, compiled: Path) -> None:
    """In a closed loop: a single step hides what is wrong with state, such as a view that the next run overwrites."""
    pcm = babble(4.5)
    eager, aoti = (
        closed_loop(e, pcm, 120, lookahead=2) for e in (EagerExecutor.load(small, 1), AotExecutor.load(compiled, 1))
    )
    assert eager.std(0).max() > 0.01, "it moves"
    np.testing.assert_allclose(aoti, eager, atol=1e-4, rtol=0)


def test_rows_join_and_leave_and_are_alone(small: Path, compiled: Path) -> None:
    def rows() -> list[Row]:
        return [
            Row(babble(1.4, 1), emotion=2),
            Row(babble(1.0, 2), seed=3, starts_at=9, lookahead=8),
            Row(babble(0.8, 4)),
        ]

    executor, eager = AotExecutor.load(compiled, ROWS), EagerExecutor.load(small, ROWS)
    together = run(executor, rows())
    for expected, motion in zip(run(eager, rows()), together, strict=True):
        np.testing.assert_allclose(motion, expected, atol=1e-4, rtol=0)
    poison = np.full(9000, np.nan, np.float32)
    mates = [Row(babble(1.4, 1), emotion=2), Row(poison), Row(poison, starts_at=5)]
    np.testing.assert_array_equal(run(executor, mates)[0], together[0])


def test_what_was_damaged_is_refused(copied: Path) -> None:
    whole = copied.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], b"", b"PK"):
        copied.write_bytes(damaged)
        with pytest.raises(ArtefactError, match=r"small\.pt2.*make it again: gesturestream export .* --to pt2"):
            AotExecutor.load(copied, 1)


def test_another_checkpoint_machine_or_torch_is_refused(copied: Path) -> None:
    for field, value, said in (
        ("machine", "Linux riscv64", "compiled for Linux riscv64"),
        ("versions", {"torch": "2.0", "gesturestream": "0"}, "compiled by gesturestream 0"),
        ("rows", 2, "at least 3 rows, got 2"),
    ):
        other = copied.with_name(f"{field}.pt2")
        rewritten(copied, other, field, value)
        with pytest.raises(ArtefactError, match=said):
            AotExecutor.load(other, ROWS)
    copied.with_name("small.safetensors").write_bytes(b"another")
    with pytest.raises(ArtefactError, match=r"small\.safetensors is not the checkpoint"):
        AotExecutor.load(copied, 1)


def rewritten(archive: Path, other: Path, field: str, value: object) -> None:
    """A copy that says something else of its build."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(other, "w") as copy:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("metadata.json"):
                fields = json.loads(data)
                if "gesturestream" in fields:
                    about = json.loads(fields["gesturestream"])
                    about["build"][field] = value
                    data = json.dumps(fields | {"gesturestream": json.dumps(about)}).encode()
            copy.writestr(name, data)


def test_auto_takes_what_is_there_and_says_why(copied: Path) -> None:
    """No ONNX artefact lies there; afterwards nothing compiled either."""
    own = copied.with_suffix(".safetensors")
    chosen = load_executor(own, 1)
    assert chosen.name == "aoti" and "small.onnx is missing" in chosen.why
    copied.unlink()
    chosen = load_executor(own, 1)
    assert chosen.name == "eager" and "small.onnx is missing: gesturestream export" in chosen.why
    with pytest.raises(ExecutorError, match="--to pt2 makes it"):
        load_executor(own, 1, "aoti")


@pytest.mark.skipif(torch.cuda.is_available(), reason="optional: says what happens without a card")
def test_without_a_card_it_is_said_what_is_missing(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wanted in ("cuda-graph", "tensorrt"):
        with pytest.raises(ExecutorError, match="NVIDIA card"):
            load_executor(small, 1, wanted)
    assert main(["export", str(small), "--to", "tensorrt"]) == 2
    assert "NVIDIA card" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="optional: says what happens without a card")
def test_a_card_that_torch_cannot_use_is_said(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the driver shows one: the order of trying, and that it falls through to what works."""
    monkeypatch.setattr(choose, "card_present", lambda: True)
    chosen = load_executor(Path(shutil.copy(small, tmp_path)), 1)
    assert chosen.name == "eager"
    assert "CUDA graphs need an NVIDIA card" in chosen.why


def test_left_in_torch_tells_what_no_engine_took() -> None:
    """On a graph that is partitioned as torch-tensorrt does it: engines are `_run_on_acc_...`, the rest is not."""

    class Part(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sort(torch.relu(x))[0]

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self._run_on_gpu_1 = torch.fx.symbolic_trace(Part())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self._run_on_gpu_1(x)

    leave = type("Leaves", (torch.fx.Tracer,), {"is_leaf_module": lambda self, module, name: "_run_on" in name})
    module = Whole()
    left = tensorrt.left_in_torch(torch.fx.GraphModule(module, leave().trace(module)))
    assert any("relu" in name for name in left) and any("sort" in name for name in left)
