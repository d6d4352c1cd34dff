"""The microphone source: its ring, its errors, and real capture through PortAudio from a virtual microphone."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.realtime.frame import FrameFlag
from gesturestream.realtime.sources.files import demo_speech_path, read_audio, resample_file
from gesturestream.realtime.sources.microphone import BlockRing
from tests.realtime.virtual_microphone import RATE_HZ, Listener, VirtualMicrophone, missing_packages

SPEECH_S = 4.0


@given(capacity=st.integers(1, 8), puts=st.lists(st.integers(0, 12), max_size=12))
def test_ring_keeps_order_drops_the_oldest_and_counts_them(capacity, puts):
    ring, number, dropped = BlockRing(capacity), 0, 0
    for count in puts:
        put = list(range(number, number + count))
        number += count
        for value in put:
            ring.put(np.full(1, value, np.float32))
        assert ring.wait(0) == (count > 0)
        assert [int(block[0]) for block in ring.take()] == put[-capacity:]
        dropped += max(0, count - capacity)
    assert ring.overflows == dropped


def run_python(code: str, environment: dict[str, str]) -> str:
    """What `code` says in a fresh interpreter: PortAudio reads its environment when it starts."""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_missing_portaudio_names_the_package():
    code = """
import ctypes.util
ctypes.util.find_library = lambda name: None  # a machine without the shared library
from gesturestream.realtime.sources.devices import AudioDeviceError
from gesturestream.realtime.sources.microphone import MicrophoneSource
try:
    MicrophoneSource()
except AudioDeviceError as error:
    print(error)
"""
    assert "apt-get install libportaudio2" in run_python(code, dict(os.environ))


needs_virtual_microphone = pytest.mark.skipif(
    bool(missing_packages()), reason=f"not installed: {' '.join(missing_packages())}"
)


@pytest.fixture
def microphone(tmp_path):
    virtual = VirtualMicrophone(tmp_path / "microphone")
    virtual.plug_in()
    yield virtual
    virtual.unplug()


@pytest.fixture
def listener(microphone):
    listening = Listener(microphone, "virtmic")
    yield listening
    listening.kill()


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """A few seconds of the demo speech at the device's rate, as a WAV file and as samples."""
    pcm = resample_file(read_audio(demo_speech_path())[: int(SPEECH_S * 16000)], 16000, RATE_HZ)
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(path, pcm, RATE_HZ, subtype="PCM_16")
    return path, pcm


def correlation_after_alignment(heard: np.ndarray, played: np.ndarray) -> float:
    """Correlation of `played` [n] with the n samples of `heard` that resemble it most."""
    size = len(heard) + len(played)
    cross = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size)), size)
    start = int(np.argmax(cross[: len(heard) - len(played) + 1]))
    return float(np.corrcoef(heard[start : start + len(played)], played)[0, 1])


def likeness(heard: np.ndarray, played: np.ndarray) -> float:
    """Median correlation of the half seconds of `played` with where each is heard.

    The median, because a busy machine may drop samples: that spoils the half second and shifts those behind it.
    """
    pieces = np.array_split(played, round(2 * SPEECH_S))
    return float(np.median([correlation_after_alignment(heard, piece) for piece in pieces]))


@needs_virtual_microphone
@pytest.mark.virtual_microphone
def test_devices_are_found_by_index_name_and_default(microphone):
    code = """
from gesturestream.realtime.sources.devices import AudioDeviceError, find_device, list_devices
devices = list_devices()
for device in devices:
    assert find_device(device.index) == find_device(str(device.index)) == device
    assert find_device(device.name) == device
assert find_device("VIRT").name == "virtmic"
assert find_device() == find_device(None) == next(device for device in devices if device.is_default)
for wanted in ("no such thing", 999, -1):
    try:
        find_device(wanted)
    except AudioDeviceError as error:
        assert repr(wanted) in str(error) and all(str(device) in str(error) for device in devices), error
    else:
        raise AssertionError(wanted)
print(find_device("virtmic").rate)
"""
    assert run_python(code, microphone.environment).strip() == str(RATE_HZ)


@needs_virtual_microphone
@pytest.mark.virtual_microphone
def test_no_microphone_is_said(microphone):
    microphone.unplug()
    code = """
from gesturestream.realtime.sources.devices import AudioDeviceError
from gesturestream.realtime.sources.microphone import MicrophoneSource
try:
    MicrophoneSource()
except AudioDeviceError as error:
    print(error)
"""
    assert "no capture device at all" in run_python(code, microphone.environment)


@needs_virtual_microphone
@pytest.mark.virtual_microphone
def test_what_is_played_is_heard_in_real_time(microphone, listener, speech):
    path, played = speech
    listener.wait_for("hearing")
    microphone.play(path)
    heard = listener.stop()
    assert int(heard["rate"]) == RATE_HZ
    assert set(heard["samples"]) == {RATE_HZ // 100}
    assert likeness(heard["pcm"], played) > 0.99
    # Blocks come as they are spoken, not sooner: what came after the start-up took as long as it lasts.
    later = heard["arrivals"] >= heard["arrivals"][0] + 1
    assert np.ptp(heard["arrivals"][later]) > 0.8 * heard["samples"][later].sum() / RATE_HZ > 0.5 * SPEECH_S


@needs_virtual_microphone
@pytest.mark.virtual_microphone
@pytest.mark.parametrize(("lose", "restore"), [("unplug", "plug_in"), ("freeze", "thaw")])
def test_lost_and_found_again_without_a_restart(microphone, listener, speech, lose, restore):
    path, played = speech
    listener.wait_for("hearing")
    getattr(microphone, lose)()
    listener.wait_for("lost")
    getattr(microphone, restore)()
    listener.wait_for("back")
    microphone.play(path)
    assert likeness(listener.stop()["pcm"], played) > 0.99


@needs_virtual_microphone
@pytest.mark.virtual_microphone
def test_speech_through_portaudio_becomes_frames(microphone, speech):
    path, played = speech
    listening = Listener(microphone, "virtmic", "capture_frames.py")
    try:
        listening.wait_for("hearing")
        microphone.play(path)
        shown = listening.stop()
    finally:
        listening.kill()
    assert likeness(resample_file(shown["pcm"], 16000, RATE_HZ), played) > 0.99
    frames = len(shown["index"])
    np.testing.assert_array_equal(shown["index"], np.arange(frames))
    assert frames >= int(shown["pushed_s"] * 30)  # more where the machine was late and silence was filled in
    np.testing.assert_allclose(np.linalg.norm(shown["quat_xyzw"], axis=-1), 1, atol=1e-4)
    speaking = shown["flags"] & FrameFlag.IDLE == 0
    assert speaking.sum() >= 0.5 * SPEECH_S * 30
    assert np.ptp(shown["quat_xyzw"][speaking], axis=0).max() > 0.05
