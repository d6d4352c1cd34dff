"""The three modes on a virtual clock: which samples are consumed when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.models.timing import frame_start, frames_covering
from gesturestream.realtime.pacing import Pacing, Take, pacing

CHUNK_S = 0.01
Arrivals = list[tuple[float, int]]


def simulate(
    session: Pacing, arrivals: Arrivals, until: float, calls: dict[float, str] | None = None
) -> tuple[list[tuple[float, Take]], int]:
    """Event-driven and exact: -> (moment, take) of every step, samples discarded."""
    inputs = sorted([(t, n) for t, n in arrivals] + list((calls or {}).items()), key=lambda item: item[0])
    takes, discarded = [], 0
    for moment, what in [*inputs, (until, None)]:
        while (due := session.due_at()) is not None and due <= moment:
            takes.append((max(due, takes[-1][0] if takes else 0.0, last(inputs, due, moment)), session.take()))
        if isinstance(what, int):
            discarded += session.arrive(what, moment)
        elif what == "interrupt":
            session.interrupt(moment)
        elif what is not None:
            getattr(session, what)()
        while (due := session.due_at()) is not None and due <= moment:
            takes.append((moment, session.take()))
    return takes, discarded


def last(inputs: list, due: float, moment: float) -> float:
    """A step due at once after an input is made at that input's moment."""
    return due if due > float("-inf") else max((t for t, _ in inputs if t < moment), default=0.0)


def stream(start: float, seconds: float, *, speed: float = 1.0) -> Arrivals:
    """10 ms chunks as a sound card gives them, each when its last sample is there."""
    count = round(seconds / CHUNK_S)
    return [(start + (i + 1) * CHUNK_S / speed, 160) for i in range(count)]


def real(takes: list[tuple[float, Take]]) -> int:
    return sum(take.real for _, take in takes)


@given(
    cuts=st.lists(st.integers(1, 5000), max_size=20), total=st.integers(1, 20000), lookahead=st.sampled_from([0, 2, 8])
)
def test_offline_takes_every_sample_once_whatever_the_chunks(cuts: list[int], total: int, lookahead: int) -> None:
    session = pacing("offline", lookahead, 0.0)
    sent = 0
    takes = []
    for cut in [*cuts, total]:
        session.arrive(min(cut, total - sent), 0.0)
        sent += min(cut, total - sent)
        while session.due_at() is not None:
            takes.append(session.take())
    session.arrive(total - sent, 0.0)
    session.end()
    while session.due_at() is not None:
        takes.append(session.take())
    assert session.finished
    assert sum(take.real for take in takes) == total
    assert len(takes) == frames_covering(total) + lookahead
    assert [sum(take[:2]) for take in takes] == np.diff([frame_start(k) for k in range(len(takes) + 1)]).tolist()
    assert [take.present for take in takes[-lookahead:]] == [False] * lookahead or not lookahead


@given(early=st.booleans(), tail=st.integers(1, 3000))
def test_an_utterance_end_offline_is_a_place_in_the_audio(early: bool, tail: int) -> None:
    """However early the audio behind it arrives, it starts on the frame after the flush."""
    session = pacing("offline", 2, 0.0)
    takes = []

    def drain() -> None:
        while session.due_at() is not None:
            takes.append(session.take())

    session.arrive(600, 0.0)
    session.end_utterance()
    if not early:
        drain()
    session.arrive(tail, 0.0)
    session.end()
    drain()
    assert takes[:4] == [(534, 0, True), (66, 467, True), (0, 533, False), (0, 534, False)]
    assert sum(take.real for take in takes) == 600 + tail


@pytest.mark.parametrize("lookahead", [0, 2, 8])
def test_a_live_frame_is_made_when_its_last_sample_and_look_ahead_are_there(lookahead: int) -> None:
    takes, _ = simulate(pacing("live", lookahead, 0.0), stream(0.0, 2.0), until=2.0)
    for a, (moment, take) in enumerate(takes):
        assert take.silence == 0
        assert frame_start(a + 1) / 16000 <= moment < frame_start(a + 1) / 16000 + CHUNK_S + 1e-9


def test_live_silence_is_filled_in_at_wall_speed() -> None:
    session = pacing("live", 0, 0.0)
    takes, _ = simulate(session, stream(0.0, 1.0), until=11.0)
    assert session.frame / 30 == pytest.approx(10.8, abs=1 / 30)  # all but the 0.2 s of patience
    gaps = np.diff([moment for moment, take in takes if take.silence])
    assert gaps == pytest.approx(1 / 30, abs=1e-3)
    assert session.pop_underrun()
    assert not session.pop_underrun()


def test_a_live_session_breathes_before_the_first_sound() -> None:
    takes, _ = simulate(pacing("live", 0, 5.0), [], until=6.0)
    assert len(takes) == pytest.approx(0.8 * 30, abs=1)
    assert takes[0][0] == pytest.approx(5.2 + 1 / 30, abs=1e-3)


