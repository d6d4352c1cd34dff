"""The gesture vocabulary: where the hands go for a beat and for words that carry a shape of their own.

A `Form` gives, for the acting hand(s), the key reached by the preparation, the key of the stroke's apex, and moves that
follow it. Positions are (out, up, forward) from the pelvis for a left hand; see hands.py for the channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.training.teacher.hands import POSITION, pose
from gesturestream.training.teacher.style import Style

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Form:
    """The shape of one stroke, for the left hand."""

    prepare: Array
    apex: Array
    after: tuple[tuple[float, Array], ...] = ()
    """Moves after the apex: seconds each, key."""
    hands: str | None = None
    """`both` or `one` where the gesture demands it."""
    hold_s: float = 0.12
    shrug_deg: float = 0.0
    other: Array | None = None
    """The apex of the other hand where it differs."""


Builder = Callable[[np.random.Generator, float], Form]


def _jitter(key: Array, rng: np.random.Generator, size_m: float = 0.02) -> Array:
    out = key.copy()
    out[POSITION] += rng.normal(0.0, size_m, 3)
    out[3:6] += rng.normal(0.0, 1.0, 3) * (12.0, 9.0, 5.0)
    return out


def _toward(a: Array, b: Array, share: float, moved: Array) -> Array:
    """From a to b by `share`, positions only, then `moved` [3]; the other channels are b's."""
    out = b.copy()
    out[POSITION] = a[POSITION] + share * (b[POSITION] - a[POSITION]) + moved
    return out


def _at(position: Array, roll: float, shape: str, **bends: float) -> Array:
    """`pose` at a position [3]."""
    out, up, forward = (float(x) for x in position)
    return pose(out, up, forward, roll, shape, **bends)


def beat(rng: np.random.Generator, size: float, centre: Array, style: Style) -> Form:
    """A beat: out of the plane of rest and back with an accent; five directions, five hand shapes."""
    shape = str(rng.choice(["relaxed", "open", "cup", "pinch", "flat"], p=style.shapes))
    roll = {"relaxed": 0.0, "open": -38.0, "cup": -46.0, "pinch": 22.0, "flat": 4.0}[shape] + rng.normal(0, 14)
    rise, sweep = rng.uniform(0.11, 0.22) * size, rng.uniform(0.05, 0.13) * size
    kind = str(rng.choice(["down", "out", "forward", "in", "up"], p=style.beats))
    before, at = {
        "down": ((0.02, rise, -0.03), (0.0, -0.03, 0.03)),
        "out": ((-0.6 * sweep, 0.7 * rise, 0.0), (1.1 * sweep, 0.0, 0.02)),
        "forward": ((0.0, 0.7 * rise, -0.7 * sweep), (-0.01, 0.02, 1.2 * sweep)),
        "in": ((1.1 * sweep, 0.6 * rise, 0.0), (-0.7 * sweep, 0.0, 0.03)),
        "up": ((0.0, -0.3 * rise, 0.0), (0.02, 0.9 * rise, 0.02)),
    }[kind]
    flick, bend = rng.uniform(8, 20) * size, rng.normal(0.0, 14.0)
    prepare = _at(centre + before, roll + 10, shape, flex=bend + flick, elbow=0.28 + 0.5 * rise)
    apex = _at(centre + at, roll - 6, shape, flex=bend - 0.8 * flick, deviation=-6, elbow=0.24)
    return Form(prepare=prepare, apex=apex, hold_s=float(rng.uniform(0.05, 0.2)))


def _self(rng: np.random.Generator, size: float) -> Form:
    apex = pose(0.13, 0.27, 0.215, 6, str(rng.choice(["relaxed", "flat", "cup"])), flex=34, elbow=0.46)
    return Form(prepare=pose(0.16, 0.22, 0.30, 8, "relaxed", elbow=0.4), apex=apex, hands="one", hold_s=0.22)


def _you(rng: np.random.Generator, size: float) -> Form:
    shape, roll = [("open", -48.0), ("open", -20.0), ("point", 22.0)][rng.integers(3)]
    far = 0.36 + 0.07 * min(size, 1.4)
    return Form(
        prepare=pose(0.20, 0.24, 0.24, roll + 30, "relaxed", flex=15),
        apex=pose(0.15, 0.20, far, roll, shape, flex=-10, elbow=0.2),
        hands="one",
        hold_s=0.24,
    )


def _here(rng: np.random.Generator, size: float) -> Form:
    shape = str(rng.choice(["point", "flat", "open"]))
    return Form(
        prepare=pose(0.18, 0.14 + 0.1 * size, 0.30, 40, shape, flex=-8),
        apex=pose(0.16, 0.01, 0.36, 58, shape, flex=26),
        hold_s=0.16,
    )


