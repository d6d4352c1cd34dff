"""Word-specific gestures: how often a stroke on a word with a gesture of its own has that gesture's shape.

Ours; no paper measures it. The teacher makes 21 gestures on chosen words (`training/speech/lexicon.py`) and beats on
the rest, and its sidecar says which. A shape is where both hands are and point at the apex; a made stroke counts when
it is nearer to the mean shape of the gesture that was planned than to that of any other gesture or of the beats. The
teacher's own strokes do not always: shapes overlap. Compare with them, and with the same stream without words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.motion import FPS
from gesturestream.training.metrics.motion import Array

BEAT = "beat"
LEAST_STROKES = 3
"""Gestures with fewer strokes in the clips have no mean shape."""
_WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
_TIPS = [INDEX[f"{side}_{finger}3"] for side in ("left", "right") for finger in ("index", "middle", "thumb")]


class PlannedStroke(NamedTuple):
    """A stroke as the teacher planned it."""

    apex_s: float
    gesture: str


class Shapes(NamedTuple):
    """Mean shapes by gesture, and the scale they are compared in."""

    names: tuple[str, ...]
    means: Array  # [G, D]
    scale: Array  # [D]


def shape(places: Array, time_s: float) -> Array:
    """[T, 55, 3], pelvis at the origin -> [24] wrists from the pelvis, and fingertips from their wrists, metres."""
    pose = places[min(len(places) - 1, max(0, round(time_s * FPS)))]
    tips = pose[_TIPS].reshape(2, 3, 3) - pose[_WRISTS][:, None]
    return np.concatenate([pose[_WRISTS].ravel(), tips.ravel()])


def fit(bodies: Sequence[Array], strokes: Sequence[Sequence[PlannedStroke]]) -> Shapes:
    """Mean shapes of the teacher's own strokes."""
    found: dict[str, list[Array]] = {}
    for body, planned in zip(bodies, strokes, strict=True):
        for stroke in planned:
            found.setdefault(stroke.gesture, []).append(shape(body, stroke.apex_s))
    kept = {name: np.array(shapes) for name, shapes in sorted(found.items()) if len(shapes) >= LEAST_STROKES}
    within = np.concatenate([shapes - shapes.mean(0) for shapes in kept.values()])
    return Shapes(tuple(kept), np.array([shapes.mean(0) for shapes in kept.values()]), within.std(0) + 0.01)


def hits(shapes: Shapes, body: Array, planned: Sequence[PlannedStroke], lag_s: float) -> Array:
    """One 0 or 1 per stroke of a clip that has a gesture of its own: whether it has that shape `lag_s` later."""
    asked = [stroke for stroke in planned if stroke.gesture != BEAT and stroke.gesture in shapes.names]
    out = []
    for stroke in asked:
        apart = np.square((shapes.means - shape(body, stroke.apex_s + lag_s)) / shapes.scale).sum(1)
        out.append(shapes.names[int(apart.argmin())] == stroke.gesture)
    return np.array(out, np.float64)
