"""Files as a voice: any format in, 16 kHz mono out, in a microphone's rhythm."""

import re
import time
from itertools import pairwise
from threading import Event

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.realtime.sources.files import FileSource, demo_speech_path, read_audio


def hum(rate: int, seconds: float = 0.5) -> np.ndarray:
    """A 200 Hz tone that swells: neither periodic nor symmetric, so that a shift is seen."""
    t = np.arange(int(rate * seconds)) / rate
    return (t * np.sin(2 * np.pi * 200 * t)).astype(np.float32)


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "hum.wav"
    soundfile.write(path, hum(16000), 16000, subtype="FLOAT")
    return path


def collect(source: FileSource, pushes: int | None = None) -> list[np.ndarray]:
    """Runs `source` to its end, or stops it after `pushes`."""
    chunks, stop = [], Event()

    def push(chunk):
        chunks.append(chunk)
        if len(chunks) == pushes:
            stop.set()

    source.run(push, stop)
    return chunks


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg"])
def test_every_format_becomes_16_khz_mono(tmp_path, extension, rate, channels):
    path = tmp_path / f"hum.{extension}"
    loudness = np.linspace(1, 1.5, channels) / np.linspace(1, 1.5, channels).mean()
    soundfile.write(path, hum(rate)[:, None] * loudness[None], rate)
    pcm = read_audio(path)
    assert pcm.dtype == np.float32 and pcm.shape == (8000,)
    np.testing.assert_allclose(pcm[200:-200], hum(16000)[200:-200], atol=0.05)  # MP3 and OGG are lossy


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("none.wav", None, FileNotFoundError, "no such audio file"),
        ("empty.wav", b"", ValueError, "got an empty one"),
        ("text.wav", b"not audio at all " * 9, ValueError, "WAV, FLAC, MP3, OGG.*not recognised"),
        ("headerless.raw", b"1234", ValueError, "WAV, FLAC, MP3, OGG"),
        ("cut.flac", b"fLaC\0\0\0\x22\x10\0\x10\0", ValueError, "WAV, FLAC, MP3, OGG"),
    ],
)
def test_a_file_that_is_no_audio_is_named(tmp_path, name, content, error, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=f"{name}: .*{message}"):
        read_audio(path)


def test_a_file_without_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(0), 16000)
    with pytest.raises(ValueError, match=r"silent\.wav: .*without samples"):
        FileSource(tmp_path / "silent.wav")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="got a directory"):
        read_audio(tmp_path)


@given(chunk_s=st.floats(1 / 16000, 1))
@settings(max_examples=30, deadline=None)
def test_chunks_join_to_the_file(wav, chunk_s):
    source = FileSource(wav, chunk_s, paced=False)
    chunks = collect(source)
    np.testing.assert_array_equal(np.concatenate(chunks), source.pcm)
    assert {len(chunk) for chunk in chunks[:-1]} <= {source.chunk_samples}


def test_chunk_of_no_length_is_refused(wav):
    with pytest.raises(ValueError, match="chunk_s"):
        FileSource(wav, chunk_s=0)


@pytest.mark.parametrize("chunk_s", [0.01, 0.013, 0.7])
def test_loop_has_no_gap_and_ends_when_told(wav, chunk_s):
    source = FileSource(wav, chunk_s, paced=False, loop=True)
    pushes = int(2.5 * 8000 / source.chunk_samples)
    chunks = collect(source, pushes)
    assert [len(chunk) for chunk in chunks] == [source.chunk_samples] * pushes
    pcm = np.concatenate(chunks)
    np.testing.assert_array_equal(pcm, np.tile(source.pcm, 4)[: len(pcm)])


def test_paced_chunks_never_come_before_they_were_spoken(wav):
    source, arrivals = FileSource(wav), []
    started = time.monotonic()
    source.run(lambda chunk: arrivals.append((time.monotonic(), len(chunk))), Event())
    spoken = np.cumsum([samples for _, samples in arrivals]) / 16000
    assert all(at >= started + due for (at, _), due in zip(arrivals, spoken, strict=True))


def test_stop_before_the_start_pushes_nothing(wav):
    stop = Event()
    stop.set()
    FileSource(wav, loop=True).run(lambda chunk: pytest.fail("pushed after stop"), stop)


def test_demo_speech_is_short_small_and_pauses():
    pcm = read_audio(demo_speech_path())
    assert 20 <= len(pcm) / 16000 <= 30
    assert demo_speech_path().stat().st_size <= 600_000
    loud = np.flatnonzero(np.abs(pcm) > 0.01)
    assert 2.5 <= max(b - a for a, b in pairwise(loud)) / 16000 <= 4.5


def test_demo_transcript_is_what_was_synthesised():
    said = demo_speech_path().with_suffix(".txt").read_text().split()
    assert re.sub(r"<[^>]*>", " ", demo_speech_path().with_suffix(".ssml").read_text()).split() == said
