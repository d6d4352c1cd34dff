"""`gesturestream train GENERATOR`: from a corpus folder to a streamable checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import Accelerator
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gesturestream.models.generator import Generator
from gesturestream.training import held_out, model_card
from gesturestream.training.audio2gestures import has_bf16
from gesturestream.training.corpus.build import CorpusConfig, build
from gesturestream.training.dataset import Corpus
from gesturestream.training.export import export
from gesturestream.training.recipe import Recipe, Stage
from gesturestream.training.recipes.audio2gestures import TrainAudio2Gestures
from gesturestream.training.trainer import Report, Trainer, TrainerConfig, accelerator_for

RECIPES: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in (TrainAudio2Gestures,)}
"""What `gesturestream train` offers; a new generator joins here."""

TOLD_EVERY = 100
"""Steps between two lines where there is no terminal to draw a bar on."""


def train(recipe: Recipe) -> Path:
    """Runs a recipe and writes `<generator>.safetensors` into `recipe.out`; returns its path.

    Under torchrun every process calls this; the first one writes. ValueError: a wrong folder or a foreign run in
    `out`. Stopped: SIGTERM or Ctrl-C; the same command resumes.
    """
    accelerator = accelerator_for(recipe.trainer)
    torch.set_num_threads(max(1, recipe.threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    with _progress(accelerator) as progress:
        folders, corpus = _corpus(recipe, accelerator, progress)
        torch.manual_seed(recipe.trainer.seed)
        model = recipe.build()
        recipe.prepare(model, corpus)
        stages = recipe.stages()
        for stage in stages:
            folder = recipe.out if len(stages) == 1 else recipe.out / stage.name
            trainer = _run(recipe, stage, model, corpus, folders, folder, accelerator, progress)
            model.load_state_dict(trainer.average.state_dict())
    path = recipe.out / f"{recipe.name}.safetensors"
    if accelerator.is_main_process:
        _export(recipe, trainer, model.cpu().eval(), corpus, folders, path)
    accelerator.wait_for_everyone()
    return path


def _corpus(recipe: Recipe, accelerator: Accelerator, progress: Progress) -> tuple[tuple[Path, ...], Corpus]:
    """Corpus folders and their training split; one process makes what is missing, the others wait and read."""
    with accelerator.main_process_first():
        folders = recipe.corpus or (_teacher_corpus(recipe.out.parent / "corpus"),)
        reading = progress.add_task("reading the corpus", total=None, detail="")
        corpus = Corpus.open(folders, "train", lambda done, all_: progress.update(reading, completed=done, total=all_))
        progress.remove_task(reading)
    return folders, corpus


def _teacher_corpus(folder: Path) -> Path:
    """The corpus that the shipped checkpoint's synthetic part was trained on, made when it is not there."""
    return (
        folder if (folder / "train_test_split.csv").is_file() else build(CorpusConfig(out=folder, hours=3.0, seed=11))
    )


def _run(
    recipe: Recipe, stage: Stage, model: Generator, corpus: Corpus, folders: Sequence[Path], folder: Path,
    accelerator: Accelerator, progress: Progress,
) -> Trainer:  # fmt: skip
    config = stage.trainer
    bf16 = runs_bf16(config, accelerator)
    identity = {"generator": recipe.name, "stage": stage.name, "model": model.config_dict()}
    trainer = Trainer(
        model, stage.objective(model, bf16), config, folder, accelerator=accelerator, identity=_json(identity)
    )
    watch = None
    if accelerator.is_main_process:
        assert isinstance(trainer.average, Generator)
        held = held_out.batches(held_out.corpus(folders), config.rows, config.frames)
        watch = held_out.Watcher(
            stage.objective(trainer.average, bf16), held, held_out.clip(folders), streamable=recipe.streamable
        )
    task = progress.add_task(stage.name, total=1.0, detail="")
    trainer.run(_draw(corpus, config), _report(trainer, progress, task), watch)
    return trainer
