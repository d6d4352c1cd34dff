"""The whole face: speaking mouth, mood, brows, blinks, gaze; as 52 blendshapes, jaw and eye angles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.face import BLENDSHAPE_INDEX
from gesturestream.models.motion import BLENDSHAPE_COUNT
from gesturestream.training.speech.speech import Speech
from gesturestream.training.teacher.curves import Move, bumps, gaussian, smooth_noise, submovements
from gesturestream.training.teacher.plan import Plan
from gesturestream.training.teacher.style import Style
from gesturestream.training.teacher.visemes import mouth_of

Array = NDArray[np.float64]

JAW_DEG = 5.2
"""Jaw rotation at jawOpen 1."""
_EYE_DEG = 22.0
"""Eye rotation at an eyeLook blendshape of 1."""


class Face(NamedTuple):
    """blendshapes [T, 52] 0..1; jaw and eyes as axis-angle (pitch, yaw, roll) in degrees, each [T, 3]."""

    blendshapes: Array
    jaw: Array
    eyes: Array


def move_face(
    speech: Speech, times_s: Array, plan: Plan, style: Style, loudness: Array, head_deg: Array, rng: np.random.Generator
) -> Face:
    """The face of a clip. loudness [T] 0..1, head_deg [T, 3] what the head does against the world."""
    mouth = mouth_of(speech, times_s, loudness)
    shapes = mouth + _mood(times_s, style, mouth, rng) + _brows(times_s, plan, style, rng)
    blink = _blinks(times_s, speech, style, rng)
    eyes = _gaze(times_s, style, head_deg, rng)
    for side in ("Left", "Right"):
        lid = BLENDSHAPE_INDEX[f"eyeBlink{side}"]
        # The lid follows a downward gaze
        shapes[:, lid] = np.maximum(shapes[:, lid] + 0.012 * np.clip(eyes[:, 0], 0, None), blink)
        shapes[:, BLENDSHAPE_INDEX[f"eyeWide{side}"]] *= 1.0 - blink
    _look(shapes, eyes)
    shapes = gaussian(np.clip(shapes, 0.0, 1.0), 0.02)
    heavy = BLENDSHAPE_INDEX["jawOpen"]
    shapes[:, heavy] = gaussian(shapes[:, heavy], 0.026)  # the jaw is slower than the lips
    jaw = np.zeros((len(times_s), 3))
    jaw[:, 0] = JAW_DEG * shapes[:, BLENDSHAPE_INDEX["jawOpen"]]
    return Face(shapes, jaw, eyes)


def _sides(name: str) -> list[int]:
    exact = BLENDSHAPE_INDEX.get(name)
    return [exact] if exact is not None else [BLENDSHAPE_INDEX[name + side] for side in ("Left", "Right")]


def _mood(times_s: Array, style: Style, mouth: Array, rng: np.random.Generator) -> Array:
    """The mood's blendshapes, waxing and waning; around the mouth speech takes over while it is busy."""
    out = np.zeros((len(times_s), BLENDSHAPE_COUNT))
    ebb = np.clip(1.0 + 0.22 * smooth_noise(rng, len(times_s), 2, 0.18), 0.35, 1.5)
    busy = np.clip(gaussian(mouth.sum(1), 0.1), 0.0, 1.0)
    for name, weight in style.face:
        around_mouth = name.startswith(("mouth", "jaw"))
        share = ebb[:, 0] * (1.0 - 0.4 * busy) if around_mouth else ebb[:, 1]
        for index in _sides(name):
            out[:, index] += weight * share
    out[:, _sides("browInnerUp")] += 0.05 * np.clip(smooth_noise(rng, len(times_s), 1, 0.4), 0, None)
    return out


def _brows(times_s: Array, plan: Plan, style: Style, rng: np.random.Generator) -> Array:
    """Brow raises (or, frowning, presses) with about every third stroke."""
    out = np.zeros((len(times_s), BLENDSHAPE_COUNT))
    chosen = [s for s in plan.strokes if s.gesture in ("shrug", "many", "big") or rng.random() < 0.33]
    centres = np.array([s.apex_s + 0.02 for s in chosen])
    heights = np.array([s.strength * rng.uniform(0.2, 0.6) for s in chosen]) * min(style.amplitude, 1.5)
    raised = bumps(times_s, centres, 0.2, 0.5, heights)
    frowning = any(name == "browDown" and weight > 0.3 for name, weight in style.face)
    for name in ("browDown",) if frowning else ("browInnerUp", "browOuterUp"):
        out[:, _sides(name)] += raised[:, None] * (0.5 if frowning else 1.0)
    return out


def _blinks(times_s: Array, speech: Speech, style: Style, rng: np.random.Generator) -> Array:
    """[T] 0..1: at random, and more likely where a phrase ends."""
    mean_s = 60.0 / style.blinks_per_min
    count = int(times_s[-1] / mean_s * 3) + 4
    at = np.cumsum(0.5 + rng.exponential(mean_s - 0.5, count))
    ends = [stop + rng.uniform(0.0, 0.15) for _, stop in speech.phrases if rng.random() < 0.35]
    centres = np.concatenate([at[at < times_s[-1] + 1], np.array(ends)])
    return np.clip(bumps(times_s, centres, 0.09, 0.17, np.full(len(centres), 1.05)), 0.0, 1.0)


def _gaze(times_s: Array, style: Style, head_deg: Array, rng: np.random.Generator) -> Array:
    """Saccades between listener and elsewhere; half of what the head does is taken back (vestibulo-ocular reflex)."""
    moves, at_s = [], float(rng.uniform(0.2, 1.0))
    while at_s < times_s[-1]:
        away = rng.random() < style.gaze_away
        spread = (5.0, 11.0) if away else (1.2, 2.0)
        target = np.array([rng.normal(3.0 if away else 0.0, spread[0]), rng.normal(0.0, spread[1])])
        moves.append(Move(start_s=at_s, stop_s=at_s + 0.1, target=np.clip(target, -16, 16)))
        at_s += float(rng.gamma(2.0, 0.55)) + 0.15
    saccades = submovements(times_s, np.zeros(2), moves)
    back = 0.5 * (head_deg - gaussian(head_deg, 1.5))[:, :2]
    eyes = np.clip(saccades - back, -20.0, 20.0)
    return np.concatenate([eyes, np.zeros((len(times_s), 1))], axis=1)


def _look(shapes: Array, eyes: Array) -> None:
    """Writes the eyeLook blendshapes: pitch down positive, yaw to the own left positive."""
    pitch, yaw = eyes[:, 0] / _EYE_DEG, eyes[:, 1] / _EYE_DEG
    for side, outward in (("Left", yaw), ("Right", -yaw)):
        shapes[:, BLENDSHAPE_INDEX[f"eyeLookDown{side}"]] += np.clip(pitch, 0, None)
        shapes[:, BLENDSHAPE_INDEX[f"eyeLookUp{side}"]] += np.clip(-pitch, 0, None)
        shapes[:, BLENDSHAPE_INDEX[f"eyeLookOut{side}"]] += np.clip(outward, 0, None)
        shapes[:, BLENDSHAPE_INDEX[f"eyeLookIn{side}"]] += np.clip(-outward, 0, None)
