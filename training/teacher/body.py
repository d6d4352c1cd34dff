"""Trunk, head, root and legs: posture, breathing, sway, weight shifts on planted feet, nods and tilts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix, normalize
from gesturestream.models.body.skeleton import INDEX, REST_M, REST_OFFSETS_M
from gesturestream.training.teacher.curves import (
    Move,
    bumps,
    bursts,
    gaussian,
    smooth_noise,
    soft_ceiling,
    submovements,
)
from gesturestream.training.teacher.feet import Footwork
from gesturestream.training.teacher.plan import Plan
from gesturestream.training.teacher.style import Style

Array = NDArray[np.float64]


class Trunk(NamedTuple):
    """Angles in degrees, axis-angle (pitch, yaw, roll), each [T, 3], and the pelvis' world position [T, 3]."""

    root_m: Array
    pelvis: Array
    spine: Array
    """Summed over the three spine joints."""
    neck: Array
    """Summed over neck and head."""
    collars: Array
    """[T, 2] lift of the left and right shoulder."""


def move_trunk(
    times_s: Array,
    plan: Plan,
    feet: Footwork,
    style: Style,
    speaking: Array,
    loudness: Array,
    rng: np.random.Generator,
) -> Trunk:
    """Trunk and head of a clip. times [T], speaking [T] 0..1, loudness [T] 0..1."""
    frames = len(times_s)
    root_m, shift = _root(times_s, style, speaking, rng)
    root_m[:, [0, 2]] += feet.centre_m
    breath = _breath(times_s, rng)
    lively = 0.45 + 0.55 * speaking
    noise = smooth_noise(rng, frames, 3, 0.26) * np.array([5.0, 6.8, 5.0]) * min(style.sway, 1.25) * lively[:, None]
    fast = smooth_noise(rng, frames, 3, 0.8) * np.array([3.5, 4.8, 3.5]) * lively[:, None]
    fast *= bursts(rng, frames, 0.5)[:, None]
    accents = _accents(times_s, plan, style)
    spine = noise + fast
    spine[:, 0] += style.spine_deg + 13.0 + 0.7 * breath + accents * 0.85
    spine[:, 1] += style.turn_deg + _turn_to_hand(times_s, plan, style)
    pelvis = smooth_noise(rng, frames, 3, 0.36) * np.array([3.4, 6.5, 2.2]) * min(style.sway, 1.2)
    pelvis *= (0.4 + 0.6 * speaking)[:, None]
    pelvis[:, 0] -= 3.0
    pelvis[:, 1] += np.degrees(feet.heading)
    pelvis[:, 2] += 52.0 * shift  # the hip over the standing leg rises
    spine[:, 2] -= 46.0 * shift
    turned = np.stack([np.zeros(frames), np.degrees(feet.heading), np.zeros(frames)], axis=1)
    neck = _head(times_s, plan, style, spine + pelvis - turned, speaking, loudness, rng)
    return Trunk(root_m, pelvis, spine, neck, _shoulders(times_s, plan, style, breath, rng))


def lower_to_reach(pelvis_world: Array, root_m: Array, ankles_m: tuple[Array, Array]) -> Array:
    """The pelvis' path [T, 3], lowered where a leg would be too short; ankles_m left and right [T, 3]."""
    longest = 0.9985 * (float(np.linalg.norm(_KNEE)) + float(np.linalg.norm(_ANKLE)))
    height = root_m[:, 1]
    for sign, ankle in zip((1.0, -1.0), ankles_m):
        hip = pelvis_world @ (_HIP * (sign, 1.0, 1.0))
        aside = np.hypot(root_m[:, 0] + hip[:, 0] - ankle[:, 0], root_m[:, 2] + hip[:, 2] - ankle[:, 2])
        highest = ankle[:, 1] + np.sqrt(longest**2 - np.minimum(aside, 0.5) ** 2) - hip[:, 1]
        height = soft_ceiling(height, highest, 0.003)
    return np.stack([root_m[:, 0], height, root_m[:, 2]], axis=1)


def _breath(times_s: Array, rng: np.random.Generator) -> Array:
    period_s = rng.uniform(3.2, 4.4)
    wobble = 0.5 * smooth_noise(rng, len(times_s), 1, 0.15)[:, 0]
    return np.sin(2 * np.pi * times_s / period_s + wobble + rng.uniform(0, 6))


