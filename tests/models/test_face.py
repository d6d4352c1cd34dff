"""The two descriptions of a face, and what docs/face.md says of them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from gesturestream.bridge.protocol.quantize import decode_fixed, encode_fixed
from gesturestream.models.face import EXPRESSION_BASIS, blendshapes_to_expressions, expressions_to_blendshapes

PAGE = (Path(__file__).parents[2] / "docs" / "face.md").read_text()
FACES = arrays(np.float64, 52, elements=st.floats(0, 1))


def test_the_documented_example_says_what_it_prints():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    promised = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(promised) == 4 and done.stdout.splitlines() == promised


def test_the_basis_is_the_documented_formula():
    i, j = np.meshgrid(np.arange(52), np.arange(100), indexing="ij")
    assert_allclose(EXPRESSION_BASIS, np.sqrt(2 / 100) * np.cos(np.pi * (2 * j + 1) * (i + 1) / 200), atol=1e-15)
    assert_allclose(EXPRESSION_BASIS @ EXPRESSION_BASIS.T, np.eye(52), atol=1e-12)


@given(FACES)
def test_the_way_back_is_exact(face):
    assert_allclose(expressions_to_blendshapes(blendshapes_to_expressions(face)), face, atol=1e-12)


@given(FACES)
def test_the_way_back_survives_the_wire_in_q16(face):
    """Unless it saturates: no more than a few shapes are ever fully on."""
    face = face * (face > np.sort(face)[-8])
    expressions = blendshapes_to_expressions(face)
    if abs(expressions).max() < 8:
        assert_allclose(expressions_to_blendshapes(decode_fixed(encode_fixed(expressions))), face, atol=4e-4)


@pytest.mark.parametrize("shape", [(3, 52), (2, 5, 52)])
def test_numpy_and_torch_agree(shape):
    faces = np.random.default_rng(0).random(shape).astype(np.float32)
    expressions = blendshapes_to_expressions(faces)
    assert expressions.dtype == np.float32 and expressions.shape == (*shape[:-1], 100)
    in_torch = blendshapes_to_expressions(torch.tensor(faces))
    assert_allclose(in_torch.numpy(), expressions, atol=1e-5)
    assert_allclose(expressions_to_blendshapes(in_torch).numpy(), faces, atol=1e-6)


def test_expressions_that_are_no_face_are_clipped_to_one():
    shapes = expressions_to_blendshapes(np.random.default_rng(1).normal(size=(20, 100)) * 5)
    assert shapes.min() == 0.0 and shapes.max() <= 1.0
