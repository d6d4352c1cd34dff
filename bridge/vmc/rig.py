"""A humanoid avatar as VMC sees it: which bones there are, how they rest, which joints of the body move them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import FINGERS, INDEX, PARENTS, REST_M, REST_OFFSETS_M

Doubles = NDArray[np.float64]
Triple = tuple[float, float, float]

UNITY_FROM_VRM1: Triple = (-1.0, 1.0, 1.0)
UNITY_FROM_VRM0: Triple = (1.0, 1.0, -1.0)
"""Which axis the importer of a VRM turns round to get from glTF's right-handed space to Unity's left-handed one."""


def _bones() -> Iterator[tuple[str, str]]:
    """(bone of Unity's HumanBodyBones, joint that moves it)."""
    spine = ("pelvis", "Hips"), ("spine1", "Spine"), ("spine2", "Chest"), ("spine3", "UpperChest")
    yield from ((bone, joint) for joint, bone in (*spine, ("neck", "Neck"), ("head", "Head")))
    limbs = {
        "collar": "Shoulder", "shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand",
        "hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot", "foot": "Toes", "eye_smplhf": "Eye",
    }  # fmt: skip
    for side in ("left", "right"):
        for joint, bone in limbs.items():
            yield f"{side.title()}{bone}", f"{side}_{joint}"
        for finger in FINGERS:
            bone = "Little" if finger == "pinky" else finger.title()
            for k, phalanx in enumerate(("Proximal", "Intermediate", "Distal")):
                yield f"{side.title()}{bone}{phalanx}", f"{side}_{finger}{k + 1}"


JOINT_OF: dict[str, int] = {bone: INDEX[joint] for bone, joint in _bones()}
"""Joint index by bone. The jaw is not among them: blend shapes move the mouth."""
EYES = ("LeftEye", "RightEye")


@dataclass(frozen=True, kw_only=True)
class Bone:
    """One bone at rest, in the model's own glTF space (metres)."""

    name: str
    """As in Unity's HumanBodyBones."""
    ancestor: str | None
    """The nearest bone above it; None for the hips."""
    translation_m: Triple
    """Relative to the node it hangs on, be that a bone or not."""
    node_above: Doubles
    """[4, 4] that node's transform at rest, in the model."""
    rotation: Doubles
    """[3, 3] the bone's own axes at rest, in the model."""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """The bones that can be moved, and how the model's space differs from the body's."""

    bones: tuple[Bone, ...]
    hips_m: Triple
    """Where the hips are at rest, in the model."""
    faces_back: bool = False
    """VRM 0: the model faces -z."""
    shapes: tuple[str, ...] | None = None
    """Names of the facial expressions it has, in its own spelling; None: not known."""

    @property
    def to_unity(self) -> Triple:
        """Signs of a position on its way to Unity's axes."""
        return UNITY_FROM_VRM0 if self.faces_back else UNITY_FROM_VRM1

    @property
    def to_model(self) -> Triple:
        """Signs of the body's position in the model's space."""
        return (-1.0, 1.0, -1.0) if self.faces_back else (1.0, 1.0, 1.0)

    @property
    def scale(self) -> float:
        """By which the body's steps are scaled: the ratio of hip heights."""
        return self.hips_m[1] / float(REST_M[0, 1])


def chain(bone: Bone) -> list[int]:
    """Joints whose rotations, in this order, make up the bone's: more than one where the model lacks bones between.

    ValueError when the model hangs a bone where no body has it.
    """
    stop = -1 if bone.ancestor is None else JOINT_OF[bone.ancestor]
    joint, path = JOINT_OF[bone.name], []
    while joint not in (stop, -1):
        path.append(joint)
        joint = PARENTS[joint]
    if joint != stop:
        raise ValueError(f"expected bone {bone.name} on another one than {bone.ancestor}")
    return path[::-1]


def own_rig() -> Rig:
    """The project's own body, of which receivers know nothing: for when nobody says which avatar they show."""
    bone_of = {joint: bone for bone, joint in JOINT_OF.items()}
    bones = tuple(_own_bone(bone, bone_of) for bone in JOINT_OF)
    x, y, z = REST_M[0].tolist()
    return Rig(bones=bones, hips_m=(x, y, z))


def _own_bone(name: str, bone_of: dict[int, str]) -> Bone:
    joint = JOINT_OF[name]
    parent = PARENTS[joint]
    above = np.eye(4)
    if parent >= 0:
        above[:3, 3] = REST_M[parent]
    x, y, z = REST_OFFSETS_M[joint].tolist()
    return Bone(
        name=name,
        ancestor=bone_of[parent] if parent >= 0 else None,
        translation_m=(x, y, z),
        node_above=above,
        rotation=np.eye(3),
    )
