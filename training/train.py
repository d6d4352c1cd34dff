"""`gesturestream train GENERATOR`: from a corpus folder to a streamable checkpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gesturestream.models import checkpoint
from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.models.motion import MOTION_SIZE
from gesturestream.training.audio2gestures import LossWeights, Objective, clip_statistics
from gesturestream.training.corpus.build import CorpusConfig, build
from gesturestream.training.dataset import Corpus
from gesturestream.training.trainer import Trainer, TrainerConfig


@dataclass(frozen=True, kw_only=True)
class TrainAudio2Gestures:
    """Trains Audio2Gestures on a corpus in BEAT2's layout."""

    corpus: tuple[Path, ...] = ()
    """Corpus folders, several are joined; BEAT2's own folder works too. None: three hours of the teacher's are made in
    the folder `corpus` beside `out` first (needs espeak-ng, takes a minute)."""
    out: Path = Path("runs/audio2gestures")
    """Folder for checkpoints and TensorBoard logs; a run that was stopped here is resumed."""
    model: Audio2GesturesConfig = field(default_factory=Audio2GesturesConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    credits: str = ""
    """Whom to credit for recordings the corpus was made from; goes into the model card."""
    threads: int = os.cpu_count() or 1


def train(config: TrainAudio2Gestures) -> Path:
    """Runs the training and writes `audio2gestures.safetensors` into `config.out`; returns its path."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.trainer.seed)
    folders = config.corpus or (_teacher_corpus(config.out.parent / "corpus"),)
    with _progress() as progress:
        reading = progress.add_task("reading the corpus", total=None, detail="")
        corpus = Corpus.open(folders, "train", lambda done, all_: progress.update(reading, completed=done, total=all_))
        progress.remove_task(reading)
        model = Audio2Gestures(config.model)
        set_normalisation(model, corpus)
        trainer = Trainer(model, Objective(model, config.losses), config.trainer, config.out)
        task = progress.add_task("training", total=1.0, detail="")

        def report(step: int, terms: dict[str, float]) -> None:
            detail = f"step {step}  " + "  ".join(f"{k} {terms[k]:.3f}" for k in ("total", "rotation", "relaxed", "kl"))
            progress.update(task, completed=trainer.progress, detail=detail)

        shape = config.trainer
        trainer.run(lambda step: corpus.batches(shape.rows, shape.frames, shape.seed, step), report)
    average = trainer.average
    assert isinstance(average, Audio2Gestures)
    fill_style_bank(average, corpus)
    path = config.out / "audio2gestures.safetensors"
    checkpoint.save(average, path, card=model_card(config, corpus, trainer.step), details={"steps": trainer.step})
    return path


def _teacher_corpus(folder: Path) -> Path:
    """The corpus that the shipped checkpoint's synthetic part was trained on, made when it is not there."""
    return (
        folder if (folder / "train_test_split.csv").is_file() else build(CorpusConfig(out=folder, hours=3.0, seed=11))
    )


def set_normalisation(model: Audio2Gestures, corpus: Corpus) -> None:
    """Mean and (floored) deviation of every motion value over the corpus."""
    sample = corpus.sample_motion(50000).astype(np.float64)
    floor = np.full(MOTION_SIZE, 0.05)
    model.motion_mean.copy_(torch.from_numpy(sample.mean(0)).float())
    model.motion_std.copy_(torch.from_numpy(np.maximum(sample.std(0), floor)).float())


@torch.inference_mode()
def fill_style_bank(model: Audio2Gestures, corpus: Corpus, frames: int = 240) -> None:
    """Statistics of the motion-specific code of `styles` training clips, for the stream to draw from."""
    batch = next(corpus.batches(model.config.styles, frames, seed=7))
    _, mean, _ = model.motion_encoder(model.normalize(batch.motion))
    model.mapping.bank.copy_(clip_statistics(mean))


def model_card(config: TrainAudio2Gestures, corpus: Corpus, steps: int) -> str:
    """Markdown: what the checkpoint is, what it was trained on, what it cannot do."""
    minutes = corpus.frames / 30 / 60
    return f"""# Audio2Gestures, causal

Streams 55 SMPL-X joints, jaw, expression, ARKit blendshapes, root and contacts at 30 fps from a voice alone.
After Li et al., "Audio2Gestures" (ICCV 2021), rebuilt causal; look-ahead 0, 2, 4 or 8 frames from one set of weights.

- Trained on {minutes:.0f} minutes of the project's own teacher corpus (`gesturestream corpus build`): motion is
  synthetic, written by rules, and so are its habits; no motion capture was used. Speech: espeak-ng, and recordings
  where they are named below.
- {steps} steps of {config.trainer.rows} windows of {config.trainer.frames} frames.
- Body targets are the teacher delayed by 12 - look-ahead frames, face targets by max(0, 2 - look-ahead).
{f"- Recordings: {config.credits}" if config.credits else "- No recordings were used."}
- Not a model of any real person's gestures; English prosody; emotion heard in the voice is that of acted speech.
"""


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )  # fmt: skip
