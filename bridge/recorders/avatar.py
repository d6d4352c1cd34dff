"""The project's own body as arrays: the web viewer's character, baked by `bridge/web/tools/bake-avatar.mjs`.

Joints are the 55 of the skeleton and, behind them, helper bones that turn half as far as their joint, so that shoulders
and elbows keep their volume. The face has one morph target per ARKit shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from gesturestream.models.body.skeleton import JOINT_COUNT, JOINT_NAMES
from gesturestream.models.motion import BLENDSHAPE_COUNT

Floats = NDArray[np.float32]
ASSET = Path(__file__).parent / "assets" / "avatar.safetensors"


@dataclass(frozen=True, kw_only=True)
class Morph:
    """One ARKit shape, fully on."""

    vertices: NDArray[np.uint16]
    """[n] which vertices move, ascending."""
    moves_m: Floats
    """[n, 3]"""
    normal_changes: Floats
    """[n, 3] to be added to the normals."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A mesh in the rest pose, in the space of the wire."""

    position_m: Floats  # [V, 3]
    normal: Floats  # [V, 3]
    color: NDArray[np.uint16]
    """[V, 3] linear, 65535 is 1."""
    joints: NDArray[np.uint8]
    """[V, 4] indices of bones."""
    weights: NDArray[np.uint8]
    """[V, 4], 255 in sum."""
    surfaces: tuple[tuple[float, NDArray[np.uint16]], ...]
    """(roughness, triangles [n, 3]) of each kind of surface."""
    morphs: tuple[Morph, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Avatar:
    """All of it."""

    body: Part
    face: Part
    bones: tuple[str, ...]
    """The 55 joints, then the helpers."""
    helped: tuple[int, ...]
    """Which joint each helper goes half the way of."""


@lru_cache(maxsize=1)
def load_avatar() -> Avatar:
    """Reads the asset; half a second for the normals of the morphs."""
    with safe_open(ASSET, "numpy") as file:
        said = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    low_m, step_m, move_step_m = (float(said[name]) for name in ("low_m", "step_m", "move_step_m"))
    for name in ("body", "face"):
        arrays[f"{name}.position"] = (low_m + step_m * arrays[f"{name}.position"].astype(np.float64)).astype(np.float32)
    arrays["face.morph_moves"] = (move_step_m * arrays["face.morph_moves"]).astype(np.float32)
    bones = tuple(said["bones"].split())
    halves = [tuple(map(int, pair.split(":"))) for pair in said["halves"].split()]
    assert bones[:JOINT_COUNT] == tuple(JOINT_NAMES), "the asset is of another skeleton: bake it again"
    assert [helper for _, helper in halves] == list(range(JOINT_COUNT, len(bones)))
    return Avatar(
        body=_part(arrays, "body"),
        face=_part(arrays, "face"),
        bones=bones,
        helped=tuple(joint for joint, _ in halves),
    )


def _part(arrays: dict[str, NDArray[np.generic]], name: str) -> Part:
    own = {key.partition(".")[2]: value for key, value in arrays.items() if key.startswith(f"{name}.")}
    position, index = own["position"].astype(np.float32), own["index"].astype(np.uint16)
    roughness = own["roughness"]
    kinds = [(float(kind) / 100, index[roughness[index[:, 0]] == kind]) for kind in np.unique(roughness)]
    normal = vertex_normals(position, index)
    return Part(
        position_m=position,
        normal=normal,
        color=own["color"].astype(np.uint16),
        joints=own["joints"].astype(np.uint8),
        weights=own["weights"].astype(np.uint8),
        surfaces=tuple(kinds),
        morphs=tuple(_morphs(own, position, normal, index)) if "morph_ends" in own else (),
    )


def _morphs(
    own: dict[str, NDArray[np.generic]], position: Floats, normal: Floats, index: NDArray[np.uint16]
) -> list[Morph]:
    ends = [0, *own["morph_ends"].astype(int).tolist()]
    assert len(ends) == BLENDSHAPE_COUNT + 1
    out = []
    for begin, end in zip(ends, ends[1:]):  # noqa: RUF007 (spans of one array)
        vertices, moves = own["morph_vertices"][begin:end].astype(np.uint16), own["morph_moves"][begin:end]
        moved = position.copy()
        moved[vertices] += moves.astype(np.float32)
        changes = vertex_normals(moved, index)[vertices] - normal[vertices]
        out.append(Morph(vertices=vertices, moves_m=moves.astype(np.float32), normal_changes=changes))
    return out


def vertex_normals(position: Floats, index: NDArray[np.uint16]) -> Floats:
    """[V, 3] unit normals: those of the triangles around, weighted by their area."""
    a, b, c = (position[index[:, k]].astype(np.float64) for k in range(3))
    faces = np.cross(b - a, c - a)
    sums = np.zeros((len(position), 3))
    for k in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(index[:, k], faces[:, axis], len(position))
    length = np.linalg.norm(sums, axis=-1, keepdims=True)
    unit = np.where(length > 1e-14, sums / np.maximum(length, 1e-14), [0.0, 1.0, 0.0])
    return unit.astype(np.float32)
