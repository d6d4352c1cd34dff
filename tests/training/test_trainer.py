"""From a folder in BEAT2's layout to a streamable checkpoint: reading, training, being killed, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from gesturestream.models import checkpoint
from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.models.body.skeleton import REST_M
from gesturestream.models.motion import CONTACTS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.training import losses
from gesturestream.training.clips import clip_names, emotion_of, load_clip
from gesturestream.training.dataset import BODY_DELAY_FRAMES, FACE, Corpus, delayed_target
from gesturestream.training.train import TrainAudio2Gestures, train
from gesturestream.training.trainer import Trainer, TrainerConfig
from tests.models.laws import babble

SMALL = Audio2GesturesConfig(
    audio_widths=(8, 8), decoder_widths=(8, 8), motion_widths=(8, 8), mapping_width=8, styles=4, condition_size=8
)
QUICK = TrainerConfig(steps=4, rows=4, frames=40, checkpoint_every=2, warm_up_steps=1)


@pytest.fixture
def corpus(tmp_path) -> Path:
    """Three clips by BEAT2's own conventions, nothing of ours: motion is shorter than the audio, as there."""
    folder, generator = tmp_path / "beat", np.random.default_rng(0)
    for name in ("smplxflame_30", "wave16k"):
        (folder / name).mkdir(parents=True)
    rows = ["id,type"]
    for i, (name, split) in enumerate(
        [("2_scott_0_1_1", "train"), ("2_scott_0_73_73", "train"), ("2_scott_0_65_65", "val")]
    ):
        poses = np.cumsum(generator.normal(0, 0.01, (110, 165)), 0)
        np.savez(
            folder / "smplxflame_30" / f"{name}.npz",
            poses=poses, trans=np.tile([0.0, 0.3, 0.0], (110, 1)), expressions=generator.normal(0, 1, (110, 100)),
            betas=np.zeros(300), model="smplx2020", gender="neutral", mocap_frame_rate=30,
        )  # fmt: skip
        soundfile.write(folder / "wave16k" / f"{name}.wav", babble(4.0, i), 16000)
        rows.append(f"{name},{split}")
    (folder / "train_test_split.csv").write_text("\n".join(rows))
    return folder


def test_reads_beat2_as_it_is(corpus):
    assert clip_names(corpus, "train") == ["2_scott_0_1_1", "2_scott_0_73_73"]
    clip = load_clip(corpus, "2_scott_0_73_73")
    assert clip.motion.shape == (110, MOTION_SIZE)
    assert clip.emotion == 2, "73 is anger"
    np.testing.assert_allclose(clip.motion[0, ROOT_M], REST_M[0] + [0, 0.3, 0], atol=1e-6)
    contacts = clip.motion[:, CONTACTS]
    assert set(np.unique(contacts)) <= {0.0, 1.0} and contacts.any(), "BEAT2 has none: they come from the feet"
    assert np.abs(np.linalg.norm(clip.motion[:, ROT6D].reshape(-1, 3), axis=1) - 1).max() < 1e-5


@pytest.mark.parametrize(("start", "emotion"), [(1, 0), (64, 0), (65, 1), (80, 2), (86, 3), (103, 6), (118, 7)])
def test_emotion_by_beat2s_rule(start, emotion):
    assert emotion_of(f"2_scott_0_{start}_{start}") == emotion


def test_a_wrong_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"expected a corpus in BEAT2's layout.*corpus build"):
        Corpus.open([tmp_path], "train")


def test_windows_are_the_same_again(corpus):
    """A resumed run sees the batches it would have seen; the cache is made once."""
    first = next(Corpus.open([corpus], "train").batches(3, 40, seed=1, start=5))
    again = next(Corpus.open([corpus], "train").batches(3, 40, seed=1, start=5))
    for a, b in zip(first, again):
        assert torch.equal(a, b)


def test_body_is_delayed_and_face_is_not():
    motion = np.tile(np.arange(60, dtype=np.float32)[:, None], (1, MOTION_SIZE))
    target = delayed_target(motion, np.arange(20, 40), 0, lookahead=4)
    assert (target[:, ~FACE] == np.arange(20, 40)[:, None] - (BODY_DELAY_FRAMES - 4)).all()
    assert (target[:, FACE] == np.arange(20, 40)[:, None]).all()


def test_trains_to_a_streamable_checkpoint(corpus, tmp_path):
    config = TrainAudio2Gestures(corpus=(corpus,), out=tmp_path / "run", model=SMALL, trainer=QUICK, threads=1)
    path = train(config)
    generator = checkpoint.load(path)
    assert isinstance(generator, Audio2Gestures)
    assert generator.mapping.bank.abs().sum() > 0
    assert "teacher corpus" in checkpoint.read_metadata(path)["card"]


def test_resumes_where_it_was_killed(tmp_path):
    def trainer() -> Trainer:
        torch.manual_seed(0)
        return Trainer(torch.nn.Linear(2, 1), lambda batch: {"total": model_loss(batch)}, QUICK, tmp_path)

    def model_loss(batch):
        return current.model(batch).square().mean()

    data = [torch.randn(4, 2) for _ in range(10)]
    current = killed = trainer()
    killed.run(lambda start: iter(data[start:3]), lambda *_: None)
    current = resumed = trainer()
    resumed.resume()
    assert resumed.step == 3
    for a, b in zip(resumed.model.parameters(), killed.model.parameters()):
        assert torch.equal(a, b)
    resumed.run(lambda start: iter(data[start:]), lambda *_: None)
    assert resumed.step == QUICK.steps


def test_truncated_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoint.save(Audio2Gestures(SMALL), path, card="")
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x80\x04pickle", b"not a checkpoint at all"):
        path.write_bytes(content)
        with pytest.raises(checkpoint.CheckpointError, match=r"a\.safetensors"):
            checkpoint.load(path)


def test_liveliness_wants_neither_the_average_nor_a_tremble():
    motion = torch.zeros(1, 60, MOTION_SIZE)
    t = torch.arange(60) / 30
    body = torch.stack([torch.sin(2 * torch.pi * t), torch.zeros(60), torch.zeros(60)], -1)[None, :, None].repeat(
        1, 1, 22, 1
    )

    def loss(other):
        return float(losses.liveliness_loss(motion, motion, other, body))

    assert loss(body) < 1e-6
    assert loss(body.flip(-1)) < 1e-6, "another direction is as good"
    assert loss(body * 0) > 0.5
    assert loss(body + 0.02 * torch.randn(body.shape)) > 0.5
