"""The suite's own rule: continuous integration cannot pass by skipping."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SKIPPING = """
import pytest

def test_optional():
    pytest.skip("optional: pip install something")

@pytest.mark.skipif(True, reason="no browser")
def test_browser():
    pass

@pytest.fixture
def voice():
    pytest.skip("Debian package espeak-ng")

def test_voice(voice):
    pass

@pytest.mark.xfail(reason="known")
def test_known():
    assert False
"""


@pytest.mark.parametrize(("required", "outcome"), [("", (0, 0, 3)), ("1", (1, 2, 1))])
def test_a_skip_fails_where_everything_must_run(required: str, outcome: tuple[int, int, int], tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    code, failed, skipped = outcome
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env={**os.environ, "GESTURESTREAM_REQUIRE_ALL": required},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = result.stdout.splitlines()
    named = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    assert (result.returncode, len(named)) == (code, failed), result.stdout
    assert f"{skipped} skipped" in lines[-1]
    assert "1 xfailed" in lines[-1]
