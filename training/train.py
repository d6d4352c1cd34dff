"""`gesturestream train GENERATOR`: from a corpus folder to a streamable checkpoint."""

from __future__ import annotations

import logging
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import load_file

from gesturestream.models import checkpoint
from gesturestream.models.generator import Generator
from gesturestream.models.motion import FPS
from gesturestream.training import held_out, model_card
from gesturestream.training.audio2gestures import has_bf16
from gesturestream.training.corpus.build import CorpusConfig, build
from gesturestream.training.dataset import Batch, Corpus
from gesturestream.training.export import export
from gesturestream.training.recipe import Recipe, Stage
from gesturestream.training.recipes.audio2gestures import TrainAudio2Gestures
from gesturestream.training.recipes.diffgesture import TrainDiffGesture
from gesturestream.training.recipes.emage import TrainEmage
from gesturestream.training.recipes.emotiongesture import TrainEmotionGesture
from gesturestream.training.trainer import Report, Trainer, TrainerConfig, accelerator_for

_OFFERED: tuple[type[Recipe], ...] = (TrainAudio2Gestures, TrainEmage, TrainDiffGesture, TrainEmotionGesture)
RECIPES: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in _OFFERED}
"""What `gesturestream train` offers; a new generator joins here."""

log = logging.getLogger(__name__)

TOLD_EVERY = 100
"""Steps between two lines where there is no terminal to draw a bar on."""


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """What all stages of a run share."""

    recipe: Recipe
    accelerator: Accelerator
    progress: Progress
    folders: tuple[Path, ...]
    corpus: Corpus


