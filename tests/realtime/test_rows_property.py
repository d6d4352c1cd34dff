"""The laws that concern rows, with everything that runs here: sessions join, idle and leave at random.

First the executors' own: whatever its mates do, a row at a pinned bucket shows what it shows alone. Then the engine's,
on a virtual clock: a client that is killed, speaks garbage or makes its row fail costs its own session only.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models import registry
from gesturestream.models.export.artefact import artefact_path
from gesturestream.models.step import StepInputs, StepOutputs
from gesturestream.models.timing import frame_end
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.executors.cuda_graph import CudaGraphExecutor
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.onnx import OnnxExecutor
from gesturestream.realtime.frame import FrameSequence
from tests.models.laws import Row, babble, run
from tests.models.small import small_generator
from tests.realtime.echo import Rig, Viewer

CAPACITY = 4
SHIPPED = registry.checkpoint_path(registry.DEFAULT)
POISON = np.full(16000, np.nan, np.float32)


@pytest.fixture(scope="module", params=["eager", "graph", "onnx"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "eager":
        return EagerExecutor(small_generator(), CAPACITY)
    if request.param == "graph":
        return CudaGraphExecutor(small_generator(), CAPACITY, device="cpu")
    return OnnxExecutor.load(artefact_path(SHIPPED), CAPACITY)


spoken = st.builds(
    Row,
    pcm=st.builds(babble, st.sampled_from([0.1, 0.3, 0.5]), st.integers(0, 3)),
    seed=st.integers(0, 3),
    lookahead=st.sampled_from([0, 2, 8]),
    emotion=st.sampled_from([None, 1, 4]),
    starts_at=st.integers(0, 12),
)
garbage = st.builds(Row, pcm=st.just(POISON[:6000]), starts_at=st.integers(0, 12))


@settings(max_examples=6)
@given(data=st.data())
def test_a_row_is_what_it_is_alone(executor: Executor, data: st.DataObject) -> None:
    """Mates come and go around it, some of them speak NaN; its row was somebody else's before."""
    mates = data.draw(st.lists(st.one_of(spoken, garbage), max_size=CAPACITY - 1))
    row = data.draw(spoken)
    place = data.draw(st.integers(0, len(mates)))
    alone = run(executor, [*(Row(row.pcm[:0]) for _ in range(place)), again(row)], bucket=CAPACITY)[place]
    run(executor, data.draw(st.lists(st.one_of(spoken, garbage), min_size=1, max_size=CAPACITY)), bucket=CAPACITY)
    together = run(executor, [*mates[:place], row, *mates[place:]], bucket=CAPACITY)[place]
    np.testing.assert_array_equal(together, alone)


def again(row: Row) -> Row:
    return Row(row.pcm, seed=row.seed, lookahead=row.lookahead, emotion=row.emotion, starts_at=row.starts_at)


class Pinned:
    """One batch size for every step; and a step that fails as a whole where a row hears a full-scale sample."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner
        self.info, self.capacity, self.buckets = inner.info, inner.capacity, (inner.capacity,)
        self.warm_up, self.guide_codes = inner.warm_up, inner.guide_codes

    def step(self, inputs: StepInputs) -> StepOutputs:
        if (np.abs(inputs.pcm[inputs.active]) >= 1.0).any():
            raise RuntimeError("a row has broken the step, on purpose")
        return self._inner.step(inputs)


FRAMES = 20
VOICES = [0.5 * babble(1.0, seed) for seed in range(2)]
BREAKING = np.ones(534, np.float32)


def spoken_together(executor: Executor, disturbances: list[tuple[int, str]]) -> list[FrameSequence]:
    """Two sessions that speak live; at frames of `disturbances` others join and leave as they say."""
    rig, viewers = Rig.of(Pinned(executor)), [Viewer(), Viewer()]  # type: ignore[arg-type]
    sessions = [rig.engine.open(SessionConfig(mode="live", seed=seed), viewer) for seed, viewer in enumerate(viewers)]
    others = []
    for frame in range(FRAMES):
        for session, voice in zip(sessions, VOICES):
            session.push_audio(voice[frame_end(frame - 1) if frame else 0 : frame_end(frame)])
        for _, what in (each for each in disturbances if each[0] == frame):
            if what == "leave" and others:
                others.pop(0).close()  # killed: its connection is gone
                rig.drain()  # and its place is free
            elif what in ("join", "garbage", "break") and len(others) < CAPACITY - 2:
                others.append(rig.engine.open(SessionConfig(mode="live", seed=9), Viewer()))
                others[-1].push_audio({"join": VOICES[1][:3000], "garbage": POISON[:3000], "break": BREAKING}[what])
        rig.run(1 / 30, every_s=1 / 60)
        others = [session for session in others if not session.closed]
    assert not any(session.closed for session in sessions)
    return [viewer.sequence() for viewer in viewers]


@pytest.fixture(scope="module")
def undisturbed(executor: Executor) -> list[FrameSequence]:
    return spoken_together(executor, [])


@settings(max_examples=5)
@given(
    disturbances=st.lists(
        st.tuples(st.integers(0, FRAMES - 1), st.sampled_from(["join", "garbage", "break", "leave"])), max_size=8
    )
)
def test_what_happens_to_others_changes_no_frame(
    executor: Executor, undisturbed: list[FrameSequence], disturbances: list[tuple[int, str]]
) -> None:
    for shown, expected in zip(spoken_together(executor, disturbances), undisturbed, strict=True):
        assert len(shown) == len(expected) >= FRAMES - 1
        for name in ("quat_xyzw", "root_m", "expressions", "blendshapes", "contacts"):
            np.testing.assert_array_equal(getattr(shown, name), getattr(expected, name))
