"""The optional mesh, on a synthetic model file of the right keys: the real smplx package agrees with our kinematics."""

import sys

import numpy as np
import pytest

from gesturestream.models.body import rotations as rot
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.skeleton import JOINT_COUNT, PARENTS, REST_M
from gesturestream.models.body.smplx_model import SmplxBody

VERTICES = 9940  # smplx picks vertices up to 9929
BONE_VERTICES = np.arange(JOINT_COUNT, VERTICES) % JOINT_COUNT  # which joint carries each vertex beyond the first 55


def write_synthetic_model(path, rest_m=REST_M):
    """A model file with SMPL-X's keys and shapes: its first 55 vertices are its joints, each vertex has one bone."""
    generator = np.random.default_rng(0)
    bones = np.concatenate([np.arange(JOINT_COUNT), BONE_VERTICES])
    shapedirs = np.zeros((VERTICES, 3, 20), np.float32)
    shapedirs[JOINT_COUNT:] = 0.01 * generator.normal(size=(VERTICES - JOINT_COUNT, 3, 20))
    v_template = (
        rest_m[bones] + 0.05 * generator.normal(size=(VERTICES, 3)) * (np.arange(VERTICES) >= JOINT_COUNT)[:, None]
    )
    np.savez(
        path,
        shapedirs=shapedirs,
        v_template=v_template,
        J_regressor=np.eye(JOINT_COUNT, VERTICES),
        posedirs=np.zeros((VERTICES, 3, 486), np.float32),
        kintree_table=np.stack([np.array(PARENTS), np.arange(JOINT_COUNT)]),
        weights=np.eye(JOINT_COUNT)[bones],
        f=generator.integers(0, VERTICES, (100, 3)),
        # A hand mean that would bend every finger, were it not left out.
        hands_componentsl=np.eye(45), hands_componentsr=np.eye(45),
        hands_meanl=np.full(45, 0.5), hands_meanr=np.full(45, 0.5),
        lmk_faces_idx=np.zeros(51, np.int64), lmk_bary_coords=np.full((51, 3), 1 / 3),
    )  # fmt: skip
    return v_template


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("smplx", reason="optional: pip install gesturestream[smplx]")
    path = tmp_path_factory.mktemp("smplx") / "SMPLX_NEUTRAL.npz"
    v_template = write_synthetic_model(path)
    return SmplxBody(path), v_template


def random_poses(count=3):
    generator = np.random.default_rng(1)
    return rot.axis_angle_to_quat(0.6 * generator.normal(size=(count, JOINT_COUNT, 3))), generator.normal(
        size=(count, 3)
    )


def test_joints_agree_with_our_kinematics(model):
    body, _ = model
    quats, root_m = random_poses()
    expected, _ = forward_kinematics(rot.quat_to_matrix(quats), root_m, body.offsets_m)
    np.testing.assert_allclose(body.pose(quats, root_m).joints_m.detach(), expected, atol=1e-5)
    np.testing.assert_allclose(body.rest_m, REST_M - REST_M[0], atol=1e-6)


def test_vertices_move_with_their_bones(model):
    body, v_template = model
    quats, root_m = random_poses()
    joints_m, world = forward_kinematics(rot.quat_to_matrix(quats), root_m)
    from_joint = (v_template[JOINT_COUNT:] - REST_M[BONE_VERTICES])[..., None]
    expected = joints_m[:, BONE_VERTICES] + (world[:, BONE_VERTICES] @ from_joint)[..., 0]
    got = body.pose(quats, root_m).vertices_m.detach()[:, JOINT_COUNT:]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_expressions_and_gradients_reach_the_mesh(model):
    import torch

    body, _ = model
    quats, root_m = (torch.tensor(x, requires_grad=True) for x in random_poses(1))
    smiling, plain = body.pose(quats, root_m, np.ones((1, 100))), body.pose(quats, root_m)
    assert (smiling.vertices_m - plain.vertices_m).abs().max() > 0.01
    torch.testing.assert_close(smiling.joints_m, plain.joints_m)
    plain.vertices_m.square().sum().backward()
    assert torch.isfinite(quats.grad).all() and quats.grad.abs().max() > 0


def test_what_is_wrong_is_said(tmp_path, monkeypatch):
    other = tmp_path / "other.npz"
    np.savez(other, v_template=np.zeros(3))
    monkeypatch.setitem(sys.modules, "smplx", sys)  # the file is looked at before the package does anything with it
    with pytest.raises(FileNotFoundError, match=r"SMPLX_NEUTRAL\.npz"):
        SmplxBody(tmp_path / "nowhere.npz")
    with pytest.raises(ValueError, match="J_regressor"):
        SmplxBody(other)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match="npz form"):
        SmplxBody(tmp_path / "text.npz")
    monkeypatch.setitem(sys.modules, "smplx", None)
    with pytest.raises(ImportError, match=r"gesturestream\[smplx\]"):
        SmplxBody(other)
