"""Motion finishing: what may never be shown is never shown, and what is right passes through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models.body import rotations as rot
from gesturestream.models.body.ik import two_bone_turns
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.limits import HIGH_RAD, LOW_RAD, SOFT_RAD, clamp_to_limits, joint_angles
from gesturestream.models.body.skeleton import FACE_JOINTS, INDEX, LOWER_JOINTS, REST_M, SOLE_BELOW_FOOT_M
from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPES, CONTACTS, FPS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.realtime.finishing import FinishedBatch, Finisher, rest_packed
from gesturestream.realtime.finishing import quaternions as fast
from gesturestream.realtime.finishing.components import ARRAYS
from gesturestream.realtime.finishing.feet import FEW
from gesturestream.realtime.finishing.inertia import MAX_BLEND_RAD_S
from gesturestream.realtime.finishing.legs import Leg, reach
from gesturestream.realtime.finishing.limits import clamp
from gesturestream.realtime.finishing.retraction import RETRACTED_JOINTS

SEEDS = st.integers(0, 2**32 - 1)
ANKLES = [INDEX["left_ankle"], INDEX["right_ankle"]]
BALLS = [INDEX["left_foot"], INDEX["right_foot"]]
KNEES = [INDEX["left_knee"], INDEX["right_knee"]]
UPPER = [INDEX["spine3"], INDEX["left_elbow"], INDEX["right_elbow"]]
LEGS = [INDEX[f"{side}_{name}"] for side in ("left", "right") for name in ("hip", "knee", "ankle")]


ROWS = 4
"""Every property is tried on so many rows at once."""

FREE = [j for j in range(55) if j not in LEGS]


def finisher(rows=ROWS, leash_m=0.5):
    new = Finisher(rows)
    for row in range(rows):
        new.reset(row, seed=row, leash_m=leash_m)
    return new


def smooth(generator, frames, shape, per_s=1.0):
    """Random curves [frames, *shape] of unit spread that change at about `per_s` Hz."""
    time_s = np.arange(frames).reshape(-1, *[1] * (len(shape) + 1)) / FPS
    rate, phase = generator.uniform(0.2, per_s, (*shape, 3)), generator.uniform(0, 7, (*shape, 3))
    return np.sin(2 * np.pi * time_s * rate + phase).sum(-1) * 0.5


def rest_motion(frames, rows=1):
    return np.tile(rest_packed(), (frames, rows, 1))


def speech_like(seed, frames=60, rows=ROWS, sway_m=0.05, turn_rad=0.25):
    """Plausible motion around the rest pose [frames, rows, 489]: all joints move, the pelvis sways, feet planted."""
    generator = np.random.default_rng(seed)
    motion = rest_motion(frames, rows)
    turns = turn_rad * smooth(generator, frames, (rows, 55, 3))
    turns[..., [*LEGS, 0], :] *= 0.15
    turns[..., FACE_JOINTS, :] = abs(turns[..., FACE_JOINTS, :]) * [0.5, 0.0, 0.0]
    quats = rot.quat_multiply(rest_quats(), rot.axis_angle_to_quat(turns))
    motion[..., ROT6D] = rot.matrix_to_rot6d(rot.quat_to_matrix(quats)).reshape(frames, rows, -1)
    motion[..., ROOT_M] += sway_m * smooth(generator, frames, (rows, 3)) * [1, 0.2, 1]
    motion[..., CONTACTS.stop :] = generator.normal(size=(frames, rows, MOTION_SIZE - CONTACTS.stop)) * 0.3
    return motion.astype(np.float32)


def run(finish, motion, at=None):
    """Steps all rows through `motion` [T, n, 489]; `at`: {frame: what to do to a row before it} -> [T, n, ...]."""
    rows = np.arange(motion.shape[1])
    batches = []
    for k, frame in enumerate(motion):
        if at and k in at:
            for row in rows:
                at[k](finish, int(row))
        batches.append(finish.step(rows, frame))
    return FinishedBatch(*(np.stack(parts) for parts in zip(*batches, strict=True)))


def places(shown):
    return forward_kinematics(rot.quat_to_matrix(shown.quat_xyzw.astype(np.float64)), shown.root_m.astype(np.float64))


def rest_quats():
    return rot.matrix_to_quat(rot.rot6d_to_matrix(rest_packed()[ROT6D].reshape(55, 6)))


def assert_showable(shown, leash_m=0.5):
    for field in shown:
        assert np.isfinite(field).all()
    np.testing.assert_allclose(np.linalg.norm(shown.quat_xyzw, axis=-1), 1.0, atol=1e-5)
    assert (shown.quat_xyzw[..., 3] >= 0).all()
    for field in (shown.blendshapes, shown.contacts):
        assert (field >= 0).all() and (field <= 1).all()
    assert wandered_m(shown).max() <= leash_m + 1e-5
    positions, world = places(shown)
    heels = positions[..., ANKLES, :] + world[..., ANKLES, :, :] @ [
        0.0,
        SOLE_BELOW_FOOT_M - REST_M[ANKLES[0], 1],
        -0.05,
    ]
    assert positions[..., BALLS, 1].min() >= SOLE_BELOW_FOOT_M - 1e-3
    assert heels[..., 1].min() >= SOLE_BELOW_FOOT_M - 1e-3


def wandered_m(shown):
    """[T, n] horizontal distance of the root from where it started."""
    return np.linalg.norm((shown.root_m - shown.root_m[0])[..., [0, 2]], axis=-1)


def steps_m(positions, joints):
    """Horizontal steps from frame to frame."""
    return np.linalg.norm(np.diff(positions[..., joints, :][..., [0, 2]], axis=0), axis=-1)


def steps_rad(shown, joints):
    return rot.angle_between(shown.quat_xyzw[1:, :, joints], shown.quat_xyzw[:-1, :, joints])


def test_rest_pose_passes_unchanged():
    shown = run(finisher(1), rest_motion(30))
    np.testing.assert_allclose(shown.packed, rest_motion(30), atol=1e-5)
    assert not shown.retracting.any() and not shown.cue_playing.any()


@given(seed=SEEDS)
@settings(max_examples=3, deadline=None)
def test_legal_motion_with_planted_feet_passes_unchanged(seed):
    """What was finished once is legal and its feet are planted: finishing it again changes nothing."""
    once = run(finisher(), speech_like(seed)).packed[30:]
    np.testing.assert_allclose(run(finisher(leash_m=0.8), once).packed, once, atol=1e-4)


@given(seed=SEEDS, scale=st.sampled_from([0.05, 1.0, 30.0]))
@settings(max_examples=6, deadline=None)
def test_anything_in_something_showable_out(seed, scale):
    """White noise, with NaN and infinities in it, one action after another."""
    generator = np.random.default_rng(seed)
    motion = rest_motion(40, ROWS) + scale * generator.normal(size=(40, ROWS, MOTION_SIZE))
    motion[generator.random(motion.shape) < 0.02] = generator.choice([np.nan, np.inf, -np.inf, 3e38])
    motion[5] = np.nan
    actions = {
        8: lambda f, row: f.set_posture(row, "seated"), 12: lambda f, row: f.cross_fade(row),
        15: lambda f, row: f.play_cue(row, "wave"), 18: lambda f, row: f.interrupt(row),
        24: lambda f, row: f.resume(row), 30: lambda f, row: f.set_posture(row, "standing"),
    }  # fmt: skip
    shown = run(finisher(), motion.astype(np.float32), actions)
    assert_showable(shown)
    # Blends run between legal poses, and the legs answer to the floor first.
    angles = joint_angles(shown.quat_xyzw.astype(np.float64))[:8, :, FREE]
    assert (angles >= LOW_RAD[FREE] - SOFT_RAD - 1e-3).all() and (angles <= HIGH_RAD[FREE] + SOFT_RAD + 1e-3).all()


def test_not_a_number_shows_the_last_pose():
    motion = speech_like(3, frames=45)
    motion[40] = np.nan
    shown = run(finisher(), motion)
    upper = np.setdiff1d(np.arange(330), [6 * joint + i for joint in LOWER_JOINTS for i in range(6)])
    np.testing.assert_allclose(shown.packed[40][:, upper], shown.packed[39][:, upper], atol=1e-4)
    assert np.abs(shown.root_m[40] - shown.root_m[39]).max() < 0.02, "what is left of the way to above its feet"
    never = run(finisher(1), np.full((3, 1, MOTION_SIZE), np.nan, np.float32))
    np.testing.assert_allclose(never.packed, rest_motion(3), atol=1e-5)


def test_a_root_that_goes_its_own_way_does_not_leave_its_feet_behind():
    """As a generator does that adds what it takes for its velocity to the root that was shown, legs at rest."""
    finish, rest = finisher(1), rest_motion(1, 1)[0]
    shown = finish.step(np.arange(1), rest)
    for _ in range(150):
        motion = rest.copy()
        motion[:, ROOT_M] = shown.root_m + [0.003, 0.0, -0.002]  # 11 cm/s
        shown = finish.step(np.arange(1), motion)
    positions, _ = forward_kinematics(rot.quat_to_matrix(shown.quat_xyzw), shown.root_m)
    lean = positions[0, ANKLES].mean(0) - positions[0, 0] - (REST_M[ANKLES].mean(0) - REST_M[0])
    assert np.linalg.norm(lean[[0, 2]]) < 0.03


@given(seed=SEEDS)
@settings(max_examples=4, deadline=None)
def test_planted_feet_do_not_drift(seed):
    shown = run(finisher(), speech_like(seed, frames=90, sway_m=0.12))
    positions, world = places(shown)
    assert (shown.contacts > 0.5).all(), "no foot had to be let go"
    ankles = positions[..., ANKLES, :]
    assert abs(ankles[30:] - ankles[30]).max() < 1e-3
    assert steps_m(positions, ANKLES).max() < 1e-3
    assert (world[30:, :, ANKLES] @ [0.0, 1.0, 0.0])[..., 1].min() > 1 - 1e-4, "flat on the floor"
    assert joint_angles(shown.quat_xyzw)[:, :, KNEES, 0].min() > -0.15


def test_a_foot_steps_without_popping():
    """The left leg is lifted and set down again: no frame's step is much larger than intended."""
    motion = rest_motion(90)
    lift = np.zeros(90)
    lift[30:60] = np.sin(np.linspace(0, np.pi, 30)) ** 2
    hip = slice(6 * INDEX["left_hip"], 6 * INDEX["left_hip"] + 6)
    turn = rot.axis_angle_to_quat(lift[:, None] * [-0.5, 0, 0])
    motion[:, 0, hip] = rot.matrix_to_rot6d(rot.quat_to_matrix(turn))
    motion[30:60, :, [CONTACTS.start, CONTACTS.start + 2]] = 0.0
    positions, _ = places(run(finisher(1), motion.astype(np.float32)))
    matrices = rot.rot6d_to_matrix(motion[..., ROT6D].reshape(90, 1, 55, 6).astype(np.float64))
    intended, _ = forward_kinematics(matrices, motion[..., ROOT_M].astype(np.float64))
    largest = [np.linalg.norm(np.diff(p, axis=0), axis=-1).max() for p in (positions, intended)]
    assert largest[0] < 1.5 * largest[1]
    assert positions[45, 0, ANKLES[0], 1] > 0.1, "the foot does lift"


