"""The rest skeleton is a plausible, symmetric SMPL-X body; forward kinematics agrees with 4x4 chains."""

import numpy as np
import torch

from gesturestream.models.body import rotations as rot
from gesturestream.models.body.kinematics import forward_kinematics, local_rotations
from gesturestream.models.body.skeleton import INDEX, JOINT_NAMES, PARENTS, REST_M, REST_OFFSETS_M


def test_table_is_smplx():
    assert len(JOINT_NAMES) == 55
    assert JOINT_NAMES[31] == "left_pinky1" and PARENTS[31] == 20, "pinky comes before ring"
    assert JOINT_NAMES[54] == "right_thumb3" and PARENTS[54] == 53
    assert all(parent < joint for joint, parent in enumerate(PARENTS))


def test_rest_pose_is_symmetric_and_adult():
    for name, joint in INDEX.items():
        if name.startswith("left_"):
            mirrored = REST_M[INDEX[name.replace("left_", "right_")]] * [-1, 1, 1]
            np.testing.assert_allclose(REST_M[joint], mirrored, atol=1e-12)
    assert 0.90 < REST_M[0, 1] < 1.0
    assert 0.64 < REST_M[INDEX["left_wrist"], 0] < 0.70
    assert 0.0 < REST_M[:, 1].min() < 0.05


def independent_forward_kinematics(axis_angle, root_m):
    """Joint by joint with 4x4 matrices and Rodrigues' formula, sharing no code with the implementation."""
    world = []
    for joint, parent in enumerate(PARENTS):
        angle = np.linalg.norm(axis_angle[joint])
        x, y, z = axis_angle[joint] / max(angle, 1e-12)
        k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        local = np.eye(4)
        local[:3, :3] = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
        local[:3, 3] = root_m if parent < 0 else REST_OFFSETS_M[joint]
        world.append(local if parent < 0 else world[parent] @ local)
    return np.stack(world)


def test_forward_kinematics_against_independent_chains():
    generator = np.random.default_rng(0)
    axis_angle, root_m = generator.normal(size=(7, 55, 3)), generator.normal(size=(7, 3))
    matrices = rot.axis_angle_to_matrix(axis_angle)
    positions, world = forward_kinematics(matrices, root_m)
    for t in range(7):
        expected = independent_forward_kinematics(axis_angle[t], root_m[t])
        np.testing.assert_allclose(positions[t], expected[:, :3, 3], atol=1e-10)
        np.testing.assert_allclose(world[t], expected[:, :3, :3], atol=1e-10)
    np.testing.assert_allclose(local_rotations(world), matrices, atol=1e-10)
    as_torch, _ = forward_kinematics(torch.from_numpy(matrices), torch.from_numpy(root_m))
    np.testing.assert_allclose(as_torch.numpy(), positions, atol=1e-10)
