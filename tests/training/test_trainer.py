"""From a folder in BEAT2's layout to a streamable checkpoint: reading, training, being killed, resuming."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gesturestream.models import checkpoint
from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.models.body.skeleton import REST_M
from gesturestream.models.motion import CONTACTS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.training import losses, training_state
from gesturestream.training.audio2gestures import LossWeights, Objective
from gesturestream.training.clips import clip_names, emotion_of, load_clip
from gesturestream.training.dataset import BODY_DELAY_FRAMES, FACE, Corpus, delayed_target
from gesturestream.training.export import NotStreamable, export, stream_apart_from_whole
from gesturestream.training.stopping import Stopped
from gesturestream.training.streaming import whole
from gesturestream.training.train import TrainAudio2Gestures, train
from gesturestream.training.trainer import Draw, Trainer, TrainerConfig
from gesturestream.training.training_state import StateError
from tests.models.laws import babble

SMALL = Audio2GesturesConfig(
    audio_widths=(8, 8), decoder_widths=(8, 8), motion_widths=(8, 8), mapping_width=8, styles=4, condition_size=8
)
ROWS = ["baseline", "split", "mapping", "bicycle", "full"]
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


def recipe(corpus: Path, out: Path, **trainer) -> TrainAudio2Gestures:
    return TrainAudio2Gestures(
        corpus=(corpus,), out=out, model=SMALL, trainer=replace(QUICK, **trainer), threads=1, credits="Ada"
    )


def test_trains_to_a_streamable_checkpoint(corpus, tmp_path):
    path = train(recipe(corpus, tmp_path / "run", watch_every=2))
    generator = checkpoint.load(path)
    assert isinstance(generator, Audio2Gestures)
    assert generator.mapping.bank.abs().sum() > 0
    metadata = checkpoint.read_metadata(path)
    details = json.loads(metadata["details"])
    assert details["steps"] == 4 and details["metrics"]["total"] > 0
    assert details["commit"] and details["command"]
    for told in ("Credits: Ada", "| beat | ", "licence", details["commit"], details["command"], "total"):
        assert told in metadata["card"]
    events = EventAccumulator(str(path.parent)).Reload()
    assert events.Tags()["images"] == ["clip/corpus_and_streamed"] and "held_out/total" in events.Tags()["scalars"]
    picture = Image.open(io.BytesIO(events.Images("clip/corpus_and_streamed")[0].encoded_image_string))
    assert picture.n_frames > 30, "it moves"


def trainer_of(model: torch.nn.Module, out: Path, corpus: Path, **config) -> tuple[Trainer, Draw]:
    """A trainer of the real objective, and its windows."""
    assert isinstance(model, Audio2Gestures)
    shape, windows = replace(QUICK, **config), Corpus.open([corpus], "train")
    trainer = Trainer(model, Objective(model, LossWeights(), bf16=False), shape, out)
    return trainer, lambda number: next(windows.batches(shape.rows, shape.frames, shape.seed, number))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_papers_ablation_trains_and_streams(corpus, tmp_path, row):
    options = TrainAudio2Gestures(
        corpus=(corpus,), out=tmp_path / "run", model=SMALL, trainer=replace(QUICK, steps=1), ablation=row, threads=1
    )
    model = checkpoint.load(train(options))  # exported only if it streams
    assert model.config.specific == {"baseline": "none", "split": "normal"}.get(row, "mapped")
    batch = next(Corpus.open([corpus], "train").batches(2, 40, seed=1))
    terms = options.stages()[0].objective(model, False)(batch)
    for name, first_row in {
        "relaxed": "split",
        "code_motion": "mapping",
        "cycle": "bicycle",
        "diversity": "full",
    }.items():
        there = name in terms and bool(terms[name].requires_grad)
        assert there == (ROWS.index(row) >= ROWS.index(first_row)), name


def test_the_reference_sees_what_is_to_come_and_does_not_stream(corpus, tmp_path):
    options = TrainAudio2Gestures(
        corpus=(corpus,), out=tmp_path / "run", model=replace(SMALL, causal=False), trainer=QUICK, threads=1
    )
    model = checkpoint.load(train(options))
    clip = load_clip(corpus, "2_scott_0_65_65")
    louder = replace(clip, pcm=np.concatenate([clip.pcm[:32000], 3 * clip.pcm[32000:]]))
    before, after = (whole(model, [c])[0] for c in (clip, louder))
    assert before.shape == clip.motion.shape
    assert np.abs(before[50:60] - after[50:60]).max() > 0, "two seconds are 60 frames"
    with pytest.raises(ValueError, match="non-causal"):
        model(None, None)


class Killed(Exception):
    pass


def test_a_killed_run_has_the_loss_curve_it_would_have_had(corpus, tmp_path):
    """Bit for bit: killed after step 5, it goes on from the checkpoint of step 4."""

    def run(out: Path, dies_at: int | None = None) -> tuple[dict[int, dict[str, float]], Trainer]:
        torch.manual_seed(3)
        trainer, draw = trainer_of(Audio2Gestures(SMALL), out, corpus, steps=7)
        curve = {}

        def report(step, terms):
            curve[step] = terms
            if step == dies_at:
                raise Killed

        with contextlib.suppress(Killed):
            trainer.run(draw, report)
        return curve, trainer

    whole, expected = run(tmp_path / "whole")
    before, _ = run(tmp_path / "killed", dies_at=5)
    torch.rand(100)  # what else draws random numbers does not matter
    after, resumed = run(tmp_path / "killed")
    assert sorted(before) == [1, 2, 3, 4, 5] and sorted(after) == [5, 6, 7], "lost: step 5"
    assert whole == before | after
    assert whole[6] != whole[7]
    for mine, theirs in ((resumed.model, expected.model), (resumed.average, expected.average)):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name


def test_asked_to_stop_it_saves_and_says_so(tmp_path):
    model = torch.nn.Linear(2, 1)
    trainer = Trainer(model, lambda batch: {"total": model(batch).square().mean()}, QUICK, tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def report(step, terms):
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="same command"):
        trainer.run(lambda number: torch.ones(4, 2), report)
    assert signal.getsignal(signal.SIGTERM) is before
    resumed = Trainer(model, trainer._forward, QUICK, tmp_path)
    resumed.resume()
    assert resumed.step == 3


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[-3] ^= 1
    path.write_bytes({"half": content[: len(content) // 2], "one byte": content[:-1], "empty": b""}.get(how, content))


@pytest.mark.parametrize("how", ["half", "one byte", "empty", "flipped"])
def test_a_broken_state_is_told_and_the_one_before_is_taken(tmp_path, caplog, how):
    for step in ("2", "4"):
        training_state.save(tmp_path, {"w": torch.full((50,), float(step)), "n": torch.tensor(7)}, {"step": step})
    damage(tmp_path / training_state.NEWEST, how)
    tensors, facts = training_state.load(tmp_path)
    assert facts == {"step": "2"} and tensors["w"][0] == 2 and tensors["n"] == 7
    assert training_state.NEWEST in caplog.text
    damage(tmp_path / training_state.PREVIOUS, how)
    with pytest.raises(StateError, match=r"training\.safetensors .*previous.*--out"):
        training_state.load(tmp_path)


def test_killed_while_saving_the_one_before_is_taken(tmp_path, monkeypatch):
    training_state.save(tmp_path, {"w": torch.ones(5)}, {"step": "2"})

    def power_cut(*_):
        raise Killed

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(Killed):
        training_state.save(tmp_path, {"w": torch.zeros(5)}, {"step": "4"})
    assert training_state.load(tmp_path)[1] == {"step": "2"}


def test_another_models_folder_is_refused(tmp_path):
    model = torch.nn.Linear(2, 1)
    Trainer(model, dict, QUICK, tmp_path, identity={"sizes": [1, 2]}).save()
    with pytest.raises(StateError, match="run of another model"):
        Trainer(model, dict, QUICK, tmp_path, identity={"sizes": [1, 3]}).resume()


def test_two_processes_see_different_windows_and_end_with_equal_weights(corpus, tmp_path):
    """By torchrun, gloo on the CPU; gradients are averaged, so that two processes are one with both's windows."""
    next(Corpus.open([corpus], "train").batches(1, 40, 0))  # the cache is there
    worker = Path(__file__).parent / "torchrun_worker.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(worker)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, str(corpus), str(tmp_path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert first["numbers"] == [0, 2, 4] and second["numbers"] == [1, 3, 5]
    assert not torch.equal(first["windows"], second["windows"])
    for name, value in first["model"].items():
        assert torch.equal(value, second["model"][name]), name
        assert torch.equal(first["average"][name], second["average"][name]), name
    assert any(not torch.equal(value, first["start"][name]) for name, value in first["model"].items())
    assert training_state.load(tmp_path / "run")[1]["step"] == "3"


def test_a_generator_that_streams_something_else_is_not_shipped(tmp_path, monkeypatch):
    path, generator = tmp_path / "a.safetensors", Audio2Gestures(SMALL).eval()
    export(generator, path, card="good", details={}, pcm=babble(1.0))
    assert stream_apart_from_whole(generator, babble(1.0), 4) < 1e-9
    right = Audio2Gestures.forward_sequence

    def late(self, inputs):
        outputs = right(self, inputs)
        return outputs._replace(motion=outputs.motion.roll(1, 1))

    monkeypatch.setattr(Audio2Gestures, "forward_sequence", late)
    with pytest.raises(NotStreamable, match="left as it was"):
        export(generator, path, card="bad", details={}, pcm=babble(1.0))
    assert checkpoint.read_metadata(path)["card"] == "good"


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