@given(seed=SEEDS, leash_m=st.floats(0.0, 1.0))
@settings(max_examples=6, deadline=None)
def test_the_root_stays_on_its_leash(seed, leash_m):
    motion = speech_like(seed, frames=60)
    motion[..., ROOT_M] += np.linspace(0, 4, 60)[:, None, None] * [0.7, 0.3, -0.7]
    shown = run(finisher(leash_m=leash_m), motion)
    assert 0.9 * leash_m <= wandered_m(shown).max() <= leash_m + 1e-6
    assert shown.root_m[..., 1].min() > 0.3 and shown.root_m[..., 1].max() < 1.15


def moved_m(shown):
    """Distance of the pelvis from frame to frame, [T - 1, rows]."""
    return np.linalg.norm(np.diff(shown.root_m, axis=0), axis=-1)


@given(seed=SEEDS, half_turns=st.booleans())
@settings(max_examples=4, deadline=None)
def test_cross_fade_is_continuous(seed, half_turns):
    before, after = speech_like(seed, 20), speech_like(seed + 1, 30)
    if half_turns:
        turn = rot.normalize(np.random.default_rng(seed).normal(size=4))
        matrices = rot.rot6d_to_matrix(after[..., ROT6D].reshape(30, ROWS, 55, 6)) @ rot.quat_to_matrix(turn)
        after[..., ROT6D] = rot.matrix_to_rot6d(matrices).reshape(30, ROWS, -1)
    after[..., ROOT_M] += np.float32([0.2, 0.0, 0.1])
    motion = np.concatenate([before, after])
    faded, hard = run(finisher(), motion, {20: Finisher.cross_fade}), run(finisher(), motion)
    # What the motion after the jump does by itself (illegal poses are pushed to and fro) comes on top.
    assert steps_rad(faded, FREE).max() <= MAX_BLEND_RAD_S / FPS + steps_rad(hard, FREE)[20:].max()
    own_m = moved_m(hard)[20:].max() if half_turns else 0.0  # a leg on its head moves the pelvis by itself, too
    assert moved_m(faded).max() < 0.08 + own_m
    np.testing.assert_allclose(faded.quat_xyzw[40:, :, FREE], hard.quat_xyzw[40:, :, FREE], atol=1e-4)


