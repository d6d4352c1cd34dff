"""Hints and words from files, as `gesturestream render` takes them: followed, or clearly refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gesturestream.cli import main
from gesturestream.cli.render import speak
from gesturestream.cli.told import Told, read_words
from gesturestream.models.body.rotations import angle_between, axis_angle_to_quat
from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.words import word_ids
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.hints import Word
from gesturestream.realtime.hints.files import read_hints
from gesturestream.training.corpus.textgrid import write_textgrid
from gesturestream.training.speech.speech import Word as SpokenWord
from tests.realtime.echo import Viewer, babble
from tests.realtime.test_hints import Told as TellingExecutor

JOINTS = [INDEX[name] for name in ("left_shoulder", "left_elbow", "right_wrist")]
WORDS = (Word("hello", 0.25, 0.5), Word("world", 0.75, 1.5))


def hints_file(path: Path, frames: int, rate_hz: float, **changes) -> Path:
    """The joints swing; they are given in the second half."""
    times_s = np.arange(frames) / rate_hz
    poses = np.full((frames, 55, 3), np.nan)
    mask = np.zeros((frames, 55), bool)
    poses[:, JOINTS] = np.stack([0.3 * np.sin(2 * times_s), -1.0 + 0.4 * np.cos(3 * times_s), 0.1 * times_s], -1)[
        :, None
    ]
    mask[frames // 2 :, JOINTS] = True
    arrays = {"poses": poses.reshape(frames, -1), "mask": mask, "mocap_frame_rate": np.array(rate_hz)} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_render_keeps_to_the_hints_and_generates_the_rest(tmp_path, capsys):
    """The mean error of hinted joints is under 5 degrees where the mask gives them."""
    hints = hints_file(tmp_path / "hints.npz", 90, 30.0, mocap_frame_rate=None)
    soundfile.write(tmp_path / "speech.wav", 0.1 * np.random.default_rng(0).standard_normal(64000), 16000)
    (tmp_path / "words.json").write_text(json.dumps([word._asdict() for word in WORDS]))
    out, plain = tmp_path / "out.npz", tmp_path / "plain.npz"
    speech = ["render", str(tmp_path / "speech.wav"), "--words", str(tmp_path / "words.json"), "--seed", "3"]
    assert main([*speech, "--hints", str(hints), "-o", str(out)]) == 0
    assert main([*speech, "-o", str(plain)]) == 0
    shown, free = (axis_angle_to_quat(np.load(p)["poses"].reshape(-1, 55, 3).astype(float)) for p in (out, plain))
    clip = read_hints(hints)
    error = np.degrees(angle_between(shown[45:90, JOINTS], clip.quat_xyzw[45:]))
    assert error.mean(0).max() < 5.0
    assert np.degrees(angle_between(free[45:90, JOINTS], clip.quat_xyzw[45:])).mean() > 15.0
    assert angle_between(shown[:35], free[:35]).max() < 1e-3, "before it there is no difference"
    assert angle_between(shown[46:90], shown[45:89]).max(0)[[3, 6, 12, 17, 19]].min() > 1e-4, "the rest is alive"


def test_hints_at_another_rate_are_given_where_both_frames_around_are(tmp_path):
    clip = read_hints(hints_file(tmp_path / "hints.npz", 121, 60.0))
    assert len(clip) == 61 and clip.joints.tolist() == JOINTS
    assert not clip.given[:30].any() and clip.given[30:].all()
    times_s = np.arange(61) / 30.0
    turns = np.stack([0.3 * np.sin(2 * times_s), -1.0 + 0.4 * np.cos(3 * times_s), 0.1 * times_s], -1)
    assert angle_between(clip.quat_xyzw[30:, 0], axis_angle_to_quat(turns[30:])).max() < 1e-3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mask": None}, "got no mask"),
        ({"poses": None}, "got no poses"),
        ({"mask": np.ones((90, 54), bool)}, r"mask bool \[90, 55\], got bool \[90, 54\]"),
        ({"mask": np.ones((90, 55))}, "got float64"),
        ({"mask": np.zeros((90, 55), bool)}, "at least one joint"),
        ({"mask": np.ones((90, 55), bool)}, "finite poses"),
        ({"poses": np.zeros((90, 156))}, r"poses \[T, 165\]"),
        ({"mocap_frame_rate": np.array(1000.0)}, "mocap_frame_rate 10..240"),
    ],
)
def test_what_is_wrong_with_a_hints_file_is_said(tmp_path, changes, said):
    with pytest.raises(ValueError, match=rf"hints\.npz.*{said}"):
        read_hints(hints_file(tmp_path / "hints.npz", 90, 30.0, **changes))


def test_words_are_read_from_a_textgrid_and_from_json(tmp_path):
    spoken = [SpokenWord(text=text, start_s=start, stop_s=end) for text, start, end in WORDS]
    write_textgrid(tmp_path / "a.TextGrid", spoken, 2.0)
    (tmp_path / "a.json").write_text(json.dumps({"words": [word._asdict() for word in WORDS]}))
    assert read_words(tmp_path / "a.TextGrid") == read_words(tmp_path / "a.json") == WORDS


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "[", "a.json"),
        ("a.json", '{"sentences": []}', "list of words"),
        ("a.json", '[{"text": "a", "start_s": "x", "end_s": 1}]', "words.0"),
        ("a.json", '[{"text": "a", "start_s": 2, "end_s": 1}]', "words.0.end_s"),
        ("a.TextGrid", "hello", "TextGrid"),
    ],
)
def test_a_transcript_that_is_none_is_one_sentence_and_code_2(tmp_path, capsys, name, text, said):
    (tmp_path / name).write_text(text)
    soundfile.write(tmp_path / "speech.wav", np.zeros(1600), 16000)
    out = str(tmp_path / "out.npz")
    assert main(["render", str(tmp_path / "speech.wav"), "--words", str(tmp_path / name), "-o", out]) == 2
    error = capsys.readouterr().err
    assert said in error and name in error and "Traceback" not in error


def test_words_of_a_long_recording_are_told_in_time_and_in_order_with_it():
    """More words than may wait, told a few at a time: the last as exactly as the first."""
    words = tuple(Word(str(k), k / 20, (k + 1) / 20) for k in range(1100))
    executor, viewer = TellingExecutor(), Viewer()
    with Engine({"echo": executor}, default="echo") as engine:
        session = engine.open(SessionConfig(mode="offline", seed=1), viewer)
        for _ in speak(session, babble(55.0), Told(words=words)):
            pass
    heard = executor.heard("words")[:, 0]
    assert len(heard) == 1650
    latest = [int((frame + 0.5) / 30 * 20) for frame in range(1650)]
    assert (heard == [word_ids(str(k)) for k in latest]).all()
