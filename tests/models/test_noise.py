"""Counter-based noise against the published vectors, an independent implementation, and the normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.models.noise import normals, philox4x32, words

KNOWN_ANSWERS = [  # Random123's kat_vectors, philox4x32 10
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def _hex(text: str) -> np.ndarray:
    return np.array([int(word, 16) for word in text.split()], np.uint64)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS, ids=["zeros", "ones", "pi"])
def test_known_answers(counter: str, key: str, expected: str) -> None:
    assert philox4x32(_hex(counter), _hex(key)).tolist() == _hex(expected).tolist()


def _philox_of_integers(counter: list[int], key: list[int]) -> list[int]:
    (a, b, c, d), (k, m) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q % 2**32, (p >> 32) ^ d ^ m, p % 2**32
        k, m = (k + 0x9E3779B9) % 2**32, (m + 0xBB67AE85) % 2**32
    return [a, b, c, d]


@given(seed=st.integers(0, 2**64 - 1), frame=st.integers(0, 2**62), count=st.integers(1, 9))
def test_words_are_philox_of_seed_and_frame(seed: int, frame: int, count: int) -> None:
    key = [seed % 2**32, seed >> 32]
    blocks = [_philox_of_integers([j, frame % 2**32, frame >> 32, 0], key) for j in range(3)]
    got = words(np.array([seed], np.uint64), np.array([frame]), count)
    assert got[0].tolist() == [word for block in blocks for word in block][:count]


@given(rows=st.lists(st.tuples(st.integers(0, 2**63), st.integers(0, 10**7)), min_size=1, max_size=5))
def test_a_row_does_not_depend_on_its_batch_mates(rows: list[tuple[int, int]]) -> None:
    seeds, frames = np.array([s for s, _ in rows], np.uint64), np.array([k for _, k in rows])
    together = normals(seeds, frames, 7)
    alone = [normals(seeds[i : i + 1], frames[i : i + 1], 7)[0] for i in range(len(rows))]
    assert np.array_equal(together, np.stack(alone))


def test_values_are_standard_normal() -> None:
    x = normals(np.full(400, 5, np.uint64), np.arange(400), 250).astype(np.float64)
    assert x.dtype == np.float64
    assert abs(x.mean()) < 0.01
    assert abs(x.var() - 1) < 0.02
    assert abs((x**4).mean() - 3) < 0.1
    assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 0.01  # neighbouring frames


def test_no_noise_asked_for_gives_none() -> None:
    assert normals(np.array([1, 2], np.uint64), np.array([0, 0]), 0).shape == (2, 0)