@given(seed=SEEDS)
@settings(max_examples=4, deadline=None)
def test_retraction_reaches_rest_in_nine_frames(seed):
    motion = speech_like(seed, 110, turn_rad=0.5)
    shown = run(finisher(), motion, {20: Finisher.interrupt, 80: Finisher.resume})
    free = run(finisher(), motion)
    distance = rot.angle_between(shown.quat_xyzw[:, :, RETRACTED_JOINTS], rest_quats()[RETRACTED_JOINTS])
    assert distance[28].max() < 1e-3, "frames 20 to 28 are the nine"
    assert distance[19].max() > 0.2
    assert 1e-3 < distance[70].max() < 0.2, "a living idle, close to rest"
    assert shown.retracting[20:29].all() and not shown.retracting[:20].any() and not shown.retracting[29:].any()
    own = steps_rad(free, RETRACTED_JOINTS).max()
    assert steps_rad(shown, RETRACTED_JOINTS).max() <= MAX_BLEND_RAD_S / FPS + own
    np.testing.assert_allclose(shown.quat_xyzw[95:], free.quat_xyzw[95:], atol=1e-3)


def test_retraction_starts_with_the_velocity_it_finds():
    """An arm that is swinging does not stop dead: it goes on outward for a moment."""
    motion = rest_motion(40)
    elbow = INDEX["left_elbow"]
    angle = np.minimum(np.arange(40) / 20, 1.0)
    turned = rot.quat_multiply(rot.axis_angle_to_quat(angle[:, None] * [0.0, -1.0, 0.0]), rest_quats()[elbow])
    motion[:, 0, 6 * elbow : 6 * elbow + 6] = rot.matrix_to_rot6d(rot.quat_to_matrix(turned))
    shown = run(finisher(1), motion.astype(np.float32), {20: Finisher.interrupt})
    distance = rot.angle_between(shown.quat_xyzw[:, 0, elbow], rest_quats()[elbow])
    assert distance[20] - distance[19] > 0.5 * (distance[19] - distance[18]) > 0.02
    assert distance[28] < 1e-3


