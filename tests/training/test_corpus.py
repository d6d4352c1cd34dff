"""Corpus builder: BEAT2's layout, reproducible, readable without pickle; speech synthesis and prominence."""

from __future__ import annotations

import csv
import ctypes.util
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gesturestream.models.body.skeleton import REST_M
from gesturestream.models.motion import EMOTIONS
from gesturestream.training.corpus.build import build_corpus
from gesturestream.training.corpus.jitter import add_capture_jitter
from gesturestream.training.corpus.layout import clip_id, emotion_of
from gesturestream.training.corpus.profile import load_clips, profile
from gesturestream.training.corpus.textgrid import read_textgrid, write_textgrid
from gesturestream.training.speech.prominence import real_speech
from gesturestream.training.speech.speech import Word
from gesturestream.training.speech.synthetic import synthetic_clip

needs_espeak = pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="Debian package espeak-ng")

HOURS = 120 / 3600


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if ctypes.util.find_library("espeak-ng") is None:
        pytest.skip("Debian package espeak-ng")
    return build_corpus(tmp_path_factory.mktemp("corpus"), hours=HOURS, seed=4, workers=1)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_ids_code_the_emotion_as_beat2_does(emotion: str) -> None:
    for index in (0, 7, 999):
        assert emotion_of(clip_id(index, index % 4, emotion)) == emotion


