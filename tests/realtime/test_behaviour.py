"""Laws of the shipped checkpoints that show only over time: endurance, living silence, any loudness, chunking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesturestream.models import registry
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_to_matrix
from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.motion import FPS
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.choose import load_executor
from gesturestream.realtime.offline import Collector, FrameSequence, render
from gesturestream.realtime.sources.files import demo_speech_path, read_audio

WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
CONFIG = SessionConfig(seed=7, leash_m=0.5)


@pytest.fixture(scope="module", params=registry.available())
def executor(request):
    """What runs for a user: minutes of motion would take the reference minutes."""
    return load_executor(registry.checkpoint_path(request.param), 1).executor


@pytest.fixture(scope="module")
def speech():
    return read_audio(demo_speech_path())


def wrist_speed(sequence: FrameSequence) -> np.ndarray:
    """[T-1] speed of the faster wrist relative to the pelvis, m/s."""
    positions, _ = forward_kinematics(quat_to_matrix(sequence.quat_xyzw), sequence.root_m * 0)
    return np.linalg.norm(np.diff(positions[:, WRISTS], axis=0), axis=-1).max(-1) * FPS


def test_endurance(executor, speech):
    """The tenth repetition moves like the second; the root stays on its leash."""
    loop = speech[: 20 * 16000]
    sequence = render(executor, np.tile(loop, 10), CONFIG)
    frames = 20 * 30
    second, tenth = (wrist_speed(sequence)[k * frames : (k + 1) * frames - 1] for k in (1, 9))
    for statistic in (np.median, np.mean):
        assert statistic(tenth) == pytest.approx(statistic(second), rel=0.15)
    away = np.linalg.norm(sequence.root_m[:, [0, 2]] - sequence.root_m[0, [0, 2]], axis=-1)
    assert away.max() <= CONFIG.leash_m + 1e-3


def test_silence_is_a_living_idle(executor, speech):
    """In the last second of 3 s of silence the wrists are under a third of their speaking speed, yet alive."""
    pcm = np.concatenate([speech[: 8 * 16000], np.zeros(3 * 16000, np.float32)])
    sequence = render(executor, pcm, CONFIG)
    speed = wrist_speed(sequence)
    speaking, idle = np.median(speed[60:240]), np.median(speed[-30:])
    assert idle < speaking / 3
    turning = np.abs(np.diff(sequence.quat_xyzw[-30:], axis=0)).max(axis=(1, 2))
    assert (turning > 1e-5).mean() > 0.9, "breathing and swaying, not frozen"


def test_the_body_speaks(executor, speech):
    """Hands stroke, the mouth follows the voice."""
    sequence = render(executor, speech[: 12 * 16000], CONFIG)
    assert 0.1 < np.median(wrist_speed(sequence)) < 1.5
    loudness = np.sqrt(np.square(speech[: 12 * 16000]).reshape(-1, 1600).mean(1)).repeat(3)
    jaw = sequence.blendshapes[:, 17]
    assert np.corrcoef(jaw, loudness)[0, 1] > 0.2


@pytest.mark.parametrize("gain_db", [-20.0, 6.0])
def test_any_loudness(executor, speech, gain_db):
    speeds = [
        np.mean(wrist_speed(render(executor, speech[: 15 * 16000] * 10 ** (db / 20), CONFIG))[90:])
        for db in (0.0, gain_db)
    ]
    assert speeds[1] == pytest.approx(speeds[0], rel=0.2)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_chunking(executor, speech, data):
    """Any split of the PCM gives bit-identical frames."""
    pcm = speech[16000 : 16000 + 24000]
    expected = render(executor, pcm, CONFIG)
    sizes = data.draw(st.lists(st.sampled_from([1, 7, 160, 533, 534, 4096, 24000]), min_size=1, max_size=40))
    got = _render_in_pieces(executor, pcm, sizes)
    np.testing.assert_array_equal(got.quat_xyzw, expected.quat_xyzw)
    np.testing.assert_array_equal(got.blendshapes, expected.blendshapes)


def _render_in_pieces(executor, pcm, sizes):
    config = SessionConfig(**{**vars(CONFIG), "mode": "offline"})
    engine, collector = Engine({executor.info.name: executor}, default=executor.info.name), Collector()
    session = engine.open(config, collector)
    start = 0
    while start < len(pcm):
        size = sizes.pop(0) if sizes else len(pcm)
        session.push_audio(pcm[start : start + size])
        start += size
        while engine.tick():
            pass
    session.end()
    while engine.tick():
        pass
    engine.close()
    return collector.sequence()
