"""The command line as a user meets it: real processes, their output, exit codes and what they leave behind."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT / "realtime" / "assets" / "demo_speech.flac"
COMMANDS = ("demo", "live", "serve", "render", "devices", "train", "corpus", "export", "bench")


HELP = """
import sys
from gesturestream.cli import main
try:
    main([sys.argv[1], "--help"])
finally:
    assert "torch" not in sys.modules
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "gesturestream.cli", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, *options: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`gesturestream NAME --port ...` that answers on /healthz; killed at the end unless it has ended."""
    port = free_port()
    process = subprocess.Popen(
        command(name, "--port", port, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_healthy(process, port)
        yield process, port
    finally:
        process.kill()
        process.communicate()


def wait_healthy(process: subprocess.Popen[str], port: int) -> None:
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)


def assert_clear_error(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2 and a message that holds all of `words`, without a traceback."""
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", result.stdout), name


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("train", "corpus")])
def test_every_command_explains_itself_without_torch(name: str) -> None:
    result = subprocess.run([sys.executable, "-c", HELP, name], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "--debug" in result.stdout


@pytest.mark.parametrize("name", ["demo", "render"])
def test_missing_file(name: str, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.wav"
    options = ["--file", missing, "--port", 0] if name == "demo" else [missing, "-o", tmp_path / "out.npz"]
    assert_clear_error(run(name, *options), "nowhere.wav", "no such")


def test_corrupt_file(tmp_path: Path) -> None:
    corrupt = tmp_path / "corrupt.flac"
    corrupt.write_bytes(SPEECH.read_bytes()[:40] + bytes(range(256)) * 8)
    assert_clear_error(run("render", corrupt, "-o", tmp_path / "out.npz"), "corrupt.flac", "expected")
    assert not (tmp_path / "out.npz").exists()


def test_unknown_output_format_is_found_before_the_work(tmp_path: Path) -> None:
    assert_clear_error(run("render", SPEECH, "-o", tmp_path / "out.fbx"), "out.fbx", ".npz", ".bvh")


def test_output_into_a_missing_folder_is_found_before_the_work(tmp_path: Path) -> None:
    assert_clear_error(run("render", SPEECH, "-o", tmp_path / "missing" / "out.npz"), "missing", "no such folder")


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--emotion", "grumpy", "happiness"),
        ("--emotion", "anger=much", "much"),
        ("--lookahead-frames", "3", "8"),
        ("--intensity", "5", "0 to 2"),
        ("--speaker", "999", "speaker"),
        ("--generator", "nobody", "audio2gestures"),
    ],
)
def test_bad_option_is_named(option: str, value: str, word: str, tmp_path: Path) -> None:
    assert_clear_error(run("render", SPEECH, "-o", tmp_path / "out.npz", option, value), word)


@pytest.mark.parametrize(
    "content", [None, b"\x80\x04K\x01.", SPEECH.read_bytes()[:4096]], ids=["missing", "pickle", "sound"]
)
def test_foreign_checkpoint(content: bytes | None, tmp_path: Path) -> None:
    checkpoint = tmp_path / "own.safetensors"
    if content is not None:
        checkpoint.write_bytes(content)
    result = run("render", SPEECH, "-o", tmp_path / "out.npz", "--checkpoint", checkpoint)
    assert_clear_error(result, "own.safetensors", "gesturestream train")


def test_unknown_device() -> None:
    word = "microphone" if find_library("portaudio") else "libportaudio2"
    assert_clear_error(run("live", "--device", "no such microphone", "--port", 0), word)


def test_exposed_host_needs_a_token() -> None:
    assert_clear_error(run("serve", "--host", "0.0.0.0", "--port", 0), "--token")


def test_certificate_without_key(tmp_path: Path) -> None:
    assert_clear_error(run("serve", "--tls-cert", tmp_path / "cert.pem"), "tls_key")


def test_port_in_use() -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        assert_clear_error(run("serve", "--port", port), str(port), "--port")


def test_render_writes_both_formats(tmp_path: Path) -> None:
    pcm, rate = soundfile.read(SPEECH, frames=16000 * 2)
    soundfile.write(tmp_path / "short.wav", pcm, rate)
    npz, bvh = tmp_path / "out.npz", tmp_path / "out.bvh"
    result = run("render", tmp_path / "short.wav", "-o", npz, "-o", bvh, "--seed", 7)
    assert result.returncode == 0, result.stderr
    frames = -(-len(pcm) * 30 // rate)
    with np.load(npz) as motion:
        assert motion["poses"].shape == (frames, 165)
        assert np.isfinite(motion["poses"]).all()
        assert np.ptp(motion["poses"], axis=0).max() > 0.1, "the body does not move"
    assert f"Frames: {frames}" in bvh.read_text()


def test_same_seed_renders_the_same_motion(tmp_path: Path) -> None:
    pcm, rate = soundfile.read(SPEECH, frames=16000)
    soundfile.write(tmp_path / "short.wav", pcm, rate)
    poses = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert run("render", tmp_path / "short.wav", "-o", tmp_path / f"{name}.npz", "--seed", seed).returncode == 0
        with np.load(tmp_path / f"{name}.npz") as motion:
            poses.append(motion["poses"])
    assert np.array_equal(poses[0], poses[1])
    assert not np.array_equal(poses[0], poses[2])


def test_interrupted_render_leaves_a_readable_recording(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.resize(soundfile.read(SPEECH)[0], 16000 * 3600), 16000)
    out = tmp_path / "out.npz"
    process = subprocess.Popen(command("render", tmp_path / "long.wav", "-o", out), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any("108000 frames" in line for line in iter(process.stderr.readline, "")), "says what it is about to do"
    time.sleep(3)  # an hour of speech takes minutes
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    with np.load(out) as motion:
        assert 0 < len(motion["poses"]) < 30 * 3600


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_interrupted_server_ends_cleanly(name: str) -> None:
    with running(name) as (process, port):
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode in (0, 130), stderr
        assert "Traceback" not in stderr
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_python_of_the_readme_receives_frames(tmp_path: Path) -> None:
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    (tmp_path / "client.py").write_text(block[1])
    with running("demo") as (_, port):
        url = f"ws://127.0.0.1:{port}/v1/stream"
        client = subprocess.Popen(
            [sys.executable, "-u", tmp_path / "client.py", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert client.stdout is not None
        lines = [client.stdout.readline() for _ in range(30)]
        client.kill()
        _, stderr = client.communicate()
    sequences = [int(line.split()[0]) for line in lines if "right wrist" in line]
    assert len(sequences) == 30, stderr
    assert sequences == sorted(set(sequences))


def test_suite_collects_with_plain_pytest() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-2000:]
