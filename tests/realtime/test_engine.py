"""The engine with a numpy executor, its clock turned by hand: rows, isolation, failures, order, the grid."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models.timing import frame_end, frames_covering
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.engine import Engine, ServerFull
from gesturestream.realtime.frame import Event, Frame, FrameFlag
from gesturestream.realtime.offline import FrameSequence, render
from tests.realtime.echo import (
    COUNT,
    EMITTED,
    MEMORY,
    NAME,
    NOISE,
    PRESENT,
    SOUND,
    WINDOW,
    EchoExecutor,
    Rig,
    Viewer,
    babble,
)  # fmt: skip

FIELDS = ("quat_xyzw", "root_m", "expressions", "blendshapes", "contacts")


def offline(lookahead: int = 0, **fields: object) -> SessionConfig:
    return SessionConfig(mode="offline", seed=7, lookahead_frames=lookahead, **fields)


def same(a: FrameSequence, b: FrameSequence) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in FIELDS)


@pytest.mark.parametrize("lookahead", [0, 8])
def test_every_step_hears_the_window_that_ends_with_its_frame(lookahead: int) -> None:
    executor, pcm = EchoExecutor(1), babble(1.01)
    render(executor, pcm, offline(lookahead))
    padded = np.concatenate([np.zeros(WINDOW, np.float32), pcm, np.zeros(9 * 534, np.float32)])
    steps = [call for call in executor.calls if call.active[0]]
    assert len(steps) == frames_covering(len(pcm)) + lookahead
    for a, call in enumerate(steps):
        assert np.array_equal(call.pcm[0], padded[frame_end(a) : frame_end(a) + WINDOW])
        assert call.audio_present[0] == (a < frames_covering(len(pcm)))
        assert call.reset[0] == (a == 0)


@cache
def spoken(lookahead: int) -> FrameSequence:
    return render(EchoExecutor(1), babble(0.6), offline(lookahead))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 4000), max_size=12), lookahead=st.sampled_from([0, 2, 8]))
def test_any_split_of_the_audio_gives_the_same_frames(cuts: list[int], lookahead: int) -> None:
    pcm = babble(0.6)
    rig, viewer = Rig.of(EchoExecutor(1)), Viewer()
    session = rig.engine.open(offline(lookahead), viewer)
    for piece in np.split(pcm, np.minimum(np.cumsum(cuts), len(pcm)) if cuts else []):
        session.push_audio(piece)
        rig.drain()
    session.end()
    rig.drain()
    assert same(viewer.sequence(), spoken(lookahead))


def test_look_ahead_delays_the_steps_not_the_media_time() -> None:
    none, eight = render(EchoExecutor(1), babble(1.0), offline(0)), render(EchoExecutor(1), babble(1.0), offline(8))
    assert np.array_equal(none.expressions[:, SOUND], eight.expressions[:, SOUND])


def test_rows_do_not_influence_each_other() -> None:
    """Sessions that come and go at different times show what each would have shown alone."""
    voices = [babble(0.5 + 0.2 * i, seed=i) for i in range(5)]
    alone = [render(EchoExecutor(4), voice, offline()) for voice in voices]
    rig, viewers = Rig.of(EchoExecutor(4), max_sessions=3), [Viewer() for _ in voices]
    for i, voice in enumerate(voices):
        session = rig.engine.open(offline(), viewers[i])
        session.push_audio(voice)
        session.end()
        for _ in range(4):
            rig.engine.tick()
        if i == 2:
            rig.drain()
    rig.drain()
    for viewer, expected in zip(viewers, alone):
        assert same(viewer.sequence(), expected)


def test_a_closed_session_gets_nothing_and_leaves_nothing_behind() -> None:
    rig, first, second = Rig.of(EchoExecutor(1)), Viewer(), Viewer()
    session = rig.engine.open(offline(), first)
    session.push_audio(babble(0.5))
    rig.drain()
    shown = len(first.frames)
    session.push_audio(babble(0.5))
    session.close()
    rig.drain()
    assert len(first.frames) == shown
    follower = rig.engine.open(offline(), second)
    follower.push_audio(babble(0.5, seed=3))
    follower.end()
    rig.drain()
    assert same(second.sequence(), render(EchoExecutor(1), babble(0.5, seed=3), offline()))


def test_the_emitted_pose_is_what_was_shown_last() -> None:
    shown = render(EchoExecutor(1), babble(0.5), offline()).expressions
    assert np.array_equal(shown[1:, EMITTED], shown[:-1, COUNT])


def test_the_same_seed_gives_the_same_noise_and_another_seed_another() -> None:
    takes = [render(EchoExecutor(1), babble(0.3), SessionConfig(seed=seed)) for seed in (1, 1, 2)]
    assert same(takes[0], takes[1])
    assert not np.array_equal(takes[0].expressions[:, NOISE], takes[2].expressions[:, NOISE])


def test_frames_are_read_only_in_order_and_canonical() -> None:
    rig, viewer = Rig.of(EchoExecutor()), Viewer()
    session = rig.engine.open(SessionConfig(lookahead_frames=2), viewer)
    rig.run(1.0, lambda: session.push_audio(babble(0.005)))
    assert [frame.index for frame in viewer.frames] == list(range(len(viewer.frames)))
    assert viewer.frames[0].flags & FrameFlag.DISCONTINUITY
    for frame in viewer.frames:
        assert frame.media_time_s == frame.index / 30
        assert frame.quat_xyzw.dtype == np.float32
        assert (frame.quat_xyzw[:, 3] >= 0).all()
        assert np.linalg.norm(frame.quat_xyzw, axis=-1) == pytest.approx(1.0, abs=1e-5)
        assert not any(getattr(frame, name).flags.writeable for name in FIELDS)
        with pytest.raises(ValueError, match="read-only"):
            frame.root_m[0] = 1.0


def test_a_row_that_says_nan_holds_its_pose_and_starts_afresh() -> None:
    class Poisoned(EchoExecutor):
        def step(self, inputs):
            if len(self.calls) == 5:
                self._memory[0] = np.nan
            outputs = super().step(inputs)
            outputs.motion[np.isnan(self._memory[: len(outputs.motion)])] = np.nan
            return outputs

    executor = Poisoned(1)
    shown = render(executor, babble(0.4), offline())
    assert all(np.isfinite(getattr(shown, name)).all() for name in FIELDS)
    assert np.array_equal(shown.expressions[5], shown.expressions[4])
    assert [bool(call.reset[0]) for call in executor.calls] == [k in (0, 6) for k in range(12)]
    assert shown.expressions[6:, COUNT].tolist() == [np.float32(k / 1000) for k in range(6)]


class _Breaking(Viewer):
    def on_frame(self, frame: Frame) -> None:
        super().on_frame(frame)
        if frame.index == 3:
            raise OSError("gone")


def test_one_session_breaks_and_the_others_go_on() -> None:
    rig, broken, fine = Rig.of(EchoExecutor()), _Breaking(), Viewer()
    sessions = [rig.engine.open(SessionConfig(), viewer) for viewer in (broken, fine)]

    def speak() -> None:
        for session in sessions:
            if not session.closed:
                session.push_audio(babble(0.005))

    rig.run(1.0, speak)
    assert [frame.index for frame in broken.frames] == [0, 1, 2, 3]
    assert broken.events[-1].name == "internal_error"
    assert sessions[0].closed
    assert sessions[0].wait(0)
    assert len(fine.frames) == 30
    assert rig.engine.stats().failures == 1
    assert len(rig.engine.sessions) == 1


def test_a_broken_executor_ends_its_own_sessions_only() -> None:
    class Broken(EchoExecutor):
        def step(self, inputs):
            raise RuntimeError("out of memory")

    rig, viewers = Rig.of(EchoExecutor(), Broken(name="broken")), [Viewer(), Viewer()]
    fine, broken = (rig.engine.open(SessionConfig(generator=name), v) for name, v in zip(("echo", "broken"), viewers))
    rig.run(1.0)
    assert broken.closed
    assert viewers[1].named("internal_error")[0].data == {"message": "RuntimeError: out of memory"}
    assert not fine.closed
    assert len(viewers[0].frames) > 20


def test_the_server_is_full_until_somebody_leaves() -> None:
    rig = Rig.of(EchoExecutor(2))
    first = rig.engine.open(SessionConfig(), Viewer())
    rig.engine.open(SessionConfig(), Viewer())
    with pytest.raises(ServerFull) as full:
        rig.engine.open(SessionConfig(), Viewer())
    assert full.value.retry_after_s > 0
    first.close()
    rig.drain()
    rig.engine.open(SessionConfig(), Viewer())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("generator", "nobody"), ("speaker", 3), ("intensity", 2.1), ("intensity", float("nan")),
        ("lookahead_frames", 3), ("audio_rate", 7999), ("seed", -1), ("leash_m", -0.1), ("mode", "loud"),
        ("emotion", {"joy": 1.0}), ("emotion", {"anger": 0.0}), ("settings", {"steps": 3}),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_and_takes_no_row(field: str, value: object) -> None:
    rig = Rig.of(EchoExecutor(1))
    with pytest.raises(ValueError, match=f"{field}: expected .* got"):
        rig.engine.open(SessionConfig(**{field: value}), Viewer())
    rig.engine.open(SessionConfig(), Viewer())


@pytest.mark.parametrize("count", [3, 12])
def test_live_sessions_keep_up_alone_and_on_the_grid(count: int) -> None:
    """Few are stepped when due, many together: everybody gets 30 frames a second and every sample."""
    executor, viewers = EchoExecutor(16), [Viewer() for _ in range(count)]
    rig = Rig.of(executor)
    sessions = [rig.engine.open(SessionConfig(), viewer) for viewer in viewers]
    rig.run(2.0, lambda: [session.push_audio(babble(0.005)) for session in sessions])
    assert all(len(viewer.frames) in (59, 60) for viewer in viewers)
    together = [int(call.active.sum()) for call in executor.calls]
    assert max(together) == count
    if count > 4:
        assert together[5:] == [count] * (len(together) - 5)


def test_backlog_is_worked_off_two_frames_a_tick_on_the_grid() -> None:
    rig, viewers = Rig.of(EchoExecutor(8)), [Viewer() for _ in range(6)]
    sessions = [rig.engine.open(SessionConfig(), viewer) for viewer in viewers]
    rig.drain()
    for session in sessions:
        session.push_audio(babble(0.19))
    counts = []
    for _ in range(4):
        rig.clock.now += 1 / 30
        rig.drain()
        counts.append(len(viewers[0].frames))
    assert counts == [2, 4, 5, 5]


def test_offline_sessions_wait_for_live_ones() -> None:
    executor = EchoExecutor(2)
    rig, live, file = Rig.of(executor), Viewer(), Viewer()
    speaker = rig.engine.open(SessionConfig(), live)
    reader = rig.engine.open(offline(), file)
    reader.push_audio(babble(1.0))
    speaker.push_audio(babble(0.1))
    rig.engine.tick()
    assert (len(live.frames), len(file.frames)) == (2, 0)
    rig.drain()
    assert (len(live.frames), len(file.frames)) == (3, 30)


def test_a_new_generator_is_primed_on_the_last_second_and_takes_over_within_ten_frames() -> None:
    first, second = EchoExecutor(2), EchoExecutor(2, name="other", mark=2.0)
    rig, viewer = Rig.of(first, second), Viewer()
    session = rig.engine.open(offline(), viewer)
    pcm = babble(4.0)
    session.push_audio(pcm[:32000])
    rig.drain()
    session.control(Control(generator="other"))
    session.push_audio(pcm[32000:])
    session.end()
    rig.drain()
    (told,) = viewer.named("control")
    assert told.data == {"generator": "other"}
    assert 2.0 < told.media_time_s <= 2.3
    assert session.generator == "other"
    assert len(viewer.frames) == 120
    k = round(told.media_time_s * 30)
    assert viewer.said(NAME)[k - 1] == 1.0
    assert viewer.said(NAME)[k + 14 :] == pytest.approx(2.0)
    steps = [call for call in second.calls if call.active[0]]
    assert steps[0].reset[0]
    assert not any(call.reset[0] for call in steps[1:])
    for a, call in enumerate(steps, start=30):  # a second before frame 60, in which the change was asked for
        assert np.array_equal(call.pcm[0], _window(pcm, a))
        assert np.array_equal(call.emitted[0, -100:], viewer.frames[a - 1].expressions)


def test_a_change_of_generator_that_finds_no_row_is_refused_aloud() -> None:
    rig, viewer = Rig.of(EchoExecutor(2), EchoExecutor(1, name="small")), Viewer()
    rig.engine.open(SessionConfig(generator="small"), Viewer())
    session = rig.engine.open(SessionConfig(), viewer)
    session.control(Control(generator="small"))
    rig.run(1.0)
    assert "refused" in viewer.named("control")[0].data
    assert session.generator == "echo"


def test_a_speaker_the_new_generator_does_not_have_becomes_its_first() -> None:
    one = EchoExecutor(1, name="one", speakers=1)
    rig = Rig.of(EchoExecutor(1), one)
    session = rig.engine.open(SessionConfig(speaker=2), Viewer())
    session.control(Control(generator="one"))
    rig.run(2.0)
    assert session.generator == "one"
    assert all(call.speaker.tolist() == [[1.0]] for call in one.calls)


def test_memory_of_rows_returns_after_changes_back_and_forth() -> None:
    rig, viewer = Rig.of(EchoExecutor(2), EchoExecutor(2, name="other")), Viewer()
    session = rig.engine.open(SessionConfig(), viewer)
    for name in ["other", "echo", "other", "echo"] * 3:
        session.control(Control(generator=name))
        rig.run(0.6)
        session.control(Control(generator="other"))
        rig.run(0.1)  # is cancelled by the next one
    session.close()
    rig.drain()
    for name in ("echo", "echo", "other"):
        with pytest.raises(ServerFull) if name == "other" else _nothing():
            rig.engine.open(SessionConfig(generator=name), Viewer())


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def _window(pcm: np.ndarray, a: int) -> np.ndarray:
    padded = np.concatenate([np.zeros(WINDOW, np.float32), pcm])
    return padded[frame_end(a) : frame_end(a) + WINDOW]


def test_the_model_thread_serves_sessions_of_many_threads() -> None:
    """The real thread and clock: nothing is lost, events precede the frame they concern, `end` comes last."""
    voices = [babble(1.0, seed=i) for i in range(6)]
    viewers = [Viewer() for _ in voices]
    with Engine({"echo": EchoExecutor(6)}, default="echo") as engine:

        def speak(i: int) -> None:
            session = engine.open(offline(), viewers[i])
            for chunk in np.array_split(voices[i], 37):
                session.push_audio(chunk)
            session.end()
            assert session.wait(20.0)

        threads = [threading.Thread(target=speak, args=(i,)) for i in range(len(voices))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for viewer, voice in zip(viewers, voices):
        assert same(viewer.sequence(), render(EchoExecutor(6), voice, offline()))
        assert isinstance(viewer.order[-1], Event)
        assert viewer.order[-1].name == "end"


def test_closing_the_engine_ends_its_sessions() -> None:
    engine = Engine({"echo": EchoExecutor()}, default="echo")
    with engine:
        session = engine.open(SessionConfig(), Viewer())
    assert session.wait(0)
    assert session.closed


def test_presence_of_audio_is_told_and_memory_is_the_rows_own() -> None:
    shown = render(EchoExecutor(1), babble(0.3), offline(4)).expressions
    assert shown[:, PRESENT].tolist() == [1.0] * 9
    assert np.array_equal(shown[:, COUNT], (np.arange(9) / 1000).astype(np.float32))
    leaky = 0.0
    for sound, memory in shown[:, [SOUND, MEMORY]]:
        leaky = 0.9 * leaky + 0.1 * sound
        assert memory == pytest.approx(leaky, abs=1e-5)
