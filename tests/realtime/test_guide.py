"""What a generator is told of a cue that plays: the clip's code, coming and going smoothly, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.cues import shipped_cues
from gesturestream.realtime.cues.guide import RAMP_FRAMES, GuideBlend, clip_motion
from gesturestream.realtime.finishing import rest_packed
from tests.realtime.echo import EchoExecutor, Rig, Viewer, babble

STEEPEST = 1.875 / RAMP_FRAMES + 1e-6
"""Of a minimum-jerk ramp, per frame."""
SLOT = np.zeros(1, np.int64)


def guides(executor: EchoExecutor) -> np.ndarray:
    """[T, G + 1] what the only session's steps were told."""
    return np.concatenate([call.guide[call.active] for call in executor.calls])


def test_the_code_comes_and_goes_within_its_cue() -> None:
    executor = EchoExecutor(1, guide_size=6)
    rig, viewer = Rig.of(executor), Viewer()
    session = rig.engine.open(SessionConfig(mode="offline", seed=1), viewer)
    session.cue("wave", at_s=1.0)
    session.push_audio(babble(4.5))
    session.end()
    rig.drain()
    (start,), (end,) = viewer.named("cue_start"), viewer.named("cue_end")
    first, last = round(start.media_time_s * 30), round(end.media_time_s * 30)
    told = guides(executor)
    weight, codes = told[:, -1], told[:, :-1]
    assert not weight[:first].any() and not weight[last:].any()
    assert (weight[first + RAMP_FRAMES : last - RAMP_FRAMES - 1] == 1.0).all()
    assert np.abs(np.diff(weight)).max() < STEEPEST
    library = shipped_cues()
    clip = library.clips[library.index("wave")]
    expected = executor.guide_codes(clip_motion(clip, rest_packed()))[15:-15]
    held, raised = slice(14, 40), expected[14:40] - executor.guide_codes(rest_packed()[None])
    assert np.abs(codes[first:last][held] - expected[held]).max() < 0.1 < 0.4 < np.abs(raised).max(-1).min()


def test_an_interrupt_lets_go_smoothly() -> None:
    executor = EchoExecutor(1, guide_size=6)
    rig = Rig.of(executor)
    session = rig.engine.open(SessionConfig(seed=1), Viewer())
    session.cue("wave")
    pcm = babble(2.0)
    for k in range(0, len(pcm), 1600):
        if k == 16000:
            session.interrupt()
        session.push_audio(pcm[k : k + 1600])
        rig.run(0.1)
    weight = guides(executor)[:, -1]
    peak = int(weight.argmax())
    assert weight[peak] == 1.0 and np.abs(np.diff(weight)).max() < STEEPEST
    gone = np.flatnonzero(weight)[-1]
    assert peak < gone <= 30 + RAMP_FRAMES + 6 and not weight[gone + 1 :].any()


def test_a_replaced_cue_and_a_new_tenant() -> None:
    blend, left = GuideBlend(1, 2), np.array([60])
    one, other = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 5.0]], np.float32)
    told = [blend.step(SLOT, one, left) for _ in range(20)] + [blend.step(SLOT, other, left) for _ in range(20)]
    codes = np.concatenate(told)
    np.testing.assert_array_equal(codes[19], [1.0, 0.0, 1.0])
    np.testing.assert_allclose(codes[-1], [0.0, 5.0, 1.0], atol=0.01)
    assert np.abs(np.diff(codes[19:], axis=0)).max() <= 0.3 * 5.0 + 1e-6
    blend.reset(0)
    np.testing.assert_array_equal(blend.step(SLOT, np.zeros((1, 2), np.float32), np.array([0]))[0, -1], 0.0)
    assert blend.step(SLOT, one, left)[0, 0] == 1.0, "nothing of the former tenant's code is left"


def test_a_change_of_generator_begins_anew() -> None:
    """Codes of one generator mean nothing to another, of another size even."""
    first, second = EchoExecutor(2, name="first", guide_size=6), EchoExecutor(2, name="second", guide_size=3)
    rig = Rig.of(first, second)
    session = rig.engine.open(SessionConfig(seed=1), Viewer())
    pcm = babble(3.0)
    for k in range(0, len(pcm), 1600):
        if k == 8000:
            session.cue("think")
        if k == 19200:
            session.control(Control(generator="second"))
        session.push_audio(pcm[k : k + 1600])
        rig.run(0.1)
    assert session.generator == "second"
    assert guides(first)[-1, -1] == 1.0
    weight = guides(second)[:, -1]
    begins = int(np.flatnonzero(weight)[0])
    assert not weight[:begins].any() and weight[begins] < STEEPEST and weight.max() == 1.0
    assert np.abs(np.diff(weight)).max() < STEEPEST


def test_a_generator_without_codes_is_asked_nothing() -> None:
    executor = EchoExecutor(1)
    rig = Rig.of(executor)
    session = rig.engine.open(SessionConfig(mode="offline", seed=1), Viewer())
    session.cue("wave", at_s=0.1)
    session.push_audio(babble(1.0))
    session.end()
    rig.drain()
    assert guides(executor).shape == (30, 1) and not guides(executor).any()


def test_a_cue_that_only_guides_leaves_the_shown_pose_to_the_generator() -> None:
    from dataclasses import replace

    from gesturestream.realtime.cues.library import CueLibrary

    wave = replace(shipped_cues().clips[0], overlay=0.0)
    library = CueLibrary({}, {"mine": wave})
    table, row = library.table, library.index("mine")
    span = slice(table.start[row], table.start[row + 1])
    assert not table.weight[span].any() and not table.add[span].any()
    assert library.clips[row].weight.max() == pytest.approx(1.0)
