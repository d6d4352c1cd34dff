"""How well emotions are heard, per language, by speakers that were never trained on.

python -m gesturestream.training.emotiongesture.hearing_report CHECKPOINT --data CORPUS --speech.folder FOLDER
python -m gesturestream.training.emotiongesture.hearing_report --folds --speech.folder FOLDER --data CORPUS

`--folds` trains a listener for each speaker of the recordings without that speaker, and counts what they hear of him or
her: every recording is judged once, by a listener that does not know its voice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from torch import Tensor
from tyro.conf import Positional

from gesturestream.models import checkpoint
from gesturestream.models.emotiongesture import EmotionGesture, EmotionGestureConfig
from gesturestream.models.motion import EMOTIONS, FPS
from gesturestream.training.clips import clip_names, load_clip
from gesturestream.training.dataset import Batch, Corpus
from gesturestream.training.emotiongesture.hearing import (
    HearingObjective,
    HearingWeights,
    accuracy,
    calibration_error,
    confusion,
    verdicts,
)
from gesturestream.training.emotiongesture.recordings import Voices, of, read_index, without
from gesturestream.training.features import clip_features
from gesturestream.training.metrics import report
from gesturestream.training.recipes.emotiongesture import RealSpeech
from gesturestream.training.trainer import Trainer, TrainerConfig

console = Console(highlight=False)
HEARD_S = 8.0
"""Of each clip of the corpus."""


@dataclass(frozen=True, kw_only=True)
class HearingReport:
    """Accuracy, calibration error and confusion of the emotion heard, per set of voices."""

    checkpoint: Positional[Path | None] = None
    data: Path | None = None
    """Corpus whose held-out clips are heard; in folds, whose training clips are trained on too."""
    speech: RealSpeech = field(default_factory=RealSpeech)
    folds: bool = False
    steps: int = 400
    """Of each fold's training."""
    clips: int = 64
    out: Path = Path("runs/folds")
    """Folder of the folds' trainings."""
    threads: int = 1
    output: Path | None = None


def run(options: HearingReport) -> dict[str, Any]:
    """Prints and returns the figures. ValueError tells which options do not go together."""
    torch.set_num_threads(options.threads)
    if options.folds:
        found = {"folds": _figures(*_folds(options))}
    elif options.checkpoint is not None:
        found = _of_checkpoint(options, options.checkpoint)
    else:
        raise ValueError("expected CHECKPOINT or --folds, got neither")
    for name, figures in found.items():
        told = f"accuracy {figures['accuracy']:.3f}, calibration error {figures['calibration_error']:.3f}"
        console.print(f"{name}: {figures['clips']} clips, {told}")
        for emotion, row in zip(EMOTIONS, figures["confusion"], strict=True):
            console.print(f"  {emotion:10}", *(f"{n:4}" for n in row))
    if options.output is not None:
        what = f"emotions heard by {options.checkpoint.name if options.checkpoint else 'leave-one-speaker-out folds'}"
        options.output.write_text(json.dumps(report.document({}, {"what": what, "heard": found}), indent=1) + "\n")
    return found


def _of_checkpoint(options: HearingReport, path: Path) -> dict[str, Any]:
    listener = _own(checkpoint.load(path)).listener
    out = {}
    if options.speech.folder is not None:
        known = of(read_index(options.speech.folder, options.speech.group), options.speech.test)
        for language in sorted({r.language for r in known}):
            voices = Voices([r for r in known if r.language == language], 1)
            out[f"{language}, real, speakers {' '.join(options.speech.test)}"] = _figures(
                verdicts(listener, voices.features[:, 0]), voices.labels
            )
    if options.data is not None:
        features, labels = _held_out(options.data, options.clips)
        out["en, the corpus's held-out clips"] = _figures(verdicts(listener, features), labels)
    return out


def _held_out(corpus: Path, count: int) -> tuple[Tensor, Tensor]:
    names = clip_names(corpus, "val")
    picks = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).astype(int))
    clips = [load_clip(corpus, names[i]) for i in picks]
    length = int(HEARD_S * FPS)
    features = [torch.from_numpy(f[:length].copy()) for f in clip_features([c.pcm[: 16000 * 9] for c in clips])]
    features = [torch.nn.functional.pad(f, (0, 0, 0, length - len(f))) for f in features]
    return torch.stack(features), torch.tensor([c.emotion for c in clips])


def _folds(options: HearingReport) -> tuple[Tensor, Tensor]:
    if options.speech.folder is None or options.data is None:
        raise ValueError("expected --speech.folder and --data with --folds")
    known = read_index(options.speech.folder, options.speech.group)
    corpus = Corpus.open([options.data], "train")
    config = TrainerConfig(steps=options.steps, rows=12, frames=80, learning_rate=2e-3, watch_every=10**9)

    def draw(number: int) -> Batch:
        return next(corpus.batches(config.rows, config.frames, config.seed, number))

    logits, labels = [], []
    for speaker in sorted({r.speaker for r in known}):
        voices = Voices(without(known, (speaker,)), options.speech.variants)
        torch.manual_seed(1)
        model = EmotionGesture(EmotionGestureConfig())
        trainer = Trainer(model, _objective(model, voices), config, options.out / speaker)
        trainer.run(draw, lambda step, terms: None)
        own = Voices(of(known, (speaker,)), 1)
        logits.append(verdicts(_own(trainer.average).listener, own.features[:, 0]))
        labels.append(own.labels)
        console.print(f"{speaker}: {accuracy(logits[-1], labels[-1]):.3f} of {len(own.labels)}")
    return torch.cat(logits), torch.cat(labels)


def _objective(model: EmotionGesture, voices: Voices) -> HearingObjective:
    return HearingObjective(model, HearingWeights(), lambda: voices)


def _figures(logits: Tensor, labels: Tensor) -> dict[str, Any]:
    return {
        "clips": len(labels),
        "accuracy": accuracy(logits, labels),
        "calibration_error": calibration_error(logits, labels),
        "confusion": confusion(logits, labels),
    }


def _own(model: torch.nn.Module) -> EmotionGesture:
    if not isinstance(model, EmotionGesture):
        raise ValueError("expected a checkpoint of emotiongesture")
    return model


if __name__ == "__main__":
    run(tyro.cli(HearingReport))
