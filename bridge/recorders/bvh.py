"""Biovision hierarchy: the whole body for any animation tool. Centimetres, degrees, 30 frames a second, Y up.

The hierarchy is the project's rest skeleton, so a tool that retargets sees a T-pose at all zeros. Rotations are given
in the order Z, X, Y: R = Rz Rx Ry. The face (expressions, blendshapes) has no place in this format; jaw and eyes do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import normalize, quat_to_matrix
from gesturestream.models.body.skeleton import INDEX, JOINT_NAMES, PARENTS, REST_OFFSETS_M
from gesturestream.models.motion import FPS
from gesturestream.realtime.frame import FrameSequence

Array = NDArray[np.float64]

_CM = 100.0
_ROTATION_CHANNELS = "Zrotation Xrotation Yrotation"
_FOOT_END_M = np.array([0.0, 0.0, 0.07])
_CHUNK_FRAMES = 1024
_GIMBAL = 1.0 - 1e-9


def write_bvh(file: IO[bytes], motion: FrameSequence) -> None:
    """Writes T frames as text."""
    lines = ["HIERARCHY", *_joint_lines(0, 0), "MOTION", f"Frames: {len(motion)}", f"Frame Time: {1 / FPS:.8f}"]
    file.write(("\n".join(lines) + "\n").encode())
    order = _file_order(0)
    angles: Array | None = None
    for begin in range(0, len(motion), _CHUNK_FRAMES):
        part = slice(begin, begin + _CHUNK_FRAMES)
        euler = matrix_to_zxy(quat_to_matrix(normalize(motion.quat_xyzw[part].astype(np.float64))))
        euler = continuous(euler, angles)
        angles = euler[-1]
        root_cm = motion.root_m[part].astype(np.float64) * _CM
        rows = np.concatenate([root_cm, np.degrees(euler[:, order]).reshape(len(euler), -1)], -1)
        np.savetxt(file, rows, fmt="%.5f")


def matrix_to_zxy(matrix: Array) -> Array:
    """Rotation matrices [..., 3, 3] -> [..., 3] radians about z, x, y with R = Rz Rx Ry.

    Where x is a quarter turn only the sum of the others is defined: y is 0 there.
    """
    sine = np.clip(matrix[..., 2, 1], -1.0, 1.0)
    locked = abs(sine) > _GIMBAL
    z = np.where(
        locked,
        np.arctan2(matrix[..., 1, 0], matrix[..., 0, 0]),
        np.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1]),
    )
    y = np.where(locked, 0.0, np.arctan2(-matrix[..., 2, 0], matrix[..., 2, 2]))
    return np.stack([z, np.arcsin(sine), y], -1)


def continuous(zxy: Array, before: Array | None) -> Array:
    """The same rotations [T, J, 3] by the angles nearest to the frame before, so that curves may be interpolated."""
    out = np.empty_like(zxy)
    for t, angles in enumerate(zxy):
        before = out[t] = angles if before is None else _nearest(angles, before)
    return out


def _nearest(angles: Array, before: Array) -> Array:
    """Every rotation has two triples of angles, each of them modulo whole turns. [J, 3]."""
    z, x, y = angles[:, 0], angles[:, 1], angles[:, 2]
    both = np.stack([angles, np.stack([z + np.pi, np.pi - x, y + np.pi], -1)])
    both += 2 * np.pi * np.round((before - both) / (2 * np.pi))
    first_is_nearer = abs(both[0] - before).sum(-1) <= abs(both[1] - before).sum(-1)
    nearest: Array = np.where(first_is_nearer[:, None], both[0], both[1])
    return nearest


def _children(joint: int) -> list[int]:
    return [child for child, parent in enumerate(PARENTS) if parent == joint]


def _file_order(joint: int) -> list[int]:
    """Joints in the order of the file: depth first."""
    return [joint, *(j for child in _children(joint) for j in _file_order(child))]


def _joint_lines(joint: int, depth: int) -> Iterator[str]:
    pad = "  " * depth
    yield f"{pad}{'JOINT' if depth else 'ROOT'} {JOINT_NAMES[joint]}"
    yield pad + "{"
    # The root's place is in its channels; an offset there would be added to it by some tools and not by others.
    yield f"{pad}  OFFSET {_triple(REST_OFFSETS_M[joint] if depth else np.zeros(3))}"
    position = "" if depth else "Xposition Yposition Zposition "
    yield f"{pad}  CHANNELS {3 if depth else 6} {position}{_ROTATION_CHANNELS}"
    for child in _children(joint):
        yield from _joint_lines(child, depth + 1)
    if not _children(joint):
        foot = joint in (INDEX["left_foot"], INDEX["right_foot"])
        end_m = _FOOT_END_M if foot else 0.8 * REST_OFFSETS_M[joint]
        yield from (f"{pad}  End Site", f"{pad}  {{", f"{pad}    OFFSET {_triple(end_m)}", f"{pad}  }}")
    yield pad + "}"


def _triple(metres: Array) -> str:
    return " ".join(f"{x * _CM:.6g}" for x in metres)
