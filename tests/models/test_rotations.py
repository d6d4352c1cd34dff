"""Rotations obey the group axioms, over batch shapes, near the identity and at half turns, in numpy and torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gesturestream.models.body import rotations as rot

vectors = arrays(
    np.float64, st.sampled_from([(3,), (2, 3), (2, 4, 3)]), elements=st.floats(-3.0, 3.0, allow_subnormal=False)
)
small = vectors.map(lambda v: v * 1e-5)


@pytest.fixture(params=["numpy", "torch"])
def kind(request):
    return (lambda x: x) if request.param == "numpy" else torch.from_numpy


def assert_close(a, b, atol=1e-7):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=atol)


@settings(max_examples=60)
@given(a=vectors | small)
@pytest.mark.parametrize("make", [lambda x: x, torch.from_numpy], ids=["numpy", "torch"])
def test_round_trips(make, a):
    matrix = rot.axis_angle_to_matrix(make(a))
    assert_close(matrix @ matrix.swapaxes(-1, -2), np.broadcast_to(np.eye(3), matrix.shape))
    assert_close(rot.rot6d_to_matrix(rot.matrix_to_rot6d(matrix)), matrix)
    assert_close(rot.quat_to_matrix(rot.matrix_to_quat(matrix)), matrix)
    assert_close(rot.axis_angle_to_matrix(rot.matrix_to_axis_angle(matrix)), matrix)


@settings(max_examples=60)
@given(data=st.data())
def test_group_axioms(data):
    shape = data.draw(st.sampled_from([(3,), (5, 3)]))
    draw = arrays(np.float64, shape, elements=st.floats(-3.0, 3.0))
    a, b, c = (rot.axis_angle_to_quat(data.draw(draw)) for _ in range(3))
    identity = np.broadcast_to([0.0, 0.0, 0.0, 1.0], a.shape)
    mul = rot.quat_multiply
    assert_close(mul(mul(a, b), c), mul(a, mul(b, c)))
    assert_close(mul(a, identity), a)
    assert_close(mul(a, rot.quat_conjugate(a)), identity)
    assert_close(rot.quat_to_matrix(mul(a, b)), rot.quat_to_matrix(a) @ rot.quat_to_matrix(b))
    v = data.draw(draw)
    assert_close(rot.quat_rotate(a, v), (rot.quat_to_matrix(a) @ v[..., None])[..., 0])
    assert_close(rot.angle_between(rot.quat_slerp(a, b, 1.0), b), np.zeros(a.shape[:-1]), atol=1e-6)


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0]])
def test_half_turns_are_exact(kind, axis):
    matrix = rot.axis_angle_to_matrix(kind(np.pi * np.array(axis, dtype=np.float64)))
    quat = rot.matrix_to_quat(matrix)
    assert_close(rot.quat_to_matrix(quat), matrix)
    assert np.all(np.asarray(quat)[..., 3] >= 0)


@pytest.mark.parametrize("rot6d", [[0.0] * 6, [1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [1e-12] * 6])
def test_degenerate_rot6d_still_gives_a_rotation(kind, rot6d):
    matrix = np.asarray(rot.rot6d_to_matrix(kind(np.array(rot6d, dtype=np.float64))))
    assert_close(matrix @ matrix.T, np.eye(3))
    assert_close(np.linalg.det(matrix), 1.0)
