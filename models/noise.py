"""Counter-based noise: the same numbers for (session seed, frame index) on every machine, in any order.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11). Nothing is kept between calls, so a
session's noise does not depend on its batch mates, on how its audio was cut, or on what ran before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10


def philox4x32(counter: Words, key: Words) -> Words:
    """Ten rounds. counter [..., 4] and key [..., 2] hold 32-bit words as uint64 -> [..., 4] 32-bit words as uint64."""
    c0, c1, c2, c3 = (counter[..., i] for i in range(4))
    k0, k1 = key[..., 0], key[..., 1]
    for _ in range(_ROUNDS):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), -1)


def words(seeds: NDArray[np.uint64], frames: NDArray[np.int64], count: int) -> Words:
    """[B] seeds, [B] frame indices -> [B, count] 32-bit words. The seed is the key; frame and block are the counter."""
    seeds, frames = np.asarray(seeds, np.uint64), np.asarray(frames).astype(np.uint64)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    counter = np.zeros((len(seeds), len(blocks), 4), np.uint64)
    counter[..., 0] = blocks
    counter[..., 1] = (frames & _LOW)[:, None]
    counter[..., 2] = (frames >> _HALF)[:, None]
    key = np.stack([seeds & _LOW, seeds >> _HALF], -1)[:, None]
    return philox4x32(counter, key).reshape(len(seeds), -1)[:, :count]


def normals(seeds: NDArray[np.uint64], frames: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """Standard normals by Box-Muller. [B] seeds, [B] frame indices >= 0 -> [B, size] float32."""
    pairs = -(-size // 2)
    uniform = (words(seeds, frames, 2 * pairs).astype(np.float64) + 0.5) * 2.0**-32  # never 0 or 1
    radius = np.sqrt(-2.0 * np.log(uniform[:, 0::2]))
    angle = (2.0 * np.pi) * uniform[:, 1::2]
    pair = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    return pair.reshape(len(pair), 2 * pairs)[:, :size].astype(np.float32)
