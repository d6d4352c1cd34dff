"""Frechet distance of two sets of features (Heusel et al. 2017; FGD: Yoon et al. 2020; EMAGE eq. 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.training.metrics.bootstrap import Figure, bootstrap

Array = NDArray[np.float64]


class Gaussian(NamedTuple):
    """First two moments of features."""

    mean: Array  # [D]
    covariance: Array  # [D, D]


class Sums(NamedTuple):
    """What the moments of several clips together are made from, so that a resample costs no pass over features."""

    frames: Array  # [N]
    total: Array  # [N, D]
    outer: Array  # [N, D, D] sums of x x^T


def gaussian(features: Array) -> Gaussian:
    """[n, D] -> moments (n - 1 in the covariance, as numpy.cov). ValueError for fewer than two rows."""
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"expected at least two features [n, D], got {list(features.shape)}")
    return Gaussian(features.mean(0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + Tr(C_a + C_b - 2 (C_a C_b)^(1/2)), the squared 2-Wasserstein distance of two Gaussians.

    The trace of the root is the sum of the roots of the eigenvalues of C_a^(1/2) C_b C_a^(1/2), which is symmetric
    and positive: no complex numbers, no Newton iteration, exact for singular covariances. The published code (EMAGE,
    Trimodal, HA2G, DiffGesture) calls `scipy.linalg.sqrtm` on the product, which is not symmetric, drops the
    imaginary part and adds 1e-6 to the diagonals (EMAGE always, the others when the product is singular).
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"expected features of one size, got {a.mean.shape[0]} and {b.mean.shape[0]}")
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    inner = root @ b.covariance @ root
    shared = np.sqrt(np.clip(np.linalg.eigvalsh((inner + inner.T) / 2), 0.0, None)).sum()
    difference = a.mean - b.mean
    distance = difference @ difference + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * shared
    return float(max(distance, 0.0))


def sums(clips: Sequence[Array]) -> Sums:
    """Features [n_i, D] of each clip -> their sums."""
    return Sums(
        np.array([len(x) for x in clips], np.float64),
        np.stack([x.sum(0) for x in clips]).astype(np.float64),
        np.stack([x.T.astype(np.float64) @ x for x in clips]),
    )


def moments(all_: Sums, index: NDArray[np.int64]) -> Gaussian:
    """The moments of the clips `index` together; an index may occur several times."""
    n = all_.frames[index].sum()
    mean = all_.total[index].sum(0) / n
    return Gaussian(mean, (all_.outer[index].sum(0) - n * np.outer(mean, mean)) / (n - 1))


def frechet_gesture_distance(
    generated: Sequence[Array], reference: Sequence[Array], *, paired: bool = True, draws: int = 200
) -> Figure:
    """FGD with its interval: features [n_i, D] of each clip, every latent time step of every clip pooled (EMAGE).

    paired: clip i of both sets has the same audio, so both are resampled together; otherwise only the generated are.
    The interval is centred (see `bootstrap`), because the distance of finite samples is biased upwards, the more the
    fewer: compare figures of the same clips only. EMAGE's table prints 10 times this (its "x 10^-1" is a misprint).
    """
    a, b = sums(generated), sums(reference)
    if paired and len(generated) != len(reference):
        raise ValueError(f"expected as many generated clips as references, got {len(generated)} and {len(reference)}")
    whole = moments(b, np.arange(len(b.frames)))
    return bootstrap(
        lambda index: frechet_distance(moments(a, index), moments(b, index) if paired else whole),
        len(generated), draws=draws, centred=True,
    )  # fmt: skip


def frechet_ratio(
    generated: Sequence[Array], other: Sequence[Array], reference: Sequence[Array], *, draws: int = 200
) -> Figure:
    """FGD of `generated` over FGD of `other`, both against `reference`, clips resampled together: what causality costs.

    Not centred: what few clips add to both distances largely cancels.
    """
    a, o, b = sums(generated), sums(other), sums(reference)

    def distance(of: Sums, index: NDArray[np.int64]) -> float:
        return frechet_distance(moments(of, index), moments(b, index))

    return bootstrap(lambda index: distance(a, index) / distance(o, index), len(reference), draws=draws)
