"""The cost of causality: one generator trained causal and in its paper's non-causal form, measured on the same clips.

    python -m gesturestream.training.causality --corpus CORPUS --out runs/causality

Trains both forms with several seeds (what is there already is kept), streams the causal ones at every look-ahead and
writes figures with 95 % intervals over seeds and clips, as JSON and as a plot.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from gesturestream.models import checkpoint
from gesturestream.models.audio2gestures import Audio2GesturesConfig
from gesturestream.models.diffgesture import DiffGestureConfig
from gesturestream.models.emage import EmageConfig
from gesturestream.models.emotiongesture import EmotionGestureConfig
from gesturestream.models.motion import LOOKAHEADS
from gesturestream.training.clips import Clip
from gesturestream.training.evaluate import held_out, sample
from gesturestream.training.metrics import autoencoder, emotion, report
from gesturestream.training.metrics.bootstrap import Figure
from gesturestream.training.metrics.frechet import Sums, frechet_distance, moments, sums
from gesturestream.training.metrics.motion import Array, Floats
from gesturestream.training.metrics.produce import motions, target
from gesturestream.training.metrics.suite import Suite, Take
from gesturestream.training.recipe import Recipe
from gesturestream.training.recipes.audio2gestures import TrainAudio2Gestures
from gesturestream.training.recipes.diffgesture import TrainDiffGesture
from gesturestream.training.recipes.emage import TrainEmage
from gesturestream.training.recipes.emotiongesture import TrainEmotionGesture
from gesturestream.training.train import train
from gesturestream.training.trainer import TrainerConfig

REFERENCE = "non-causal"
SHOWN = ("fgd", "fgd_ratio", "stroke_lag_s", "stroke_iqr_s", "stroke_matched", "stroke_matched_shifted",
         "emotion_accuracy", "diversity_ratio", "jerk_ratio", "bc_emage", "bc_emage_shifted")  # fmt: skip
WORST_RATIO = 1.15
"""The upper end of look-ahead 0's interval that is asked for (issue: cost of causality)."""


@dataclass(frozen=True, kw_only=True)
class Causality:
    """What is trained and measured."""

    corpus: Path
    generator: Literal["audio2gestures", "diffgesture", "emage", "emotiongesture"] = "audio2gestures"
    out: Path = Path("runs/causality")
    """Folder of the runs; a run that is there is not trained again."""
    seeds: int = 3
    """Trainings of each form."""
    trainer: TrainerConfig = field(default_factory=lambda: TrainerConfig(steps=600, rows=16, watch_every=10_000))
    clips: int = 24
    """Held-out clips, evenly spread over the split `val`."""
    seconds: float = 20.0
    draws: int = 1000
    threads: int = os.cpu_count() or 1
    """Of each training; two studies with one each get farther than one with two."""
    output: Path = Path("benchmarks/results/causality.json")
    plot: Path = Path("docs/images/causality.png")


def run(options: Causality) -> None:
    """Trains what is missing, measures, prints, writes JSON and plot."""
    paths = {form: [_trained(options, form, seed) for seed in range(1, options.seeds + 1)] for form in (True, False)}
    clips = held_out(options.corpus, "val", options.clips, options.seconds)
    made = {f"look-ahead {ahead}": _runs(paths[True], clips, ahead) for ahead in LOOKAHEADS}
    made[REFERENCE] = _runs(paths[False], clips, None)
    suite = Suite(
        samples=[sample(clip) for clip in clips],
        features=autoencoder.load().features,
        classifier=emotion.load(),
        draws=options.draws,
    )
    columns = {}
    for name, runs in made.items():
        delay = None if name == REFERENCE else int(name.split()[-1])
        targets = [clip.motion if delay is None else target(clip, delay) for clip in clips]
        columns[name] = suite.measure(Take(runs=runs, targets=targets))
    for name, figures in compare(suite, made, options.draws).items():
        columns[name] |= figures
    _tell(columns)
    trainings = f"{options.seeds} trainings of {options.trainer.steps} steps of each form"
    what = f"{options.generator}: {trainings}, {len(clips)} clips"
    report.write(options.output, report.document(columns, {"what": what, "evaluator": "gesturestream's own"}))
    draw(columns, options.plot)