def _root(times_s: Array, style: Style, speaking: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pelvis position, and the lateral shift of weight alone [T] (metres)."""
    moves, at_s, side = [], float(rng.uniform(0.5, 3.0)), float(rng.choice([-1.0, 1.0]))
    while at_s < times_s[-1]:
        side = -side if rng.random() < 0.8 else side
        target = np.array([side * rng.uniform(0.02, 0.065), rng.uniform(-0.05, 0.05)])
        target *= min(style.sway, 1.2) * (0.4 + 0.6 * float(np.interp(at_s, times_s, speaking)))
        seconds = float(rng.uniform(0.9, 1.7))
        moves.append(Move(start_s=at_s, stop_s=at_s + seconds, target=target))
        at_s += seconds + float(rng.uniform(0.4, 3.2))
    shift = submovements(times_s, np.zeros(2), moves)
    noise = smooth_noise(rng, len(times_s), 3, 0.42) * np.array([0.026, 0.014, 0.031]) * min(style.sway, 1.2)
    noise *= (bursts(rng, len(times_s), 0.35) * (0.4 + 0.6 * speaking))[:, None]
    drop = 0.017 + style.crouch_m + 0.1 * np.abs(shift[:, 0])
    root = np.stack([shift[:, 0], REST_M[0, 1] - drop, shift[:, 1] - 0.004], axis=1) + noise
    return root, gaussian(shift[:, 0], 0.1)


def _accents(times_s: Array, plan: Plan, style: Style) -> Array:
    """[T] a dip with each stroke, in degrees of a nod."""
    apex = np.array([s.apex_s for s in plan.strokes])
    size = np.array([s.strength for s in plan.strokes]) * style.nod_deg
    return bumps(times_s, apex + 0.05, 0.26, 0.4, size)


def _turn_to_hand(times_s: Array, plan: Plan, style: Style) -> Array:
    """The trunk turns a few degrees towards what one hand does."""
    moves = [
        Move(
            start_s=s.apex_s - 0.5,
            stop_s=s.apex_s + 0.15,
            target=np.array([3.6 * style.amplitude * (s.right - s.left)]),
        )
        for s in plan.strokes
    ]
    return submovements(times_s, np.zeros(1), moves)[:, 0]


def _shoulders(times_s: Array, plan: Plan, style: Style, breath: Array, rng: np.random.Generator) -> Array:
    shrugging = [s for s in plan.strokes if s.form.shrug_deg > 0]
    apex, size = np.array([s.apex_s for s in shrugging]), np.array([s.form.shrug_deg for s in shrugging])
    shrug = bumps(times_s, apex, 0.35, 0.8, size)
    lift = style.shoulders_deg + 0.6 * breath + shrug
    return lift[:, None] + smooth_noise(rng, len(times_s), 2, 0.4) * 0.8


def _head(
    times_s: Array, plan: Plan, style: Style, below: Array, speaking: Array, loudness: Array, rng: np.random.Generator
) -> Array:
    """Head against the world, less most of what the trunk does: a speaker keeps looking at the listener."""
    frames = len(times_s)
    lively = (0.4 + 0.6 * speaking)[:, None]
    wander = smooth_noise(rng, frames, 3, 0.45) * np.array([3.2, 4.5, 3.0]) * lively
    quick = smooth_noise(rng, frames, 3, 1.3) * np.array([2.6, 3.2, 2.2]) * lively * (0.6 + 0.4 * style.amplitude)
    head = wander + quick * bursts(rng, frames, 0.4)[:, None] + _poses(times_s, style, rng)
    nods, shakes = _nods(times_s, plan, style, rng)
    head[:, 0] += style.head_deg + 3.0 + nods + 1.6 * (gaussian(loudness, 0.06) - gaussian(loudness, 0.6))
    head[:, 0] += _listening(times_s, speaking, style, rng)
    head[:, 1] += shakes
    tremble = smooth_noise(rng, frames, 3, 4.0) * 0.22 * style.tremor
    neck: Array = head - 0.7 * below * np.array([0.6, 0.9, 0.9]) + tremble
    return neck


def _poses(times_s: Array, style: Style, rng: np.random.Generator) -> Array:
    """Held attitudes of the head, changed every one to four seconds."""
    moves, at_s = [], float(rng.uniform(0.3, 2.0))
    while at_s < times_s[-1]:
        away = rng.random() < style.gaze_away
        yaw = rng.normal(0.0, 11.0 if away else 4.5)
        pitch = rng.normal(2.5 if away else 0.0, 2.8)
        target = np.array([pitch, yaw, style.tilt_deg + rng.normal(0.0, 3.0)])
        seconds = float(rng.uniform(0.4, 0.8))
        moves.append(Move(start_s=at_s, stop_s=at_s + seconds, target=target))
        at_s += seconds + float(rng.gamma(2.0, 0.8))
    return submovements(times_s, np.array([0.0, 0.0, style.tilt_deg]), moves)


def _nods(times_s: Array, plan: Plan, style: Style, rng: np.random.Generator) -> tuple[Array, Array]:
    """Nods with strokes (sometimes a quick double one) and, instead, head shakes on negations."""
    nods, shakes = np.zeros_like(times_s), np.zeros_like(times_s)
    for stroke in plan.strokes:
        at, size = stroke.apex_s + rng.uniform(0.0, 0.1), style.nod_deg * stroke.strength * rng.uniform(0.5, 1.2)
        if stroke.gesture in ("no", "shrug") or rng.random() < style.shake * 0.5:
            side = rng.choice([-1.0, 1.0]) * size * 1.1
            centres, heights = np.array([at - 0.12, at + 0.16, at + 0.44]), side * np.array([0.8, -1.0, 0.6])
            shakes += bumps(times_s, centres, 0.24, 0.24, heights)
        elif rng.random() < 0.75:
            nods += bumps(times_s, np.array([at]), 0.2, 0.34, np.array([size]))
    return nods, shakes


def _listening(times_s: Array, speaking: Array, style: Style, rng: np.random.Generator) -> Array:
    """[T] small nods, one or two at a time, of one who listens: only in pauses that are long enough for them."""
    quiet = np.convolve(speaking < 0.1, np.ones(31), mode="same") > 30.5  # half a second around is silent
    centres, at_s = [], float(rng.uniform(0.5, 2.0))
    while at_s < times_s[-1]:
        centres += [at_s, at_s + 0.42] if rng.random() < 0.4 else [at_s]
        at_s += float(rng.uniform(1.4, 3.4))
    heights = [
        0.7 * style.nod_deg * rng.uniform(0.5, 1.1) * quiet[int(np.searchsorted(times_s, c)) - 1] for c in centres
    ]
    return bumps(times_s, np.array(centres), 0.22, 0.34, np.array(heights))


_HIP, _KNEE, _ANKLE = (REST_OFFSETS_M[INDEX[f"left_{name}"]] for name in ("hip", "knee", "ankle"))


class Leg(NamedTuple):
    """Local rotation matrices of hip, knee, ankle, each [T, 3, 3]."""

    hip: Array
    knee: Array
    ankle: Array


def solve_left_leg(pelvis_world: Array, root_m: Array, ankle_m: Array, foot_yaw: Array, foot_pitch: Array) -> Leg:
    """A left leg whose ankle is at ankle_m [T, 3], the foot turned by foot_yaw and pitched by foot_pitch, radians."""
    hip_m = root_m + (pelvis_world @ _HIP)
    reach = ankle_m - hip_m
    upper_m, lower_m = float(np.linalg.norm(_KNEE)), float(np.linalg.norm(_ANKLE))
    length = np.minimum(np.linalg.norm(reach, axis=1), 0.9995 * (upper_m + lower_m))[:, None]
    along = normalize(reach)
    toe = np.stack([np.sin(foot_yaw), np.zeros_like(foot_yaw), np.cos(foot_yaw)], axis=1)
    side = normalize(toe - (toe * along).sum(1, keepdims=True) * along)
    cosine = (upper_m**2 + length**2 - lower_m**2) / (2 * upper_m * length)
    upper = cosine * along + np.sqrt(np.maximum(1.0 - cosine**2, 1e-9)) * side
    lower = normalize(length * along - upper_m * upper)
    hinge = np.cross(side, along)  # forwards x downwards: +x, the knee's axis at rest
    upper_world = _frame(upper, hinge) @ _rest_frame(_KNEE).T
    lower_world = _frame(lower, hinge) @ _rest_frame(_ANKLE).T
    zero = np.zeros_like(foot_yaw)
    foot_world = axis_angle_to_matrix(np.stack([zero, foot_yaw, zero], axis=1))
    foot_world = foot_world @ axis_angle_to_matrix(np.stack([foot_pitch, zero, zero], axis=1))
    return Leg(
        pelvis_world.swapaxes(-1, -2) @ upper_world,
        upper_world.swapaxes(-1, -2) @ lower_world,
        lower_world.swapaxes(-1, -2) @ foot_world,
    )


def _frame(bone: Array, hinge: Array) -> Array:
    return np.stack([hinge, bone, np.cross(hinge, bone)], axis=-1)


def _rest_frame(offset: Array) -> Array:
    bone = offset / np.linalg.norm(offset)
    hinge = np.array([1.0, 0.0, 0.0])
    hinge = hinge - (hinge @ bone) * bone
    return _frame(bone, hinge / np.linalg.norm(hinge))
