"""ARKit blendshapes and the 100 FLAME-style expression coefficients: one face in two bases, torch-free.

Expression coefficients of FLAME are a PCA whose vectors are not free. So that both descriptions of a frame agree,
the project's own expressions are its 52 blendshapes seen through a fixed, published basis: the orthonormal rows 1..52
of the DCT-II matrix of size 100,

    B[i, j] = sqrt(2 / 100) * cos(pi * (2 j + 1) * (i + 1) / 200)        i = 0..51, j = 0..99

so expressions = EXPRESSION_SCALE * blendshapes @ B, and the way back is exact: blendshapes = expressions @ B.T / scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.arrays import Array, namespace
from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPE_COUNT, EXPRESSION_COUNT

BLENDSHAPE_INDEX: dict[str, int] = {name: i for i, name in enumerate(ARKIT_NAMES)}
"""Blendshape index by ARKit name."""

EXPRESSION_SCALE = 4.0
"""Brings a lively face to coefficients of about +-1, the range of FLAME's."""


def _basis() -> NDArray[np.float64]:
    row = np.arange(BLENDSHAPE_COUNT)[:, None] + 1
    column = np.arange(EXPRESSION_COUNT)[None, :]
    angle = np.pi * (2 * column + 1) * row / (2 * EXPRESSION_COUNT)
    basis: NDArray[np.float64] = np.sqrt(2.0 / EXPRESSION_COUNT) * np.cos(angle)
    basis.flags.writeable = False
    return basis


EXPRESSION_BASIS: NDArray[np.float64] = _basis()
"""[52, 100] orthonormal rows."""


def blendshapes_to_expressions(blendshapes: Array) -> Array:
    """[..., 52] weights 0..1 -> [..., 100] coefficients."""
    return EXPRESSION_SCALE * (blendshapes @ _like(EXPRESSION_BASIS, blendshapes))


def expressions_to_blendshapes(expressions: Array) -> Array:
    """[..., 100] coefficients -> [..., 52] weights clipped to 0..1; the exact way back."""
    return (expressions @ _like(EXPRESSION_BASIS.T, expressions) / EXPRESSION_SCALE).clip(0.0, 1.0)


def _like(array: NDArray[np.float64], like: Array) -> Any:
    xp = namespace(like)
    if xp is np:
        return array.astype(like.dtype)
    return xp.as_tensor(array.copy(), dtype=like.dtype, device=like.device)
