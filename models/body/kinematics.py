"""Forward kinematics of the 55-joint tree (Audio2Gestures eq. 8), over any batch shape, for numpy and torch."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.arrays import Array, concatenate, namespace, stack
from gesturestream.models.body.skeleton import PARENTS, REST_OFFSETS_M


def forward_kinematics(
    rotations: Array, root_m: Array, offsets_m: NDArray[np.float64] = REST_OFFSETS_M
) -> tuple[Array, Array]:
    """Parent-local rotation matrices to the world.

    rotations [..., J, 3, 3] parent-local, root_m [..., 3] world position of the pelvis (metres), offsets_m [55, 3]
    rest offsets -> positions [..., J, 3] metres, world rotations [..., J, 3, 3]. J is 55, or fewer for the first
    joints alone (22: the body without face and hands).
    """
    count = rotations.shape[-3]
    offsets = _as(offsets_m, rotations)
    # One matrix product per depth of the tree instead of one per joint: 10 steps instead of 54.
    world: list[Array] = [rotations[..., :1, :, :]]
    place: list[Array] = [root_m[..., None, :]]
    for joints, parents_in_level in _levels(count):
        parent_rotation = world[-1][..., parents_in_level, :, :]
        parent_place = place[-1][..., parents_in_level, :]
        offset = offsets[joints][..., None]
        place.append(parent_place + (parent_rotation @ offset)[..., 0])
        world.append(parent_rotation @ rotations[..., joints, :, :])
    order = _inverse_order(count)
    return concatenate(place, -2)[..., order, :], concatenate(world, -3)[..., order, :, :]


@lru_cache(maxsize=4)
def _levels(count: int) -> list[tuple[list[int], list[int]]]:
    """Per depth of the tree: its joints, and where each one's parent stands within the level above."""
    out: list[tuple[list[int], list[int]]] = []
    above = [0]
    while True:
        joints = [j for j, parent in enumerate(PARENTS[:count]) if parent in above]
        if not joints:
            return out
        out.append((joints, [above.index(PARENTS[j]) for j in joints]))
        above = joints


@lru_cache(maxsize=4)
def _inverse_order(count: int) -> list[int]:
    order = [0] + [j for joints, _ in _levels(count) for j in joints]
    return [order.index(j) for j in range(len(order))]


def _as(array: NDArray[Any], like: Array) -> Array:
    xp = namespace(like)
    if xp is np:
        return array.astype(like.dtype)
    return xp.as_tensor(array.copy(), dtype=like.dtype, device=like.device)


def local_rotations(world: Array) -> Array:
    """World rotation matrices [..., 55, 3, 3] back to parent-local ones."""
    local = [world[..., 0, :, :]]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        local.append(world[..., parent, :, :].swapaxes(-1, -2) @ world[..., joint, :, :])
    return stack(local, -3)