def test_the_mouth_closes_on_interrupt_and_opens_again():
    motion = rest_motion(60)
    motion[..., BLENDSHAPES] = 0.6
    shown = run(finisher(1), motion, {10: Finisher.interrupt, 40: Finisher.resume})
    jaw_open = shown.blendshapes[:, 0, ARKIT_NAMES.index("jawOpen")]
    assert jaw_open[9] > 0.5 and jaw_open[13:40].max() == 0.0 and jaw_open[45] > 0.5
    np.testing.assert_allclose(shown.blendshapes[..., ARKIT_NAMES.index("eyeBlinkLeft")], 0.6, atol=1e-6)


@pytest.mark.parametrize("leash_m", [0.5, 0.05])
def test_sitting_down_and_standing_up(leash_m):
    motion = speech_like(5, 150, sway_m=0.01)
    down, up = (lambda f, row: f.set_posture(row, "seated")), (lambda f, row: f.set_posture(row, "standing"))
    shown = run(finisher(leash_m=leash_m), motion, {20: down, 90: up})
    positions, _ = places(shown)
    knees = np.degrees(joint_angles(shown.quat_xyzw)[60:90, :, KNEES, 0])
    assert knees.min() > 75 and knees.max() < 105
    assert shown.root_m[60:90, :, 1].max() < 0.6 and shown.root_m[130:, :, 1].min() > 0.85
    assert wandered_m(shown).max() <= leash_m + 1e-6
    # A long leash lets the pelvis go back over planted feet; on a short one the feet come forward, without a pop.
    assert steps_m(positions, ANKLES).max() < (1e-3 if leash_m > 0.4 else 0.06)
    np.testing.assert_allclose(
        shown.quat_xyzw[60, :, UPPER], run(finisher(), motion).quat_xyzw[60, :, UPPER], atol=1e-4
    )


