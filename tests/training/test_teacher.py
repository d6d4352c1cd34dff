"""The teacher: exact ground truth, inside the limits of a body, planted, smooth, deterministic."""

from __future__ import annotations

import numpy as np
import pytest

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.limits import clamp_to_limits
from gesturestream.models.body.rotations import angle_between, matrix_to_quat
from gesturestream.models.body.skeleton import CONTACT_JOINTS, INDEX, SOLE_BELOW_FOOT_M
from gesturestream.models.face import BLENDSHAPE_INDEX, blendshapes_to_expressions, expressions_to_blendshapes
from gesturestream.models.motion import EMOTIONS, FPS, MOTION_SIZE, SAMPLE_RATE
from gesturestream.models.timing import frames_covering
from gesturestream.training.speech.speech import Speech, Stress
from gesturestream.training.teacher.cues import CUES, perform_cue
from gesturestream.training.teacher.gestures import GESTURES
from gesturestream.training.teacher.perform import Performance, frame_loudness, perform
from gesturestream.training.teacher.plan import plan_gestures
from gesturestream.training.teacher.style import style_of

SPEECH_S, SILENCE_S = 5.0, 5.0


def syllables(emotion: str = "neutral", seed: int = 0) -> Speech:
    """5 s of loud syllables every 0.5 s, every third with a gesture of its own, then 5 s of near silence."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.8, SPEECH_S, 0.5)
    clock = np.arange(round((SPEECH_S + SILENCE_S) * SAMPLE_RATE)) / SAMPLE_RATE
    level = sum(np.exp(-(((clock - t - 0.08) / 0.07) ** 2)) for t in times)
    pcm = 0.3 * level * np.sin(2 * np.pi * 160 * clock) + 1e-4 * rng.standard_normal(len(clock))
    names = [GESTURES[1 + (k + seed) % (len(GESTURES) - 1)] if k % 3 == 0 else None for k in range(len(times))]
    stresses = tuple(Stress(time_s=float(t), strength=0.9, gesture=g) for t, g in zip(times, names))
    phrases = ((0.75, SPEECH_S),)
    return Speech(
        pcm=pcm.astype(np.float32), words=(), phonemes=(), stresses=stresses, phrases=phrases, emotion=emotion
    )


@pytest.fixture(params=[(0, "neutral", 1.0), (1, "anger", 2.0), (2, "sadness", 0.0), (3, "surprise", 2.0)])
def motion(request: pytest.FixtureRequest) -> Performance:
    speaker, emotion, intensity = request.param
    return perform(syllables(emotion, speaker), speaker=speaker, intensity=intensity, seed=speaker)


def test_same_seed_same_motion_another_seed_another() -> None:
    speech = syllables()
    first, again, other = (perform(speech, seed=seed).packed() for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_frames_cover_the_audio(motion: Performance) -> None:
    assert motion.packed().shape == (frames_covering(len(syllables().pcm)), MOTION_SIZE)


def test_rotations_are_rotations(motion: Performance) -> None:
    product = motion.rotations @ motion.rotations.swapaxes(-1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-9)
    assert (np.linalg.det(motion.rotations) > 0.99).all()


def test_joints_stay_inside_their_limits(motion: Performance) -> None:
    degrees = np.degrees(np.linalg.norm(motion.axis_angles, axis=-1))
    limits = {"elbow": 165, "wrist": 100, "shoulder": 150, "collar": 45, "knee": 75, "hip": 70}
    for part, limit in limits.items():
        for side in ("left", "right"):
            assert degrees[:, INDEX[f"{side}_{part}"]].max() < limit, part
    assert degrees[:, [INDEX[name] for name in ("spine1", "spine2", "spine3", "neck", "head")]].max() < 40


def test_the_limits_that_live_motion_is_held_to_leave_the_teacher_as_it_is(motion: Performance) -> None:
    quats = matrix_to_quat(motion.rotations)
    moved = np.degrees(angle_between(clamp_to_limits(quats), quats))
    assert moved.max() < 6.0 and (moved > 0.5).mean() < 0.002


def test_elbows_and_knees_never_bend_backwards(motion: Performance) -> None:
    positions, _ = forward_kinematics(motion.rotations, motion.root_m)
    for side in ("left", "right"):
        hip, knee, ankle = (positions[:, INDEX[f"{side}_{name}"]] for name in ("hip", "knee", "ankle"))
        behind = np.cross(ankle - hip, knee - hip)[:, 0]  # the knee in front of the line: turns about +x
        assert (behind < 1e-4).all()


def test_nothing_jumps(motion: Performance) -> None:
    quats = matrix_to_quat(motion.rotations)
    body = [joint for joint in range(55) if joint not in (23, 24)]  # eyes make saccades
    turning = np.degrees(angle_between(quats[1:, body], quats[:-1, body])) * FPS
    assert turning.max() < 1600
    positions, _ = forward_kinematics(motion.rotations, motion.root_m)
    assert np.linalg.norm(np.diff(positions, axis=0), axis=-1).max() * FPS < 5.5
    assert np.abs(np.diff(motion.blendshapes, axis=0)).max() < 0.75


def test_planted_feet_do_not_slide_and_soles_stay_on_the_floor(motion: Performance) -> None:
    positions, _ = forward_kinematics(motion.rotations, motion.root_m)
    feet = positions[:, CONTACT_JOINTS]
    planted = (motion.contacts[1:] > 0.5) & (motion.contacts[:-1] > 0.5)
    assert planted.mean() > 0.8
    slide = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS
    assert slide[planted].max() < 0.05
    balls = feet[:, 2:, 1]
    assert balls.min() > SOLE_BELOW_FOOT_M - 0.004
    np.testing.assert_allclose(balls[motion.contacts[:, 2:] > 0.5], SOLE_BELOW_FOOT_M, atol=0.003)


def test_wrists_stay_out_of_the_trunk_and_apart(motion: Performance) -> None:
    positions, world = forward_kinematics(motion.rotations, motion.root_m)
    left, right = positions[:, INDEX["left_wrist"]], positions[:, INDEX["right_wrist"]]
    assert np.linalg.norm(left - right, axis=1).min() > 0.12
    for wrist in (left, right):
        for joint in ("pelvis", "spine1", "spine2", "spine3"):
            local = np.einsum("tji,tj->ti", world[:, INDEX[joint]], wrist - positions[:, INDEX[joint]])
            assert np.hypot(local[:, 0] / 0.15, local[:, 2] / 0.115)[np.abs(local[:, 1]) < 0.08].min(initial=9.0) > 1.0


def test_apex_comes_at_most_a_fifth_of_a_second_before_the_stress(motion: Performance) -> None:
    assert len(motion.strokes) >= 3
    for stroke in motion.strokes:
        assert 0.0 <= stroke.stress_s - stroke.apex_s <= 0.2


def test_both_hands_of_a_stroke_arrive_in_time() -> None:
    """The curves' own moves end between 0.2 s before the syllable and the syllable, on either side."""
    speech = syllables(seed=1)
    plan = plan_gestures(speech, style_of(0, "neutral"), np.random.default_rng(1))
    for stroke in plan.strokes:
        for side, acts in ((0, stroke.left), (1, stroke.right)):
            stops = np.array([move.stop_s for move in plan.moves[side]])
            assert not acts or ((stops >= stroke.stress_s - 0.2001) & (stops <= stroke.stress_s + 1e-9)).any()


