"""The cost of causality: its interval over trainings and clips, and its plot."""

from types import SimpleNamespace

import numpy as np
import pytest

from gesturestream.models.motion import LOOKAHEADS
from gesturestream.training import causality
from gesturestream.training.metrics.bootstrap import Figure


def made(shift, seeds=3, clips=20, frames=60):
    """Codes [trainings][clips][frames, 4] of normals, `shift` away from the reference's mean."""
    generator = np.random.default_rng(int(10 * shift) + seeds)
    return [[generator.normal(shift, 1.0, (frames, 4)) for _ in range(clips)] for _ in range(seeds)]


def test_ratio_of_two_known_distances_lies_in_its_interval():
    generator = np.random.default_rng(0)
    suite = SimpleNamespace(codes=[generator.normal(0.0, 1.0, (60, 4)) for _ in range(20)], features=lambda x: x)
    found = causality.compare(suite, {"look-ahead 0": made(1.2), causality.REFERENCE: made(1.0)}, draws=200)
    # equal covariances: the distance is that of the means, 4 channels x shift squared
    assert found[causality.REFERENCE]["fgd"].value == pytest.approx(4.0, rel=0.1)
    assert found["look-ahead 0"]["fgd"].value == pytest.approx(4 * 1.44, rel=0.1)
    ratio = found["look-ahead 0"]["fgd_ratio"]
    assert ratio.low < 1.44 < ratio.high and ratio.high - ratio.low < 0.5
    assert found[causality.REFERENCE]["fgd_ratio"].value == 1.0


def test_the_plot_is_drawn(tmp_path):
    figure = Figure(value=1.0, low=0.8, high=1.3, clips=5)
    names = [f"look-ahead {ahead}" for ahead in LOOKAHEADS] + [causality.REFERENCE]
    causality.draw({name: {"fgd": figure, "stroke_lag_s": figure} for name in names}, tmp_path / "docs" / "plot.png")
    assert (tmp_path / "docs" / "plot.png").stat().st_size > 5000
