"""Where the feet stand: planted, with a small step now and then that takes the body along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import INDEX, REST_M
from gesturestream.training.teacher.curves import Move, bumps, gaussian, submovements
from gesturestream.training.teacher.style import Style

Array = NDArray[np.float64]

ANKLE_HEIGHT_M = float(REST_M[INDEX["left_ankle"], 1])
LEASH_M = 0.32
"""A speaker's standing place wanders no further than this from where the clip began."""
_LIFT_M, _SWING_S = 0.045, 0.46


@dataclass(frozen=True, kw_only=True)
class Footwork:
    """Left and right foot and what they carry."""

    ankles_m: tuple[Array, Array]
    """World positions [T, 3] of the left and right ankle."""
    yaws: tuple[Array, Array]
    """Headings [T], radians, to the own left positive."""
    pitches: tuple[Array, Array]
    """[T] radians, toes down positive: only in the air."""
    contacts: Array
    """[T, 4] left ankle, right ankle, left foot, right foot."""
    centre_m: Array
    """[T, 2] x and z the pelvis should stand over, feet in the air included."""
    heading: Array
    """[T] radians the pelvis is turned with the feet."""


@dataclass
class _Foot:
    side: int
    moves: list[Move]
    swings: list[tuple[float, float]]


def plan_feet(times_s: Array, style: Style, speaking: Array, rng: np.random.Generator) -> Footwork:
    """Plants both feet and takes a small step with each about every five seconds, more often when lively.

    speaking [T] 0..1: who listens steps seldom.
    """
    ahead, turned = rng.normal(0.0, 0.02, 2), rng.uniform(0.10, 0.26, 2)
    feet = (_Foot(0, [], []), _Foot(1, [], []))
    start = [_stand(np.zeros(2), 0.0, side, style, ahead, turned) for side in (0, 1)]
    weight: list[Move] = []
    place, at_s = np.zeros(2), float(rng.uniform(1.5, 6.0))
    while at_s < times_s[-1] - 1.5:
        if np.interp(at_s, times_s, speaking) < 0.5 and rng.random() < 0.75:
            at_s += 1.0
            continue
        stride = rng.normal(0.0, 0.12, 2) * min(style.sway, 1.4) - 0.25 * place
        target = np.clip(place + np.clip(stride, -0.22, 0.22), -LEASH_M, LEASH_M)
        heading = float(np.clip(rng.normal(0.0, 0.15), -0.3, 0.3))
        lead = int(target[0] < place[0])  # step out, do not cross over
        for foot, delay in ((feet[lead], 0.0), (feet[1 - lead], 0.52)):
            begin = at_s + delay
            stand = _stand(target, heading, foot.side, style, ahead, turned)
            foot.moves.append(Move(start_s=begin, stop_s=begin + _SWING_S, target=stand))
            foot.swings.append((begin, begin + _SWING_S))
            aside = np.array([0.045 * (1.0 if foot.side else -1.0)])  # over the other foot while this one is up
            weight.append(Move(start_s=begin - 0.28, stop_s=begin + 0.14, target=aside))
        weight.append(Move(start_s=at_s + 0.86, stop_s=at_s + 1.35, target=np.zeros(1)))
        place = target
        at_s += 1.6 + float(rng.gamma(2.0, 1.7)) / min(max(style.sway, 0.5), 1.5)
    return _footwork(times_s, start, feet, weight)


def _stand(place: Array, heading: float, side: int, style: Style, ahead: Array, turned: Array) -> Array:
    """Ankle x, z and yaw of a foot of a body that stands at `place` and faces `heading`. [3]."""
    out = style.stance_m * (1.0 - 2.0 * side)
    local = np.array([out, ahead[side] - 0.02])
    sine, cosine = np.sin(heading), np.cos(heading)
    x, z = place[0] + cosine * local[0] + sine * local[1], place[1] - sine * local[0] + cosine * local[1]
    return np.array([x, z, heading + turned[side] * (1.0 - 2.0 * side)])


def _footwork(times_s: Array, start: list[Array], feet: tuple[_Foot, _Foot], weight: list[Move]) -> Footwork:
    tracks = [submovements(times_s, start[foot.side], foot.moves) for foot in feet]
    lifts = [_lift(times_s, foot.swings) for foot in feet]
    ankles = tuple(
        np.stack([track[:, 0], ANKLE_HEIGHT_M + _LIFT_M * lift, track[:, 1]], axis=1)
        for track, lift in zip(tracks, lifts)
    )
    yaws = (tracks[0][:, 2], tracks[1][:, 2])
    middle = gaussian(0.5 * (tracks[0] + tracks[1]), 0.16)
    centre = middle[:, :2] + np.array([0.0, 0.02])
    centre[:, 0] += submovements(times_s, np.zeros(1), weight)[:, 0]
    planted = np.stack([1.0 - _airborne(times_s, foot.swings) for foot in feet], axis=1)
    return Footwork(
        ankles_m=(ankles[0], ankles[1]),
        yaws=yaws,
        pitches=(0.20 * lifts[0], 0.20 * lifts[1]),
        contacts=np.concatenate([planted, planted], axis=1),
        centre_m=centre,
        heading=middle[:, 2],
    )


def _lift(times_s: Array, swings: list[tuple[float, float]]) -> Array:
    """[T] 0..1, smooth, zero outside the swings."""
    centres = np.array([0.5 * (a + b) for a, b in swings])
    return bumps(times_s, centres, 0.5 * _SWING_S, 0.5 * _SWING_S, np.ones(len(centres)))


def _airborne(times_s: Array, swings: list[tuple[float, float]]) -> Array:
    """[T] 1 in the frames that touch a swing."""
    out = np.zeros_like(times_s)
    for start_s, stop_s in swings:
        out[(times_s > start_s) & (times_s < stop_s)] = 1.0
    return out