def test_hands_brake_at_the_apex() -> None:
    """Around a stroke's apex the acting wrist is slower than in the quarter second before it, nearly always."""
    motion = perform(syllables(), speaker=0, seed=1)
    positions, _ = forward_kinematics(motion.rotations, motion.root_m)
    braked = []
    for stroke in motion.strokes:
        wrist = INDEX["left_wrist" if stroke.left else "right_wrist"]
        speed = np.linalg.norm(np.diff(positions[:, wrist], axis=0), axis=1) * FPS
        apex = round(stroke.apex_s * FPS)
        braked.append(speed[apex - 1 : apex + 2].min() < 0.6 * speed[apex - 8 : apex].max())
    assert np.mean(braked) > 0.7


def test_idle_is_alive_but_quieter_than_speaking(motion: Performance) -> None:
    positions, _ = forward_kinematics(motion.rotations, motion.root_m)
    wrists = positions[:, [INDEX["left_wrist"], INDEX["right_wrist"]]] - positions[:, :1]
    speed = np.linalg.norm(np.diff(wrists, axis=0), axis=-1) * FPS
    speaking = speed[round(FPS) : round(SPEECH_S * FPS)].mean()
    idle = speed[round((SPEECH_S + 2.0) * FPS) :].mean()
    assert 0.005 < idle < 0.34 * max(speaking, 0.2)


