"""Percentiles that cost little to ask for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.realtime.statistics import Percentiles


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 31))
def test_a_small_window_is_exact_at_any_time(values: list[float], size: int) -> None:
    percentiles = Percentiles(size)
    for count, value in enumerate(values, start=1):
        percentiles.add(value)
        window = values[max(0, count - size) : count]
        assert percentiles.p50_p99() == pytest.approx(tuple(np.percentile(window, (50, 99))))


def test_a_large_window_is_at_most_a_thirty_second_behind() -> None:
    percentiles = Percentiles()
    assert percentiles.p50_p99_ms() == (None, None)
    for value in range(3000):
        percentiles.add(value)
        p50, _ = percentiles.p50_p99() or (np.nan, np.nan)
        count = min(value + 1, 1024)
        assert value - (count - 1) / 2 - count / 32 <= p50 <= value - (count - 1) / 2