def _trained(options: Causality, causal: bool, seed: int) -> Path:
    out = options.out / f"{'causal' if causal else 'non-causal'}-{seed}"
    path = out / f"{options.generator}.safetensors"
    if path.is_file():
        return path
    trainer, corpus = replace(options.trainer, seed=seed), (options.corpus,)
    recipe: Recipe
    if options.generator == "emage":
        model = EmageConfig(causal=causal)
        recipe = TrainEmage(corpus=corpus, out=out, model=model, trainer=trainer, threads=options.threads)
    elif options.generator == "diffgesture":
        denoiser = DiffGestureConfig(causal=causal)
        recipe = TrainDiffGesture(corpus=corpus, out=out, model=denoiser, trainer=trainer, threads=options.threads)
    elif options.generator == "emotiongesture":
        plan = EmotionGestureConfig(causal=causal)
        recipe = TrainEmotionGesture(corpus=corpus, out=out, model=plan, trainer=trainer, threads=options.threads)
    else:
        form = Audio2GesturesConfig(causal=causal)
        recipe = TrainAudio2Gestures(corpus=corpus, out=out, model=form, trainer=trainer, threads=options.threads)
    return train(recipe)


def _runs(paths: Sequence[Path], clips: list[Clip], lookahead: int | None) -> list[list[Floats]]:
    """[trainings][clips] motion; every training with noise of its own."""
    return [motions(checkpoint.load(path), clips, lookahead, seed) for seed, path in enumerate(paths)]


def compare(suite: Suite, made: dict[str, list[list[Floats]]], draws: int) -> dict[str, dict[str, Figure]]:
    """FGD of each form, the mean of its trainings, and its ratio to the reference's.

    Resampled are trainings and clips: the same clips for both forms, because they have the same audio.
    """
    true = sums(suite.codes)
    codes = {name: [sums([suite.features(m) for m in run]) for run in runs] for name, runs in made.items()}
    clips, seeds = len(suite.codes), len(made[REFERENCE])
    whole = np.arange(clips), np.arange(seeds), np.arange(seeds)
    generator = np.random.default_rng(clips)
    resamples = [
        (generator.integers(clips, size=clips), *generator.integers(seeds, size=(2, seeds))) for _ in range(draws)
    ]
    reference = [_distances(codes[REFERENCE], true, clip, theirs) for clip, _, theirs in (whole, *resamples)]
    out = {}
    for name, trainings in codes.items():
        chosen = [(c, t if name == REFERENCE else o) for c, o, t in (whole, *resamples)]
        found = [_distances(trainings, true, clip, which) for clip, which in chosen]
        ratios = np.array(found) / np.array(reference)
        out[name] = {"fgd": _figure(np.array(found), clips), "fgd_ratio": _figure(ratios, clips)}
    return out


def _distances(trainings: list[Sums], true: Sums, clips: np.ndarray, which: np.ndarray) -> float:
    """Mean FGD of the trainings `which` on the clips `clips`."""
    reference = moments(true, clips)
    return float(np.mean([frechet_distance(moments(trainings[i], clips), reference) for i in which]))


def _figure(values: Array, clips: int) -> Figure:
    """The first value with the percentiles of the rest, which are centred on it (see `bootstrap`)."""
    value, rest = float(values[0]), values[1:]
    low, high = np.percentile(rest + value - rest.mean(), [2.5, 97.5])
    return Figure(value=value, low=float(max(low, 0.0)), high=float(high), clips=clips)


def _tell(columns: dict[str, dict[str, Figure]]) -> None:
    console = Console(width=160)
    shown = {name: {key: figures[key] for key in SHOWN if key in figures} for name, figures in columns.items()}
    table: Table = report.table(shown, "the cost of causality")
    console.print(table)
    high = columns["look-ahead 0"]["fgd_ratio"].high
    verdict = "holds" if high <= WORST_RATIO else "does not hold"
    console.print(f"look-ahead 0 within {WORST_RATIO} times the non-causal FGD: {verdict} (upper end {high:.2f})")


def draw(columns: dict[str, dict[str, Figure]], path: Path) -> None:
    """FGD and stroke lag by look-ahead, the reference as a band."""
    from matplotlib import pyplot  # an extra of training, and slow to import

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for axis, key, label in zip(axes, ("fgd", "stroke_lag_s"), ("FGD", "median stroke lag, s")):
        found = [columns[f"look-ahead {ahead}"][key] for ahead in LOOKAHEADS]
        values = np.array([f.value for f in found])
        errors = [values - [f.low for f in found], np.array([f.high for f in found]) - values]
        axis.errorbar(LOOKAHEADS, values, errors, marker="o", capsize=4, label="causal, streamed")
        theirs = columns[REFERENCE][key]
        axis.axhline(theirs.value, color="tab:orange", label="non-causal, whole file")
        axis.axhspan(theirs.low, theirs.high, color="tab:orange", alpha=0.2)
        axis.set(xlabel="look-ahead, frames", ylabel=label, xticks=LOOKAHEADS)
    axes[0].set_ylim(bottom=0)
    axes[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run(tyro.cli(Causality))
