"""The named gestures, as data: key poses of some joints over time. Written for the right hand where one hand is enough.

A `Track` either TAKES joints to absolute poses or ADDS turns to whatever the generator does. Between keys the pose
moves with zero speed at the keys; weights fade in before the first key and out after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gesturestream.models.body.skeleton import INDEX
from gesturestream.realtime.cues import arms
from gesturestream.realtime.cues.arms import JointQuats, Side, Vector, arm, fingers, turn


@dataclass(frozen=True, kw_only=True)
class Track:
    """Key poses of one set of joints. Every key names the same joints."""

    keys: Sequence[tuple[float, JointQuats]]
    """(seconds from the cue's start, rotations)."""
    add: bool = False
    """True: turns on top of the generator's pose, instead of taking the joints over."""


@dataclass(frozen=True, kw_only=True)
class Gesture:
    duration_s: float
    tracks: tuple[Track, ...]


def _hand(
    side: Side, shape: arms.Hand, *, hand: Vector, fingers_to: Vector, palm: Vector, elbow: Vector = (0.7, -0.7, -0.3)
) -> JointQuats:
    return {**arm(side, hand=hand, elbow=elbow, fingers=fingers_to, palm=palm), **fingers(side, shape)}


def _both(shape: arms.Hand, **where: Vector) -> JointQuats:
    return {**_hand("left", shape, **where), **_hand("right", shape, **where)}


def _adds(*keys: tuple[float, dict[str, Vector]]) -> Track:
    """Turns in degrees about x, y, z by joint name."""
    return Track(add=True, keys=[(t, {INDEX[name]: turn(*xyz) for name, xyz in turns.items()}) for t, turns in keys])


def _nods(*keys: tuple[float, float]) -> Track:
    return _adds(*((t, {"neck": (0.4 * x, 0.0, 0.0), "head": (0.6 * x, 0.0, 0.0)}) for t, x in keys))


def _shakes(*keys: tuple[float, float]) -> Track:
    return _adds(*((t, {"neck": (0.0, 0.45 * y, 0.0), "head": (0.0, 0.55 * y, 0.0)}) for t, y in keys))


def _wave(swing: float) -> JointQuats:
    return _hand(
        "right", arms.OPEN, hand=(0.22 + 0.07 * swing, 0.16, 0.26), fingers_to=(0.55 * swing, 1.0, 0.05),
        palm=(0.0, 0.0, 1.0), elbow=(0.8, -0.7, -0.1),
    )  # fmt: skip


def _count(shape: arms.Hand) -> Gesture:
    up = _hand("right", shape, hand=(0.08, 0.02, 0.30), fingers_to=(0.05, 1.0, 0.1), palm=(-0.1, 0.0, 1.0))
    return Gesture(duration_s=1.5, tracks=(Track(keys=[(0.4, up), (1.05, up)]),))


def _clap(apart: float) -> JointQuats:
    return _both(
        arms.OPEN, hand=(-0.125 + apart, -0.20, 0.33), fingers_to=(-0.15, 0.45, 0.9), palm=(-1.0, 0.05, 0.0),
        elbow=(0.8, -0.6, -0.2),
    )  # fmt: skip


_POINT = _hand("right", arms.POINTING, hand=(0.05, 0.0, 0.49), fingers_to=(-0.05, 0.05, 1.0), palm=(-0.3, -1.0, 0.0))
_THUMB = _hand("right", arms.THUMB_UP, hand=(0.0, -0.12, 0.36), fingers_to=(-0.8, 0.05, 0.6), palm=(-0.6, 0.0, -0.8))
_PALMS = _both(arms.OPEN, hand=(0.10, -0.28, 0.30), fingers_to=(0.4, 0.1, 0.9), palm=(-0.15, 1.0, 0.1))
_THINK = _hand(
    "right", {**arms.FIST, "index": (35, 40, 20), "thumb": (5, 10, 10)}, hand=(-0.10, 0.02, 0.20),
    fingers_to=(-0.45, 0.85, 0.1), palm=(-0.3, -0.1, -1.0), elbow=(0.4, -1.0, 0.0),
)  # fmt: skip
_THINK_REST = _hand(
    "left", arms.RELAXED, hand=(-0.16, -0.30, 0.19), fingers_to=(-1.0, 0.1, 0.1), palm=(0.0, -0.3, -1.0)
)
_HEART = _hand(
    "right", arms.OPEN, hand=(-0.13, -0.16, 0.17), fingers_to=(-0.95, 0.30, 0.0), palm=(-0.1, 0.0, -1.0),
    elbow=(0.9, -0.6, 0.0),
)  # fmt: skip
_STOP = _hand("right", arms.OPEN, hand=(0.02, -0.02, 0.42), fingers_to=(0.0, 1.0, 0.1), palm=(0.0, -0.1, 1.0))

_HELLO = _hand("right", arms.OPEN, hand=(0.16, 0.10, 0.26), fingers_to=(0.15, 1.0, 0.05), palm=(-0.1, 0.0, 1.0))
_SHRUGGED = _both(arms.OPEN, hand=(0.16, -0.26, 0.22), fingers_to=(0.75, 0.1, 0.65), palm=(-0.1, 1.0, 0.15))
_BOWED = {"spine1": (16.0, 0.0, 0.0), "spine2": (16.0, 0.0, 0.0), "spine3": (8.0, 0.0, 0.0), "neck": (8.0, 0.0, 0.0)}

GESTURES: dict[str, Gesture] = {
    "wave": Gesture(
        duration_s=2.2,
        tracks=(
            Track(keys=[(0.45 + 0.22 * k, _wave(1.0 if k % 2 else -1.0)) for k in range(6)]),
            _adds((0.5, {"head": (0, 0, 4)}), (1.6, {"head": (0, 0, 4)})),
        ),
    ),
    "hello": Gesture(
        duration_s=1.5, tracks=(Track(keys=[(0.4, _HELLO), (0.95, _HELLO)]), _nods((0.35, 0), (0.55, 11), (0.8, 0)))
    ),
    "nod": Gesture(duration_s=1.1, tracks=(_nods((0.2, 14), (0.45, -2), (0.7, 10), (0.9, 0)),)),
    "shake_head": Gesture(duration_s=1.4, tracks=(_shakes((0.2, 20), (0.5, -20), (0.8, 16), (1.1, -8)),)),
    "shrug": Gesture(
        duration_s=1.5,
        tracks=(
            Track(keys=[(0.4, _SHRUGGED), (0.9, _SHRUGGED)]),
            _adds(
                (0.4, {"left_collar": (0, 0, 16), "right_collar": (0, 0, -16), "head": (0, 0, 7)}),
                (0.85, {"left_collar": (0, 0, 16), "right_collar": (0, 0, -16), "head": (0, 0, 7)}),
            ),
        ),
    ),
    "point": Gesture(duration_s=1.6, tracks=(Track(keys=[(0.42, _POINT), (1.15, _POINT)]),)),
    "thumbs_up": Gesture(
        duration_s=1.7, tracks=(Track(keys=[(0.42, _THUMB), (1.25, _THUMB)]), _nods((0.5, 0), (0.7, 9), (0.95, 0)))
    ),
    "bow": Gesture(duration_s=2.2, tracks=(_adds((0.75, _BOWED), (1.25, _BOWED)),)),
    "clap": Gesture(
        duration_s=2.0, tracks=(Track(keys=[(0.35 + 0.14 * k, _clap(0.13 if k % 2 == 0 else 0.0)) for k in range(9)]),)
    ),
    "count_one": _count(arms.POINTING),
    "count_two": _count(arms.TWO),
    "count_three": _count(arms.THREE),
    "palms_up": Gesture(duration_s=1.6, tracks=(Track(keys=[(0.42, _PALMS), (1.1, _PALMS)]),)),
    "think": Gesture(
        duration_s=2.8,
        tracks=(
            Track(keys=[(0.55, {**_THINK, **_THINK_REST}), (2.2, {**_THINK, **_THINK_REST})]),
            _adds((0.6, {"head": (-3, -8, -5)}), (2.2, {"head": (-5, -10, -5)})),
        ),
    ),
    "hand_on_heart": Gesture(duration_s=2.0, tracks=(Track(keys=[(0.5, _HEART), (1.5, _HEART)]),)),
    "stop": Gesture(duration_s=1.6, tracks=(Track(keys=[(0.4, _STOP), (1.15, _STOP)]),)),
}
"""Those by name; the names are what clients send."""
