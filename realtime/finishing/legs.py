"""Two-bone inverse kinematics of a leg in components (components.py): what models/body/ik.py does, without angles.

The middle joint opens or closes in the plane it is already bent in, then the whole chain swings on the shortest arc.
"""

from __future__ import annotations

from typing import NamedTuple

from gesturestream.realtime.finishing.components import (
    Kind,
    Number,
    Quat,
    Vector,
    add,
    conjugate,
    cross,
    dot,
    multiply,
    pick,
    rotate,
    scale,
    subtract,
    unit_quat,
)

_STRAIGHT = 1e-4  # sine of the bend below which the leg's own plane means nothing and the pole decides


class Leg(NamedTuple):
    """World positions (metres) and rotations of one leg, or of many."""

    pelvis: Quat
    hip: Quat
    knee: Quat
    ankle: Quat
    hip_m: Vector
    knee_m: Vector
    ankle_m: Vector


class Bones(NamedTuple):
    """Offsets of hip, knee and ankle from their parents, metres."""

    hip_m: Vector
    knee_m: Vector
    ankle_m: Vector


def pose_leg(bones: Bones, root_m: Vector, pelvis: Quat, hip: Quat, knee: Quat, ankle: Quat) -> Leg:
    """Forward kinematics: the pelvis in the world, the others parent-local."""
    hip = multiply(pelvis, hip)
    knee = multiply(hip, knee)
    hip_m = add(root_m, rotate(pelvis, bones.hip_m))
    knee_m = add(hip_m, rotate(hip, bones.knee_m))
    ankle_m = add(knee_m, rotate(knee, bones.ankle_m))
    return Leg(pelvis, hip, knee, multiply(knee, ankle), hip_m, knee_m, ankle_m)


def reach(kind: Kind, leg: Leg, target_m: Vector, ankle: Quat) -> tuple[Quat, Quat, Quat]:
    """Parent-local rotations of hip, knee and ankle, so that the ankle is at `target_m` and turned as `ankle`.

    A target out of reach is approached as far as the leg goes.
    """
    up, down = subtract(leg.hip_m, leg.knee_m), subtract(leg.ankle_m, leg.knee_m)
    to_target = subtract(target_m, leg.hip_m)
    axis, cosine, sine = _opening(kind, up, down, to_target, _ahead(leg.pelvis))
    turned = add(scale(down, cosine), scale(cross(axis, down), sine))  # the axis stands upright on `down`
    leg_turn = _turn_between(kind, subtract(turned, up), to_target)
    half_cosine, half_sine = _half(kind, cosine, sine)
    hip = multiply(leg_turn, leg.hip)
    knee = multiply(leg_turn, multiply((*scale(axis, half_sine), half_cosine), leg.knee))
    return (
        unit_quat(kind, multiply(conjugate(leg.pelvis), hip)),
        unit_quat(kind, multiply(conjugate(hip), knee)),
        unit_quat(kind, multiply(conjugate(knee), ankle)),
    )


def _ahead(pelvis: Quat) -> Vector:
    """Where the pelvis faces: a straight knee bends that way."""
    x, y, z, w = pelvis
    return 2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)


def _opening(kind: Kind, up: Vector, down: Vector, to_target: Vector, pole: Vector) -> tuple[Vector, Number, Number]:
    """Unit axis, cosine and sine of the angle by which the shin opens so that the leg is as long as needed."""
    own = cross(up, down)
    up_square, down_square, between = dot(up, up), dot(down, down), dot(up, down)
    sine, lengths = kind.sqrt(dot(own, own)), kind.sqrt(up_square * down_square)
    # Law of cosines, times the two bones' lengths; the bound stretches or folds the leg for targets out of reach.
    wanted = 0.5 * (up_square + down_square - dot(to_target, to_target))
    opposite = kind.sqrt(kind.higher((lengths - wanted) * (lengths + wanted), 0.0))
    # The wanted angle minus the present one, as complex numbers.
    real, imaginary = wanted * between + opposite * sine, opposite * between - wanted * sine
    by = 1.0 / kind.higher(kind.sqrt(real * real + imaginary * imaginary), 1e-12)
    straight = sine < _STRAIGHT * lengths
    if kind.any(straight):
        own = pick(kind, straight, cross(pole, up), own)
    return scale(own, 1.0 / kind.higher(kind.sqrt(dot(own, own)), 1e-8)), real * by, imaginary * by


def _half(kind: Kind, cosine: Number, sine: Number) -> tuple[Number, Number]:
    """Cosine and sine of half the angle, each taken from where it keeps its digits."""
    near, far = kind.sqrt(kind.higher(0.5 + 0.5 * cosine, 0.25)), kind.sqrt(kind.higher(0.5 - 0.5 * cosine, 0.25))
    signed = kind.where(sine < 0.0, -far, far)
    small = cosine >= 0.0
    return kind.where(small, near, 0.5 * sine / signed), kind.where(small, 0.5 * sine / near, signed)


def _turn_between(kind: Kind, a: Vector, b: Vector) -> Quat:
    """Shortest rotation that takes direction a to direction b; between opposite ones about any perpendicular axis."""
    square = dot(a, a)
    lengths = kind.sqrt(square * dot(b, b))
    x, y, z = cross(a, b)
    double: Quat = (x, y, z, lengths + dot(a, b))
    opposite = kind.sqrt(x * x + y * y + z * z + double[3] * double[3]) <= 1e-6 * lengths
    if kind.any(opposite):
        double = pick(kind, opposite, _half_turn(kind, a, square), double)
    return unit_quat(kind, double)


def _half_turn(kind: Kind, a: Vector, square: Number) -> Quat:
    x, y, z = a
    aside = x * x < 0.81 * square
    zero = 0.0 * x
    turn: Quat = pick(kind, aside, (zero, z, -y, zero), (-z, zero, x, zero))
    return turn
