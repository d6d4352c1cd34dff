"""The laws of the streaming contract (docs/streaming-contract.md), one suite for every generator and executor.

The next generator joins by a line in GENERATORS, the next executor by a line in EXECUTORS.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesturestream.models import checkpoint, registry
from gesturestream.models.export.artefact import artefact_path
from gesturestream.models.generator import Generator
from gesturestream.models.motion import LOOKAHEADS
from gesturestream.models.step import StepInputs
from gesturestream.models.streaming.state import StateStore, map_leaves, named_leaves
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.executors.cuda_graph import CudaGraphExecutor
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.onnx import OnnxExecutor
from tests.models.laws import Row, babble, run

GENERATORS = list(registry.available())
EXECUTORS: dict[str, Callable[[Generator, int], Executor]] = {
    "eager": EagerExecutor,
    "onnx": lambda generator, capacity: OnnxExecutor.load(artefact(generator), capacity),
    "graph": lambda generator, capacity: CudaGraphExecutor(copy.deepcopy(generator), capacity, device=DEVICE),
}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
"""On a CPU `graph` is what would be captured, called."""
CAPACITY = 4


def artefact(generator: Generator) -> Path:
    """What ships for it."""
    return artefact_path(registry.checkpoint_path(generator.info.name))


@pytest.fixture(scope="module", params=GENERATORS)
def generator(request) -> Generator:
    return checkpoint.load(registry.checkpoint_path(request.param))


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request, generator) -> Executor:
    return EXECUTORS[request.param](generator, CAPACITY)


def test_there_is_a_generator_to_test():
    assert registry.DEFAULT in GENERATORS


@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_causality(executor, lookahead):
    """Changing audio after the end of frame k + look-ahead changes no frame <= k, bit for bit."""
    pcm, frame = babble(2.0), 30
    changed = pcm.copy()
    changed[frame_end(frame + lookahead) :] = babble(2.0, seed=9)[frame_end(frame + lookahead) :]
    before, after = (run(executor, [Row(p, lookahead=lookahead)])[0] for p in (pcm, changed))
    np.testing.assert_array_equal(before[: frame + 1], after[: frame + 1])
    assert not np.array_equal(before[frame + 1], after[frame + 1]), "look-ahead that is granted is used"


@pytest.mark.parametrize("seconds", [0.01, 1.0, 1.5])
@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_frames_cover_the_audio(executor, lookahead, seconds):
    pcm = babble(seconds)
    assert len(run(executor, [Row(pcm, lookahead=lookahead)])[0]) == -(-30 * len(pcm) // 16000)


def guide_of(info, codes, weight):
    """An authored clip's codes [T, G] and weights [T] as a step's inputs."""
    return np.concatenate([codes, weight[:, None]], -1).astype(np.float32).reshape(-1, info.guide_size + 1)


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_parity_with_the_training_forward(generator, lookahead, dtype, atol):
    """One T > 1 forward, given the streamed motion and noise as history, is what every step computed."""
    model = copy.deepcopy(generator).to(dtype)
    size, ramp = model.info.guide_size, np.linspace(0.0, 1.0, 30)
    row = Row(babble(1.5), lookahead=lookahead)
    row.guide = guide_of(model.info, np.random.default_rng(0).normal(size=(30, size)), ramp)
    streamed = run(EagerExecutor(model, 1), [row])[0]
    frames = row.audio_frames
    by_audio, by_motion = row.steps[:frames], row.steps[lookahead:]
    stacked = {name: np.stack([getattr(s, name) for s in by_motion])[None] for name in StepInputs._fields}
    stacked |= {"pcm": np.stack([s.pcm for s in by_audio])[None], "lookahead": np.array([lookahead])}
    inputs = {k: torch.from_numpy(v) for k, v in stacked.items()}
    inputs = StepInputs(**{k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()})
    with torch.inference_mode():
        whole = model.forward_sequence(inputs).motion[0].numpy()
    np.testing.assert_allclose(whole, streamed, atol=atol, rtol=0)


def test_rows_are_alone(executor):
    """At a pinned bucket a row is bit-identical whatever its mates, its idling and its former tenant."""
    pcm = babble(1.2, seed=3)
    alone = run(executor, [Row(pcm, seed=5)], bucket=CAPACITY)[0]
    poison = np.full(9000, np.nan, np.float32)
    run(executor, [Row(poison, seed=6), Row(babble(0.5))], bucket=CAPACITY)  # former tenants
    mates = [Row(pcm, seed=5), Row(babble(2.0, 7), lookahead=8), Row(poison, starts_at=11)]
    np.testing.assert_array_equal(run(executor, mates, bucket=CAPACITY)[0], alone)


def test_idle_rows_stay_untouched(executor):
    """A row that does not run keeps its state bit for bit, whatever lies in its inputs."""
    pcm = babble(1.0, seed=3)
    whole, split = Row(pcm, seed=2), Row(pcm, seed=2)
    expected = run(executor, [whole], bucket=2)[0]
    half = Row(pcm[: frame_end(11)], seed=2)
    run(executor, [half], bucket=2)
    split.frame, split.emitted, split.motion = 12, half.emitted, list(half.motion)
    run(executor, [Row(pcm[:0]), Row(babble(0.7))], bucket=2)  # row 0 idles while row 1 runs
    np.testing.assert_array_equal(run(executor, [split], bucket=2)[0], expected)


def test_poisoned_state_is_healed_by_reset(generator):
    """A former tenant that left NaN everywhere leaves nothing behind."""
    executor = EagerExecutor(generator, 2)
    expected = run(executor, [Row(babble(0.5))], bucket=2)[0]
    with torch.inference_mode():
        map_leaves(lambda leaf: leaf.fill_(float("nan") if leaf.is_floating_point() else 12345), executor._state._state)
    np.testing.assert_array_equal(run(executor, [Row(babble(0.5))], bucket=2)[0], expected)


def test_across_buckets(executor):
    """Forced history: the same inputs in another batch size differ by rounding only."""
    row = Row(babble(1.0))
    run(executor, [row], bucket=1)
    expected = np.stack(row.motion)
    for step, inputs in enumerate(row.steps):
        batch = StepInputs(*(np.repeat(np.asarray(a)[None], CAPACITY, 0) for a in inputs))
        outputs = executor.step(batch)
        np.testing.assert_allclose(outputs.motion[0], expected[step], atol=1e-5, rtol=0)


def test_seeds(executor):
    pcm = babble(2.0)
    first, again, other = (run(executor, [Row(pcm, seed=s)])[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_finite_for_any_input(executor, data):
    """Silence, clipping, white noise, DC, NaN samples, a poisoned pose: rotations stay finite."""
    kind = data.draw(st.sampled_from(["silence", "clipping", "noise", "dc", "nan", "inf"]))
    noise = np.random.default_rng(data.draw(st.integers(0, 99))).standard_normal(16000).astype(np.float32)
    pcm = {
        "silence": noise * 0,
        "clipping": np.sign(noise) * 40,
        "noise": noise,
        "dc": noise * 0 + 1,
        "nan": np.where(noise > 1, np.nan, noise),
        "inf": np.where(noise > 2, np.inf, noise),
    }[kind].astype(np.float32)
    assert np.isfinite(run(executor, [Row(pcm, lookahead=data.draw(st.sampled_from(LOOKAHEADS)))])[0]).all()


def test_state_starts_as_zeros_and_batch_first(generator):
    """Reset zeroes rows: this is only a new start because every new state is zero."""
    for name, leaf in named_leaves(generator.init_state(3)):
        assert leaf.shape[0] == 3, name
        assert not leaf.any(), name


def test_old_sessions_behave_like_new_ones(generator):
    """count = 10^7 behaves like count = 10^3: position enters only as age."""
    row = Row(babble(1.5))
    executor = EagerExecutor(generator, 1)
    run(executor, [row])
    batch = StepInputs(*(np.asarray(a)[None] for a in row.steps[-1]))
    motions = []
    for age in (1_000, 10_000_000):
        other = EagerExecutor(generator, 1)
        run(other, [Row(babble(1.5))])
        _shift_counts(other._state, age)
        motions.append(other.step(batch).motion)
    np.testing.assert_allclose(motions[0], motions[1], atol=1e-6)


def _shift_counts(store: StateStore, age: int) -> None:
    """Makes every ring `age` frames older: counts grow, and rows move to the slots they then belong to."""
    from gesturestream.models.streaming.state import Ring

    def shift(state):
        if isinstance(state, Ring):
            frames = int(state.written[0])
            kept = range(max(0, frames - state.capacity), frames)
            rows = {i: state.rows[0, i % state.capacity].clone() for i in kept}
            for i, row in rows.items():
                state.rows[0, (i + age) % state.capacity] = row
            state.written.add_(age)
        elif isinstance(state, tuple):
            for child in state:
                shift(child)

    with torch.inference_mode():
        shift(store._state)


def test_an_authored_clip_is_followed(generator):
    """With the code of a clip in the sampled one's place, the motion's own code comes close to the clip's.

    Where the clip does not count nothing changes, bit for bit, whatever its code.
    """
    executor, pcm, size = EagerExecutor(generator, 1), babble(3.0), generator.info.guide_size
    free = run(executor, [Row(pcm)])[0]
    if not size:  # follows hints instead; then there is nothing to ask of its codes
        assert executor.guide_codes(free).shape == (len(free), 0)
        return
    unheard = guide_of(generator.info, np.full((1, size), np.nan), np.zeros(1))
    np.testing.assert_array_equal(run(executor, [Row(pcm, guide=unheard)])[0], free)
    for seed in (2, 3):  # clips: what it does itself with other noise, to another voice
        clip = executor.guide_codes(run(executor, [Row(babble(3.0, seed), seed=seed)])[0])
        guided = run(executor, [Row(pcm, guide=guide_of(generator.info, clip, np.ones(len(clip))))])[0]
        to_clip, from_clip = (np.abs(executor.guide_codes(m) - clip)[30:].mean() for m in (guided, free))
        assert to_clip < 0.6 * from_clip
