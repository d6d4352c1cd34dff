"""Reads of a .vrm file what VMC needs: humanoid bones, how they rest, names of expressions. Meshes are passed over."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.vmc.rig import JOINT_OF, Bone, Rig, chain
from gesturestream.models.body.rotations import quat_to_matrix

Doubles = NDArray[np.float64]
Json = dict[str, Any]

_GLB_MAGIC, _JSON_CHUNK = 0x46546C67, 0x4E4F534A
_MAX_JSON_BYTES = 64 * 1024 * 1024
_REQUIRED = ("Hips", "Spine", "Head", "LeftUpperArm", "RightUpperArm")


def load_vrm(path: Path) -> Rig:
    """The avatar in a VRM 0 or VRM 1 file. ValueError says what is wrong with it; OSError when it cannot be read."""
    try:
        gltf = _read_json(path)
        return _rig(gltf)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name}: expected a VRM avatar, got a broken file ({error!r})") from error
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _read_json(path: Path) -> Json:
    with path.open("rb") as file:
        head = file.read(20)
        if len(head) < 20 or struct.unpack_from("<I", head)[0] != _GLB_MAGIC:
            raise ValueError("expected a .vrm (binary glTF), got something else")
        _, _, _, size, kind = struct.unpack("<5I", head)
        if kind != _JSON_CHUNK or size > _MAX_JSON_BYTES:
            raise ValueError("expected glTF 2.0, whose first chunk is JSON")
        data = file.read(size)
    if len(data) < size:
        raise ValueError(f"expected {size} bytes of JSON, got {len(data)}: the file is cut off")
    try:
        gltf = json.loads(data)
    except ValueError as error:
        raise ValueError(f"expected JSON in its first chunk, got something else: {error}") from None
    if not isinstance(gltf, dict):
        raise ValueError("expected a JSON object in its first chunk")
    return gltf


def _rig(gltf: Json) -> Rig:
    extensions = gltf.get("extensions", {})
    if "VRMC_vrm" in extensions:
        vrm = extensions["VRMC_vrm"]
        nodes = {_bone_name(bone, vrm1=True): entry["node"] for bone, entry in vrm["humanoid"]["humanBones"].items()}
        shapes = [name for group in ("preset", "custom") for name in vrm.get("expressions", {}).get(group, {})]
    elif "VRM" in extensions:
        vrm = extensions["VRM"]
        nodes = {_bone_name(entry["bone"]): entry["node"] for entry in vrm["humanoid"]["humanBones"]}
        shapes = [group["name"] for group in vrm.get("blendShapeMaster", {}).get("blendShapeGroups", [])]
    else:
        raise ValueError("expected a VRM avatar, got a glTF without the extension VRM or VRMC_vrm")
    missing = [bone for bone in _REQUIRED if bone not in nodes]
    if missing:
        raise ValueError(f"expected a humanoid, got one without {', '.join(missing)}")
    return _assemble(gltf["nodes"], nodes, shapes, faces_back="VRMC_vrm" not in extensions)


def _bone_name(bone: str, vrm1: bool = False) -> str:
    """VRM's name -> Unity's. VRM 1 counts the thumb from the metacarpal."""
    name = bone[:1].upper() + bone[1:]
    if vrm1 and "Thumb" in name:
        for theirs, ours in (("Proximal", "Intermediate"), ("Metacarpal", "Proximal")):
            if name.endswith(theirs):
                return name.removesuffix(theirs) + ours
    return name


def _assemble(nodes: list[Json], node_of: dict[str, int], shapes: list[str], faces_back: bool) -> Rig:
    parents = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}
    bone_at = {node: bone for bone, node in node_of.items() if bone in JOINT_OF}
    world = _World(nodes, parents)
    bones = []
    for node, name in bone_at.items():
        above = next((bone_at[n] for n in _ancestors(node, parents) if n in bone_at), None)
        bone = Bone(
            name=name,
            ancestor=above,
            translation_m=_triple(_local(nodes[node])[:3, 3]),
            node_above=world.transform(parents[node]) if node in parents else np.eye(4),
            rotation=_rotation(world.transform(node)),
        )
        chain(bone)  # refuses what hangs in the wrong place
        bones.append(bone)
    hips_m = _triple(world.transform(node_of["Hips"])[:3, 3])
    if hips_m[1] <= 0.01:
        raise ValueError(f"expected hips above the floor, got them at {hips_m[1]:.3f} m")
    return Rig(bones=tuple(bones), hips_m=hips_m, faces_back=faces_back, shapes=tuple(shapes))


def _ancestors(node: int, parents: dict[int, int]) -> Iterator[int]:
    seen = {node}
    while node in parents:
        node = parents[node]
        if node in seen:
            raise ValueError("expected a tree of nodes, got a circle")
        seen.add(node)
        yield node


class _World:
    """Transforms of nodes at rest, in the model."""

    def __init__(self, nodes: list[Json], parents: dict[int, int]) -> None:
        self._nodes, self._parents = nodes, parents

    def transform(self, node: int) -> Doubles:
        out = _local(self._nodes[node])
        for above in _ancestors(node, self._parents):
            out = _local(self._nodes[above]) @ out
        return out


def _local(node: Json) -> Doubles:
    """[4, 4] of a node; glTF's matrices are column-major."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    out = np.eye(4)
    rotation: Doubles = quat_to_matrix(np.array(node.get("rotation", (0, 0, 0, 1)), np.float64))
    out[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), np.float64)
    out[:3, 3] = node.get("translation", (0, 0, 0))
    return out


def _rotation(transform: Doubles) -> Doubles:
    """[3, 3] without the scale."""
    columns = transform[:3, :3]
    if not np.linalg.det(columns) > 1e-12:
        raise ValueError("expected bones that are neither flat nor mirrored")
    rotation: Doubles = columns / np.linalg.norm(columns, axis=0)
    return rotation


def _triple(values: Doubles) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
