"""Words as a generator hears them: hashed character n-grams, as in fastText (Bojanowski et al. 2017). Torch-free.

A word is the mean of the embeddings of its n-grams of 3 to 5 letters and of itself as a whole, each hashed into one of
`BUCKETS` rows, so that any word of any alphabet has an embedding and no vocabulary travels with a checkpoint.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BUCKETS = 2048
"""Rows of an embedding table; row 0 is for nothing and never asked for."""
WORD_IDS = 16
"""N-grams of a word that are looked at: the word itself, then the others from its start."""
SIZES = (3, 4, 5)

Ids = NDArray[np.int64]


@lru_cache(maxsize=65536)
def _ids(word: str) -> tuple[int, ...]:
    marked = f"<{word}>"
    grams = [marked, *(marked[i : i + n] for n in SIZES for i in range(len(marked) - n + 1))]
    return tuple(1 + fnv1a(gram.encode()) % (BUCKETS - 1) for gram in dict.fromkeys(grams))


def word_ids(word: str) -> Ids:
    """[N] ids of a word's n-grams, 1..BUCKETS - 1, filled up with 0; letters and digits count, in lower case."""
    plain = "".join(c for c in word.casefold() if c.isalnum() or c == "'")
    ids = np.zeros(WORD_IDS, np.int64)
    if plain:
        found = _ids(plain)[:WORD_IDS]
        ids[: len(found)] = found
    return ids


def fnv1a(data: bytes) -> int:
    """32-bit FNV-1a, as fastText hashes (it takes bytes as signed, which is the same for ASCII)."""
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value
