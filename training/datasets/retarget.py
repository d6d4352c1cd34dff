"""A captured skeleton's motion on the project's 55 joints.

Both skeletons are compared at rest. Per limb the rest bone of ours is turned onto the rest bone of theirs, each one
starting from where its parent's alignment left it (arms that hang at rest take their hands along); from then on our
bone follows theirs: W_ours(t) = G W_theirs(t) A, with A the alignment and G what makes their up +Y. So directions of
limbs are kept exactly, and lengths are ours. Trunk, collars, feet and head keep their rest pose for theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.kinematics import local_rotations
from gesturestream.models.body.skeleton import FINGERS, INDEX, JOINT_COUNT, JOINT_NAMES, PARENTS, REST_OFFSETS_M
from gesturestream.training.datasets.bvh import Bvh
from gesturestream.training.datasets.swing import basis, swing

Array = NDArray[Any]

_NAMES: dict[str, tuple[str, ...]] = {
    "pelvis": ("hips", "pelvis"), "neck": ("neck",), "head": ("head",), "collar": ("shoulder",), "shoulder": ("arm",),
    "elbow": ("forearm",), "wrist": ("hand",), "hip": ("upleg",), "knee": ("leg",), "ankle": ("foot",),
    "foot": ("forefoot", "toebase"),
    **{f"{finger}{k}": (f"hand{finger}{k}",) for finger in FINGERS for k in (1, 2, 3)},
}  # fmt: skip
"""Ours without its side to Trinity's (and MotionBuilder's, Mixamo's, BEAT's) without its side, lower case."""
_NEEDED = ("pelvis", "head", *(f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "elbow", "hip", "knee")))
_SPINE = ("spine1", "spine2", "spine3")

_AIM: dict[str, str] = {"shoulder": "elbow", "elbow": "wrist", "wrist": "middle1", "hip": "knee", "knee": "ankle"} | {
    f"{finger}{k}": f"{finger}{k + 1}" for finger in FINGERS for k in (1, 2)
}
"""The child whose direction a limb's bone is aligned by."""


def retarget(bvh: Bvh) -> tuple[Array, Array]:
    """-> local rotations [T, 55, 3, 3] and pelvis path [T, 3], Y up, scaled by the length of the legs to metres.

    The path still wants `stand`. ValueError names the joints that were expected and not found.
    """
    found = find_joints(bvh)
    align = _alignment(bvh, found)
    turn = _upright(bvh, found)
    theirs = bvh.world_rotations()
    world = np.empty((len(theirs), JOINT_COUNT, 3, 3))
    for joint, name in enumerate(JOINT_NAMES):
        if name in found:
            world[:, joint] = turn @ theirs[:, found[name]] @ align[joint]
        else:  # a joint they lack does not bend
            world[:, joint] = world[:, PARENTS[joint]]
    return np.asarray(local_rotations(world)), bvh.root @ turn.T * _leg_scale(bvh, found)


def find_joints(bvh: Bvh) -> dict[str, int]:
    """Our joint names to their indices. Prefixes ("mixamorig:") and case do not matter; our own names are known."""
    short = {name.rpartition(":")[2].replace("_", "").lower(): j for j, name in reversed(list(enumerate(bvh.names)))}
    ours = {name: short[key] for name in JOINT_NAMES if (key := name.replace("_", "")) in short}
    theirs = {name: short[key] for name in JOINT_NAMES for key in reversed(_their_names(name)) if key in short}
    found = max(theirs, ours, key=len)  # "LeftShoulder" is a collar to them and an upper arm to us
    if missing := [name for name in _NEEDED if name not in found]:
        raise ValueError(f"BVH: expected joints like {', '.join(missing)}, found {', '.join(bvh.names)}")
    return found | _spine(bvh, found)


def _their_names(name: str) -> tuple[str, ...]:
    side, _, joint = name.rpartition("_")
    return tuple(side + key for key in _NAMES.get(joint, ()))


def _spine(bvh: Bvh, found: dict[str, int]) -> dict[str, int]:
    """First, middle and last of the joints between pelvis and arms, however many they have."""
    arms = set(_ancestors(bvh, found["left_shoulder"]))
    chain = [j for j in _ancestors(bvh, found["head"]) if j in arms and j != found["pelvis"]]
    chain = [j for j in reversed(chain) if found["pelvis"] in _ancestors(bvh, j)]
    if not chain:
        return {}
    return dict(zip(_SPINE, (chain[0], chain[len(chain) // 2], chain[-1])))


def _ancestors(bvh: Bvh, joint: int) -> list[int]:
    """From the joint's parent to the root."""
    out = []
    while (joint := bvh.parents[joint]) >= 0:
        out.append(joint)
    return out


def _alignment(bvh: Bvh, found: dict[str, int]) -> Array:
    """[55, 3, 3] that turns our rest bones into theirs."""
    rest = bvh.rest()
    body = _rest_frame(rest, found)
    align = np.tile(body, (JOINT_COUNT, 1, 1))
    for joint, name in enumerate(JOINT_NAMES):
        side, _, part = name.rpartition("_")
        if part not in _AIM or name not in found:
            if part.rstrip("123") in FINGERS:  # a finger's last bone follows the one before
                align[joint] = align[PARENTS[joint]]
            continue
        child = f"{side}_{_AIM[part]}"
        parent = align[PARENTS[joint]] if name != "left_hip" and name != "right_hip" else body
        align[joint] = parent
        if child in found:
            bone = parent @ REST_OFFSETS_M[INDEX[child]]
            align[joint] = swing(bone, rest[found[child]] - rest[found[name]]) @ parent
    return align


def _rest_frame(rest: Array, found: dict[str, int]) -> Array:
    """[3, 3] our axes (left, up, forward) as columns in their rest space."""
    left = rest[found["left_hip"]] - rest[found["right_hip"]]
    return basis(_snapped(rest[found["head"]] - rest[found["pelvis"]]), left)


def _upright(bvh: Bvh, found: dict[str, int]) -> Array:
    """[3, 3] that turns the axis of their space along which the body stands into +Y."""
    pelvis, head = found["pelvis"], found["head"]
    spine = bvh.rest()[head] - bvh.rest()[pelvis]
    up = _snapped(np.median(bvh.world_rotations()[:, pelvis] @ spine, axis=0))
    return swing(up, np.array([0.0, 1.0, 0.0]))


def _snapped(vector: Array) -> Array:
    """The signed coordinate axis that is nearest."""
    axis = int(np.argmax(np.abs(vector)))
    return np.asarray(np.eye(3)[axis] * np.sign(vector[axis]))


def _leg_scale(bvh: Bvh, found: dict[str, int]) -> float:
    """Metres of ours per unit of theirs: thigh to thigh, and shank to shank where both are there."""
    bones = [j for j in ("left_knee", "right_knee", "left_ankle", "right_ankle") if j in found]
    ours = sum(np.linalg.norm(REST_OFFSETS_M[INDEX[name]]) for name in bones)
    rest = bvh.rest()
    theirs = sum(np.linalg.norm(rest[found[n]] - rest[found[JOINT_NAMES[PARENTS[INDEX[n]]]]]) for n in bones)
    return float(ours / theirs)
