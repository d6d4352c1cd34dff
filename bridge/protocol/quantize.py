"""The dtypes of the `q16` encoding: smallest-three quaternions and 16-bit scalars, all little-endian.

Rounding is to nearest, ties to even, computed in float64 so that every language can give the same bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SCALE = 32767.0 * np.sqrt(2.0)
_LIMIT = 32767
_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
"""Which components are sent, in xyzw order, when component i is left out."""
_QUAT = np.dtype([("others", "<i2", 3), ("largest", "<u2")])
_I16, _U16 = np.dtype("<i2"), np.dtype("<u2")


def encode_quaternions(quat_xyzw: NDArray[Any]) -> bytes:
    """Unit quaternions [n, 4] -> n * 8 bytes: three i16, then the u16 index of the component left out."""
    q = np.asarray(quat_xyzw, np.float64)
    largest = np.abs(q).argmax(-1)  # argmax gives the lowest index on ties, as the protocol asks
    rows = np.arange(len(q))
    q = np.where(q[rows, largest] < 0, -1.0, 1.0)[:, None] * q
    packed = np.empty(len(q), _QUAT)
    others = np.take_along_axis(q, _OTHERS[largest], -1)
    packed["others"] = np.clip(np.rint(others * _SCALE), -_LIMIT, _LIMIT)
    packed["largest"] = largest
    return packed.tobytes()


def decode_quaternions(data: bytes) -> Floats:
    """n * 8 bytes -> [n, 4] unit quaternions with w >= 0. ValueError for an index above 3."""
    packed = np.frombuffer(data, _QUAT)
    largest = packed["largest"].astype(np.intp)
    if (largest > 3).any():
        raise ValueError(f"expected the index of the largest component in 0..3, got {largest.max()}")
    others = packed["others"] / _SCALE
    q = np.empty((len(packed), 4))
    np.put_along_axis(q, _OTHERS[largest], others, -1)
    rest = np.sqrt(np.maximum(0.0, 1.0 - (others**2).sum(-1)))
    np.put_along_axis(q, largest[:, None], rest[:, None], -1)
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[:, 3:] < 0, -q, q).astype(np.float32)


def encode_fixed(values: NDArray[Any]) -> bytes:
    """`i16x4096`: value * 4096, saturating at +-32767 (about +-8)."""
    return np.clip(np.rint(np.asarray(values, np.float64) * 4096.0), -_LIMIT, _LIMIT).astype(_I16).tobytes()


def decode_fixed(data: bytes) -> Floats:
    """The inverse of `encode_fixed`."""
    return (np.frombuffer(data, _I16) / 4096.0).astype(np.float32)


def encode_unit(values: NDArray[Any]) -> bytes:
    """`u16n`: 0..1 as round(x * 65535); values outside saturate."""
    return np.rint(np.clip(np.asarray(values, np.float64), 0.0, 1.0) * 65535.0).astype(_U16).tobytes()


def decode_unit(data: bytes) -> Floats:
    """The inverse of `encode_unit`."""
    return (np.frombuffer(data, _U16) / 65535.0).astype(np.float32)
