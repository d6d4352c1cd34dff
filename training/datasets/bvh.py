"""Biovision hierarchy (BVH): a skeleton of offsets and, frame by frame, the values of its channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix

Array = NDArray[Any]

_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True, kw_only=True)
class Bvh:
    """Motion of J joints over T frames; parents come before their children. Lengths in the file's own unit."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """-1 for the root."""
    offsets: Array
    """[J, 3] from the parent, at rest."""
    tips: dict[int, Array]
    """[3] end sites by the joint that bears them."""
    fps: float
    root: Array
    """[T, 3] the root's position."""
    rotations: Array
    """[T, J, 3, 3] parent-local; identity is the rest pose."""

    def world_rotations(self) -> Array:
        """[T, J, 3, 3]."""
        world = self.rotations.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                world[:, joint] = world[:, parent] @ self.rotations[:, joint]
        return world

    def rest(self) -> Array:
        """[J, 3] positions at rest, the root at 0."""
        places = np.zeros_like(self.offsets)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                places[joint] = places[parent] + self.offsets[joint]
        return places


@dataclass
class _Hierarchy:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)
    tips: dict[int, Array] = field(default_factory=dict)


def read_bvh(path: Path) -> Bvh:
    """Any order of rotations, any rate. Position channels below the root are left out: they repeat the offset.

    ValueError names the file and the place where it is no BVH.
    """
    head, marker, motion = path.read_text(encoding="utf-8", errors="replace").partition("MOTION")
    if not marker or "HIERARCHY" not in head:
        raise ValueError(f"{path}: expected HIERARCHY and MOTION, as a BVH file has them")
    try:
        skeleton = _read_hierarchy(iter(head.split()))
        fps, values = _read_motion(motion)
    except (StopIteration, KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{path}: expected a BVH file, got one that breaks off or is garbled ({error})") from error
    width = sum(len(channels) for channels in skeleton.channels)
    if values.shape[1] != width:
        raise ValueError(f"{path}: expected {width} channels in every frame, got {values.shape[1]}")
    root, rotations = _apply(skeleton, values)
    return Bvh(
        names=tuple(skeleton.names), parents=tuple(skeleton.parents), offsets=np.array(skeleton.offsets),
        tips=skeleton.tips, fps=fps, root=root, rotations=rotations,
    )  # fmt: skip


def _read_hierarchy(tokens: Iterator[str]) -> _Hierarchy:
    out, at_tip = _Hierarchy(), False
    open_joints: list[int] = []
    for token in tokens:
        if token in ("ROOT", "JOINT"):
            out.names.append(next(tokens))
            out.parents.append(open_joints[-1] if open_joints else -1)
            out.offsets.append([0.0, 0.0, 0.0])
            out.channels.append([])
            open_joints.append(len(out.names) - 1)
        elif token == "End":
            at_tip = next(tokens) == "Site"
        elif token == "OFFSET":
            offset = [float(next(tokens)) for _ in range(3)]
            if at_tip:
                out.tips[open_joints[-1]] = np.array(offset)
            else:
                out.offsets[open_joints[-1]] = offset
        elif token == "CHANNELS":
            out.channels[open_joints[-1]] = [next(tokens) for _ in range(int(next(tokens)))]
        elif token == "}":
            if at_tip:
                at_tip = False
            else:
                open_joints.pop()
    if open_joints or not out.names:
        raise ValueError("unbalanced braces")
    return out


def _read_motion(text: str) -> tuple[float, Array]:
    words = text.split()
    frames = int(words[words.index("Frames:") + 1])
    time = words.index("Time:") + 1
    values = np.array(words[time + 1 :], np.float64)
    if frames < 1 or len(values) % frames:
        raise ValueError(f"{len(values)} values for {frames} frames")
    return round(1.0 / float(words[time]), 2), values.reshape(frames, -1)


def _apply(skeleton: _Hierarchy, values: Array) -> tuple[Array, Array]:
    """Channel values [T, C] -> root positions [T, 3], local rotations [T, J, 3, 3]."""
    frames, column = len(values), 0
    root = np.tile(np.array(skeleton.offsets[0]), (frames, 1))
    rotations = np.tile(np.eye(3), (frames, len(skeleton.names), 1, 1))
    for joint, channels in enumerate(skeleton.channels):
        for channel in channels:
            axis = _AXES[channel[0].upper()]
            if channel[1:].lower() == "rotation":
                turn = np.zeros((frames, 3))
                turn[:, axis] = np.radians(values[:, column])
                rotations[:, joint] = rotations[:, joint] @ axis_angle_to_matrix(turn)
            elif joint == 0:
                root[:, axis] = values[:, column]
            column += 1
    return root, rotations
