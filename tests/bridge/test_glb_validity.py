"""What other people's programs say of a .glb file, and that the body in it is the viewer's of today."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from safetensors.numpy import load_file

from gesturestream.bridge.recorders import Recorder
from gesturestream.bridge.recorders.avatar import ASSET
from tests.bridge.test_browser import DRIVERS, WEB, node
from tests.bridge.test_recorders import random_frames

pytestmark = [
    pytest.mark.skipif(node() is None, reason="no Node.js: apt-get install nodejs, or make viewer"),
    pytest.mark.skipif(not (WEB / "node_modules" / "gltf-validator").is_dir(), reason="no gltf-validator: make viewer"),
]


def run(*arguments, **options):
    done = subprocess.run([node(), *map(str, arguments)], capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("count", [1, 40])
def test_the_khronos_validator_finds_nothing(tmp_path, count):
    with Recorder(tmp_path / "a.glb") as recorder:
        for frame in random_frames(count, np.random.default_rng(6)):
            recorder.append(frame)
    said = json.loads(run(DRIVERS / "validate-glb.mjs", tmp_path / "a.glb"))
    assert said["issues"]["messages"] == []
    assert (said["info"]["animationCount"], said["info"]["hasSkins"], said["info"]["hasMorphTargets"]) == (
        1,
        True,
        True,
    )


def test_the_body_is_the_viewers(tmp_path):
    """Another machine's sines may round the other way, so the numbers may be a step apart."""
    run("tools/bake-avatar.mjs", tmp_path / "avatar.safetensors", cwd=Path(WEB))
    baked, committed = load_file(tmp_path / "avatar.safetensors"), load_file(ASSET)
    remedy = f"the viewer's body has changed: in bridge/web run node tools/bake-avatar.mjs {ASSET}, and look at a file"
    assert {name: array.shape for name, array in baked.items()} == {
        name: array.shape for name, array in committed.items()
    }, remedy
    for name, array in baked.items():
        assert_allclose(array.astype(float), committed[name].astype(float), atol=3, err_msg=f"{name}: {remedy}")
