"""The teacher's door: `perform` turns an utterance into motion with exact ground truth.

Deterministic by seed, vectorised over time: a minute of motion takes a few tenths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_rot6d
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, REST_M, REST_OFFSETS_M
from gesturestream.models.face import blendshapes_to_expressions
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.models.timing import frames_covering
from gesturestream.training.speech.speech import Floats, Speech
from gesturestream.training.teacher import arms, body, face
from gesturestream.training.teacher.curves import bursts, gaussian, smooth_noise, submovements
from gesturestream.training.teacher.feet import Footwork, plan_feet
from gesturestream.training.teacher.hands import CURLS, DEVIATION, FLEX, POSITION, ROLL, SPREAD, finger_rotations
from gesturestream.training.teacher.plan import Plan, Stroke, plan_gestures
from gesturestream.training.teacher.style import Style, style_of

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Motion of a clip at 30 fps and the strokes it was made from. Frame k covers the audio of frame k."""

    rotations: Array
    """[T, 55, 3, 3] parent-local rotation matrices."""
    root_m: Array
    """[T, 3] world position of the pelvis."""
    contacts: Array
    """[T, 4] left ankle, right ankle, left foot, right foot: 1 where planted."""
    blendshapes: Array
    """[T, 52] ARKit weights, 0..1."""
    expressions: Array
    """[T, 100] coefficients of the project's basis (models/face.py)."""
    strokes: tuple[Stroke, ...]

    @property
    def axis_angles(self) -> Array:
        """[T, 55, 3] radians."""
        return matrix_to_axis_angle(self.rotations)  # type: ignore[no-any-return]

    def packed(self) -> Floats:
        """[T, 489] float32 in the layout of models/motion.py."""
        rot6d = matrix_to_rot6d(self.rotations).reshape(len(self.root_m), -1)
        fields = (rot6d, self.root_m, self.contacts, self.blendshapes, self.expressions)
        return np.concatenate(fields, axis=1).astype(np.float32)


def perform(
    speech: Speech, *, speaker: int = 0, emotion: str | None = None, intensity: float = 1.0, seed: int = 0
) -> Performance:
    """Gestures for an utterance. speaker 0..3; emotion defaults to the speech's own; intensity 0..2."""
    rng = np.random.default_rng(seed)
    style = style_of(speaker, emotion or speech.emotion, intensity, rng)
    frames = max(2, frames_covering(len(speech.pcm)))
    times_s = (np.arange(frames) + 0.5) / FPS
    loudness = frame_loudness(speech.pcm, frames)
    plan = plan_gestures(speech, style, rng)
    speaking = speaking_gate(speech, times_s)
    feet = plan_feet(times_s, style, speaking, rng)
    trunk = body.move_trunk(times_s, plan, feet, style, speaking, loudness, rng)
    head_deg = trunk.spine + trunk.pelvis + trunk.neck
    visage = face.move_face(speech, times_s, plan, style, loudness, head_deg, rng)
    rotations, root_m = _skeleton(times_s, trunk, visage, plan, feet, style, speaking, rng)
    return Performance(
        rotations=rotations,
        root_m=root_m,
        contacts=feet.contacts,
        blendshapes=visage.blendshapes,
        expressions=blendshapes_to_expressions(visage.blendshapes),
        strokes=plan.strokes,
    )


def frame_loudness(pcm: Floats, frames: int) -> Array:
    """[T] loudness of each frame, 0 at 35 dB below the loud parts of the clip, 1 there."""
    size = SAMPLE_RATE // FPS
    starts = np.arange(frames) * SAMPLE_RATE // FPS
    padded = np.pad(pcm.astype(np.float64), (0, 2 * size))
    power = np.concatenate([[0.0], np.cumsum(padded**2)])
    level = 10 * np.log10((power[starts + size] - power[starts]) / size + 1e-9)
    top = max(float(np.percentile(level, 95)), -50.0)
    loudness: Array = np.clip((level - top + 35.0) / 35.0, 0.0, 1.0)
    return loudness


