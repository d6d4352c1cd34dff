"""95 % intervals by resampling clips, because frames of one clip are no independent witnesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Statistic = Callable[[NDArray[np.int64]], float]
"""A figure of the clips with these indices; an index may occur several times."""

DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float
    clips: int

    def json(self) -> dict[str, float]:
        """Plain values; what could not be measured is null."""
        return {key: None if isinstance(x, float) and not np.isfinite(x) else x for key, x in asdict(self).items()}  # type: ignore[misc]


def bootstrap(statistic: Statistic, clips: int, *, draws: int = DRAWS, seed: int = 0, centred: bool = False) -> Figure:
    """Percentile bootstrap over clips (Efron 1979): the statistic of all clips, and of `draws` resamples of as many.

    centred: shifts the resamples' percentiles so that their mean meets the statistic of all clips. For statistics
    that grow as distinct clips get fewer (the Frechet distance does: a resample of N clips holds 0.63 N of them).
    Never lower than 0 for one that is not negative. ValueError without clips.
    """
    if clips < 1:
        raise ValueError("expected at least one clip, got none")
    value = statistic(np.arange(clips))
    generator = np.random.default_rng([seed, clips])
    found = np.array([statistic(generator.integers(clips, size=clips)) for _ in range(draws)])
    found = found[np.isfinite(found)]
    if clips == 1 or not len(found) or not np.isfinite(value):
        return Figure(value=float(value), low=float("nan"), high=float("nan"), clips=clips)
    if centred:
        found = found + value - found.mean()
    low, high = np.percentile(found, [2.5, 97.5])
    return Figure(value=float(value), low=float(max(low, 0.0) if value >= 0 else low), high=float(high), clips=clips)


def mean_of(values: Sequence[float] | Array, weights: Sequence[float] | Array | None = None, **options: Any) -> Figure:
    """The (weighted) mean of one value per clip; a value that is NaN does not count."""
    x = np.asarray(values, np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, np.float64)
    known = np.isfinite(x) & (w > 0)
    x, w = x[known], w[known]
    if not len(x):
        return Figure(value=float("nan"), low=float("nan"), high=float("nan"), clips=0)
    return bootstrap(lambda i: float((x[i] * w[i]).sum() / w[i].sum()), len(x), **options)


def pooled(samples: Sequence[Array], reduce: Callable[[Array], float], **options: Any) -> Figure:
    """A statistic (median, quantile, spread) of all clips' samples together; clips without samples do not count."""
    known = [np.asarray(s, np.float64).ravel() for s in samples if len(s)]
    if not known:
        return Figure(value=float("nan"), low=float("nan"), high=float("nan"), clips=0)
    return bootstrap(lambda index: reduce(np.concatenate([known[i] for i in index])), len(known), **options)


def ratio_of(above: Sequence[float] | Array, below: Sequence[float] | Array, **options: Any) -> Figure:
    """Mean of one value per clip over the mean of another of the same clips, resampled together."""
    a, b = np.asarray(above, np.float64), np.asarray(below, np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if not len(a):
        return Figure(value=float("nan"), low=float("nan"), high=float("nan"), clips=0)
    return bootstrap(lambda i: float(a[i].mean() / b[i].mean()) if b[i].mean() else float("nan"), len(a), **options)
