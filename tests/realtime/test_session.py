"""What an owner sees of a session: events and their times, controls, cues, interrupts, limits, statistics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.finishing import CUE_NAMES, rest_packed
from gesturestream.realtime.frame import Frame, FrameFlag
from gesturestream.realtime.session import AudioTooFarAhead, QueueFull, Session
from tests.realtime.echo import EMOTION, INTENSITY, SOUND, SPEAKER, EchoExecutor, Rig, Viewer, babble


def opened(mode: str = "live", **fields: object) -> tuple[Rig, Session, Viewer]:
    rig, viewer = Rig.of(EchoExecutor(1)), Viewer()
    return rig, rig.engine.open(SessionConfig(mode=mode, seed=1, **fields), viewer), viewer


def speak(rig: Rig, session: Session, seconds: float) -> None:
    rig.run(seconds, lambda: session.push_audio(babble(0.01, rate=session.config.audio_rate)), every_s=0.01)


def test_ids_are_unguessable_and_an_open_seed_is_chosen() -> None:
    rig = Rig.of(EchoExecutor(8))
    sessions = [rig.engine.open(SessionConfig(), Viewer()) for _ in range(8)]
    secrets = {s.id for s in sessions} | {s.resume_key for s in sessions}
    assert len(secrets) == 16
    assert all(len(secret) * 4 >= 128 for secret in secrets)
    assert len({s.seed for s in sessions}) == 8


@pytest.mark.parametrize("what", ["speaker", "emotion", "intensity"])
def test_controls_are_blended_over_half_a_second_never_a_jump(what: str) -> None:
    rig, session, viewer = opened("offline", emotion={"neutral": 1.0})
    session.push_audio(babble(1.0))
    rig.drain()
    changes = {
        "speaker": Control(speaker=2),
        "emotion": Control(emotion={"anger": 2.0}),
        "intensity": Control(intensity=2),
    }
    session.control(changes[what])
    session.push_audio(babble(1.0))
    session.end()
    rig.drain()
    first = {"speaker": SPEAKER, "emotion": EMOTION, "intensity": INTENSITY}[what]
    size = {"speaker": 3, "emotion": 8, "intensity": 1}[what]
    said = viewer.sequence().expressions[:, first : first + size]
    assert np.array_equal(said[:30], np.repeat(said[:1], 30, 0))
    assert not np.array_equal(said[30], said[31])
    assert np.array_equal(said[45:], np.repeat(said[-1:], 15, 0))
    assert np.abs(np.diff(said, axis=0)).max() < 0.11
    if what != "intensity":
        assert said.sum(-1) == pytest.approx(1.0, abs=1e-6)
    assert said[-1, {"speaker": 2, "emotion": 2, "intensity": 0}[what]] == (2.0 if what == "intensity" else 1.0)
    assert viewer.named("control")[0].media_time_s == pytest.approx(1.0, abs=1 / 30)


def test_auto_emotion_is_left_and_reached_by_way_of_what_is_heard() -> None:
    """All zeros mean `auto`: a blend through small weights would be neither."""
    rig, session, viewer = opened()
    speak(rig, session, 0.5)
    session.control(Control(emotion={"anger": 1.0}))
    speak(rig, session, 1.0)
    session.control(Control(auto_emotion=True))
    speak(rig, session, 1.0)
    said = viewer.sequence().expressions[:, EMOTION : EMOTION + 8]
    sums = said.sum(-1)
    assert set(np.round(sums, 5)) == {0.0, 1.0}
    inside = said[sums > 0.5]
    assert inside[0, 1] > 0.9  # the executor hears happiness
    assert inside[-1, 1] > 0.9
    assert np.abs(np.diff(inside, axis=0)).max() < 0.11


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Control(generator="nobody"), "generator"),
        (Control(speaker=3), "speaker"),
        (Control(intensity=-0.1), "intensity"),
        (Control(emotion={"rage": 1.0}), "emotion"),
        (Control(posture="lying"), "posture"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_control_is_named_and_changes_nothing(change: Control, field: str) -> None:
    rig, session, viewer = opened()
    with pytest.raises(ValueError, match=f"{field}: expected .* got"):
        session.control(change)
    speak(rig, session, 0.5)
    assert not viewer.named("control")


def test_a_cue_starts_and_ends_and_flags_its_frames() -> None:
    rig, session, viewer = opened()
    speak(rig, session, 0.5)
    session.cue("wave")
    speak(rig, session, 4.0)
    (start,), (end,) = viewer.named("cue_start"), viewer.named("cue_end")
    assert start.data["cue"] == end.data["cue"] == "wave"
    flagged = [frame.media_time_s for frame in viewer.frames if frame.flags & FrameFlag.CUE]
    assert flagged[0] == pytest.approx(start.media_time_s, abs=1e-9)
    assert flagged[-1] < end.media_time_s <= flagged[-1] + 2 / 30
    assert end.media_time_s - start.media_time_s == pytest.approx(start.data["duration_s"], abs=2 / 30)


@pytest.mark.parametrize("mode", ["live", "agent", "offline"])
@pytest.mark.parametrize("lookahead", [0, 8])
def test_a_timed_cue_starts_with_the_sample_it_names(mode: str, lookahead: int) -> None:
    rig, session, viewer = opened(mode, lookahead_frames=lookahead)
    session.cue("nod", at_s=0.7)
    session.push_audio(babble(0.5))
    rig.run(1.0)  # a gap: in live and agent mode media time goes on
    speak(rig, session, 1.5)
    rig.run(0.5)
    (start,) = viewer.named("cue_start")
    resumed = viewer.named("audio_resumed")[-1]
    expected = resumed.media_time_s + 0.7 - resumed.data["sample"] / 16000
    assert expected - 1 / 30 < start.media_time_s <= expected + 1e-4


def test_cues_are_bounded_and_known() -> None:
    _, session, _ = opened()
    with pytest.raises(ValueError, match=r"cue: expected .* got 'moonwalk'"):
        session.cue("moonwalk")
    for i in range(64):
        session.cue(CUE_NAMES[0], at_s=None if i % 2 else 5.0)
    with pytest.raises(QueueFull):
        session.cue(CUE_NAMES[0])
    session.interrupt()
    session.cue(CUE_NAMES[0])


def test_an_interrupt_drops_what_waits_raises_the_epoch_and_retracts_to_rest() -> None:
    rig, session, viewer = opened("agent")
    session.push_audio(babble(20.0))
    session.cue("wave", at_s=15.0)
    rig.run(1.0)
    assert session.stats().audio_ahead_s > 18
    session.interrupt(played_s=0.9)
    assert session.stats().audio_ahead_s == 0
    rig.run(1.0)
    (told,) = viewer.named("interrupted")
    new = [frame for frame in viewer.frames if frame.epoch == 1]
    assert session.epoch == told.data["epoch"] == 1
    assert told.data["played_s"] == 0.9
    assert told.data["generated_s"] == told.media_time_s == new[0].media_time_s
    assert told.data["sample"] == pytest.approx(new[0].media_time_s * 16000, abs=1)
    assert viewer.order.index(told) < viewer.order.index(new[0])
    assert [frame.index for frame in viewer.frames] == list(range(len(viewer.frames)))
    assert new[0].flags & FrameFlag.RETRACTING
    assert not new[9].flags & FrameFlag.RETRACTING
    session.push_audio(babble(16.0, seed=4))
    rig.run(0.5)
    assert not viewer.named("cue_start")
    resumed = viewer.named("audio_resumed")[-1]
    assert resumed.data["sample"] == 20 * 16000
    assert resumed.media_time_s > told.media_time_s
    assert session.media_time_s > resumed.media_time_s


def test_offline_an_interrupt_takes_its_turn_behind_the_audio() -> None:
    shown = []
    for early in (True, False):
        rig, session, viewer = opened("offline", lookahead_frames=8)
        session.cue("wave", at_s=1.5)
        session.push_audio(babble(1.0))
        if not early:
            rig.drain()
        session.interrupt()
        session.cue("nod", at_s=1.7)
        session.push_audio(babble(1.0, seed=1))
        session.end()
        rig.drain()
        assert [frame.epoch for frame in viewer.frames] == [0] * 30 + [1] * 30
        assert viewer.frames[30].flags & FrameFlag.RETRACTING
        assert [event.data["cue"] for event in viewer.named("cue_start")] == ["nod"]
        shown.append(viewer.sequence())
    assert np.array_equal(shown[0].quat_xyzw, shown[1].quat_xyzw)


def test_the_epoch_of_a_frame_in_the_making_is_that_of_its_audio() -> None:
    """An interrupt that comes while a step runs concerns the frames after it."""
    rig, session, viewer = opened()

    class Interrupting(EchoExecutor):
        def step(self, inputs):
            if len(self.calls) == 3:
                session.interrupt()
            return super().step(inputs)

    rig = Rig.of(Interrupting(1))
    session = rig.engine.open(SessionConfig(), viewer)
    speak(rig, session, 0.5)
    assert [frame.epoch for frame in viewer.frames[:6]] == [0, 0, 0, 0, 1, 1]
    (told,) = viewer.named("interrupted")
    assert viewer.order.index(viewer.frames[3]) < viewer.order.index(told) < viewer.order.index(viewer.frames[4])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["speak", "wait", "interrupt"]), st.integers(1, 60)), min_size=1, max_size=8))
def test_client_samples_map_to_media_time_whatever_happens(script: list[tuple[str, int]]) -> None:
    """With `audio_resumed` alone a client finds every sample it sent in the audio that was forwarded."""
    rig, session, viewer = opened()
    sent = []
    for what, amount in script:
        if what == "interrupt":
            session.interrupt()
        for _ in range(amount):
            rig.clock.now += 0.01
            if what == "speak":
                sent.append(babble(0.01, seed=len(sent)))
                session.push_audio(sent[-1])
            rig.drain()
    everything = np.concatenate([*sent, np.zeros(0, np.float32)])
    anchors = [(round(e.media_time_s * 16000), e.data["sample"]) for e in viewer.named("audio_resumed")]
    for chunk in viewer.audio:
        media = round(chunk.media_time_s * 16000)
        at, sample = max(anchor for anchor in anchors if anchor[0] <= media)
        start = sample + media - at
        assert np.array_equal(chunk.pcm, everything[start : start + len(chunk.pcm)])
    for event in viewer.events:
        assert 0 <= event.audio_time_s <= len(everything) / 16000


def test_utterances_are_told_in_order_with_the_motion() -> None:
    rig, session, viewer = opened("agent", lookahead_frames=2)
    for name in ("u1", "u2"):
        session.begin_utterance(name, "hello" if name == "u1" else None)
        session.push_audio(babble(0.5))
        session.end_utterance(name)
    rig.run(2.0)
    marks = [event for event in viewer.events if "utterance" in event.name]
    assert [(event.name, event.data, round(event.audio_time_s, 3)) for event in marks] == [
        ("utterance_start", {"id": "u1", "text": "hello"}, 0.0),
        ("utterance_end", {"id": "u1"}, 0.5),
        ("utterance_start", {"id": "u2"}, 0.5),
        ("utterance_end", {"id": "u2"}, 1.0),
    ]
    for event in marks:
        after = next(what for what in viewer.order[viewer.order.index(event) :] if isinstance(what, Frame))
        assert after.media_time_s == pytest.approx(event.media_time_s, abs=1 / 30 + 1e-6)


def test_an_utterance_end_behind_all_audio_is_told_at_once() -> None:
    rig, session, viewer = opened("offline")
    session.push_audio(babble(0.1))
    rig.drain()
    session.end_utterance("u1")
    rig.drain()
    assert viewer.named("utterance_end")[0].audio_time_s == pytest.approx(0.1)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_offline_credit_is_granted_ahead_and_beyond_it_audio_is_refused(rate: int) -> None:
    rig, session, viewer = opened("offline", audio_rate=rate)
    rig.drain()
    sent = 0
    for _ in range(3):
        granted = viewer.named("credit")[-1].data["samples"]
        assert granted - sent >= 10 * rate
        session.push_audio(babble(5.0, rate=rate))
        sent += 5 * rate
        rig.drain()
    with pytest.raises(AudioTooFarAhead):
        session.push_audio(np.zeros(viewer.named("credit")[-1].data["samples"] - sent + 1, np.float32))
    session.push_audio(np.zeros(viewer.named("credit")[-1].data["samples"] - sent, np.float32))


def test_a_paused_reader_stops_an_offline_session_and_its_credit() -> None:
    rig, session, viewer = opened("offline")
    session.pause()
    session.push_audio(babble(8.0))
    rig.drain()
    assert not viewer.frames
    assert len(viewer.named("credit")) == 1
    session.pause(False)
    rig.drain()
    assert len(viewer.frames) == 240


def test_an_agent_may_be_two_minutes_ahead_and_no_more() -> None:
    _, session, _ = opened("agent")
    session.push_audio(np.zeros(119 * 16000, np.float32))
    with pytest.raises(AudioTooFarAhead):
        session.push_audio(np.zeros(2 * 16000, np.float32))
    session.push_audio(np.zeros(16000, np.float32))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_bad_samples_are_sanitised(rate: int) -> None:
    rig, session, viewer = opened("offline", audio_rate=rate)
    bad = np.full(rate, 30.0, np.float32)
    bad[::3], bad[1::7], bad[2::11] = np.nan, np.inf, -50.0
    session.push_audio(bad)
    session.end()
    rig.drain()
    heard = np.concatenate([chunk.pcm for chunk in viewer.audio])
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    assert np.isfinite(viewer.said(SOUND)).all()


def test_audio_after_the_end_is_refused_and_the_rest_generated() -> None:
    rig, session, viewer = opened("live", lookahead_frames=8)
    session.push_audio(babble(0.5))
    session.end()
    with pytest.raises(ValueError, match="before the session's end"):
        session.push_audio(babble(0.1))
    rig.drain()
    assert len(viewer.frames) == 15
    assert viewer.events[-1].name == "end"
    assert session.wait(0)


def test_a_resumed_connection_goes_on_with_its_own_sink() -> None:
    rig, session, before = opened()
    speak(rig, session, 0.5)
    after = Viewer()
    session.attach(after)
    speak(rig, session, 0.5)
    indices = [frame.index for frame in (*before.frames, *after.frames)]
    assert indices == list(range(len(indices)))
    assert after.frames


def test_frames_without_speech_are_idle() -> None:
    rig, session, viewer = opened()
    speak(rig, session, 1.0)
    rig.run(1.5)
    speaking = [not frame.flags & FrameFlag.IDLE for frame in viewer.frames]
    assert all(speaking[:30])
    assert not any(speaking[-15:])
    edge = viewer.frames[speaking.index(False)].media_time_s
    assert 1.4 <= edge <= 1.6


def test_surplus_after_a_stall_is_discarded_and_told() -> None:
    rig, session, viewer = opened()
    speak(rig, session, 1.0)
    rig.run(2.0)
    session.push_audio(babble(2.0))
    speak(rig, session, 1.0)
    (overrun,) = viewer.named("overrun")
    assert overrun.data["dropped_s"] == pytest.approx(1.8, abs=0.05)
    assert session.media_time_s == pytest.approx(4.0, abs=0.07)
    assert len(viewer.named("underrun")) == 1


def test_statistics_tell_latency_from_the_arrival_of_the_last_sample() -> None:
    class Slow(EchoExecutor):
        def step(self, inputs):
            rig.clock.now += 0.004
            return super().step(inputs)

    rig, viewer = Rig.of(Slow(1)), Viewer()
    session = rig.engine.open(SessionConfig(), viewer)
    speak(rig, session, 1.0)
    stats = session.stats()
    assert stats.frames == len(viewer.frames) == 30
    assert stats.step_ms_p50 == pytest.approx(4.0)
    assert stats.sound_to_motion_ms_p50 == pytest.approx(4.0)
    assert rig.engine.stats().step_ms_p99 == pytest.approx(4.0)


def test_hundreds_of_gaps_leave_nothing_behind() -> None:
    rig, session, viewer = opened()
    for _ in range(60):
        speak(rig, session, 0.05)
        rig.run(0.3)
        viewer.frames.clear(), viewer.order.clear(), viewer.audio.clear()
    timeline = session.voice.timeline
    assert len(timeline._pieces) <= 61
    assert not timeline._waiting
    assert not session._scheduled
    assert not session._commands
    assert session.voice.buffered < 534
    assert np.abs(session.voice.history.window(534)).max() == 0.0


def test_rest_is_the_first_emitted_pose() -> None:
    executor = EchoExecutor(1)
    rig = Rig.of(executor)
    session = rig.engine.open(SessionConfig(mode="offline"), Viewer())
    session.push_audio(babble(0.1))
    rig.drain()
    assert np.array_equal(executor.calls[0].emitted[0], rest_packed())
