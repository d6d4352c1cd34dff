"""glTF 2.0, binary: the project's own body, skinned, with a face of 52 ARKit morph targets, and the recorded animation.

Units and axes are the wire's, which are the format's: metres, Y up, facing +Z. Nodes are named after the joints, so
that other characters can be retargeted from the file. Jaw and eyes turn as on the wire but carry no skin: of the two
descriptions of a face the blendshapes are the one that is drawn.

The file is written front to back in blocks of frames, whatever their number; a glTF animation wants the frames of one
joint side by side, so each block is scattered to its places.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.recorders.avatar import Avatar, Morph, Part, load_avatar
from gesturestream.models.body.rotations import normalize
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, PARENTS, REST_M, REST_OFFSETS_M
from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPE_COUNT, FPS
from gesturestream.realtime.frame import FrameSequence

Array = NDArray[Any]

_MAGIC, _VERSION, _JSON, _BIN = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
_MAX_BYTES = 2**32 - 1
_VERTICES, _TRIANGLES = 34962, 34963
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_COMPONENTS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
_FACE_NODE, _BODY_NODE = "face", "body"


class _Document:
    """The JSON, and the arrays that never change; what is animated is only given its place."""

    def __init__(self) -> None:
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.data: list[bytes] = []
        self.bytes = 0
        """Length of the binary part so far, places included."""

    def view(self, data: bytes, **properties: Any) -> int:
        """Appends bytes, padded to four."""
        self.views.append({"buffer": 0, "byteOffset": self.bytes, "byteLength": len(data), **properties})
        padded = data + bytes(-len(data) % 4)
        self.data.append(padded)
        self.bytes += len(padded)
        return len(self.views) - 1

    def place(self, frames: int, width: int) -> tuple[int, int]:
        """Room for [frames, width] float32, filled later: -> its view and where it begins."""
        begin, size = self.bytes, 4 * frames * width
        self.views.append({"buffer": 0, "byteOffset": begin, "byteLength": size})
        self.bytes += size
        return len(self.views) - 1, begin

    def accessor(self, view: int | None, count: int, width: int, dtype: str = "float32", **properties: Any) -> int:
        """`width` numbers for each of `count` elements; without a view zeros."""
        entry = {"componentType": _COMPONENTS[dtype], "count": count, "type": _TYPES[width], **properties}
        self.accessors.append(entry if view is None else {"bufferView": view, **entry})
        return len(self.accessors) - 1

    def array(self, values: Array, *, target: int | None = None, bounds: bool = False, **properties: Any) -> int:
        """[n] or [n, width] as an accessor; rows of vertex attributes are padded to four bytes."""
        table = values.reshape(len(values), -1)
        width, stride = table.shape[1], {}
        padding = -table.itemsize * width % 4 if target == _VERTICES else 0
        rows = np.ascontiguousarray(table)
        if padding:
            rows = np.concatenate([rows, np.zeros((len(rows), padding // rows.itemsize), rows.dtype)], 1)
            stride = {"byteStride": rows.itemsize * rows.shape[1]}
        view = self.view(rows.tobytes(), **({} if target is None else {"target": target}), **stride)
        return self.accessor(view, len(table), width, str(values.dtype), **_bounds(table, bounds), **properties)

    def sparse(self, count: int, vertices: Array, values: Array, *, bounds: bool) -> int:
        """Zeros, but for [n] vertices with [n, 3] values."""
        if not len(vertices):
            return self.accessor(None, count, 3, **_bounds(np.zeros((1, 3)), bounds))
        indices, moves = self.view(vertices.tobytes()), self.view(values.astype(np.float32).tobytes())
        described = {
            "count": len(vertices),
            "indices": {"bufferView": indices, "componentType": _COMPONENTS[str(vertices.dtype)]},
            "values": {"bufferView": moves},
        }
        everything = values if len(vertices) == count else np.concatenate([values, np.zeros((1, 3))])
        return self.accessor(None, count, 3, sparse=described, **_bounds(everything.astype(np.float32), bounds))


def _bounds(table: Array, wanted: bool) -> dict[str, Any]:
    if not wanted:
        return {}
    return {"min": [float(x) for x in table.min(0)], "max": [float(x) for x in table.max(0)]}


def write_glb(file: IO[bytes], motion: FrameSequence, *, block_frames: int = 2048) -> None:
    """Writes T frames, `block_frames` at a time. ValueError beyond 4 GiB, the format's limit: about 31 hours."""
    avatar, frames = load_avatar(), len(motion)
    document = _Document()
    meshes = [_mesh(document, avatar.body, "body"), _mesh(document, avatar.face, "face")]
    skin = _skin(document, avatar)
    times = document.array((np.arange(frames) / FPS).astype(np.float32), bounds=True)
    columns = [document.place(frames, 3), *(document.place(frames, 4) for _ in avatar.bones)]
    columns.append(document.place(frames, BLENDSHAPE_COUNT))
    widths = [3, *(4 for _ in avatar.bones), BLENDSHAPE_COUNT]
    text = _json(document, avatar, meshes, skin, _animation(document, avatar, times, columns, frames))
    header = 28 + len(text)
    if header + document.bytes > _MAX_BYTES:
        raise ValueError(f"expected a recording that fits into the 4 GiB of a .glb file, got {frames} frames")
    file.write(struct.pack("<III", _MAGIC, _VERSION, header + document.bytes))
    file.write(struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", document.bytes, _BIN))
    file.writelines(document.data)
    begins = [header + begin for _, begin in columns]
    for first, block in _blocks(motion, avatar, block_frames):
        for begin, width, values in zip(begins, widths, block, strict=True):
            file.seek(begin + 4 * first * width)
            file.write(np.ascontiguousarray(values, "<f4").tobytes())


def _blocks(motion: FrameSequence, avatar: Avatar, size: int) -> Iterator[tuple[int, list[Array]]]:
    """Index of the first frame, and per column its values [t, width]: root, one rotation per bone, weights."""
    last: Array | None = None
    for first in range(0, len(motion), size):
        part = slice(first, first + size)
        quats = continuous(_with_helpers(motion.quat_xyzw[part].astype(np.float64), avatar), last)
        last = quats[-1]
        yield first, [motion.root_m[part], *quats.transpose(1, 0, 2), motion.blendshapes[part].clip(0.0, 1.0)]


def _with_helpers(quat_xyzw: Array, avatar: Avatar) -> Array:
    """[t, 55, 4] -> [t, bones, 4], unit: helpers go half the way of their joints, on the shorter arc."""
    quats = normalize(quat_xyzw)
    helped = quats[:, avatar.helped]
    helped = np.where(helped[..., 3:] < 0, -helped, helped) + np.array([0.0, 0.0, 0.0, 1.0])
    return np.concatenate([quats, normalize(helped)], 1)


def continuous(quats: Array, before: Array | None) -> Array:
    """The same rotations [T, J, 4], each by the one of q, -q that is nearer to the frame before: so may be blended."""
    chain = quats if before is None else np.concatenate([before[None], quats])
    flips = np.where((chain[1:] * chain[:-1]).sum(-1) < 0, -1.0, 1.0)
    signs = np.cumprod(flips, axis=0)
    out: Array = chain.copy()
    out[1:] *= signs[..., None]
    return out if before is None else out[1:]


def _mesh(document: _Document, part: Part, name: str) -> dict[str, Any]:
    """One primitive per kind of surface, all over the same vertices."""
    attributes = {
        "POSITION": document.array(part.position_m, bounds=True, target=_VERTICES),
        "NORMAL": document.array(part.normal, target=_VERTICES),
        "COLOR_0": document.array(part.color, normalized=True, target=_VERTICES),
        "JOINTS_0": document.array(_tidy(part.joints, part.weights), target=_VERTICES),
        "WEIGHTS_0": document.array(part.weights, normalized=True, target=_VERTICES),
    }
    targets = [_target(document, morph, len(part.position_m)) for morph in part.morphs]
    primitives = []
    for roughness, triangles in part.surfaces:
        indices = document.array(triangles.ravel(), target=_TRIANGLES)
        primitive = {"attributes": attributes, "indices": indices, "material": _material(roughness)}
        primitives.append(primitive | ({"targets": targets} if targets else {}))
    mesh: dict[str, Any] = {"name": name, "primitives": primitives}
    if targets:
        mesh |= {"weights": [0.0] * len(targets), "extras": {"targetNames": list(ARKIT_NAMES)}}
    return mesh


def _tidy(joints: Array, weights: Array) -> Array:
    """A joint that has no weight is given as 0, as the format wants it."""
    return np.where(weights > 0, joints, 0).astype(np.uint8)


def _target(document: _Document, morph: Morph, count: int) -> dict[str, int]:
    return {
        "POSITION": document.sparse(count, morph.vertices, morph.moves_m, bounds=True),
        "NORMAL": document.sparse(count, morph.vertices, morph.normal_changes, bounds=False),
    }


_MATERIALS: tuple[float, ...] = (0.25, 0.3, 0.45, 0.52, 0.6, 0.7, 0.85, 0.95, 1.0)


def _material(roughness: float) -> int:
    return _MATERIALS.index(roughness)


def _skin(document: _Document, avatar: Avatar) -> dict[str, Any]:
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(avatar.bones), 1, 1))
    for bone in range(len(avatar.bones)):
        inverse[bone, 3, :3] = -REST_M[_joint_of(bone, avatar)]  # stored column by column
    bind = document.array(inverse.reshape(-1, 16))
    return {"inverseBindMatrices": bind, "joints": list(range(len(avatar.bones))), "skeleton": 0}


