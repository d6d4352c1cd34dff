"""Two-bone inverse kinematics (hip-knee-ankle, shoulder-elbow-wrist), over any batch shape, for numpy and torch.

The chain is turned as little as possible: the middle joint opens or closes in the plane it is already bent in, then
the whole chain swings on the shortest arc. A target where the end already is gives identity turns.
"""

from __future__ import annotations

from gesturestream.models.body.arrays import Array, concatenate, cross, floor_at, namespace, norm, where
from gesturestream.models.body.rotations import axis_angle_to_quat, normalize, quat_rotate

_STRAIGHT = 1e-4  # sine of the bend below which the chain's own plane means nothing and the pole decides


def two_bone_turns(root: Array, mid: Array, end: Array, target: Array, pole: Array) -> tuple[Array, Array]:
    """World-space turns that bring the end of a two-bone chain to `target`.

    root, mid, end, target [..., 3] world positions (metres); pole [..., 3] world direction in which the middle joint
    bulges when the chain is straight -> (root_turn, mid_turn) quaternions xyzw [..., 4]. With old world rotations R of
    the root joint and M of the middle joint the new ones are `root_turn R` and `root_turn mid_turn M`. A target out
    of reach is approached as far as the chain goes.
    """
    up, down, to_target = root - mid, end - mid, target - root
    upper, lower = norm(up), norm(down)
    distance = floor_at(upper + lower - floor_at(upper + lower - norm(to_target), 0.0), 1e-6)
    mid_turn = axis_angle_to_quat(
        bend_axis(up, down, pole) * (_interior_angle(upper, lower, distance) - angle_of(up, down))
    )
    return turn_between(mid + quat_rotate(mid_turn, down) - root, to_target), mid_turn


def bend_axis(up: Array, down: Array, pole: Array) -> Array:
    """Unit axis about which a positive turn of `down` opens the angle between `up` and `down`. [..., 3]."""
    own = cross(up, down)
    straight = norm(own) < _STRAIGHT * norm(up) * norm(down)
    return normalize(where(straight, cross(pole, up), own))


def angle_of(a: Array, b: Array) -> Array:
    """Angle between two vectors, radians, 0..pi, accurate near both ends. [..., 3] x [..., 3] -> [..., 1]."""
    xp = namespace(a)
    atan2 = xp.atan2 if hasattr(xp, "atan2") else xp.arctan2
    return atan2(norm(cross(a, b)), (a * b).sum(-1)[..., None])


def _interior_angle(upper: Array, lower: Array, distance: Array) -> Array:
    """Angle at the middle joint when root and end are `distance` apart: half-angle form of the law of cosines."""
    xp = namespace(distance)
    atan2 = xp.atan2 if hasattr(xp, "atan2") else xp.arctan2
    opening = floor_at(distance * distance - (upper - lower) ** 2, 0.0) ** 0.5
    closing = floor_at((upper + lower) ** 2 - distance * distance, 0.0) ** 0.5
    return 2.0 * atan2(opening, closing)


def turn_between(a: Array, b: Array) -> Array:
    """Shortest rotation that takes direction a to direction b. [..., 3] x [..., 3] -> quaternion xyzw [..., 4]."""
    a, b = normalize(a), normalize(b)
    half = a + b
    # Opposite directions have no shortest arc: any perpendicular axis will do.
    opposite = norm(half) < 1e-6
    spare = normalize(where(abs(a[..., :1]) < 0.9, cross(a, _axis(a, 0)), cross(a, _axis(a, 1))))
    half = normalize(half)
    q = concatenate([cross(a, half), (a * half).sum(-1)[..., None]])
    return where(opposite, concatenate([spare, 0.0 * spare[..., :1]]), normalize(q))


def _axis(like: Array, index: int) -> Array:
    unit = 0.0 * like
    unit[..., index] = 1.0
    return unit
