"""How much a body does: L1 diversity (EMAGE), diversity within and multimodality across runs (Audio2Gestures).

Trembling and impossible poses are diverse too: more is better only where FGD is small and jerk is near the teacher's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gesturestream.training.metrics.motion import Array

CLIP_FRAMES = 50
"""Audio2Gestures: "equal-lengthed non-overlapping motion clips (50 frames per clip in our experiments)"."""
BODY = slice(0, 22)
"""Audio2Gestures moves the 22 body joints; fingers would outvote them."""


def l1_diversity(places: Array) -> float:
    """EMAGE's L1 diversity as coded: sum over joints and axes of |x_t - mean_t x|, averaged over frames, metres.

    [T, 55, 3] with the pelvis at the origin. The published mean over files is weighted by their frames. This is spread
    around the file's mean pose, not the distance between clips that the paper writes (`pairwise_l1_diversity`).
    """
    return float(np.abs(places - places.mean(0)).sum((1, 2)).mean())


def clip_distances(clips: Sequence[Array]) -> Array:
    """[N, N] mean over frames of |p^i_t - p^j_t|_1, metres; clips [T, 55, 3] in place, cut to the shortest."""
    frames = min(map(len, clips))
    stack = np.stack([clip[:frames].reshape(-1) for clip in clips])
    return np.stack([np.abs(stack - one).sum(1) for one in stack]) / frames


def pairwise_l1_diversity(distances: Array, index: NDArray[np.int64] | None = None) -> float:
    """EMAGE eq. 12 as written: 1 / (2 N (N - 1)) sum_i sum_j |p^i_t - p^j_t|_1, averaged over t, metres.

    distances [N, N] by `clip_distances`; index: the clips that count (pairs of a clip with itself never do). The 1/2
    of the equation makes it half the mean distance of two clips. The published code computes `l1_diversity` instead.
    NaN for fewer than two clips.
    """
    index = np.arange(len(distances)) if index is None else index
    other = index[:, None] != index[None]
    return float(0.5 * distances[np.ix_(index, index)][other].mean()) if other.any() else float("nan")


def diversity(places: Array, frames: int = CLIP_FRAMES) -> float:
    """Audio2Gestures eq. 15 for one long motion [T, 55, 3], pelvis at the origin: centimetres a joint.

    1 / (N ceil(N / 2)) sum_{a < b} |M_a - M_b|_1 over its N pieces of 50 frames, the L1 distance averaged over frames
    and joints as in eq. 13. There are N (N - 1) / 2 pairs, so the equation's factor is up to half too small for few
    pieces (N = 2: a half); it is kept. NaN for fewer than two pieces. No code was published for it.
    """
    count = len(places) // frames
    pieces = places[: count * frames, BODY].reshape(count, -1, 3) if count else places[:0]
    return _mean_pair_distance(list(pieces))


def multimodality(runs: Sequence[Array]) -> float:
    """Audio2Gestures eq. 16: the same over N motions [T, 55, 3] made for one audio by other noise: centimetres a joint.

    The paper takes N = 20. NaN for fewer than two. Pieces of unequal length are cut to the shortest.
    """
    frames = min(map(len, runs)) if len(runs) else 0
    return _mean_pair_distance([run[:frames, BODY].reshape(-1, 3) for run in runs])


def _mean_pair_distance(pieces: list[Array]) -> float:
    """Pieces [n, 3] of metres -> 1 / (N ceil(N / 2)) sum over pairs of mean |difference|_1, centimetres."""
    n = len(pieces)
    if n < 2:
        return float("nan")
    total = sum(np.abs(a - b).sum(-1).mean() for k, a in enumerate(pieces) for b in pieces[k + 1 :])
    return float(100.0 * total / (n * -(-n // 2)))