def test_layout_is_beat2s(corpus: Path) -> None:
    details = json.loads((corpus / "gesturestream.json").read_text())["clips"]
    with (corpus / "train_test_split.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(details)
    for clip, entry in details.items():
        with np.load(corpus / "smplxflame_30" / f"{clip}.npz", allow_pickle=False) as data:
            frames = len(data["poses"])
            assert data["poses"].shape == (frames, 165) and data["expressions"].shape == (frames, 100)
            assert data["betas"].shape == (300,) and int(data["mocap_frame_rate"]) == 30
            np.testing.assert_allclose(data["root_m"], data["trans"] + REST_M[0], atol=1e-6)
        wave = soundfile.info(corpus / "wave16k" / f"{clip}.wav")
        assert wave.samplerate == 16000 and frames == -(-wave.frames * 30 // 16000)
        assert emotion_of(clip) == entry["emotion"] and 0 <= entry["speaker"] < 4 and 0 <= entry["intensity"] <= 2
        stresses = set(entry["stressed_syllables_s"])
        assert entry["strokes"] and all(stroke["stress_s"] in stresses for stroke in entry["strokes"])
        words = read_textgrid(corpus / "textgrid" / f"{clip}.TextGrid")
        assert {stroke["word"] for stroke in entry["strokes"]} <= {word.text for word in words}
        assert words and all(a.stop_s <= b.start_s + 1e-6 for a, b in pairwise(words))


def test_the_same_seed_builds_the_same_corpus(corpus: Path, tmp_path: Path) -> None:
    again = build_corpus(tmp_path, hours=HOURS, seed=4, workers=1)
    for file in sorted(corpus.rglob("*.wav")) + sorted(corpus.rglob("*.json")):
        assert file.read_bytes() == (again / file.relative_to(corpus)).read_bytes()
    for file in corpus.rglob("*.npz"):
        with np.load(file) as a, np.load(again / file.relative_to(corpus)) as b:
            np.testing.assert_array_equal(a["poses"], b["poses"])


def test_the_corpus_moves_like_a_speaker(corpus: Path) -> None:
    figures = profile(load_clips(corpus))
    speaking, pausing = figures["wrist_speed_speaking_vs_pausing_m_s"]
    assert 0.2 < speaking < 1.0 and pausing < 0.34 * speaking
    assert figures["right_wrist"]["held_still_fraction(<0.05 m/s)"] < 0.1


def test_recordings_of_any_folder_become_clips(tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    clock = np.arange(3 * 22050) / 22050
    pcm = 0.3 * np.sin(2 * np.pi * 140 * clock) * (np.sin(2 * np.pi * 1.5 * clock) > 0)
    soundfile.write(folder / "a.wav", pcm, 22050)
    soundfile.write(folder / "b.flac", pcm, 22050)
    (folder / "index.csv").write_text("file,speaker,emotion\na.wav,x,anger\nb.flac,x,boredom\n")
    out = build_corpus(tmp_path / "out", speech=str(folder), workers=1, repeats=2)
    clips = json.loads((out / "gesturestream.json").read_text())["clips"]
    assert [entry["emotion"] for entry in clips.values()] == ["anger", "anger"]
    assert all(entry["real"] for entry in clips.values())


def test_capture_jitter_is_white_of_the_asked_size_and_pops() -> None:
    poses, root_m = np.zeros((3000, 55, 3)), np.zeros((3000, 3))
    noisy, shifted = add_capture_jitter(poses, root_m, size=0.5, rng=np.random.default_rng(3))
    degrees = np.degrees(noisy[:, [joint for joint in range(55) if joint not in (22, 23, 24)]])
    assert 0.49 < np.sqrt(np.median(degrees**2) / 0.4549) < 0.51  # the median of chi square of 1 degree is 0.4549
    steps = (degrees[1:] * degrees[:-1]).mean(0) / degrees.var(0)
    assert np.abs(np.median(steps)) < 0.01, "one frame tells nothing about the next"
    jumped = np.linalg.norm(degrees, axis=-1) > 2.8
    assert 2 <= jumped.any(1).sum() <= 60
    assert 0.00048 < shifted.std() < 0.00052 and (noisy[:, 22:25] == 0).all()


def test_corpus_jitter_spoils_the_motion_and_nothing_else(corpus: Path, tmp_path: Path) -> None:
    jittered = build_corpus(tmp_path, hours=HOURS, seed=4, workers=1, jitter=0.4)
    clean, noisy = (profile(load_clips(folder)) for folder in (corpus, jittered))
    assert noisy["jerk_m_s3_mean"] > 3 * clean["jerk_m_s3_mean"]
    clips = [json.loads((folder / "gesturestream.json").read_text())["clips"] for folder in (corpus, jittered)]
    assert clips[0] == clips[1]


def test_words_of_a_recording_choose_its_gestures(tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    clock = np.arange(4 * 16000) / 16000
    loud = sum(np.exp(-(((clock - t) / 0.12) ** 2)) for t in (0.5, 1.5, 2.5, 3.5))
    soundfile.write(folder / "a.wav", 0.4 * loud * np.sign(np.sin(2 * np.pi * 150 * clock)), 16000)
    words = [Word(text=text, start_s=k + 0.1, stop_s=k + 0.9) for k, text in enumerate(("Hello,", "two", "big", "no!"))]
    write_textgrid(folder / "a.TextGrid", words, 4.0)
    out = build_corpus(tmp_path / "out", speech=str(folder), workers=1, repeats=6)
    strokes = [s for c in json.loads((out / "gesturestream.json").read_text())["clips"].values() for s in c["strokes"]]
    wanted = {"Hello,": "wave", "two": "two", "big": "big", "no!": "no"}
    assert {stroke["word"] for stroke in strokes} == set(wanted)
    assert all(stroke["gesture"] in ("beat", wanted[stroke["word"]]) for stroke in strokes)
    assert {stroke["gesture"] for stroke in strokes} >= set(wanted.values()) - {"wave"}
    clip = next((out / "textgrid").glob("*.TextGrid"))
    assert [word.text for word in read_textgrid(clip)] == list(wanted)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        build_corpus(tmp_path / "out", speech=str(tmp_path))


def test_textgrids_come_back(tmp_path: Path) -> None:
    words = (Word(text='say "hi"', start_s=0.1, stop_s=0.4), Word(text="now", start_s=0.4, stop_s=0.9))
    write_textgrid(tmp_path / "x.TextGrid", words, 1.5)
    assert read_textgrid(tmp_path / "x.TextGrid") == words


def test_short_textgrids_and_other_tiers_are_read(tmp_path: Path) -> None:
    tiers = ('"TextTier"', '"marks"', "0", "2", "1", "0.5", '"x"', '"IntervalTier"', '"words"', "0", "2", "2",
             "0", "1.25", '"one"', "1.25", "2", '""')  # fmt: skip
    text = "\n".join(('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", "2", "<exists>", "2", *tiers))
    (tmp_path / "x.TextGrid").write_text(text + "\n")
    assert read_textgrid(tmp_path / "x.TextGrid") == (Word(text="one", start_s=0.0, stop_s=1.25),)


@needs_espeak
def test_stressed_words_are_heard_as_prominent() -> None:
    """What the grammar stressed and what is found in the audio alone agree, well above chance."""
    speech = synthetic_clip(25.0, "neutral", np.random.default_rng(6))
    heard = np.array([stress.time_s for stress in real_speech(speech.pcm).stresses])
    planted = np.array([stress.time_s for stress in speech.stresses])
    near = np.abs(planted[:, None] - heard).min(1) < 0.12
    assert near.mean() > 0.6
    assert len(heard) < 2 * len(planted)


@needs_espeak
def test_words_sound_when_they_are_said_to() -> None:
    speech = synthetic_clip(20.0, "happiness", np.random.default_rng(2))
    spoken = np.zeros(len(speech.pcm), bool)
    for word in speech.words:
        spoken[int(word.start_s * 16000) : int(word.stop_s * 16000)] = True
    power = speech.pcm.astype(float) ** 2
    assert power[spoken].mean() > 50 * power[~spoken].mean()