def speaking_gate(speech: Speech, times_s: Array) -> Array:
    """[T] 1 while a phrase sounds or is about to, easing to 0 in pauses longer than about half a second."""
    gate = np.zeros_like(times_s)
    for start_s, stop_s in speech.phrases:
        gate = np.maximum(gate, ((times_s > start_s - 0.35) & (times_s < stop_s + 0.3)).astype(float))
    return gaussian(gate, 0.16)


def _skeleton(
    times_s: Array,
    trunk: body.Trunk,
    visage: face.Face,
    plan: Plan,
    feet: Footwork,
    style: Style,
    speaking: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """All joints' rotations and the pelvis' path."""
    rotations = np.tile(np.eye(3), (len(times_s), JOINT_COUNT, 1, 1))

    def put(name: str, degrees: Array) -> None:
        rotations[:, INDEX[name]] = axis_angle_to_matrix(np.radians(degrees))

    put("pelvis", trunk.pelvis)
    for name, share in (("spine1", 0.46), ("spine2", 0.28), ("spine3", 0.26)):
        put(name, trunk.spine * share)
    for name, share in (("neck", 0.42), ("head", 0.58)):
        put(name, trunk.neck * share)
    put("jaw", visage.jaw)
    put("left_eye_smplhf", visage.eyes)
    put("right_eye_smplhf", visage.eyes)
    trunk = trunk._replace(root_m=_legs(rotations, trunk.root_m, feet))
    _arms(rotations, times_s, trunk, plan, style, speaking, rng)
    return rotations, trunk.root_m


def _legs(rotations: Array, root_m: Array, feet: Footwork) -> Array:
    """Writes both legs and returns the pelvis' path, lowered where the feet ask for it."""
    root_m = body.lower_to_reach(rotations[:, 0], root_m, feet.ankles_m)
    for side, k in (("left", 0), ("right", 1)):
        sign = np.array([1.0 - 2.0 * k, 1.0, 1.0])
        pelvis = arms.mirror(rotations[:, 0]) if k else rotations[:, 0]
        leg = body.solve_left_leg(
            pelvis, root_m * sign, feet.ankles_m[k] * sign, feet.yaws[k] * sign[0], feet.pitches[k]
        )
        for name, solved in zip(("hip", "knee", "ankle"), leg):
            rotations[:, INDEX[f"{side}_{name}"]] = arms.mirror(solved) if k else solved
    return root_m


def arm_channels(
    times_s: Array, plan: Plan, style: Style, speaking: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Both arms' curves [T, 13]: the planned moves, living noise, and wrists that trail the movement."""
    curves = []
    shared = smooth_noise(rng, len(times_s), 3, 0.5)
    for side in (0, 1):
        curve = submovements(times_s, plan.start[side], plan.moves[side])
        own = smooth_noise(rng, len(times_s), 3, 0.75)
        burst = bursts(rng, len(times_s), 0.9)[:, None]
        drift = (0.040 * shared + 0.044 * own) * burst * (style.amplitude**0.7) * speaking[:, None]
        idle = 0.010 * smooth_noise(rng, len(times_s), 3, 0.3)
        tremor = 0.0016 * style.tremor * smooth_noise(rng, len(times_s), 3, 4.5)
        curve[:, POSITION] += drift + idle + tremor
        lively = (0.3 + 0.7 * speaking)[:, None]
        turns = smooth_noise(rng, len(times_s), 3, 0.7) * np.array([9.0, 15.0, 10.0])
        curve[:, ROLL : DEVIATION + 1] += turns * lively * burst
        curve[:, CURLS] += 0.14 * lively * burst * smooth_noise(rng, len(times_s), 1, 0.9)
        curve[:, CURLS] += 0.10 * lively * burst * smooth_noise(rng, len(times_s), 5, 1.3)
        _trail(curve)
        curves.append(curve)
    return curves[0], curves[1]


def _trail(curve: Array) -> None:
    """The hand lags behind the forearm: moving down bends it up, in the plane that the palm's roll gives."""
    velocity = np.gradient(gaussian(curve[:, POSITION], 0.05), 1.0 / FPS, axis=0)
    late = gaussian(np.concatenate([velocity[:2], velocity[:-2]]), 0.03)
    roll = np.radians(curve[:, ROLL])
    down = np.clip(-late[:, 1], -1.6, 1.6)
    curve[:, FLEX] -= 15.0 * down * np.sin(roll)
    curve[:, DEVIATION] += 11.0 * down * np.cos(roll)
    curve[:, FLEX] += 9.0 * np.clip(late[:, 0], -1.2, 1.2) * np.cos(roll)


def _arms(
    rotations: Array,
    times_s: Array,
    trunk: body.Trunk,
    plan: Plan,
    style: Style,
    speaking: Array,
    rng: np.random.Generator,
) -> None:
    left, right = arm_channels(times_s, plan, style, speaking, rng)
    positions, world = forward_kinematics(rotations, trunk.root_m)
    chest_m, chest = positions[:, INDEX["spine3"]], world[:, INDEX["spine3"]]
    lean_m = chest_m[:, 2] - trunk.root_m[:, 2]
    sway_m = 0.8 * (chest_m - trunk.root_m - (REST_M[INDEX["spine3"]] - REST_M[0]))
    heading = np.arctan2(chest[:, 0, 2], chest[:, 2, 2])
    yaw = axis_angle_to_matrix(np.stack([0 * heading, heading, 0 * heading], axis=1))
    clear = [arms.clear_of_torso(channels[:, POSITION], lean_m) for channels in (left, right)]
    wrists = arms.keep_apart(clear[0], clear[1])
    for side, channels, wrist, lift in zip(("left", "right"), (left, right), wrists, trunk.collars.T):
        flip = side == "right"

        def seen(x: Array, flip: bool = flip) -> Array:
            return arms.mirror(x) if flip else x

        sign = np.array([-1.0, 1.0, 1.0]) if flip else np.ones(3)
        collar = _collar(lift, wrist, style)
        spine, yaw_ = seen(chest), seen(yaw)
        joint_m = sign * chest_m + spine @ REST_OFFSETS_M[INDEX["left_collar"]]
        collar_world = spine @ collar
        shoulder_m = joint_m + collar_world @ REST_OFFSETS_M[INDEX["left_shoulder"]]
        target = sign * (trunk.root_m + sway_m) + (yaw_ @ wrist[..., None])[..., 0]
        arm = arms.solve_left(collar_world, shoulder_m, target, channels, yaw_)
        give = smooth_noise(rng, len(times_s), 30, 2.0).reshape(-1, 15, 2) * (0.3 + 0.7 * speaking[:, None, None])
        fingers = finger_rotations(channels[:, CURLS], np.clip(channels[:, SPREAD], 0, 1), give)
        for name, solved in zip(("collar", "shoulder", "elbow", "wrist"), (collar, *arm[:3])):
            rotations[:, INDEX[f"{side}_{name}"]] = seen(solved)
        first = INDEX[f"{side}_index1"]
        rotations[:, first : first + 15] = seen(fingers)


def _collar(lift: Array, wrist: Array, style: Style) -> Array:
    """Left collar: shoulders hang a little, rise with a raised arm and come forward with a reaching one."""
    raised = np.clip(wrist[:, 1] - 0.15, 0.0, None)
    reaching = np.clip(wrist[:, 2] - 0.22, 0.0, None)
    up = -10.0 + lift + 30.0 * raised
    forward = 7.0 + style.hunch_deg + 26.0 * reaching
    collar: Array = axis_angle_to_matrix(np.radians(np.stack([np.zeros_like(up), -forward, up], axis=1)))
    return collar
