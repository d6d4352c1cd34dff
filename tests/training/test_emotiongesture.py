"""EmotionGesture's losses against closed forms, its recordings, and both stages of training on a tiny corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from gesturestream.models import checkpoint
from gesturestream.models.emotiongesture import EmotionGesture
from gesturestream.models.emotiongesture.beats import Transcript
from gesturestream.models.motion import EMOTIONS
from gesturestream.models.words import word_ids
from gesturestream.training.corpus.build import CorpusConfig, build
from gesturestream.training.dataset import Corpus
from gesturestream.training.emotiongesture.alignment import alignment_loss
from gesturestream.training.emotiongesture.gestures import GestureObjective, GestureWeights
from gesturestream.training.emotiongesture.hearing import calibrate, calibration_error, verdicts
from gesturestream.training.emotiongesture.motion_smooth import UNIT, motion_smooth_loss
from gesturestream.training.emotiongesture.recordings import LONGEST_FRAMES, Voices, read_index, without
from gesturestream.training.recipes.emotiongesture import RealSpeech, TrainEmotionGesture
from gesturestream.training.train import train
from gesturestream.training.trainer import TrainerConfig
from tests.models.laws import babble
from tests.models.test_emotiongesture import SMALL

QUICK = TrainerConfig(steps=3, rows=4, frames=40, warm_up_steps=1, checkpoint_every=2, watch_every=100, device="cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return build(CorpusConfig(out=tmp_path_factory.mktemp("corpus") / "corpus", hours=0.05, seed=3))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    """Four speakers with a second each of three moods; one label is none of the eight."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = ["file,seconds,language,speaker,emotion,text,alignment,licence"]
    for i, speaker in enumerate(("a", "b", "c", "d")):
        for k, emotion in enumerate(("anger", "sadness", "boredom")):
            name = f"set/{speaker}{k}.wav"
            (folder / "set").mkdir(exist_ok=True)
            soundfile.write(folder / name, babble(1.0, seed=10 * i + k), 16000)
            rows.append(f"{name},1.0,de,{speaker},{emotion},,,CC0")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_motion_smooth_loss_is_the_divergence_of_softened_offsets():
    """Two offsets of one component: a Bernoulli distribution each, so that the divergence has a closed form."""
    made, true, temperature = (0.0, 0.3), (0.0, -0.2), 5.0
    poses = [torch.tensor([[0.0], [a], [a + b]], dtype=torch.float64) for a, b in (made, true)]
    p = 1 / (1 + np.exp((true[1] - true[0]) / (UNIT * temperature)))
    q = 1 / (1 + np.exp((made[1] - made[0]) / UNIT))
    expected = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert float(motion_smooth_loss(*poses, temperature)) == pytest.approx(expected, abs=1e-12)


def test_motion_smooth_loss_ignores_even_motion_and_punishes_trembling():
    steady = torch.linspace(0.0, 1.0, 12)[:, None]
    trembling = steady + 0.1 * torch.tensor([1.0, -1.0]).repeat(6)[:, None]
    assert float(motion_smooth_loss(steady, steady, 10.0)) == pytest.approx(0.0, abs=1e-6)
    smooth, jittery = (float(motion_smooth_loss(made, trembling, 10.0)) for made in (steady, trembling))
    assert smooth < 0.1 * jittery, "a steady motion is closer to the softened capture than the capture itself"
    assert float(motion_smooth_loss(trembling, trembling, 1.0)) == pytest.approx(0.0, abs=1e-6)