def test_static_holds_root_and_legs():
    shown = run(finisher(), speech_like(6, 60), {20: lambda f, row: f.set_posture(row, "static")})
    assert abs(np.diff(shown.root_m[50:], axis=0)).max() < 1e-5
    assert steps_rad(shown, LEGS)[50:].max() < 1e-3
    assert steps_rad(shown, UPPER)[50:].max() > 1e-3


@pytest.mark.parametrize("rows", [ROWS, FEW + 3])
@given(seed=SEEDS)
@settings(max_examples=3, deadline=None)
def test_rows_do_not_influence_each_other(rows, seed):
    """Rows together give the same bits as each of them alone, with different things going on in them.

    Few rows' legs are worked on in floats, many in arrays.
    """
    motion = speech_like(seed, 36, rows)
    motion[14:20, :, CONTACTS.start : CONTACTS.stop : 2] = 0.0
    motion[20:26, 2, CONTACTS.start : CONTACTS.start + 2] = 0.0
    motion[12, 1] = np.nan
    actions = {
        (5, 0): Finisher.interrupt, (20, 0): Finisher.resume, (8, 1): lambda f, row: f.play_cue(row, "clap"),
        (10, 2): lambda f, row: f.set_posture(row, "seated"), (22, 3): Finisher.cross_fade,
    }  # fmt: skip
    together, alone = finisher(rows), finisher(rows)
    for k, frames in enumerate(motion):
        for (frame, row), action in actions.items():
            if frame == k:
                action(together, row)
                action(alone, row)
        batch = together.step(np.arange(rows), frames)
        for row in range(rows):
            single = alone.step(np.array([row]), frames[row : row + 1])
            assert all((a[row] == b[0]).all() for a, b in zip(batch, single, strict=True)), (k, row)


