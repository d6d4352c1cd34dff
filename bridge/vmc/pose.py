"""A frame of the body as local positions and rotations of an avatar's bones, in Unity's axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.vmc.rig import Bone, Rig, chain
from gesturestream.models.body.rotations import matrix_to_quat, normalize, quat_multiply
from gesturestream.models.body.skeleton import JOINT_COUNT, REST_M
from gesturestream.realtime.frame import Frame

Doubles = NDArray[np.float64]

_IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


class RigPose:
    """What does not change from frame to frame is worked out once."""

    def __init__(self, rig: Rig, bones: tuple[Bone, ...]) -> None:
        """`bones` of the rig, of which the hips are one."""
        self.names = tuple(bone.name for bone in bones)
        self._rig = rig
        self._hips = self.names.index("Hips")
        self._chains = _padded([chain(bone) for bone in bones])
        # With W the axes of a bone at rest and P those of the node above it, both in the model, a rotation N between
        # two bones in the model's axes is P^-1 N W for the bone that hangs on that node.
        self._before = matrix_to_quat(np.array([_axes(bone.node_above).T for bone in bones]))
        self._after = matrix_to_quat(np.array([bone.rotation for bone in bones]))
        self._into_node = np.linalg.inv(bones[self._hips].node_above)
        self._to_model = _rotation_signs(rig.to_model)
        self._to_unity = _rotation_signs(rig.to_unity)
        self._rest = np.array([bone.translation_m for bone in bones]) * rig.to_unity

    def locals(self, frame: Frame) -> Doubles:
        """[bones, 7] position (metres), then quaternion xyzw, of each bone relative to what it hangs on."""
        out = np.empty((len(self.names), 7))
        out[:, :3] = self._rest
        out[self._hips, :3] = self._hips_m(frame)
        out[:, 3:] = self._rotations(frame)
        return out

    def _rotations(self, frame: Frame) -> Doubles:
        joints = np.vstack([frame.quat_xyzw, _IDENTITY])
        turned = joints[self._chains[0]]
        for link in self._chains[1:]:
            turned = quat_multiply(turned, joints[link])
        local = quat_multiply(quat_multiply(self._before, turned * self._to_model), self._after)
        unity: Doubles = normalize(local) * self._to_unity
        return unity

    def _hips_m(self, frame: Frame) -> Doubles:
        moved = (frame.root_m - REST_M[0]) * self._rig.scale * self._rig.to_model + self._rig.hips_m
        local: Doubles = self._into_node[:3, :3] @ moved + self._into_node[:3, 3]
        return local * self._rig.to_unity


def _rotation_signs(signs: tuple[float, float, float]) -> Doubles:
    """What turning round axes of a space does to a quaternion xyzw: each axis keeps the sign of the other two."""
    x, y, z = signs
    return np.array([y * z, x * z, x * y, 1.0])


def _axes(transform: Doubles) -> Doubles:
    """[3, 3] rotation of a transform without its scale."""
    columns = transform[:3, :3]
    axes: Doubles = columns / np.linalg.norm(columns, axis=0)
    return axes


def _padded(chains: list[list[int]]) -> NDArray[np.intp]:
    """[longest, bones]: short chains begin with joint 55, which does not turn."""
    longest = max(map(len, chains))
    return np.array([[JOINT_COUNT] * (longest - len(c)) + c for c in chains], np.intp).T
