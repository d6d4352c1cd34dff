"""The few places where numpy and torch spell the same operation differently."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

Array = Any
"""A numpy array or a torch tensor; every function returns the kind it was given."""


def namespace(x: Array) -> Any:
    """The module whose functions take `x`: numpy, or torch where a tensor proves that it is loaded."""
    return np if isinstance(x, np.ndarray | np.generic) else sys.modules["torch"]


def stack(parts: list[Array], axis: int = -1) -> Array:
    """`stack` along `axis` in the namespace of the first part."""
    return namespace(parts[0]).stack(parts, axis)


def concatenate(parts: list[Array], axis: int = -1) -> Array:
    """`concatenate` along `axis` in the namespace of the first part."""
    return namespace(parts[0]).concatenate(parts, axis)


def norm(x: Array) -> Array:
    """Euclidean norm over the last axis, kept."""
    return (x * x).sum(-1)[..., None] ** 0.5


def floor_at(x: Array, low: float) -> Array:
    """max(x, low), elementwise."""
    return x.clip(low, None)


def cross(a: Array, b: Array) -> Array:
    """Cross product over the last axis (size 3), with broadcasting."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def where(condition: Array, a: Array, b: Array) -> Array:
    """`where` in the namespace of `a`."""
    return namespace(a).where(condition, a, b)
