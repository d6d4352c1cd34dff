"""Generator-specific settings: checked against what the generator says of them, told in its order, kept by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gesturestream.models.export.artefact import Description, Weights
from gesturestream.realtime.config import Control, SessionConfig
from tests.realtime.echo import EchoExecutor, Rig, Viewer, babble

RANGES = {"temperature": (0.0, 2.0)}


def executor(name: str, **settings: float) -> EchoExecutor:
    out = EchoExecutor(2, name=name)
    out.info = replace(out.info, settings=settings, setting_ranges={n: r for n, r in RANGES.items() if n in settings})
    return out


def told(executor: EchoExecutor) -> np.ndarray:
    """[T, K] what the only session's steps were told."""
    return np.concatenate([call.settings[call.active] for call in executor.calls])


def test_settings_reach_the_step_and_go_along_to_another_generator():
    first = executor("first", steps=4.0, temperature=1.0)
    second = executor("second", temperature=0.7, guidance=2.0)
    rig, viewer = Rig.of(first, second), Viewer()
    session = rig.engine.open(SessionConfig(seed=1, settings={"temperature": 0.25}), viewer)
    other = rig.engine.open(SessionConfig(seed=2), Viewer())
    assert session.settings == {"steps": 4.0, "temperature": 0.25}
    other.close()
    pcm = babble(3.0)
    for k in range(30):
        if k == 10:
            session.control(Control(settings={"steps": 8.0}))
        if k == 15:
            session.control(Control(generator="second", settings={"guidance": 3.0}))
        session.push_audio(pcm[k * 1600 : (k + 1) * 1600])
        rig.run(0.1)
    steps = told(first)
    assert (steps[0] == [4.0, 0.25]).all() and (steps[-1] == [8.0, 0.25]).all()
    assert session.generator == "second" and session.settings == {"temperature": 0.25, "guidance": 3.0}
    assert (told(second) == [0.25, 3.0]).all(), "while it is primed too"
    assert viewer.named("control")[0].data["settings"] == {"steps": 8.0}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"temperature": 2.5}, "settings.temperature: expected 0..2 for first, got 2.5"),
        ({"temperature": float("nan")}, "settings.temperature: expected 0..2"),
        ({"steps": float("inf")}, "settings.steps: expected"),
        ({"warmth": 1.0}, "settings: expected names among .*'steps', 'temperature'.*got warmth"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, field):
    rig = Rig.of(executor("first", steps=4.0, temperature=1.0))
    with pytest.raises(ValueError, match=field):
        rig.engine.open(SessionConfig(settings=settings), Viewer())
    session = rig.engine.open(SessionConfig(), Viewer())
    with pytest.raises(ValueError, match=field):
        session.control(Control(settings=settings))
    assert session.settings == {"steps": 4.0, "temperature": 1.0}


def test_an_artefact_remembers_ranges():
    info = executor("first", temperature=1.0).info
    weights = Weights(file="x", bytes=1, sha256="y")
    description = Description(format="f", generator=info, weights=weights, graph_bytes=1, inputs=(), outputs=())
    assert Description.from_json(description.to_json()) == description
