"""Noise that is drawn ahead is the noise."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models.noise import normals
from gesturestream.realtime.noise_ahead import NoiseAhead


@settings(max_examples=20, deadline=None)
@given(data=st.data(), size=st.sampled_from([1, 49, 1500, 5000]))
def test_drawn_ahead_it_is_the_same(data: st.DataObject, size: int) -> None:
    """Tenants change, frames jump, rows come and go."""
    ahead, rows = NoiseAhead(4, size), np.arange(4)
    seeds, frames = np.arange(4, dtype=np.uint64), np.zeros(4, np.int64)
    for _ in range(data.draw(st.integers(1, 40))):
        some = rows[data.draw(st.lists(st.booleans(), min_size=4, max_size=4).filter(any))]
        got, expected = ahead.at(some, seeds[some], frames[some]), normals(seeds[some], frames[some], size)
        np.testing.assert_array_equal(got, expected)
        frames[some] += 1
        if data.draw(st.integers(0, 9)) == 0:
            row = data.draw(st.integers(0, 3))
            seeds[row], frames[row] = data.draw(st.integers(0, 5)), data.draw(st.sampled_from([0, 3, 31, 10**7]))