def train(recipe: Recipe) -> Path:
    """Runs a recipe and writes `<generator>.safetensors` into `recipe.out`; returns its path.

    Under torchrun every process calls this; the first one writes. ValueError: a wrong folder or a foreign run in
    `out`. Stopped: SIGTERM or Ctrl-C; the same command resumes.
    """
    accelerator = accelerator_for(recipe.trainer)
    torch.set_num_threads(max(1, recipe.threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    with _progress(accelerator) as progress:
        ground = _ground(recipe, accelerator, progress)
        torch.manual_seed(recipe.trainer.seed)
        model = recipe.build()
        if ground.corpus.speakers > model.info.speakers:
            raise ValueError(
                f"expected a model of at least {ground.corpus.speakers} speakers (model.speakers), as the corpus has, "
                f"got one of {model.info.speakers}; reader.speakers keeps some of BEAT2's only"
            )
        recipe.prepare(model, ground.corpus)
        if recipe.init is not None:
            start_from(model, recipe.init)
        for stage in recipe.stages():
            trainer = _run(ground, stage, model)
            model.load_state_dict(trainer.average.state_dict())
    path = recipe.out / f"{recipe.name}.safetensors"
    if accelerator.is_main_process:
        _export(ground, trainer, model.cpu().eval(), path)
    accelerator.wait_for_everyone()
    return path


def start_from(model: Generator, path: Path) -> None:
    """Takes over the weights of a checkpoint of the same generator, where names and shapes agree.

    ValueError if it is another generator's, CheckpointError if it is none. Nothing is trained of what is missing in it.
    """
    metadata = checkpoint.read_metadata(path)
    if metadata["generator"] != model.info.name:
        raise ValueError(
            f"expected a checkpoint of {model.info.name} to start from, got one of {metadata['generator']}"
        )
    own, given = model.state_dict(), load_file(path)
    kept = {name: value for name, value in given.items() if name in own and own[name].shape == value.shape}
    model.load_state_dict(kept, strict=False)
    left = [name for name in own if name not in kept]
    log.info("started from %s: %d tensors taken over, %d new (%s)", path, len(kept), len(left), ", ".join(left[:6]))


def _ground(recipe: Recipe, accelerator: Accelerator, progress: Progress) -> _Ground:
    """Opens the training split; one process makes what is missing, the others wait and read."""
    with accelerator.main_process_first():
        folders = recipe.corpus or (_teacher_corpus(recipe.out.parent / "corpus"),)
        task = progress.add_task("reading the corpus", total=None, detail="")
        corpus = Corpus.open(
            folders, "train", lambda done, all_: progress.update(task, completed=done, total=all_), recipe.reader
        )
        progress.remove_task(task)
    return _Ground(recipe=recipe, accelerator=accelerator, progress=progress, folders=folders, corpus=corpus)


def _teacher_corpus(folder: Path) -> Path:
    """The corpus that the shipped checkpoint's synthetic part was trained on, made when it is not there."""
    return (
        folder if (folder / "train_test_split.csv").is_file() else build(CorpusConfig(out=folder, hours=3.0, seed=11))
    )


def _run(ground: _Ground, stage: Stage, model: Generator) -> Trainer:
    recipe, config = ground.recipe, stage.trainer
    only = len(recipe.stages()) == 1
    trainer = Trainer(
        model,
        stage.objective(model, runs_bf16(config, ground.accelerator)),
        config,
        recipe.out if only else recipe.out / stage.name,
        accelerator=ground.accelerator,
        identity={"generator": recipe.name, "stage": stage.name, "model": model.config_dict()},
    )

    def draw(number: int) -> Batch:
        return next(ground.corpus.batches(config.rows, config.frames, config.seed, number))

    watch = _watcher(ground, stage, trainer) if ground.accelerator.is_main_process else None
    trainer.run(draw, _report(ground.progress, trainer, stage.name), watch)
    return trainer


def _watcher(ground: _Ground, stage: Stage, trainer: Trainer) -> held_out.Watcher:
    assert isinstance(trainer.average, Generator)
    config = stage.trainer
    return held_out.Watcher(
        stage.objective(trainer.average, runs_bf16(config, ground.accelerator)),
        held_out.batches(ground.folders, config, ground.corpus.lookaheads, ground.recipe.reader),
        held_out.clip(ground.folders, ground.recipe.reader),
        ground.accelerator.device,
        streamable=ground.recipe.streamable and stage.shown,
    )


def runs_bf16(config: TrainerConfig, accelerator: Accelerator) -> bool:
    """Whether networks run in bfloat16: as asked, or where it is fast."""
    if config.precision != "auto":
        return config.precision == "bf16"
    return torch.cuda.is_bf16_supported() if accelerator.device.type == "cuda" else has_bf16()


def _export(ground: _Ground, trainer: Trainer, model: Generator, path: Path) -> None:
    """Finishes the averaged model, measures it on held-out windows, and writes it with its card."""
    recipe, config = ground.recipe, trainer.config
    recipe.finish(model, ground.corpus)
    objective = recipe.stages()[-1].objective(model, runs_bf16(config, ground.accelerator))
    held = held_out.batches(ground.folders, config, ground.corpus.lookaheads, ground.recipe.reader)
    metrics = held_out.losses(objective, held, torch.device("cpu"))
    minutes = [len(part.motion) / FPS / 60 for part in ground.corpus.parts]
    data = [model_card.describe(f, m, recipe.data_licence) for f, m in zip(ground.folders, minutes)]
    origin = model_card.provenance()
    run = (
        f"{trainer.step} steps of {ground.accelerator.num_processes} x {config.rows} windows of {config.frames} frames "
        f"in {trainer.spent_s / 60:.0f} minutes on {machine(ground.accelerator)}."
    )
    card = model_card.write(
        recipe.about(), data,
        credits=recipe.credits, run=run, metrics=metrics, origin=origin, streamable=recipe.streamable,
    )  # fmt: skip
    details = {"steps": trainer.step, "metrics": metrics, "data": [asdict(d) for d in data], **origin}
    voice = held_out.clip(ground.folders, ground.recipe.reader).pcm
    export(model, path, card=card, details=details, pcm=voice, streamable=recipe.streamable)


def machine(accelerator: Accelerator) -> str:
    """What it ran on, in words."""
    if accelerator.device.type == "cuda":
        return torch.cuda.get_device_name(accelerator.device)
    return f"{torch.get_num_threads()} CPU threads ({platform.machine()})"


def _report(progress: Progress, trainer: Trainer, name: str) -> Report:
    """Draws the bar; where there is no terminal, a line now and then."""
    task = progress.add_task(name, total=1.0, detail="")

    def report(step: int, terms: dict[str, float]) -> None:
        detail = f"step {step}  total {terms['total']:.3f}"
        progress.update(task, completed=trainer.progress, detail=detail)
        if not progress.console.is_terminal and not progress.disable and step % TOLD_EVERY == 0:
            progress.console.print(f"{name}: {detail}, {100 * trainer.progress:.0f} % done")

    return report


def _progress(accelerator: Accelerator) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"), disable=not accelerator.is_main_process,
    )  # fmt: skip