def test_alignment_wants_words_in_their_own_time():
    """Beat features that tell each word by its own direction, and silence by none, fit; shifted transcripts do not."""
    torch.manual_seed(0)
    words = ["hello", "again", "never", "river"]
    ids = torch.zeros(2, 60, 16, dtype=torch.int64)
    transcript = Transcript(beat_size=48, size=48)
    transcript.beats = torch.nn.Identity()
    beats = transcript.silence.detach().expand(2, 60, -1).clone()
    for clip in range(2):
        for i, word in enumerate(words[2 * clip : 2 * clip + 2]):
            span = slice(10 + 20 * i, 22 + 20 * i)
            ids[clip, span] = torch.from_numpy(word_ids(word))
            beats[clip, span] = transcript.words(torch.from_numpy(word_ids(word))).detach()
    with torch.no_grad():
        fitting, late = (float(alignment_loss(transcript, beats, ids, shift)) for shift in (0, 15))
        nothing = float(alignment_loss(transcript, beats, torch.zeros_like(ids)))
    assert fitting < 0.5 < 2.0 < late
    assert nothing == 0.0, "nothing said, nothing to align"


def test_trains_in_two_stages_to_a_streamable_checkpoint(corpus, recordings, tmp_path):
    speech = RealSpeech(folder=recordings, group="set/", calibration=("c",), test=("d",), variants=2)
    options = TrainEmotionGesture(
        corpus=(corpus,), out=tmp_path, model=SMALL, trainer=QUICK, hearing_steps=2, speech=speech, threads=1
    )
    model = checkpoint.load(train(options))  # exported only if it streams
    assert isinstance(model, EmotionGesture) and model.causal
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} == {"hearing", "gestures"}
    assert model.poses.limits.max() < 1.0, "limits are the corpus's"


@pytest.mark.parametrize("change", [{}, {"causal": False}, {"horizon": 20, "transition": 20}])
def test_the_objective_takes_every_form(corpus, change):
    torch.manual_seed(0)
    model = EmotionGesture(replace(SMALL, **change))
    windows = Corpus.open([corpus], "train")
    TrainEmotionGesture(model=model.config).prepare(model, windows)
    terms = GestureObjective(model, GestureWeights())(next(windows.batches(4, 44, seed=1)))
    terms["total"].backward()
    assert torch.isfinite(terms["total"])
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"miner", "vae", "planner", "expression", "transcript", "discriminator"}, "the listener is frozen"


def test_the_discriminator_is_not_moved_by_whom_it_judges():
    model = EmotionGesture(SMALL)
    poses = torch.randn(2, 30, 12, requires_grad=True)
    model.discriminator.unmoved(poses, torch.eye(8)[:2]).sum().backward()
    assert poses.grad is not None and poses.grad.any()
    assert all(p.grad is None for p in model.discriminator.parameters())


def test_recordings_are_split_by_speaker_and_none_is_bored(recordings):
    known = without(read_index(recordings, "set/"), ("c", "d"))
    assert {r.speaker for r in known} == {"a", "b"} and len(known) == 4
    voices = Voices(known, variants=2)
    assert voices.features.shape[:3] == (4, 2, LONGEST_FRAMES)
    features, labels = voices.draw(64)
    assert {EMOTIONS[int(i)] for i in labels} == {"anger", "sadness"} and features.shape[0] == 64
    with pytest.raises(ValueError, match=r"index\.csv"):
        read_index(recordings / "set")


def test_calibration_finds_the_temperature_that_makes_probabilities_honest():
    """Labels drawn from known probabilities, logits three times as sure: the temperature is three."""
    torch.manual_seed(0)
    listener = EmotionGesture(SMALL).eval().listener
    features = torch.randn(800, 12, 68)
    features[..., -1] = 1.0
    said = verdicts(listener, features)
    scale = 2.0 / said.std()
    labels = torch.distributions.Categorical(logits=scale * said).sample()
    with torch.no_grad():
        for value in (listener.verdict.weight, listener.verdict.bias):
            value.mul_(3.0 * scale)
    before = calibration_error(verdicts(listener, features), labels)
    assert calibrate(listener, [(features, labels)]) == pytest.approx(3.0, rel=0.15)
    assert calibration_error(verdicts(listener, features), labels) < 0.4 * before
