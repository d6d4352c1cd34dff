"""Poses with known answers: a body that sways at a known speed, and a raised left arm for checking axes.

Sines are rounded before anything is made of them, so that every machine gives the same bytes.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, REST_M
from gesturestream.models.motion import BLENDSHAPE_COUNT, CONTACT_COUNT, EXPRESSION_COUNT
from gesturestream.models.timing import media_time_s
from gesturestream.realtime.frame import Frame, FrameFlag

Floats = NDArray[np.float32]
_DIGITS = 7
NO_FLAGS = FrameFlag(0)
SERVER_START_S = 1000.0
"""Server time of the golden frames' media time 0."""


@dataclass(frozen=True, kw_only=True)
class Sway:
    """One joint that turns to and fro about a fixed axis: angle = amplitude * sin(2 pi (f t + phase))."""

    axis: tuple[float, float, float]
    amplitude_rad: float
    frequency_hz: float
    phase: float

    @property
    def max_speed_rad_s(self) -> float:
        """The highest angular speed this joint ever has."""
        return 2.0 * math.pi * self.frequency_hz * self.amplitude_rad

    def quaternion(self, time_s: float) -> tuple[float, float, float, float]:
        """xyzw, w > 0, at a media time."""
        angle = self.amplitude_rad * math.sin(2.0 * math.pi * (self.frequency_hz * time_s + self.phase))
        return turn(self.axis, angle)


def turn(axis: tuple[float, float, float], angle_rad: float) -> tuple[float, float, float, float]:
    """The rotation by an angle about an axis (any length), xyzw, of unit length to float64 precision."""
    sine, cosine = (round(f(angle_rad / 2.0), _DIGITS) for f in (math.sin, math.cos))
    length = math.sqrt(sum(x * x for x in axis))
    q = [sine * x / length for x in axis] + [cosine]
    norm = math.sqrt(sum(x * x for x in q))
    sign = -1.0 if q[3] < 0 else 1.0
    x, y, z, w = (sign * c / norm for c in q)
    return x, y, z, w


def _sways() -> tuple[Sway, ...]:
    chance = random.Random(1)
    return tuple(
        Sway(
            axis=(round(chance.uniform(-1, 1), 3), round(chance.uniform(-1, 1), 3), round(chance.uniform(0.1, 1), 3)),
            amplitude_rad=round(chance.uniform(0.15, 0.3), 3),
            frequency_hz=round(chance.uniform(0.5, 1.0), 3),
            phase=round(chance.random(), 3),
        )
        for _ in range(JOINT_COUNT)
    )


SWAYS = _sways()
"""One per joint: what the scripted server's avatar does."""


def make_frame(index: int, *, epoch: int = 0, flags: FrameFlag = NO_FLAGS, **fields: Floats) -> Frame:
    """A frame of the rest pose, with the given fields instead of its own."""
    rest = {
        "root_m": REST_M[0].astype(np.float32),
        "quat_xyzw": np.tile(np.array([0, 0, 0, 1], np.float32), (JOINT_COUNT, 1)),
        "expressions": np.zeros(EXPRESSION_COUNT, np.float32),
        "blendshapes": np.zeros(BLENDSHAPE_COUNT, np.float32),
        "contacts": np.ones(CONTACT_COUNT, np.float32),
    }
    time_s = media_time_s(index)
    header = {"index": index, "epoch": epoch, "flags": flags, "media_time_s": time_s}
    return Frame(**header, server_time_s=SERVER_START_S + time_s, **{**rest, **fields})  # type: ignore[arg-type]


def swaying(index: int, *, epoch: int = 0, flags: FrameFlag = NO_FLAGS) -> Frame:
    """Frame `index` of the swaying body: all fields move."""
    time_s = media_time_s(index)
    wave = [round(math.sin(0.7 * time_s + 0.3 * i), _DIGITS) for i in range(EXPRESSION_COUNT)]
    return make_frame(
        index,
        epoch=epoch,
        flags=flags,
        root_m=(REST_M[0] + [0.05 * wave[0], 0.01 * wave[1], 0.05 * wave[2]]).astype(np.float32),
        quat_xyzw=np.array([sway.quaternion(time_s) for sway in SWAYS], np.float32),
        expressions=np.array(wave, np.float32) * np.float32(2.0),
        blendshapes=np.array(wave[:BLENDSHAPE_COUNT], np.float32) * np.float32(0.5) + np.float32(0.5),
        contacts=np.array([1.0, 0.0, 0.25, 0.75], np.float32),
    )


def left_arm_raised(index: int = 0) -> Frame:
    """The left arm points straight up, everything else is at rest."""
    quats = make_frame(0).quat_xyzw.copy()
    quats[INDEX["left_shoulder"]] = turn((0, 0, 1), math.pi / 2)
    return make_frame(index, quat_xyzw=quats)


def turned_and_bent(index: int = 0) -> Frame:
    """Left arm up, right elbow bent forward, head turned to the own left, body turned by 40 degrees, one step aside:
    no mirror image and no wrong sign of a rotation gives the same positions."""
    quats = left_arm_raised().quat_xyzw.copy()
    quats[INDEX["pelvis"]] = turn((0, 1, 0), math.radians(40))
    quats[INDEX["head"]] = turn((0, 1, 0), math.radians(30))
    quats[INDEX["right_elbow"]] = turn((0, 1, 0), math.radians(70))
    quats[INDEX["left_knee"]] = turn((1, 0, 0), math.radians(25))
    return make_frame(index, quat_xyzw=quats, root_m=np.array([0.3, 0.9, -0.2], np.float32))
