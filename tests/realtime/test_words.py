"""Words: the step is told which one is spoken now and which one soon, by the clock of the audio it hears."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models.step import WORD_AHEAD_FRAMES
from gesturestream.models.words import word_ids
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.hints import Word
from gesturestream.realtime.session import QueueFull
from gesturestream.training.speech.speech import Word as SpokenWord
from tests.realtime.echo import EchoExecutor, Rig, Viewer, babble
from tests.realtime.test_hints import Told, opened, rendered

HELLO, WORLD = Word("Hello,", 0.5, 0.8), Word("world", 1.0, 1.5)


def told(executor: Told) -> tuple[list[str], list[str]]:
    """Per audio frame the known word that is spoken now, and soon."""
    names = {word_ids(text).tobytes(): text for text in ("hello", "world", "again", "")}
    words = executor.heard("words")
    now, soon = ([names[ids.tobytes()] for ids in words[:, i]] for i in range(2))
    return now, soon


def runs(texts: list[str]) -> dict[str, list[int]]:
    """First and last frame of every word."""
    return {text: [texts.index(text), len(texts) - 1 - texts[::-1].index(text)] for text in set(texts) if text}


@pytest.mark.parametrize("lookahead", [0, 4])
def test_words_are_told_when_they_are_heard_and_ahead(lookahead):
    rig, session, _, executor = opened(lookahead_frames=lookahead)
    session.words([HELLO, WORLD])
    rendered(rig, session, 2.0)
    now, soon = told(executor)
    assert runs(now) == {"hello": [15, 23], "world": [30, 44]}
    assert runs(soon) == {"hello": [5, 13], "world": [20, 34]}


@pytest.mark.parametrize("when", ["before", "after"])
def test_words_of_an_utterance_may_come_before_it_or_after(when):
    rig, session, viewer, executor = opened("live")
    voice = babble(4.0)
    if when == "before":
        session.words([HELLO, WORLD], utterance="u1")
    for k in range(400):
        if k == 100:
            session.begin_utterance("u1")
        if k == 101 and when == "after":
            session.words([HELLO, WORLD], utterance="u1")
        session.push_audio(voice[160 * k : 160 * (k + 1)])
        rig.run(0.01)
    now, soon = told(executor)
    (start,) = viewer.named("utterance_start")
    first = round(start.media_time_s * 30)
    assert first == 30 and runs(now) == {"hello": [45, 53], "world": [60, 74]}
    assert runs(soon) == {"hello": [35, 43], "world": [50, 64]}


def test_an_agents_words_are_known_ahead_as_far_as_its_audio_is():
    """Between two utterances nobody knows when the next one will be heard; once it is there the frame is exact."""
    rig, session, viewer, executor = opened("agent")
    session.words([Word("hello", 0.8, 1.0)], utterance="u1")
    session.words([Word("world", 0.0, 0.5)], utterance="u2")
    session.begin_utterance("u1")
    session.push_audio(babble(1.0))
    session.end_utterance("u1")
    session.begin_utterance("u2")
    rig.run(3.0)
    now, soon = told(executor)
    assert runs(now) == {"hello": [24, 29]} and runs(soon) == {"hello": [14, 19]}
    session.push_audio(babble(1.0))
    rig.run(2.0)
    now, soon = told(executor)
    first = round(next(e.media_time_s for e in viewer.named("audio_resumed") if e.media_time_s > 1.0) * 30)
    assert abs(runs(now)["world"][0] - first) <= 1 and runs(soon)["world"][0] == runs(now)["world"][0]
    assert runs(soon)["world"][1] == runs(now)["world"][1] - WORD_AHEAD_FRAMES


def test_in_silence_nothing_is_spoken():
    rig, session, _, executor = opened("live")
    session.words([Word("hello", 0.4, 2.0)])
    session.push_audio(babble(0.5))
    rig.run(2.0)
    now, soon = told(executor)
    assert len(now) > 40 and runs(now) == {"hello": [12, 14]} and runs(soon)["hello"][1] <= 15


@pytest.mark.parametrize("mode", ["live", "offline"])
def test_an_interrupt_drops_words(mode):
    rig, session, _, executor = opened(mode)
    session.words([HELLO, WORLD])
    session.words([Word("again", 0.1, 0.9)], utterance="u9")
    for k in range(60):
        if k == 20:
            session.interrupt()
            session.words([Word("again", 1.2, 1.4)])
        session.push_audio(babble(2.0)[k * 533 : (k + 1) * 533])
        rig.run(0.033)
    session.begin_utterance("u9")
    session.push_audio(babble(1.0))
    session.end()
    rig.run(2.0)
    now, _ = told(executor)
    assert runs(now)["hello"][0] == 15 and runs(now)["hello"][1] <= 20 and "world" not in now
    assert now.count("again") == 6, "only what was told after the interrupt"


def test_a_corrected_transcript_takes_the_place_of_the_former():
    rig, session, _, executor = opened()
    session.words([HELLO, WORLD])
    session.words([Word("again", 0.6, 0.9)])
    rendered(rig, session, 2.0)
    assert runs(told(executor)[0]) == {"again": [18, 26], "world": [30, 44]}


def test_at_most_1024_words_wait_and_spoken_ones_no_longer_do():
    rig, session, _, _ = opened()
    many = [Word("hello", 0.1 * k, 0.1 * k + 0.05) for k in range(1024)]
    session.words(many)
    with pytest.raises(QueueFull, match="1024"):
        session.words([Word("again", 200.0, 201.0)])
    session.push_audio(babble(1.0))
    rig.drain()
    session.words([Word("again", 200.0, 201.0)] * 5)
    with pytest.raises(QueueFull, match="1024"):
        session.words([Word("again", 300.0, 301.0)] * 20)


@pytest.mark.parametrize(
    ("word", "field"),
    [
        (Word("x" * 101, 0.0, 1.0), "text"),
        (Word("x", -0.1, 1.0), "start_s"),
        (Word("x", 1.0, 0.5), "end_s"),
        (Word("x", np.nan, 1.0), "start_s"),
        (Word("x", 0.0, np.inf), "end_s"),
    ],
)
def test_a_bad_word_is_named(word, field):
    _, session, _, _ = opened()
    with pytest.raises(ValueError, match=rf"^words\.1\.{field}: expected .*got"):
        session.words([HELLO, word])


def test_a_generator_that_hears_no_words_runs_on():
    rig = Rig.of(EchoExecutor(1))
    session = rig.engine.open(SessionConfig(mode="offline", seed=1), viewer := Viewer())
    session.words([HELLO])
    rendered(rig, session, 1.0)
    assert not session.hears_words and len(viewer.frames) == 30


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 700)), min_size=1, max_size=6))
def test_words_are_told_as_in_training(lengths):
    """The same words at the same frames as the dataset that trains the generator shows them."""
    from gesturestream.training.dataset import spoken

    edges = np.cumsum([part for pair in lengths for part in pair]) / 1000
    spans = list(zip(edges[::2].tolist(), edges[1::2].tolist()))
    rig, session, _, executor = opened()
    session.words([Word(f"word{i}", start, end) for i, (start, end) in enumerate(spans)])
    rendered(rig, session, float(edges[-1]) + 0.5)
    words = executor.heard("words")
    expected = spoken([SpokenWord(text=f"word{i}", start_s=a, stop_s=b) for i, (a, b) in enumerate(spans)], len(words))
    np.testing.assert_array_equal(words[:, 0], expected)
    np.testing.assert_array_equal(words[:-WORD_AHEAD_FRAMES, 1], expected[WORD_AHEAD_FRAMES:])
