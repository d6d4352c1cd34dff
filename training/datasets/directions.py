"""TED's motion: unit directions of bones, without lengths, without twist (Yoon et al. 2020; HA2G; DiffGesture).

Skeletons are in the camera's space: x to the right of the picture, y DOWN, z away from the camera; the speaker's left
is at the right of the picture. Published pipelines subtract a mean direction; here directions are whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_axis_angle, normalize
from gesturestream.models.body.skeleton import FINGERS, INDEX, JOINT_COUNT, REST_OFFSETS_M
from gesturestream.training.datasets.swing import basis, swing

Array = NDArray[Any]
Pairs = tuple[tuple[int, int], ...]

GESTURE_PAIRS: Pairs = ((0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (5, 6), (1, 7), (7, 8), (8, 9))
"""TED gesture, 10 joints: spine, neck, nose, head, left shoulder, elbow, wrist, right shoulder, elbow, wrist."""


def _hand(wrist: int, first: int) -> Pairs:
    """Wrist to each finger's first joint, and on to its third."""
    starts = [first + 3 * finger for finger in range(5)]
    return tuple(pair for j in starts for pair in ((wrist, j), (j, j + 1), (j + 1, j + 2)))


EXPRESSIVE_PAIRS: Pairs = (
    (0, 1), (1, 2), (1, 3), (2, 4), (4, 6), *_hand(6, 8), (3, 5), (5, 7), *_hand(7, 23),
    (1, 38), (38, 39), (38, 40), (39, 41), (40, 42),
)  # fmt: skip
"""TED Expressive, 43 joints: spine, neck, shoulders 2 3, elbows 4 5, wrists 6 7 (left first), left hand 8..22, right
hand 23..37 (index, middle, pinky, ring, thumb), nose 38, eyes 39 40, ears 41 42."""

PAIRS: dict[int, Pairs] = {10: GESTURE_PAIRS, 43: EXPRESSIVE_PAIRS}
"""Bones (joint, joint) by the number of joints."""
_ARMS: dict[int, dict[str, tuple[int, int, int]]] = {
    10: {"left": (4, 5, 6), "right": (7, 8, 9)},
    43: {"left": (2, 4, 6), "right": (3, 5, 7)},
}
_FIRST_FINGER = {"left": 8, "right": 23}
_CAMERA_TO_BODY = np.array([1.0, -1.0, -1.0])  # half a turn about x: y up, and who faces the camera faces +Z


def to_directions(skeletons: Array) -> Array:
    """Joint positions [T, 10 or 43, 3] -> unit directions [T, 9 or 42, 3] in the order of PAIRS."""
    a, b = np.array(PAIRS[skeletons.shape[1]]).T
    return np.asarray(normalize(skeletons[:, b] - skeletons[:, a]))


def to_rotations(directions: Array) -> Array:
    """Unit directions [T, 9 or 42, 3] in the camera's space -> local rotations [T, 55, 3, 3] of our skeleton.

    Trunk (up and shoulder line), wrists and, of 43 joints, the head are whole rotations; arms and fingers are swings:
    the twist that directions do not tell is the least one. Hips and legs stay at rest and the mean heading is +Z.
    """
    bones = _Bones(directions)
    local = np.tile(np.eye(3), (len(directions), JOINT_COUNT, 1, 1))
    trunk = bones.trunk()
    # A third each for the three spine joints; they share one axis, so their product is the whole.
    local[:, [INDEX["spine1"], INDEX["spine2"], INDEX["spine3"]]] = axis_angle_to_matrix(
        matrix_to_axis_angle(trunk) / 3.0
    )[:, None]
    head = axis_angle_to_matrix(matrix_to_axis_angle(trunk.swapaxes(-1, -2) @ bones.head(trunk)) / 2.0)
    local[:, INDEX["neck"]] = local[:, INDEX["head"]] = head
    for side in ("left", "right"):
        _arm(bones, side, trunk, local)
    return local


class _Bones:
    """Directions by the joints they join, turned to our axes and to a mean heading of +Z."""

    def __init__(self, directions: Array) -> None:
        self.joints = {len(pairs): joints for joints, pairs in PAIRS.items()}[directions.shape[1]]
        self._index = {pair: i for i, pair in enumerate(PAIRS[self.joints])}
        self._directions = directions * _CAMERA_TO_BODY
        forward = self.trunk()[:, :, 2].mean(0)
        turn = axis_angle_to_matrix(np.array([0.0, -np.arctan2(forward[0], forward[2]), 0.0]))
        self._directions = self._directions @ turn.T

    def __call__(self, start: int, stop: int) -> Array:
        return np.asarray(self._directions[:, self._index[start, stop]])

    def trunk(self) -> Array:
        """[T, 3, 3] world."""
        left, right = (self(1, _ARMS[self.joints][side][0]) for side in ("left", "right"))
        return basis(self(0, 1), left - right)

    def head(self, trunk: Array) -> Array:
        """[T, 3, 3] world: of 43 joints from eyes and ears, of 10 the swing of neck to crown."""
        if self.joints == 10:
            return swing(trunk[:, :, 1], self(1, 2) + self(2, 3)) @ trunk
        across = self(38, 39) - self(38, 40)  # which eye is which: the one on the left shoulder's side is the left
        across = across * np.sign((across * trunk[:, :, 0]).sum(-1, keepdims=True))
        forward = -(self(39, 41) + self(40, 42))
        return basis(np.cross(forward, across), across)


def _arm(bones: _Bones, side: str, trunk: Array, local: Array) -> None:
    """Fills shoulder, elbow and, where there are hands, wrist and fingers of `local`."""
    shoulder, elbow, wrist = _ARMS[bones.joints][side]
    world = trunk
    for start, stop, joint, child in (
        (shoulder, elbow, "shoulder", "elbow"),
        (elbow, wrist, "elbow", "wrist"),
    ):
        world = _swung(world, bones(start, stop), f"{side}_{joint}", f"{side}_{child}", local)
    if bones.joints == 43:
        palm = _palm(bones, side, wrist)
        local[:, INDEX[f"{side}_wrist"]] = world.swapaxes(-1, -2) @ palm
        _fingers(bones, side, palm, local)


def _swung(parent: Array, direction: Array, joint: str, child: str, local: Array) -> Array:
    """Turns `joint` by the least that points its rest bone to `child` along `direction`; its world rotation."""
    rest = REST_OFFSETS_M[INDEX[child]]
    local[:, INDEX[joint]] = swing(rest, (parent.swapaxes(-1, -2) @ direction[..., None])[..., 0])
    return np.asarray(parent @ local[:, INDEX[joint]])


def _palm(bones: _Bones, side: str, wrist: int) -> Array:
    """[T, 3, 3] world rotation of the hand from wrist to middle finger and from little finger to index."""
    first = _FIRST_FINGER[side]
    index, middle, pinky = (bones(wrist, first + 3 * FINGERS.index(f)) for f in ("index", "middle", "pinky"))
    rest = {f: normalize(REST_OFFSETS_M[INDEX[f"{side}_{f}1"]]) for f in ("index", "middle", "pinky")}
    return np.asarray(basis(middle, index - pinky) @ basis(rest["middle"], rest["index"] - rest["pinky"]).T)


def _fingers(bones: _Bones, side: str, palm: Array, local: Array) -> None:
    for f, finger in enumerate(FINGERS):
        world, first = palm, _FIRST_FINGER[side] + 3 * f
        for k in (1, 2):
            direction = bones(first + k - 1, first + k)
            world = _swung(world, direction, f"{side}_{finger}{k}", f"{side}_{finger}{k + 1}", local)
