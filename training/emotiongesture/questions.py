"""The paper's open questions and checks as tables: each row is a training of its own, measured on held-out clips.

python -m gesturestream.training.emotiongesture.questions encoders --corpus CORPUS --out runs/questions

encoders      what hears the beats: convolutions, a recurrent unit, attention
transition    L in 5, 10, 15, 20, by emotion and by speaking rate
temperature   1, 5, 10, 20 of the Motion-Smooth Loss, by emotion; give a jittered corpus (`corpus build --jitter`)
checks        without Motion-Smooth Loss, transcripts shifted by half a second, and 2, 5, 10, 20 initial poses

A row that is there is not trained again, and one that was stopped goes on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from tyro.conf import Positional

from gesturestream.models import checkpoint
from gesturestream.models.emotiongesture import EmotionGestureConfig
from gesturestream.models.motion import EMOTIONS, FPS
from gesturestream.training.clips import Clip
from gesturestream.training.emotiongesture.gestures import GestureWeights
from gesturestream.training.evaluate import held_out, sample
from gesturestream.training.metrics import autoencoder, emotion, report
from gesturestream.training.metrics.bootstrap import Figure
from gesturestream.training.metrics.produce import motions, target
from gesturestream.training.metrics.suite import Suite, Take
from gesturestream.training.recipes.emotiongesture import RealSpeech, TrainEmotionGesture
from gesturestream.training.train import train
from gesturestream.training.trainer import TrainerConfig

Question = Literal["encoders", "transition", "temperature", "checks"]

SHIFT_FRAMES = FPS // 2
LEAST_CLIPS = 3
"""Fewer clips of a kind are not measured apart."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Trains the rows of one table and measures them."""

    question: Positional[Question]
    corpus: Path
    clean: Path | None = None
    """Corpus whose held-out motion is compared with, where `corpus` is jittered; None: `corpus` itself."""
    out: Path = Path("runs/questions")
    trainer: TrainerConfig = field(
        default_factory=lambda: TrainerConfig(steps=800, rows=12, frames=80, learning_rate=1e-3, watch_every=10**9)
    )
    hearing_steps: int = 300
    speech: RealSpeech = field(default_factory=RealSpeech)
    clips: int = 32
    seconds: float = 20.0
    seeds: int = 2
    threads: int = os.cpu_count() or 1
    draws: int = 1000
    output: Path | None = None
    """JSON with every figure."""


def rows(question: Question) -> dict[str, TrainEmotionGesture]:
    """What is trained, by the row's name; the first one is what ships."""
    base = TrainEmotionGesture()
    if question == "encoders":
        kinds: tuple[Literal["convolution", "recurrent", "attention"], ...] = ("convolution", "recurrent", "attention")
        return {kind: replace(base, model=EmotionGestureConfig(audio_encoder=kind)) for kind in kinds}
    if question == "transition":
        model = base.model
        return {
            f"L {n}": replace(base, model=replace(model, transition=n, horizon=max(n, model.horizon)))
            for n in (10, 5, 15, 20)
        }
    if question == "temperature":
        return {f"temperature {n}": replace(base, smooth_temperature=float(n)) for n in (10, 1, 5, 20)}
    return {
        "as it ships": base,
        "without Motion-Smooth Loss": replace(base, losses=GestureWeights(smooth=0.0)),
        "transcripts 0.5 s late": replace(base, transcript_shift=SHIFT_FRAMES),
        **{f"{n} initial poses": replace(base, model=EmotionGestureConfig(seeds=n)) for n in (2, 5, 20)},
    }


def run(options: Questions) -> dict[str, dict[str, Figure]]:
    """Trains what is missing, measures all rows at look-ahead 0, prints and writes."""
    torch.set_num_threads(options.threads)
    paths = {name: _trained(options, name, recipe) for name, recipe in rows(options.question).items()}
    clips = held_out(options.clean or options.corpus, "val", options.clips, options.seconds)
    columns: dict[str, dict[str, Figure]] = {}
    for group, members in groups(clips).items():
        suite = Suite(
            samples=[sample(clip) for clip in members],
            features=autoencoder.load().features,
            classifier=emotion.load(),
            draws=options.draws,
        )
        for name, path in paths.items():
            runs = [motions(checkpoint.load(path), members, 0, seed) for seed in range(options.seeds)]
            targets = [target(clip, 0) for clip in members]
            columns[f"{name}, {group}"] = suite.measure(Take(runs=runs, targets=targets))
    Console(width=200).print(report.table(columns, f"{options.question}, {len(clips)} clips"))
    if options.output is not None:
        about = {"what": f"emotiongesture, {options.question}, {options.trainer.steps} steps", "evaluator": "own"}
        report.write(options.output, report.document(columns, about))
    return columns


def groups(clips: list[Clip]) -> dict[str, list[Clip]]:
    """All clips, those of each emotion, and the slow and the fast half; groups of too few clips are left out."""
    rates = np.array([len(clip.words) / (len(clip.motion) / FPS) for clip in clips])
    slow = rates <= np.median(rates)
    found = {"all": clips}
    found |= {name: [c for c in clips if c.emotion == i] for i, name in enumerate(EMOTIONS)}
    found |= {"slow": [c for c, s in zip(clips, slow) if s], "fast": [c for c, s in zip(clips, slow) if not s]}
    return {name: members for name, members in found.items() if len(members) >= LEAST_CLIPS}


def _trained(options: Questions, name: str, recipe: TrainEmotionGesture) -> Path:
    out = options.out / name.replace(" ", "-").lower()
    path = out / f"{recipe.name}.safetensors"
    if path.is_file():
        return path
    return train(
        replace(
            recipe,
            corpus=(options.corpus,),
            out=out,
            trainer=options.trainer,
            hearing_steps=options.hearing_steps,
            speech=options.speech,
            threads=options.threads,
        )
    )


if __name__ == "__main__":
    run(tyro.cli(Questions))
