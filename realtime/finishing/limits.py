"""Which joints are outside their limits, in few numpy calls; those few are then brought back by models/body/limits.py.

A joint of a sober pose is legal: asking is what costs, not answering.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.limits import HIGH_RAD, LOW_RAD, TWIST_AXIS, clamp_joints
from gesturestream.realtime.finishing.quaternions import components

Floats = NDArray[np.float32]

_LOW, _HIGH = (np.ascontiguousarray(limit.T[:, None], np.float32) for limit in (LOW_RAD, HIGH_RAD))  # [3, 1, 55]
_AXIS = np.eye(3, dtype=np.float32)[TWIST_AXIS].T[:, None].copy()  # [3, 1, 55]
# v cross axis, where the axis is one of x, y, z: two of v's components, swapped, one of them negated.
_JOINT = np.arange(len(TWIST_AXIS))
_SWAP = np.tile(np.arange(3)[:, None], len(TWIST_AXIS))
_SIGN = np.zeros((3, 1, len(TWIST_AXIS)), np.float32)
_SWAP[(TWIST_AXIS + 1) % 3, _JOINT], _SIGN[(TWIST_AXIS + 1) % 3, 0, _JOINT] = (TWIST_AXIS + 2) % 3, 1.0
_SWAP[(TWIST_AXIS + 2) % 3, _JOINT], _SIGN[(TWIST_AXIS + 2) % 3, 0, _JOINT] = (TWIST_AXIS + 1) % 3, -1.0


def clamp(quat_xyzw: Floats) -> None:
    """[n, 55, 4], in place: joints outside their limits are brought to within `SOFT_RAD` of them; others stay."""
    rows, joints = np.nonzero(illegal(quat_xyzw))
    if len(rows):
        quat_xyzw[rows, joints] = clamp_joints(quat_xyzw[rows, joints], joints)


def illegal(quat_xyzw: Floats) -> NDArray[np.bool_]:
    """[n, 55, 4] -> [n, 55]. The arithmetic of `models.body.limits.joint_angles`, three components at a time."""
    quat = components(quat_xyzw)
    v, w = quat[:3], quat[3]
    s = np.add.reduce(v * _AXIS, 0)
    cosine = np.sqrt(w * w + s * s)
    scale = 1.0 / np.maximum(cosine, np.float32(1e-9))
    s, w = s * scale, w * scale
    across = v[_SWAP, :, _JOINT].transpose(0, 2, 1) * _SIGN
    swing = w * v - s * across
    swing -= _AXIS * (swing * _AXIS)
    sine = np.sqrt(np.maximum(np.add.reduce(swing * swing, 0), np.float32(1e-24)))
    bend = 2.0 * np.arctan2(sine, cosine) / sine
    twist = 2.0 * np.arctan2(np.copysign(1.0, w) * s, np.abs(w))
    angles = swing * bend + _AXIS * twist
    return np.asarray(np.logical_or.reduce((angles < _LOW) | (angles > _HIGH), 0))
