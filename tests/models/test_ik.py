"""Two-bone inverse kinematics reaches what can be reached and leaves alone what is right; joint limits likewise."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.models.body import rotations as rot
from gesturestream.models.body.ik import turn_between, two_bone_turns
from gesturestream.models.body.limits import (
    HIGH_RAD,
    LOW_RAD,
    SOFT_RAD,
    clamp_to_limits,
    from_joint_angles,
    joint_angles,
)
from gesturestream.models.body.skeleton import INDEX

SEEDS = st.integers(0, 2**32 - 1)
POLE = np.array([0.0, 0.0, 1.0])


def chains(seed, count=50):
    """Root, middle and end of random chains with bones of 0.2-0.6 m."""
    generator = np.random.default_rng(seed)
    bones = rot.normalize(generator.normal(size=(2, count, 3))) * generator.uniform(0.2, 0.6, (2, count, 1))
    root = generator.normal(size=(count, 3))
    return generator, root, root + bones[0], root + bones[0] + bones[1]


def solved(root, mid, end, target):
    root_turn, mid_turn = two_bone_turns(root, mid, end, target, POLE + 0.0 * root)
    lower = rot.quat_rotate(mid_turn, end - mid)
    return root + rot.quat_rotate(root_turn, mid - root), root + rot.quat_rotate(root_turn, mid - root + lower)


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_end_comes_to_the_target_and_bones_keep_their_length(seed):
    generator, root, mid, end = chains(seed)
    a, b = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (mid - root, end - mid))
    distance = abs(a - b) + (a + b - abs(a - b)) * generator.uniform(0.01, 0.99, a.shape)
    target = root + rot.normalize(generator.normal(size=root.shape)) * distance
    new_mid, new_end = solved(root, mid, end, target)
    np.testing.assert_allclose(new_end, target, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(new_mid - root, axis=-1, keepdims=True), a, atol=1e-9)


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_targets_out_of_reach_are_approached_along_the_line(seed):
    _, root, mid, end = chains(seed)
    direction = rot.normalize(end - root)
    reach = np.linalg.norm(mid - root, axis=-1) + np.linalg.norm(end - mid, axis=-1)
    _, new_end = solved(root, mid, end, root + direction * (reach[:, None] + 0.3))
    np.testing.assert_allclose(new_end, root + direction * reach[:, None], atol=1e-6)


def test_a_chain_that_is_there_is_not_turned():
    _, root, mid, end = chains(7)
    for turn in two_bone_turns(root, mid, end, end, POLE + 0.0 * root):
        np.testing.assert_allclose(turn, np.broadcast_to([0, 0, 0, 1], turn.shape), atol=1e-7)


def test_a_straight_leg_bends_its_knee_forward():
    hip, knee, ankle = np.array([[0.0, 0.9, 0.0], [0.0, 0.5, 0.0], [0.0, 0.1, 0.0]])
    new_knee, new_ankle = solved(hip, knee, ankle, ankle + [0.0, 0.1, 0.0])
    assert new_knee[2] > 0.1
    np.testing.assert_allclose(new_ankle, [0.0, 0.2, 0.0], atol=1e-9)


def test_turn_between_opposite_directions_is_half_a_turn():
    a = rot.normalize(np.random.default_rng(0).normal(size=(20, 3)))
    np.testing.assert_allclose(rot.quat_rotate(turn_between(a, -a), a), -a, atol=1e-9)


def test_torch_agrees():
    _, root, mid, end = chains(3)
    target, pole = end + 0.1, POLE + 0.0 * root
    expected = two_bone_turns(root, mid, end, target, pole)
    got = two_bone_turns(*(torch.from_numpy(x) for x in (root, mid, end, target, pole)))
    for e, g in zip(expected, got, strict=True):
        np.testing.assert_allclose(g.numpy(), e, atol=1e-12)
    quats = rot.normalize(np.random.default_rng(0).normal(size=(4, 55, 4)))
    np.testing.assert_allclose(clamp_to_limits(torch.from_numpy(quats)).numpy(), clamp_to_limits(quats), atol=1e-9)


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_any_pose_is_brought_within_the_limits(seed):
    quats = rot.normalize(np.random.default_rng(seed).normal(size=(5, 55, 4)))
    np.testing.assert_allclose(abs((from_joint_angles(joint_angles(quats)) * quats).sum(-1)), 1.0, atol=1e-9)
    clamped = clamp_to_limits(quats)
    angles = joint_angles(clamped)
    assert (angles >= LOW_RAD - SOFT_RAD - 1e-6).all() and (angles <= HIGH_RAD + SOFT_RAD + 1e-6).all()
    np.testing.assert_allclose(np.linalg.norm(clamped, axis=-1), 1.0, atol=1e-6)


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_legal_poses_are_untouched_and_the_clamp_is_continuous(seed):
    generator = np.random.default_rng(seed)
    angles = LOW_RAD + (HIGH_RAD - LOW_RAD) * generator.uniform(0.001, 0.999, (3, 55, 3))
    # Beyond half a turn (the limitless pelvis, both swings of a shoulder) angles have no unique name.
    angles *= np.minimum(1.0, 3.0 / np.linalg.norm(angles, axis=-1, keepdims=True))
    quats = rot.quat_canonical(from_joint_angles(angles))
    assert (clamp_to_limits(quats) == quats).all()
    knee = np.tile([0.0, 0.0, 0.0, 1.0], (200, 55, 1))
    knee[:, INDEX["left_knee"]] = rot.axis_angle_to_quat(np.linspace(2.3, 3.0, 200)[:, None] * [1.0, 0, 0])
    steps = np.diff(joint_angles(clamp_to_limits(knee))[:, INDEX["left_knee"], 0])
    assert (steps > -1e-9).all() and (steps < 0.7 / 199 + 1e-6).all()


@pytest.mark.parametrize(("joint", "degrees", "legal"), [
    ("left_knee", (90, 0, 0), True), ("left_knee", (-40, 0, 0), False),
    ("left_elbow", (0, -120, 0), True), ("left_elbow", (0, 60, 0), False),
    ("right_elbow", (0, 120, 0), True), ("right_elbow", (0, -60, 0), False),
    ("left_index2", (0, 0, -90), True), ("left_index2", (0, 0, 60), False),
    ("left_shoulder", (0, 0, -85), True), ("left_hip", (-90, 0, 0), True), ("left_hip", (90, 0, 0), False),
    ("jaw", (20, 0, 0), True), ("jaw", (-30, 0, 0), False),
])  # fmt: skip
def test_joints_turn_the_way_a_person_does(joint, degrees, legal):
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (55, 1))
    quats[INDEX[joint]] = rot.axis_angle_to_quat(np.radians(degrees))
    assert (clamp_to_limits(quats) == quats).all() == legal
