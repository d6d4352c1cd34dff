"""DiffGesture's training on a tiny corpus: what is shown of the past, what is learned, and the student's shortcut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gesturestream.models import checkpoint
from gesturestream.models.diffgesture import DiffGesture
from gesturestream.models.diffgesture.part import Scales
from gesturestream.models.diffgesture.schedule import ddim
from gesturestream.training.corpus.build import CorpusConfig, build
from gesturestream.training.dataset import Corpus
from gesturestream.training.diffgesture import history
from gesturestream.training.diffgesture.denoising import DenoisingObjective, DenoisingWeights
from gesturestream.training.diffgesture.fitting import fit
from gesturestream.training.diffgesture.student import velocity_to
from gesturestream.training.recipes.diffgesture import TrainDiffGesture
from gesturestream.training.train import train
from gesturestream.training.trainer import TrainerConfig
from tests.models.test_diffgesture import SMALL

QUICK = TrainerConfig(steps=3, rows=4, frames=40, warm_up_steps=1, checkpoint_every=2, watch_every=100, device="cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return build(CorpusConfig(out=tmp_path_factory.mktemp("corpus") / "corpus", hours=0.05, seed=3))


@pytest.fixture(scope="module")
def windows(corpus) -> Corpus:
    return Corpus.open([corpus], "train")


@pytest.mark.parametrize("causal", [True, False])
def test_trains_to_a_checkpoint(corpus, tmp_path, causal):
    config = replace(SMALL, causal=causal)
    options = TrainDiffGesture(corpus=(corpus,), out=tmp_path, model=config, trainer=QUICK, threads=1)
    model = checkpoint.load(train(options))  # a causal one is exported only if it streams
    assert isinstance(model, DiffGesture) and model.causal == causal
    assert not torch.equal(model.body.space.into, DiffGesture(config).body.space.into), "fitted to the corpus"


@pytest.mark.parametrize("causal", [True, False])
def test_a_few_steps_learn_and_reach_every_part(windows, causal):
    torch.manual_seed(0)
    model = DiffGesture(replace(SMALL, causal=causal))
    fit(model, windows)
    objective = DenoisingObjective(model, DenoisingWeights())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    totals, drawn = [], windows.batches(8, 34, seed=1)
    for _ in range(40):
        terms = objective(next(drawn))
        optimizer.zero_grad()
        terms["total"].backward()
        optimizer.step()
        totals.append(float(terms["body"].detach() + terms["face"].detach()))
    assert sum(totals[-8:]) < 0.85 * sum(totals[:8])
    unmoved = {name for name, p in model.named_parameters() if p.grad is None}
    assert unmoved <= (set() if causal else {"body.absent", "face.absent"})


def test_a_student_is_made_of_a_teacher(corpus, tmp_path):
    torch.manual_seed(0)
    teacher = DiffGesture(SMALL)
    checkpoint.save(teacher, tmp_path / "teacher.safetensors", card="")
    options = TrainDiffGesture(
        corpus=(corpus,), out=tmp_path / "student", trainer=QUICK, threads=1,
        student_of=tmp_path / "teacher.safetensors", student_steps=1,
    )  # fmt: skip
    student = checkpoint.load(train(options))
    assert isinstance(student, DiffGesture) and student.config == replace(SMALL, steps=1, guided=False)
    same = {n for (n, a), b in zip(student.named_parameters(), teacher.parameters()) if torch.equal(a, b)}
    assert all(".denoiser." in name or name in same for name, _ in student.named_parameters())
    with pytest.raises(ValueError, match="student-of: expected a causal DiffGesture with guidance"):
        replace(options, student_of=tmp_path / "student" / "diffgesture.safetensors").build()


def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn(windows):
    """With the teacher's steps and no guidance to speak of, one step of the student is one of the teacher's."""
    torch.manual_seed(0)
    teacher = DiffGesture(SMALL)
    fit(teacher, windows)
    part, step = teacher.body, ddim(SMALL)[1]
    torch.nn.init.normal_(part.denoiser.leave.weight, std=0.2)
    noisy, heard = torch.randn(2, 10, part.components), torch.randn(2, 10, SMALL.body_size)
    scales = Scales(*torch.ones(3, 2, 10))
    with torch.no_grad():
        led = part.walk([step], noisy, heard, noisy, scales)
        doubt = torch.full((2,), SMALL.doubt)
        context, memory = part.training_context(noisy, torch.ones(2, 10), doubt, heard)
        said = part.denoiser.denoise(noisy, torch.full((2, 10), step.time), context, memory)
    torch.testing.assert_close(said, velocity_to(noisy, led, step), atol=1e-4, rtol=1e-4)


def test_components_are_fitted_to_the_corpus(windows):
    model = DiffGesture(SMALL)
    fit(model, windows)
    motion = next(windows.batches(16, 60, seed=5)).motion
    for part, components in zip(model.parts, model.components(motion), strict=True):
        assert 0.3 < components.std((0, 1)).mean() < 3.0
        assert (components.diff(dim=1).abs() <= part.limit).float().mean() > 0.99, "the corpus's motion is let through"


def test_the_past_shown_is_off_by_as_much_as_is_told():
    torch.manual_seed(0)
    shown = torch.zeros(200, 60, 5)
    exact, off = (history.misremembered(shown, torch.full((200,), doubt)) for doubt in (0.0, 0.5))
    assert not exact.any()
    assert 0.35 < off[:, 30:].std() < 0.6
    assert off.diff(dim=1).std() < 0.3 * off.std(), "errors wander: they are not new in every frame"


def test_the_pose_before_is_what_was_shown():
    motion = torch.arange(5.0)[None, :, None]
    assert history.before(motion)[0, :, 0].tolist() == [0.0, 0.0, 1.0, 2.0, 3.0]
