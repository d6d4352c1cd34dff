"""The ONNX executor beside the eager one, without torch in the process, and what it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models import registry
from gesturestream.models.export.artefact import ArtefactError, StateLeaf, artefact_path, guide_path
from gesturestream.realtime.executors.choose import ExecutorError, load_executor
from gesturestream.realtime.executors.closed_loop import closed_loop
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.onnx import OnnxExecutor
from gesturestream.realtime.executors.rows_state import RowsState
from tests.models.laws import Row, babble, run

ROOT = Path(__file__).parents[2]
CHECKPOINTS = {name: registry.checkpoint_path(name) for name in registry.available()}


@pytest.fixture(scope="module", params=CHECKPOINTS)
def checkpoint(request) -> Path:
    return CHECKPOINTS[request.param]


@pytest.fixture
def copied(checkpoint, tmp_path) -> Path:
    """Checkpoint and artefacts in a folder of their own."""
    for path in (checkpoint, artefact_path(checkpoint), guide_path(artefact_path(checkpoint))):
        if path.exists():
            shutil.copy(path, tmp_path)
    return tmp_path / checkpoint.name


@pytest.mark.parametrize("lookahead", [0, 8])
def test_shipped_artefact_moves_as_the_checkpoint_does(checkpoint, lookahead):
    """120 steps in a closed loop: what ships is of these weights and of the code as it is now.

    Given the same history every step is the same; left to itself it stays near, and rounding may grow.
    """
    pcm, onnx = babble(4.0), OnnxExecutor.load(artefact_path(checkpoint), 1)
    eager = closed_loop(EagerExecutor.load(checkpoint, 1), pcm, 120, lookahead=lookahead)
    assert eager.std(0).max() > 0.05, "it moves"
    forced = closed_loop(onnx, pcm, 120, lookahead=lookahead, history=eager)
    np.testing.assert_allclose(forced, eager, atol=1e-4, rtol=0)
    free = closed_loop(onnx, pcm, 120, lookahead=lookahead)
    np.testing.assert_allclose(free, eager, atol=5e-3, rtol=0)


def test_rows_with_their_own_controls_move_as_in_torch(checkpoint):
    """Rows join and leave, hear other emotions, look ahead differently, and follow a clip."""

    eager, onnx = EagerExecutor.load(checkpoint, 3), OnnxExecutor.load(artefact_path(checkpoint), 3)

    def rows() -> list[Row]:
        guide = np.full((5, eager.info.guide_size + 1), 0.5, np.float32)
        joining = Row(babble(1.0, 2), seed=3, starts_at=9, lookahead=8, speaker=1)
        return [Row(babble(1.4, 1), emotion=2), joining, Row(babble(0.8, 4), guide=guide, intensity=1.7)]

    shown, forced = run(eager, rows()), rows()
    for row, motion in zip(forced, shown, strict=True):
        row.history = motion
    for expected, motion in zip(shown, run(onnx, forced), strict=True):
        np.testing.assert_allclose(motion, expected, atol=1e-4, rtol=0)


def test_clip_codes_are_those_of_torch(checkpoint):
    motion = np.random.default_rng(1).standard_normal((47, 489)).astype(np.float32)
    expected = EagerExecutor.load(checkpoint, 1).guide_codes(motion)
    codes = OnnxExecutor.load(artefact_path(checkpoint), 1).guide_codes(motion)
    assert codes.shape == expected.shape
    np.testing.assert_allclose(codes, expected, atol=1e-4, rtol=0)


def test_outputs_are_the_callers_own(checkpoint):
    """What a step returned is not overwritten by the next one, though its arrays are bound once."""
    executor, pcm = OnnxExecutor.load(artefact_path(checkpoint), 1), babble(0.3)
    motion = closed_loop(executor, pcm, 6)
    assert len({frame.tobytes() for frame in motion}) == 6


def test_poisoned_state_is_healed_by_reset(checkpoint):
    """A former tenant that left NaN everywhere leaves nothing behind."""
    executor = OnnxExecutor.load(artefact_path(checkpoint), 2)
    expected = run(executor, [Row(babble(0.4))], bucket=2)[0]
    for array in executor._state.view(2).values():
        array.fill(np.nan if array.dtype == np.float32 else 1)
    np.testing.assert_array_equal(run(executor, [Row(babble(0.4))], bucket=2)[0], expected)


LEAVES = (
    StateLeaf(name="plain", kind="replaced", dtype="float32", shape=(2,)),
    StateLeaf(name="ring.rows", kind="appended", dtype="float32", shape=(4, 2), count="ring.written"),
    StateLeaf(name="ring.written", kind="count", dtype="int64", shape=()),
)


@settings(max_examples=40)
@given(steps=st.lists(st.tuples(*[st.sampled_from(["idle", "run", "hold", "reset"])] * 3), min_size=1, max_size=12))
def test_state_of_rows_equals_a_list_per_row(steps):
    """Beside a model of plain lists: ring of three, rows that run, idle, start afresh, or hold (their count stays)."""
    state, model = RowsState(LEAVES, 4), [{"plain": 0.0, "seen": []} for _ in range(4)]
    for tick, actions in enumerate(steps, start=1):
        active = np.array([action != "idle" for action in actions])
        rose = np.array([action != "hold" for action in actions])  # idle rows come out as if they had run
        state.reset(np.array([action == "reset" for action in actions]))
        after = state.outputs(3)
        after["next_plain"][:] = tick
        after["next_ring.rows"][:] = tick
        after["next_ring.written"][:] = state.view(3)["ring.written"] + rose
        state.commit(after, active)
        for row, action in zip(model, actions):
            if action == "reset":
                row["seen"] = []
            if action != "idle":
                row["plain"] = tick
            if action in ("run", "reset"):
                row["seen"].append(tick)
        for i, row in enumerate(model):
            count = len(row["seen"])
            assert state.view(4)["ring.written"][i] == count
            assert (state.view(4)["plain"][i] == row["plain"]).all()
            for frame in range(max(0, count - 3), count):
                assert (state.view(4)["ring.rows"][i, frame % 3] == row["seen"][frame]).all()


def test_damaged_artefact_is_refused(copied):
    """Wherever a byte changes, and wherever it is cut."""
    artefact = artefact_path(copied)
    whole = artefact.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 23).astype(int):
        for data in (whole[:place], whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]):
            artefact.write_bytes(data)
            with pytest.raises(ArtefactError, match=re.escape(f"gesturestream export {copied}")):
                OnnxExecutor.load(artefact, 1)


def test_other_weights_are_refused(copied):
    weights, artefact = copied.read_bytes(), artefact_path(copied)
    for data in (weights[:-4] + b"\0\0\1\0", weights[: len(weights) // 2], weights + b"\0"):
        copied.write_bytes(data)
        with pytest.raises(ArtefactError, match=artefact.name):
            OnnxExecutor.load(artefact, 1)
    copied.unlink()
    with pytest.raises(ArtefactError, match=copied.name):
        OnnxExecutor.load(artefact, 1)


def test_auto_takes_onnx_and_says_why_not(copied):
    assert load_executor(copied, 1).name == "onnx"
    assert load_executor(copied, 1, "eager").name == "eager"
    artefact = artefact_path(copied)
    artefact.write_bytes(artefact.read_bytes()[:5000])
    chosen = load_executor(copied, 1)
    assert chosen.name == "eager" and artefact.name in chosen.why
    with pytest.raises(ExecutorError, match=artefact.name):
        load_executor(copied, 1, "onnx")
    artefact.unlink()
    assert "gesturestream export" in load_executor(copied, 1).why


WITHOUT_TORCH = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
"""