def _joint_of(bone: int, avatar: Avatar) -> int:
    """The joint at whose place a bone stands."""
    return bone if bone < JOINT_COUNT else avatar.helped[bone - JOINT_COUNT]


def _nodes(avatar: Avatar) -> list[dict[str, Any]]:
    """Bones in the order of the skin, then the two meshes."""
    parents = [PARENTS[_joint_of(bone, avatar)] for bone in range(len(avatar.bones))]
    nodes: list[dict[str, Any]] = []
    for bone, name in enumerate(avatar.bones):
        joint = _joint_of(bone, avatar)
        offset_m = REST_OFFSETS_M[joint] if PARENTS[joint] >= 0 else REST_M[joint]
        children = [child for child, parent in enumerate(parents) if parent == bone]
        node = {"name": name, "translation": [float(x) for x in offset_m]}
        nodes.append(node | ({"children": children} if children else {}))
    nodes += [{"name": _BODY_NODE, "mesh": 0, "skin": 0}, {"name": _FACE_NODE, "mesh": 1, "skin": 0}]
    return nodes


def _animation(
    document: _Document, avatar: Avatar, times: int, columns: list[tuple[int, int]], frames: int
) -> dict[str, Any]:
    bones = len(avatar.bones)
    root, *rotations, weights = [view for view, _ in columns]
    outputs = [(document.accessor(root, frames, 3), INDEX["pelvis"], "translation")]
    outputs += [(document.accessor(view, frames, 4), bone, "rotation") for bone, view in enumerate(rotations)]
    outputs.append((document.accessor(weights, frames * BLENDSHAPE_COUNT, 1), bones + 1, "weights"))
    return {
        "name": "gesture",
        "samplers": [{"input": times, "output": output, "interpolation": "LINEAR"} for output, _, _ in outputs],
        "channels": [
            {"sampler": i, "target": {"node": node, "path": path}} for i, (_, node, path) in enumerate(outputs)
        ],
    }


def _json(
    document: _Document, avatar: Avatar, meshes: list[dict[str, Any]], skin: dict[str, Any], animation: dict[str, Any]
) -> bytes:
    nodes = _nodes(avatar)
    materials = [
        {
            "name": f"roughness {roughness}",
            "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": roughness},
            "doubleSided": True,  # lids, and the inside of the mouth
        }
        for roughness in _MATERIALS
    ]
    whole = {
        "asset": {"version": "2.0", "generator": "gesturestream"},
        "scene": 0,
        "scenes": [{"nodes": [INDEX["pelvis"], len(nodes) - 2, len(nodes) - 1]}],
        "nodes": nodes,
        "meshes": meshes,
        "skins": [skin],
        "materials": materials,
        "animations": [animation],
        "accessors": document.accessors,
        "bufferViews": document.views,
        "buffers": [{"byteLength": document.bytes}],
    }
    text = json.dumps(whole, separators=(",", ":"), allow_nan=False).encode()
    return text + b" " * (-len(text) % 4)