@pytest.mark.parametrize("stall_s", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("chunk", [160, 1600, 160_000])
def test_a_network_stall_never_becomes_latency(stall_s: float, chunk: int) -> None:
    """Everything said meanwhile arrives at once: what was filled in is discarded, media time keeps to the wall."""
    session = pacing("live", 0, 0.0)
    burst = round(stall_s * 16000)
    sizes = [chunk] * (burst // chunk) + ([burst % chunk] if burst % chunk else [])
    stalled = [(1.0 + stall_s, n) for n in sizes]
    takes, discarded = simulate(
        session, [*stream(0.0, 1.0), *stalled, *stream(1.0 + stall_s, 2.0)], until=3.0 + stall_s
    )
    filled = sum(take.silence for _, take in takes)
    assert discarded == pytest.approx(filled, abs=0.04 * 16000)
    assert session.frame / 30 == pytest.approx(3.0 + stall_s, abs=0.07)


def test_a_short_stall_loses_nothing() -> None:
    burst = [(1.19, 16 * 190)]
    takes, discarded = simulate(pacing("live", 0, 0.0), [*stream(0.0, 1.0), *burst, *stream(1.19, 1.0)], until=2.2)
    assert discarded == 0
    assert sum(take.silence for _, take in takes) == 0


@given(gap_s=st.floats(0.25, 30.0), jitter=st.lists(st.floats(0.0, 0.05), min_size=100, max_size=100))
def test_push_to_talk_loses_nothing(gap_s: float, jitter: list[float]) -> None:
    """Audio that comes at wall speed after a gap is no surplus, network jitter or not."""
    talk = [(t + late, n) for (t, n), late in zip(stream(1.0 + gap_s, 1.0), jitter)]
    _, discarded = simulate(pacing("live", 0, 0.0), [*stream(0.0, 1.0), *sorted(talk)], until=3.0 + gap_s)
    assert discarded == 0


@pytest.mark.parametrize("speed", [0.99, 1.01])
@pytest.mark.parametrize("pause_s", [0.0, 2.0])
def test_a_sound_card_off_by_a_percent_never_accumulates_latency(speed: float, pause_s: float) -> None:
    first = stream(0.0, 30.0, speed=speed)
    second = stream(first[-1][0] + pause_s, 30.0, speed=speed)
    session = pacing("live", 0, 0.0)
    takes, discarded = simulate(session, [*first, *second], until=second[-1][0])
    assert discarded == 0
    assert session.buffered < 534
    spoken = np.array([t for t, n in (*first, *second)])  # when each chunk was there
    done = np.cumsum([take.real for _, take in takes])
    for (moment, take), samples in zip(takes, done):
        if take.real and not take.silence:
            assert moment - spoken[-(-samples // 160) - 1] <= 1e-9


def test_an_agent_is_generated_a_quarter_second_ahead_of_its_play_clock() -> None:
    takes, discarded = simulate(pacing("agent", 0, 0.0), [(0.1, 16000 * 60)], until=61.0)
    spoken = [(a, moment) for a, (moment, take) in enumerate(takes) if take.real]
    assert real(takes) == 16000 * 60
    assert discarded == 0
    for a, moment in spoken:
        assert moment == pytest.approx(max(0.1, 0.1 + a / 30 - 0.25), abs=1e-6)


def test_an_agent_between_utterances_breathes_and_starts_the_next_at_once() -> None:
    session = pacing("agent", 0, 0.0)
    calls = {0.0001: "end_utterance"}
    takes, _ = simulate(session, [(0.0, 16000), (10.0, 16000)], until=10.0, calls=calls)
    fill = [moment for moment, take in takes if take.silence == 533 or take.silence == 534]
    assert np.diff(fill[:-1]) == pytest.approx(1 / 30, abs=1e-3)
    assert session.frame / 30 == pytest.approx(10.0 + 0.25, abs=0.12)  # wall speed; the new play clock has begun
    first_of_second = next(moment for moment, take in takes if take.real and moment > 5.0)
    assert first_of_second == 10.0
    assert not session.pop_underrun()


def test_an_agent_that_is_late_within_an_utterance_underruns() -> None:
    session = pacing("agent", 0, 0.0)
    simulate(session, [(0.0, 16000)], until=2.0)
    assert session.pop_underrun()


@pytest.mark.parametrize("mode", ["live", "agent"])
def test_an_interrupt_drops_what_waits_and_frames_go_on_within_a_tenth(mode: str) -> None:
    session = pacing(mode, 0, 0.0)
    arrivals = stream(0.0, 1.0) if mode == "live" else [(0.0, 16000 * 20)]
    takes, _ = simulate(session, arrivals, until=2.0, calls={1.0001: "interrupt"})
    after = [moment for moment, _ in takes if moment > 1.0]
    assert session.buffered == 0
    assert after[0] <= 1.0001 + 0.1 + 1 / 30
    assert np.diff(after) == pytest.approx(1 / 30, abs=1e-3)


@pytest.mark.parametrize("mode", ["live", "agent"])
def test_the_end_of_an_utterance_flushes_look_ahead_without_waiting(mode: str) -> None:
    session = pacing(mode, 8, 0.0)
    takes, _ = simulate(session, [(0.0, 1000)], until=0.15, calls={0.001: "end_utterance"})
    assert [take.present for _, take in takes] == [True, True] + [False] * 8
    assert takes[-1][0] <= 0.05


@pytest.mark.parametrize("mode", ["live", "agent", "offline"])
@pytest.mark.parametrize("lookahead", [0, 8])
def test_the_end_generates_the_rest_and_nothing_more(mode: str, lookahead: int) -> None:
    session = pacing(mode, lookahead, 0.0)
    takes, _ = simulate(session, [(0.0, 1000)], until=30.0, calls={0.001: "end"})
    assert len(takes) == 2 + lookahead
    assert session.finished
    assert session.due_at() is None


def test_no_drift_after_a_day() -> None:
    session = pacing("live", 0, 0.0)
    session.frame = 24 * 3600 * 30
    for _ in range(300):
        session.arrive(533, 0.0)
        while session.due_at() == float("-inf"):
            session.take()
    assert frame_start(session.frame) + session.buffered == 24 * 3600 * 16000 + 300 * 533