def _there(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.16, 0.22, 0.28, 30, "relaxed", flex=15),
        apex=pose(0.36 + 0.05 * size, 0.24, 0.32, 34, str(rng.choice(["point", "flat"])), flex=-6, elbow=0.45),
        hands="one",
        hold_s=0.26,
    )


def _many(rng: np.random.Generator, size: float) -> Form:
    wide = 0.27 + 0.07 * min(size, 1.5)
    return Form(
        prepare=pose(0.10, 0.17, 0.32, 0, "cup", flex=10),
        apex=pose(wide, 0.15, 0.31, -32, "open", flex=-10, elbow=0.28),
        hands="both",
        hold_s=0.24,
    )


def _no(rng: np.random.Generator, size: float) -> Form:
    if rng.random() < 0.3:  # a raised hand that says no
        side = [pose(0.16 + d, 0.36, 0.34, 52, "flat", flex=-22, elbow=0.4) for d in (-0.06, 0.07, -0.05)]
        return Form(prepare=side[0], apex=side[1], after=((0.26, side[2]), (0.26, side[1])), hands="one")
    return Form(
        prepare=pose(0.08, 0.17, 0.31, 55, "flat", elbow=0.5),
        apex=pose(0.30 + 0.07 * min(size, 1.5), 0.12, 0.31, 60, "flat", flex=-8, elbow=0.4),
        hands="both" if rng.random() < 0.6 else "one",
        hold_s=0.2,
    )


def _big(rng: np.random.Generator, size: float) -> Form:
    wide = 0.28 + 0.08 * min(size, 1.5)
    return Form(
        prepare=pose(0.13, 0.14, 0.32, 6, "cup"),
        apex=pose(wide, 0.20 + 0.04 * size, 0.33, -8, "spread", flex=14, elbow=0.36),
        hands="both",
        hold_s=0.32,
    )


def _small(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.20, 0.16, 0.30, 15, "cup"),
        apex=pose(0.12, 0.21, 0.35, 22, "pinch", flex=8, elbow=0.35),
        hands=str(rng.choice(["both", "one"])),
        hold_s=0.28,
    )


def _wave(rng: np.random.Generator, size: float) -> Form:
    up = 0.44 + 0.05 * min(size, 1.4)
    sides = [
        pose(0.29 + d, up, 0.24, 62, "open", flex=-8, deviation=s, elbow=0.5) for d, s in ((-0.04, 18), (0.06, -18))
    ]
    waves = tuple((0.24, sides[k % 2]) for k in range(int(rng.integers(2, 5))))
    return Form(prepare=sides[0], apex=sides[1], after=waves, hands="one")


def _count(shape: str) -> Builder:
    def build(rng: np.random.Generator, size: float) -> Form:
        return Form(
            prepare=pose(0.20, 0.20, 0.28, 20, "cup", flex=12),
            apex=pose(0.24, 0.40 + 0.03 * size, 0.22, 52, shape, flex=-4, elbow=0.14),
            hands="one",
            hold_s=0.32,
        )

    return build


def _shrug(rng: np.random.Generator, size: float) -> Form:
    wide = 0.28 + 0.05 * min(size, 1.5)
    return Form(
        prepare=pose(0.19, 0.12, 0.29, -15, "relaxed"),
        apex=pose(wide, 0.15, 0.29, -78, "open", flex=-16, elbow=0.22),
        hands="both" if rng.random() < 0.75 else "one",
        hold_s=0.36,
        shrug_deg=float(rng.uniform(5, 11)) * min(size, 1.4),
    )


def _up(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.20, 0.06, 0.32, 15, "flat"),
        apex=pose(0.23, 0.40 + 0.05 * min(size, 1.4), 0.32, 4, "flat", elbow=0.42),
        hands="one",
        hold_s=0.26,
    )


def _down(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.20, 0.26, 0.32, 50, "flat", elbow=0.45),
        apex=pose(0.20, -0.02, 0.32, 62, "flat", flex=-16, elbow=0.35),
        hold_s=0.2,
    )


def _stop(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.18, 0.26, 0.24, 40, "open", elbow=0.35),
        apex=pose(0.16, 0.31, 0.37 + 0.04 * min(size, 1.4), 58, "spread", flex=-44, elbow=0.35),
        hands=str(rng.choice(["one", "both"], p=[0.6, 0.4])),
        hold_s=0.3,
    )


def _head(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.24, 0.32, 0.28, 20, "relaxed", elbow=0.5),
        apex=pose(0.235, 0.54, 0.13, 4, str(rng.choice(["point", "relaxed"])), flex=26, deviation=-8, elbow=0.72),
        hands="one",
        hold_s=0.26,
    )