def test_jaw_follows_loudness() -> None:
    speech = syllables()
    motion = perform(speech, seed=2)
    jaw = motion.blendshapes[:, BLENDSHAPE_INDEX["jawOpen"]]
    assert np.corrcoef(jaw, frame_loudness(speech.pcm, len(jaw)))[0, 1] > 0.5


def test_intensity_scales_the_gestures() -> None:
    travelled = []
    for intensity in (0.0, 1.0, 2.0):
        motion = perform(syllables(), intensity=intensity, seed=5)
        positions, _ = forward_kinematics(motion.rotations, motion.root_m)
        travelled.append(np.linalg.norm(np.diff(positions[:150, 20:22], axis=0), axis=-1).sum())
    assert travelled[0] < travelled[1] < travelled[2]


def test_moods_show_in_the_face() -> None:
    signs = {"happiness": "mouthSmileLeft", "anger": "browDownLeft", "sadness": "mouthFrownLeft",
             "surprise": "browOuterUpLeft", "fear": "eyeWideLeft", "disgust": "noseSneerLeft",
             "contempt": "mouthDimpleLeft"}  # fmt: skip
    faces = {emotion: perform(syllables(emotion), seed=1).blendshapes.mean(0) for emotion in EMOTIONS}
    for emotion, name in signs.items():
        index = BLENDSHAPE_INDEX[name]
        assert faces[emotion][index] > 2.0 * faces["neutral"][index] + 0.05, emotion


def test_moods_show_in_the_body() -> None:
    """Posture, place of the hands and amplitude order the moods as people's do, whoever speaks."""
    high, lean, path = {}, {}, {}
    for emotion in EMOTIONS:
        shown = [perform(syllables(emotion, seed), speaker=seed, seed=seed) for seed in range(3)]
        places = [forward_kinematics(p.rotations, p.root_m)[0][:150] for p in shown]
        high[emotion] = np.mean([p[:, [20, 21], 1] - p[:, :1, 1] for p in places])
        lean[emotion] = np.mean([(p[:, INDEX["head"]] - p[:, 0])[:, 2] for p in places])
        path[emotion] = np.mean([np.linalg.norm(np.diff(p[:, [20, 21]] - p[:, :1], axis=0), axis=-1) for p in places])
    assert min(high["surprise"], high["fear"]) > max(high["neutral"], high["sadness"]) + 0.03
    assert lean["sadness"] > lean["neutral"] + 0.03 > lean["surprise"] + 0.05
    assert path["anger"] > 1.15 * path["neutral"] > 1.5 * path["sadness"]


def test_expressions_are_the_same_face() -> None:
    motion = perform(syllables(), seed=0)
    np.testing.assert_allclose(expressions_to_blendshapes(motion.expressions), motion.blendshapes, atol=1e-9)
    np.testing.assert_allclose(blendshapes_to_expressions(motion.blendshapes), motion.expressions)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"speaker": 4}, "speaker"), ({"emotion": "bored"}, "emotion"), ({"intensity": 3.0}, "intensity")],
)
def test_wrong_controls_are_named(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        perform(syllables(), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CUES)
def test_cues_are_one_gesture_from_rest_to_rest(name: str) -> None:
    shown = perform_cue(name)
    assert [stroke.gesture for stroke in shown.strokes] == [CUES[name]] and len(CUES) >= 8
    positions, _ = forward_kinematics(shown.rotations, shown.root_m)
    wrists = positions[:, [20, 21]] - positions[:, :1]
    moved = np.linalg.norm(wrists - wrists[0], axis=-1).max(1)
    assert moved[:5].max() < 0.05 and moved.max() > 0.12
    assert np.linalg.norm(np.diff(wrists[-5:], axis=0), axis=-1).max() * FPS < 0.6


def test_unknown_cues_are_named() -> None:
    with pytest.raises(ValueError, match="moonwalk"):
        perform_cue("moonwalk")
