"""VRM files made for tests: skeletons as exporters write them, without a mesh."""

from __future__ import annotations

import json
import struct

import numpy as np

from gesturestream.models.body.rotations import axis_angle_to_quat, quat_multiply, quat_rotate

ARM_CHAIN = ("Shoulder", "UpperArm", "LowerArm", "Hand")
ROOT_M = (0.1, 0.2, -0.1)


def conjugate(q):
    return q * [-1, -1, -1, 1]


def rest_positions():
    """Bones of a lanky body, in a frame that faces +z: VRM's names, parents, world positions (metres)."""
    bones = {
        "hips": (None, (0.0, 1.10, 0.02)), "spine": ("hips", (0, 1.25, 0)), "chest": ("spine", (0, 1.40, 0.01)),
        "neck": ("chest", (0, 1.65, 0)), "head": ("neck", (0, 1.75, 0.03)),
    }  # fmt: skip
    for side, x in (("left", 1), ("right", -1)):
        arm = [(0.06, 1.58), (0.2, 1.6), (0.55, 1.6), (0.9, 1.6)]
        above = "chest"
        for part, (reach, height) in zip(ARM_CHAIN, arm, strict=True):
            bones[side + part] = (above, (x * reach, height, -0.01))
            above = side + part
        bones[f"{side}UpperLeg"] = ("hips", (x * 0.1, 1.05, 0))
        bones[f"{side}LowerLeg"] = (f"{side}UpperLeg", (x * 0.1, 0.55, 0.01))
        bones[f"{side}Foot"] = (f"{side}LowerLeg", (x * 0.1, 0.08, -0.02))
        for k, part in enumerate(("thumbMetacarpal", "thumbProximal", "thumbDistal")):
            name = side + part[0].upper() + part[1:]
            bones[name] = (above, (x * (0.93 + 0.03 * k), 1.59, 0.03 + 0.02 * k))
            above = name
    return bones


def write_vrm(path, version, shapes, turned=False):
    """A file of that VRM version with these facial expressions.

    `turned`: as VRM 1 allows, nodes have axes of their own, at some other scale; there is a node above the hips, and
    one between forearm and hand. -> {Unity bone: its node}, nodes.
    """
    chance = np.random.default_rng(5)
    signs = np.array([-1, 1, -1]) if version == 0 else np.array([1, 1, 1])
    nodes = [{"name": "Armature", "children": [], "translation": list(ROOT_M)}]
    place = {None: (0, np.array(ROOT_M), np.array([0.0, 0, 0, 1]), 1.0)}
    node_of = {}

    def add(name, above, position_m):
        parent, parent_m, parent_quat, parent_scale = place[above]
        turn = axis_angle_to_quat(chance.normal(size=3)) if turned else np.array([0.0, 0, 0, 1])
        scale = 2.0 if turned and name == "hips" else 1.0
        local_m = quat_rotate(conjugate(parent_quat), (position_m - parent_m) / parent_scale)
        node = {"name": name, "translation": local_m.tolist()}
        if turned:
            node |= {"rotation": turn.tolist(), "scale": [scale] * 3}
        nodes.append(node)
        nodes[parent].setdefault("children", []).append(len(nodes) - 1)
        place[name] = (len(nodes) - 1, position_m, quat_multiply(parent_quat, turn), parent_scale * scale)

    for name, (above, position) in rest_positions().items():
        position_m = np.array(position) * signs
        if turned and name.endswith("Hand"):
            add(f"{name}Twist", above, position_m - [0.02, 0, 0])
            above = f"{name}Twist"
        add(name, above, position_m)
        node_of[name] = place[name][0]
    gltf = {"asset": {"version": "2.0"}, "nodes": nodes, "extensions": _extension(version, node_of, shapes)}
    data = json.dumps(gltf).encode()
    data += b" " * (-len(data) % 4)
    head = struct.pack("<5I", 0x46546C67, 2, 20 + len(data), len(data), 0x4E4F534A)
    path.write_bytes(head + data)
    return {unity_name(name): node for name, node in node_of.items()}, nodes


def unity_name(name):
    name = name[0].upper() + name[1:]
    return name.replace("ThumbProximal", "ThumbIntermediate").replace("ThumbMetacarpal", "ThumbProximal")


def _extension(version, node_of, shapes):
    if version == 1:
        expressions = {"preset": {name: {} for name in shapes[:1]}, "custom": {name: {} for name in shapes[1:]}}
        bones = {bone: {"node": node} for bone, node in node_of.items()}
        return {"VRMC_vrm": {"specVersion": "1.0", "humanoid": {"humanBones": bones}, "expressions": expressions}}
    bones = [{"bone": vrm0_name(bone), "node": node} for bone, node in node_of.items()]
    groups = [{"name": name, "presetName": "unknown"} for name in shapes]
    return {"VRM": {"humanoid": {"humanBones": bones}, "blendShapeMaster": {"blendShapeGroups": groups}}}


def vrm0_name(name):
    return name.replace("ThumbProximal", "ThumbIntermediate").replace("ThumbMetacarpal", "ThumbProximal")