def _heart(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.18, 0.20, 0.30, 0, "open", elbow=0.4),
        apex=pose(0.12, 0.31, 0.205, 8, "flat", flex=36, elbow=0.5),
        hands="both" if rng.random() < 0.2 else "one",
        hold_s=0.4,
    )


def _circle(rng: np.random.Generator, size: float) -> Form:
    radius = 0.07 * size
    ring = [
        pose(0.15, 0.17 + radius * np.cos(a), 0.33 + radius * np.sin(a), 12, "relaxed", elbow=0.5)
        for a in (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi)
    ]
    return Form(prepare=ring[0], apex=ring[1], after=((0.2, ring[2]), (0.2, ring[3]), (0.2, ring[0]), (0.2, ring[1])))


def _cut(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.17, 0.20 + 0.1 * size, 0.30, -4, "flat", deviation=14),
        apex=pose(0.15, 0.07, 0.38, 0, "flat", deviation=-12),
        hold_s=0.18,
    )


def _give(rng: np.random.Generator, size: float) -> Form:
    return Form(
        prepare=pose(0.16, 0.12, 0.28, -10, "relaxed", flex=12),
        apex=pose(0.22, 0.13, 0.37 + 0.03 * min(size, 1.4), -66, "open", flex=-12, elbow=0.2),
        hold_s=0.28,
    )


_VOCABULARY: dict[str, Builder] = {
    "self": _self, "you": _you, "here": _here, "there": _there, "many": _many, "no": _no, "big": _big,
    "small": _small, "wave": _wave, "one": _count("one"), "two": _count("two"), "three": _count("three"),
    "shrug": _shrug, "up": _up, "down": _down, "stop": _stop, "head": _head, "heart": _heart, "circle": _circle,
    "cut": _cut, "give": _give,
}  # fmt: skip
GESTURES = ("beat", *_VOCABULARY)
"""Every gesture the teacher knows."""


_ON_THE_BODY = ("self", "head", "heart")
_LOWER = np.array([0.035, -0.10, -0.03])
"""Speakers gesture lower and wider than dictionaries draw it: forms made in the air are shifted by this (metres)."""


def form_of(gesture: str, rng: np.random.Generator, size: float, centre: Array, style: Style) -> Form:
    """The form of one stroke. size: amplitude, 1 is average; centre [3]: where beats are made.

    Raises ValueError for a gesture not in GESTURES.
    """
    if gesture == "beat":
        return beat(rng, size, centre, style)
    if gesture not in _VOCABULARY:
        raise ValueError(f"gesture: expected one of {', '.join(GESTURES)}, got {gesture!r}")
    form = _VOCABULARY[gesture](rng, size)
    # Small speakers do not reach the full form: it shrinks towards the place of beats.
    anchor = form.apex.copy()
    moved = np.zeros(3) if gesture in _ON_THE_BODY else _LOWER
    anchor[POSITION] = centre - moved
    share = float(np.clip(0.42 + 0.58 * size, 0.4, 1.12))
    return Form(
        prepare=_jitter(_toward(anchor, form.prepare, share, moved), rng),
        apex=_jitter(_toward(anchor, form.apex, share, moved), rng),
        after=tuple((seconds, _toward(anchor, key, share, moved)) for seconds, key in form.after),
        hands=form.hands,
        hold_s=form.hold_s,
        shrug_deg=form.shrug_deg,
    )


def rest_pose(kind: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Where the hands wait, (left, right).

    0 before the belly, 1 one hand in the other, 2 low and apart, 3 one up, 4 one on the hip, 5 joined before the chest.
    """
    if kind == 1:
        pair = pose(0.12, 0.025, 0.23, 12, "clasp", elbow=0.3), pose(0.12, 0.055, 0.255, 8, "clasp", elbow=0.3)
    elif kind == 2:
        low = pose(0.29, -0.13, 0.09, 6, "relaxed", elbow=0.16)
        pair = low, low + 0.0
    elif kind == 3:
        pair = pose(0.22, 0.07, 0.24, 8, "relaxed"), pose(0.28, -0.09, 0.14, 4, "relaxed", elbow=0.18)
    elif kind == 4:
        pair = pose(0.255, 0.045, 0.0, 52, "cup", flex=38, elbow=1.05), pose(0.28, -0.12, 0.08, 6, "relaxed", elbow=0.2)
    elif kind == 5:
        pair = pose(0.11, 0.23, 0.235, 12, "clasp", elbow=0.05), pose(0.11, 0.20, 0.255, 10, "clasp", elbow=0.05)
    else:
        pair = pose(0.27, -0.07, 0.155, 2, "relaxed"), pose(0.265, -0.055, 0.165, 4, "relaxed")
    if kind in (3, 4) and rng.random() < 0.5:
        pair = pair[1], pair[0]
    return _jitter(pair[0], rng, 0.012), _jitter(pair[1], rng, 0.012)
