"""EMAGE's two stages of training on a tiny corpus, and what is shown of the gesture in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gesturestream.models import checkpoint
from gesturestream.models.emage import Emage
from gesturestream.models.emage.content_rhythm import WordEmbedding
from gesturestream.models.motion import MOTION_SIZE
from gesturestream.models.words import word_ids
from gesturestream.training.corpus.build import CorpusConfig, build
from gesturestream.training.dataset import Corpus
from gesturestream.training.emage import masks
from gesturestream.training.emage.codecs import CodecObjective, CodecWeights
from gesturestream.training.emage.fasttext import start_from_fasttext
from gesturestream.training.emage.gestures import GestureObjective, GestureWeights, timing_loss
from gesturestream.training.emage.guests import guests_of
from gesturestream.training.recipes.emage import TrainEmage
from gesturestream.training.train import train
from gesturestream.training.trainer import TrainerConfig
from tests.models.test_emage import SMALL

QUICK = TrainerConfig(steps=3, rows=4, frames=40, warm_up_steps=1, checkpoint_every=2, watch_every=100, device="cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return build(CorpusConfig(out=tmp_path_factory.mktemp("corpus") / "corpus", hours=0.05, seed=3))


def test_trains_in_two_stages_to_a_streamable_checkpoint(corpus, tmp_path):
    options = TrainEmage(corpus=(corpus,), out=tmp_path, model=SMALL, trainer=QUICK, codec_steps=2, threads=1)
    model = checkpoint.load(train(options))  # exported only if it streams
    assert isinstance(model, Emage) and model.causal
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} == {"codecs", "gestures"}


def test_other_corpora_train_along_and_leave_nothing_behind(corpus, tmp_path):
    """Table 7: upper bodies with voices, and bodies without, by codecs and heads of their own."""
    options = TrainEmage(
        corpus=(corpus,),
        upper_body=(corpus,),
        silent=(corpus,),
        out=tmp_path,
        model=SMALL,
        trainer=QUICK,
        codec_steps=2,
    )
    torch.manual_seed(0)
    model, windows = options.build(), Corpus.open([corpus], "train")
    options.prepare(model, windows)
    batch = next(windows.batches(10, 40, seed=1))
    assert batch.corpus.tolist() == [0] * 6 + [1] * 2 + [2] * 2
    codecs = CodecObjective(model, CodecWeights())(batch)
    assert codecs["guests"] > 0
    codecs["guests"].backward()
    learned = [p.grad for guest in guests_of(model) for p in guest.codecs.parameters()]
    assert all(g is not None for g in learned) and not any(p.grad is not None for p in model.codecs.parameters())
    GestureObjective(model, GestureWeights())(batch)["guests"].backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"guests", "body", "body_voice", "spatial"} <= touched and not touched & {"heads", "face", "face_voice"}
    shipped = checkpoint.load(train(options))
    assert not any(name.startswith("guests") for name in shipped.state_dict())


@pytest.mark.parametrize("change", [{"causal": False}, {"masked_hints": False}, {"parts": "single"}])
def test_both_objectives_take_every_form(corpus, change):
    torch.manual_seed(0)
    model = Emage(replace(SMALL, **change))
    batch = next(Corpus.open([corpus], "train").batches(4, 40, seed=1))
    codecs = CodecObjective(model, CodecWeights())(batch)
    codecs["total"].backward()
    assert 1.0 <= codecs["perplexity"] <= SMALL.codebook_size
    gestures = GestureObjective(model, GestureWeights())(batch)
    model.zero_grad()
    gestures["total"].backward()
    assert torch.isfinite(gestures["total"])
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"body_voice", "body", "spatial", "heads", "condition"} <= moved
    assert ("face_voice" in moved) == (model.config.parts == "four")
    assert not moved & {"codecs", "root"}, "the codecs are frozen in the second stage"


def test_codecs_start_where_principal_components_are(corpus):
    """Before any training, unquantised latents hold most of a pose; the mean pose alone holds none of it."""
    torch.manual_seed(0)
    windows, model = Corpus.open([corpus], "train"), Emage(SMALL)
    TrainEmage(model=SMALL).prepare(model, windows)
    target = model.normalize(next(windows.batches(4, 40, seed=1)).motion)
    with torch.inference_mode():
        for codec in model.codecs:
            values = target[..., codec.values]
            apart = (codec.decode(codec.encode(target).latent) - values).square().mean()
            assert apart < 0.5 * values.square().mean(), codec.part.name


def test_timing_asks_when_hands_move_and_not_how_far_or_where():
    torch.manual_seed(0)
    bursts = (torch.arange(90) % 30 < 8).float()
    places = torch.zeros(1, 90, 22, 3)
    places[0, :, 20:22, 0] = 0.02 * bursts.cumsum(0)[:, None]
    larger_elsewhere = 2.5 * places[..., [1, 0, 2]] + 0.001 * torch.randn(1, 90, 22, 3)
    late = torch.roll(places, 15, 1)
    good, bad = timing_loss(larger_elsewhere, places), timing_loss(late, places)
    assert good < 0.2 and bad > 0.8


def test_training_starts_from_a_checkpoint_of_the_same_generator(corpus, tmp_path):
    first = TrainEmage(corpus=(corpus,), out=tmp_path / "a", model=SMALL, trainer=QUICK, codec_steps=2, threads=1)
    made = train(first)
    still = replace(QUICK, steps=1, learning_rate=0.0)
    again = replace(first, out=tmp_path / "b", init=made, codec_steps=0, trainer=still)
    before, after = (checkpoint.load(path).state_dict() for path in (made, train(again)))
    for name, value in before.items():
        assert torch.equal(after[name], value), name


def test_a_word_is_told_while_it_is_spoken_and_ahead(corpus):
    batch = next(Corpus.open([corpus], "train").batches(4, 120, seed=2))
    now, ahead = batch.words[:, :, 0], batch.words[:, :, 1]
    assert now.any() and torch.equal(now[:, 10:], ahead[:, :-10])


def test_hints_grow_scarce_and_are_spans_of_some_joints():
    torch.manual_seed(0)
    early, late = (masks.hinted_joints(400, 30, p, torch.device("cpu")) for p in (0.0, 1.0))
    share = [float(m.any(-1).any(-1).float().mean()) for m in (early, late)]
    assert share[0] > 0.85 and 0.2 < share[1] < 0.35
    one = late[late.any(-1).any(-1)][0]
    times = one.any(-1).nonzero()[:, 0]
    assert torch.equal(times, torch.arange(int(times[0]), int(times[-1]) + 1)), "without a gap"


def test_the_pose_before_is_what_was_shown():
    motion = torch.arange(5.0)[None, :, None].expand(1, 5, MOTION_SIZE)
    assert masks.before(motion)[0, :, 0].tolist() == [0.0, 0.0, 1.0, 2.0, 3.0]


def test_word_embeddings_start_from_a_fasttext_file(tmp_path):
    """Kin in the file are kin in the table, as far as its few words and n-grams allow."""
    rng = np.random.default_rng(0)
    kinds = {"fruit": ("apple", "pear", "plum", "cherry"), "tool": ("hammer", "saw", "drill", "chisel")}
    centres = {kind: rng.normal(size=12) for kind in kinds}
    rows = [(w, centres[kind] + 0.1 * rng.normal(size=12)) for kind, words in kinds.items() for w in words]
    path = tmp_path / "tiny.vec"
    path.write_text(f"{len(rows)} 12\n" + "".join(f"{w} {' '.join(f'{x:.4f}' for x in v)}\n" for w, v in rows))
    embedding = WordEmbedding(4)
    assert start_from_fasttext(embedding, path) > 0.9

    def of(word: str) -> torch.Tensor:
        ids = torch.from_numpy(np.stack([word_ids(word), word_ids("")]))[None]
        return embedding(ids)[0, :4].detach()

    near, far = (of("apple") - of("pear")).norm(), (of("apple") - of("hammer")).norm()
    assert near < 0.3 * far
    for text, said in (("apple 1 2", "two numbers"), ("1 3\napple 1 2", "line 2: expected 3 numbers")):
        path.write_text(text + "\n")
        with pytest.raises(ValueError, match=said):
            start_from_fasttext(embedding, path)