RENDER = """
from gesturestream.cli import main
code = main(["render", sys.argv[2], "-o", sys.argv[3], "--seed", "5"])
assert "torch" not in sys.modules
sys.exit(code)
"""


def speech(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
        file.writeframes((babble(1.0) * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    return path


def without(modules: str, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_TORCH + code, modules, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


def test_a_second_of_speech_streams_without_torch(tmp_path):
    done = without("torch,onnx,onnxscript", RENDER, speech(tmp_path / "speech.wav"), tmp_path / "out.npz")
    assert done.returncode == 0, done.stderr
    assert "ONNX Runtime" in done.stderr
    poses = np.load(tmp_path / "out.npz")["poses"]
    assert len(poses) == 30 and np.ptp(poses, axis=0).max() > 0.01


EXAMPLE = """
code = sys.argv.pop(1) and sys.argv.pop(1)
exec(compile(code, "docs/examples/stream_onnx.py", "exec"))
assert "torch" not in sys.modules and "gesturestream" not in sys.modules
"""


def test_example_of_the_docs_moves_as_the_executor_does(tmp_path):
    """Forty lines without torch and without this project; its noise aside, it does what the executor does."""
    code = (ROOT / "docs/examples/stream_onnx.py").read_text()
    artefact, wav = artefact_path(CHECKPOINTS[registry.DEFAULT]), speech(tmp_path / "speech.wav")
    done = without("torch,gesturestream", EXAMPLE, code, artefact, wav, tmp_path / "out.npy")
    assert done.returncode == 0, done.stderr
    motion = np.load(tmp_path / "out.npy")
    pcm = (babble(1.0) * 32767).clip(-32768, 32767).astype("<i2").astype(np.float32) / 32768
    row, executor = Row(pcm), OnnxExecutor.load(artefact, 1)
    noise = np.random.default_rng(1)
    assert len(motion) == row.audio_frames
    for frame in range(len(motion)):
        inputs = one_step(row, frame, executor, noise, motion)
        np.testing.assert_allclose(executor.step(inputs).motion[0], motion[frame], atol=1e-6, rtol=0)


def one_step(row, frame, executor, noise, motion):
    """What the example gave to step `frame`."""
    from gesturestream.models.timing import frame_end
    from gesturestream.realtime.executors.base import neutral_inputs

    inputs, window = neutral_inputs(executor.info, 1), executor.info.window_samples
    padded = np.concatenate([np.zeros(window, np.float32), row.pcm, np.zeros(534, np.float32)])
    end = frame_end(frame)
    inputs.pcm[0], inputs.reset[0] = padded[end : end + window], frame == 0
    inputs.noise[0] = noise.standard_normal(executor.info.noise_size)
    if frame:
        inputs.emitted[0] = motion[frame - 1]
    return inputs