def test_reset_equals_new():
    used = finisher()
    down, cue = (lambda f, row: f.set_posture(row, "seated")), (lambda f, row: f.play_cue(row, "wave"))
    run(used, speech_like(1, 30), {3: cue, 9: Finisher.interrupt, 20: down, 28: Finisher.cross_fade})
    for row in range(ROWS):
        used.reset(row, seed=row, leash_m=0.5)
    motion = speech_like(2, 30)
    assert (run(finisher(), motion).packed == run(used, motion).packed).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fast_quaternions_agree_with_the_shared_ones(dtype):
    generator = np.random.default_rng(0)
    rot6d = generator.normal(size=(3, 55, 6)).astype(dtype)
    rot6d[0, 0], rot6d[0, 1], rot6d[0, 2, 3:] = 0.0, [1, 0, 0, 2, 0, 0], 0.0
    quats = fast.quats_from_rot6d(rot6d)
    np.testing.assert_allclose(quats, rot.matrix_to_quat(rot.rot6d_to_matrix(rot6d)), atol=2e-6)
    back = np.empty_like(rot6d)
    fast.rot6d_from_quats(quats, back)
    np.testing.assert_allclose(back, rot.matrix_to_rot6d(rot.quat_to_matrix(quats)), atol=1e-6)


@pytest.mark.parametrize("spread", [0.1, 0.8])
def test_fast_limits_agree_with_the_shared_ones(spread):
    quats = rot.quat_canonical(rot.normalize(np.random.default_rng(1).normal(size=(5, 55, 4)) * spread + [0, 0, 0, 1]))
    shown = quats.astype(np.float32)
    expected = clamp_to_limits(shown)
    assert (expected != shown).any() and (expected == shown).any()
    clamp(shown)
    np.testing.assert_array_equal(shown, expected)


@given(seed=SEEDS, far_m=st.sampled_from([0.0, 0.02, 0.3, 2.0]))
@settings(max_examples=20, deadline=None)
def test_fast_legs_agree_with_the_shared_inverse_kinematics(seed, far_m):
    """Bent and straight legs, targets at hand and out of reach."""
    generator = np.random.default_rng(seed)
    turns = rot.axis_angle_to_quat(generator.normal(size=(4, 30, 3)) * [[[0.3]], [[0.5]], [[0.6]], [[0.2]]])
    pelvis, hip, knee, ankle = rot.normalize(turns)
    knee[:5] = hip[:5]  # straight
    thigh, shin = np.array([0.01, -0.39, 0.0]), np.array([0.0, -0.41, -0.01])
    hip_m = generator.normal(size=(30, 3))
    knee_m = hip_m + rot.quat_rotate(hip, np.tile(thigh, (30, 1)))
    ankle_m = knee_m + rot.quat_rotate(knee, np.tile(shin, (30, 1)))
    target_m = ankle_m + far_m * generator.normal(size=(30, 3))
    pole = rot.quat_rotate(pelvis, np.tile([0.0, 0.0, 1.0], (30, 1)))
    leg_turn, knee_turn = two_bone_turns(hip_m, knee_m, ankle_m, target_m, pole)
    wanted_hip = rot.quat_multiply(leg_turn, hip)
    wanted_knee = rot.quat_multiply(leg_turn, rot.quat_multiply(knee_turn, knee))
    leg = Leg(*(tuple(array.T) for array in (pelvis, hip, knee, ankle, hip_m, knee_m, ankle_m)))
    local = [np.stack(quat, -1) for quat in reach(ARRAYS, leg, tuple(target_m.T), tuple(ankle.T))]
    got_hip = rot.quat_multiply(pelvis, local[0])
    got_knee = rot.quat_multiply(got_hip, local[1])
    for got, wanted in ((got_hip, wanted_hip), (got_knee, wanted_knee), (rot.quat_multiply(got_knee, local[2]), ankle)):
        np.testing.assert_allclose(rot.angle_between(got, wanted), 0.0, atol=1e-6)
