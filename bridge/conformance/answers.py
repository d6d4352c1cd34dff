"""Answers that need computing: joint positions per engine, poses between frames, a network that delays."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.conformance.poses import left_arm_raised, turned_and_bent
from gesturestream.bridge.protocol.frames import decode_frame
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_slerp, quat_to_matrix

Doubles = NDArray[np.float64]

AXES: dict[str, tuple[str, float, Callable[[Doubles], Doubles]]] = {
    "wire": ("(x, y, z)", 1.0, lambda p: p),
    "unity": ("(-x, y, z)", 1.0, lambda p: p * [-1, 1, 1]),
    "unreal_component": ("100 (x, z, y)", 100.0, lambda p: p[:, [0, 2, 1]]),
    "unreal_actor": ("100 (z, -x, y)", 100.0, lambda p: p[:, [2, 0, 1]] * [1, -1, 1]),
    "gltf_vrm1_godot": ("(x, y, z)", 1.0, lambda p: p),
    "vrm0": ("(-x, y, -z)", 1.0, lambda p: p * [-1, 1, -1]),
}
"""Position of a joint in each engine's frame, from the wire's (x, y, z) in metres."""


def axes() -> dict[str, Any]:
    """Joint positions of the two pose messages in the frame of every engine, from forward kinematics on the wire."""
    poses = {"left_arm_raised_f32_body": left_arm_raised(), "turned_and_bent_f32_body": turned_and_bent()}
    out = {}
    for name, frame in poses.items():
        matrices = quat_to_matrix(frame.quat_xyzw.astype(np.float64))
        positions, _ = forward_kinematics(matrices, frame.root_m.astype(np.float64))
        out[name] = {key: _flat(change(positions) * unit) for key, (_, unit, change) in AXES.items()}
    return {
        "tolerance_m": 1e-5,
        "formula": {key: formula for key, (formula, _, _) in AXES.items()},
        "joint_positions": out,
    }


def _flat(positions: Doubles) -> list[float]:
    return [round(float(x), 5) for x in positions.ravel()]


def interpolation(before: bytes, after: bytes, form: FrameFormat) -> dict[str, Any]:
    """The pose between `sign_flip_before` and `sign_flip_after`: the shorter arc, although every w changes sign."""
    a, b = (decode_frame(message, form.layout) for message in (before, after))
    cases = []
    for t in (0.0, 0.25, 0.5, 0.9, 1.0):
        quats = quat_slerp(a.quat_xyzw.astype(np.float64), b.quat_xyzw.astype(np.float64), t)
        cases.append({"t": t, "quat_xyzw": [round(float(x), 6) for x in quats.ravel()]})
    return {
        "before": "sign_flip_before",
        "after": "sign_flip_after",
        "tolerance": 1e-5,
        "note": "up to the sign of the whole quaternion",
        "cases": cases,
    }


SPAN_S = 60.0
STALL_S = 0.3
STALL_SHARE = 0.02
DELAY_S = 0.05


def delays() -> dict[str, Any]:
    """A network that delays each message by 0-50 ms, keeps their order, and stands still for 300 ms now and then."""
    chance = random.Random(7)
    every_s = STALL_S / STALL_SHARE
    stalls = [round(every_s * (i + chance.uniform(0.2, 0.8)), 3) for i in range(int(SPAN_S / every_s))]
    arrivals: list[float] = []
    for k in range(int(SPAN_S * 30)):
        arrival = max(k / 30 + chance.uniform(0.0, DELAY_S), arrivals[-1] if arrivals else 0.0)
        for begin in stalls:
            if begin <= arrival < begin + STALL_S:
                arrival = begin + STALL_S
        arrivals.append(arrival)
    amplitude, frequency = 0.6, 0.7
    return {
        "fps": 30,
        "note": "frame k has media time k/30 and reaches the client at arrival_s[k]; the joint's angle about the axis "
        "is amplitude sin(2 pi frequency k/30)",
        "motion": {"axis": [0, 0, 1], "amplitude_rad": amplitude, "frequency_hz": frequency},
        "max_speed_rad_s": round(2 * math.pi * amplitude * frequency, 6),
        "stalls_s": [[begin, round(begin + STALL_S, 3)] for begin in stalls],
        "limits": {"speed_ratio": 1.5, "frozen_share": 0.03, "recovery_s": 1.0},
        "arrival_s": [round(a, 4) for a in arrivals],
    }
