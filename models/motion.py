"""What a frame of motion is: its fields, their order and their units. Torch-free; every part builds on this page.

A generator emits one packed float32 vector per frame (`MOTION_SIZE` values); finishing turns it into a `Frame`
(realtime/frame.py), which carries quaternions instead of 6D rotations.
"""

from __future__ import annotations

from gesturestream.models.body.skeleton import JOINT_COUNT

FPS = 30
"""Frames a second of media time."""
SAMPLE_RATE = 16000
"""Samples a second of the one internal audio format: mono float32, -1..1."""

EXPRESSION_COUNT = 100
BLENDSHAPE_COUNT = 52
CONTACT_COUNT = 4

_FIELDS: tuple[tuple[str, int], ...] = (
    ("rot6d", 6 * JOINT_COUNT),  # first two ROWS of each parent-local rotation matrix, joint-major
    ("root_m", 3),  # world position of the pelvis, metres
    ("contacts", CONTACT_COUNT),  # left ankle, right ankle, left foot, right foot; 0..1
    ("blendshapes", BLENDSHAPE_COUNT),  # the ARKit names in Live Link Face order; 0..1
    ("expressions", EXPRESSION_COUNT),  # FLAME-style coefficients
)


def _slices() -> dict[str, slice]:
    out, start = {}, 0
    for name, size in _FIELDS:
        out[name] = slice(start, start + size)
        start += size
    return out


FIELDS: dict[str, slice] = _slices()
"""Where each field lies in the packed motion vector."""
ROT6D, ROOT_M, CONTACTS = FIELDS["rot6d"], FIELDS["root_m"], FIELDS["contacts"]
BLENDSHAPES, EXPRESSIONS = FIELDS["blendshapes"], FIELDS["expressions"]
MOTION_SIZE = EXPRESSIONS.stop
assert MOTION_SIZE == 489

EMOTIONS: tuple[str, ...] = (
    "neutral", "happiness", "anger", "sadness", "contempt", "surprise", "fear", "disgust",
)  # fmt: skip
"""The eight classes, in the order of every emotion vector; all weights zero means `auto` (heard in the voice)."""

LOOKAHEADS: tuple[int, ...] = (0, 2, 4, 8)
"""Selectable look-ahead, frames."""
MAX_LOOKAHEAD = LOOKAHEADS[-1]

ARKIT_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
assert len(ARKIT_NAMES) == BLENDSHAPE_COUNT
