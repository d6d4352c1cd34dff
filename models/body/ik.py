"""Two-bone inverse kinematics (hip-knee-ankle, shoulder-elbow-wrist), over any batch shape, for numpy and torch.

The chain is turned as little as possible: the middle joint opens or closes in the plane it is already bent in, then
the whole chain swings on the shortest arc. A target where the end already is gives identity turns.
"""

from __future__ import annotations

from gesturestream.models.body.arrays import Array, concatenate, cross, floor_at, namespace, norm, where
from gesturestream.models.body.rotations import normalize

_STRAIGHT = 1e-4  # sine of the bend below which the chain's own plane means nothing and the pole decides


def two_bone_turns(root: Array, mid: Array, end: Array, target: Array, pole: Array) -> tuple[Array, Array]:
    """World-space turns that bring the end of a two-bone chain to `target`.

    root, mid, end, target [..., 3] world positions (metres); pole [..., 3] world direction in which the middle joint
    bulges when the chain is straight -> (root_turn, mid_turn) quaternions xyzw [..., 4]. With old world rotations R of
    the root joint and M of the middle joint the new ones are `root_turn R` and `root_turn mid_turn M`. A target out
    of reach is approached as far as the chain goes.
    """
    up, down, to_target = root - mid, end - mid, target - root
    axis, angle = _opening(up, down, to_target, pole)
    xp = namespace(up)
    mid_turn = concatenate([axis * xp.sin(0.5 * angle), xp.cos(0.5 * angle)])
    turned = down * xp.cos(angle) + cross(axis, down) * xp.sin(angle)  # the axis stands upright on `down`
    return turn_between(turned - up, to_target), mid_turn


def _opening(up: Array, down: Array, to_target: Array, pole: Array) -> tuple[Array, Array]:
    """Unit axis [..., 3] and angle [..., 1] by which the lower bone opens so that the chain is as long as needed."""
    own = cross(up, down)
    sine, lengths = norm(own), (_dot(up, up) * _dot(down, down)) ** 0.5
    # Law of cosines, times the two bones' lengths; the clip stretches or folds the chain for targets out of reach.
    wanted = 0.5 * (_dot(up, up) + _dot(down, down) - _dot(to_target, to_target))
    opposite = floor_at((lengths - wanted) * (lengths + wanted), 0.0) ** 0.5
    atan2 = _atan2(up)
    angle = atan2(opposite, wanted) - atan2(sine, _dot(up, down))
    straight = sine < _STRAIGHT * lengths
    if bool(straight.any()):
        # The straight chain's own plane is noise: bend towards the pole.
        own = where(straight, cross(pole, up), own)
    return normalize(own), angle


def turn_between(a: Array, b: Array) -> Array:
    """Shortest rotation that takes direction a to direction b. [..., 3] x [..., 3] -> quaternion xyzw [..., 4].

    Directions exactly opposite have no shortest arc: half a turn about any perpendicular axis.
    """
    lengths = (_dot(a, a) * _dot(b, b)) ** 0.5
    double = concatenate([cross(a, b), lengths + _dot(a, b)])
    opposite = norm(double) <= 1e-6 * lengths
    if bool(opposite.any()):
        double = where(opposite, _half_turn(a), double)
    return normalize(double)


def _half_turn(a: Array) -> Array:
    x, y = 0.0 * a, 0.0 * a
    x[..., 0], y[..., 1] = 1.0, 1.0
    axis = cross(a, where(abs(a[..., :1]) < 0.9 * norm(a), x, y))
    return concatenate([axis, 0.0 * axis[..., :1]])


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(-1)[..., None]


def _atan2(like: Array) -> Array:
    xp = namespace(like)
    return xp.atan2 if hasattr(xp, "atan2") else xp.arctan2
