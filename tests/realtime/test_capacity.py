"""A machine with too little time: new sessions are refused, and those that run are shed of backlog, never of frames."""

from __future__ import annotations

import pytest

from gesturestream.realtime.capacity import SHARE_OF_FRAME, carried
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine, ServerFull
from gesturestream.realtime.executors.base import StepInputs, StepOutputs
from tests.realtime.echo import Clock, EchoExecutor, Rig, Viewer, babble

SESSIONS = 6


class SlowExecutor(EchoExecutor):
    """A step takes `step_s` and `row_s` for each row, on a clock turned by hand."""

    def __init__(self, clock: Clock, capacity: int, step_s: float = 0.0, row_s: float = 0.0) -> None:
        super().__init__(capacity)
        self.clock, self.step_s, self.row_s = clock, step_s, row_s

    def step(self, inputs: StepInputs) -> StepOutputs:
        self.clock.now += self.step_s + self.row_s * len(inputs.active)
        return super().step(inputs)


@pytest.mark.parametrize(("row_ms", "rows"), [(0.1, 16), (1.0, 8), (9.0, 1), (900.0, 1)])
def test_as_many_sessions_as_fit_into_a_frame(row_ms: float, rows: int) -> None:
    executor = SlowExecutor(Clock(), 16, row_s=row_ms / 1000)
    assert executor.buckets == (1, 8, 16)
    assert carried(executor, 16, clock=executor.clock) == rows
    assert rows == 1 or rows * row_ms / 1000 <= SHARE_OF_FRAME / 30


def test_the_self_test_lowers_what_the_engine_takes() -> None:
    engine = Engine({"echo": EchoExecutor(4)}, default="echo", max_sessions=3, self_test=True)
    with engine:
        assert 1 <= engine.max_sessions <= 3
        for _ in range(engine.max_sessions):
            engine.open(SessionConfig(), Viewer())
        with pytest.raises(ServerFull):
            engine.open(SessionConfig(), Viewer())


def crowd(step_s: float) -> tuple[Rig, SlowExecutor, list[Viewer], list[float]]:
    """Six live sessions spoken to as fast as the clock goes, for 6 s; beside them what waited at most, tick by tick."""
    clock, viewers = Clock(), [Viewer() for _ in range(SESSIONS)]
    executor = SlowExecutor(clock, 8)
    rig = Rig(Engine({"echo": executor}, default="echo", clock=clock), clock)
    sessions = [rig.engine.open(SessionConfig(), viewer) for viewer in viewers]
    executor.step_s, told_s, end_s, waiting_s = step_s, clock.now, clock.now + 6.0, [0.0]
    while clock.now < end_s:
        clock.now += 0.002
        chunk, told_s = babble(clock.now - told_s, seed=len(waiting_s)), clock.now
        for session in sessions:
            session.push_audio(chunk)
        rig.engine.tick()
        waiting_s.append(max(session.stats().audio_ahead_s for session in sessions))
    return rig, executor, viewers, waiting_s


def test_lasting_overload_sheds_backlog_and_refuses_newcomers() -> None:
    rig, executor, viewers, waiting_s = crowd(0.050)
    assert max(waiting_s[len(waiting_s) // 2 :]) < 0.7, "bounded latency instead of growing backlog"
    for viewer in viewers:
        assert [frame.index for frame in viewer.frames] == list(range(len(viewer.frames)))
        shed_s = sum(event.data["dropped_s"] for event in viewer.named("overrun"))
        assert len(viewer.frames) / 30 + shed_s == pytest.approx(6.0, abs=0.7), "every sample is heard or told"
        assert len(viewer.named("audio_resumed")) > 1, "the client can tell where its samples are"
    with pytest.raises(ServerFull) as full:
        rig.engine.open(SessionConfig(), Viewer())
    assert full.value.retry_after_s > 2.0
    rig.engine.open(SessionConfig(mode="offline"), Viewer())  # waits its turn, and costs the live ones nothing
    executor.step_s = 0.0
    rig.run(3.0)
    rig.engine.open(SessionConfig(), Viewer())


def test_one_late_tick_sheds_nothing() -> None:
    rig, executor, viewers, _ = crowd(0.002)
    executor.step_s = 0.4
    rig.clock.now += 1 / 30
    assert rig.engine.tick()
    executor.step_s = 0.002
    sessions = list(rig.engine.sessions.values())
    for session in sessions:
        session.push_audio(babble(0.4))  # what was said meanwhile
    rig.run(2.0, lambda: [session.push_audio(babble(0.005)) for session in sessions])
    for viewer in viewers:
        assert not viewer.named("overrun")
        assert len(viewer.frames) >= 30 * 8


def test_a_flood_of_audio_delays_nobody() -> None:
    """Who sends a minute at once is worked off beside the others, two frames a tick at most."""
    rig, viewers = Rig.of(EchoExecutor(8)), [Viewer() for _ in range(SESSIONS)]
    sessions = [rig.engine.open(SessionConfig(), viewer) for viewer in viewers]
    sessions[0].push_audio(babble(60.0))
    rig.run(2.0, lambda: [session.push_audio(babble(0.005)) for session in sessions[1:]])
    assert [len(viewer.frames) in (59, 60) for viewer in viewers[1:]] == [True] * (SESSIONS - 1)
    assert 100 < len(viewers[0].frames) <= 2 * 61
