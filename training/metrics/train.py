"""Trains what the metrics look through: FGD's autoencoder and the emotion classifier.

    python -m gesturestream.training.metrics.train --corpus FOLDER

Deterministic on one machine and thread count. Clips of the split `train` only; how well both do on `val` and `test`
goes into the files' metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor, nn

from gesturestream.models.motion import ROT6D
from gesturestream.training.clips import clip_names, load_clip
from gesturestream.training.metrics import autoencoder, emotion
from gesturestream.training.metrics.autoencoder import ASSETS, Autoencoder, PoseInput
from gesturestream.training.metrics.emotion import LEAST_INTENSITY, Classifier
from gesturestream.training.metrics.report import commit


@dataclass(frozen=True, kw_only=True)
class TrainEvaluator:
    """Trains the evaluators of `gesturestream evaluate` on a corpus in BEAT2's layout."""

    corpus: tuple[Path, ...]
    """Corpus folders, several are joined."""
    out: Path = ASSETS
    """Folder for `fgd.safetensors` and `emotion.safetensors`."""
    fgd_steps: int = 1500
    emotion_steps: int = 900
    rows: int = 24
    seed: int = 1
    threads: int = 2


@dataclass(frozen=True, kw_only=True)
class Motions:
    """Rotations of many clips one after the other, and what is known of each clip."""

    rot6d: Tensor  # [frames, 330]
    starts: NDArray[np.int64]  # [clips + 1]
    emotion: NDArray[np.int64]
    intensity: NDArray[np.float64]

    def clip(self, i: int) -> Tensor:
        return self.rot6d[self.starts[i] : self.starts[i + 1]]

    def windows(
        self, rows: int, length: int, generator: np.random.Generator, among: NDArray[np.int64]
    ) -> tuple[Tensor, NDArray[np.int64]]:
        """Random windows [rows, length, 330] of the clips `among`, and the clips they are of; long clips more often."""
        room = np.maximum(np.diff(self.starts) - length, 1)
        picks = among[generator.choice(len(among), rows, p=room[among] / room[among].sum())]
        firsts = [self.starts[i] + generator.integers(room[i]) for i in picks]
        return torch.stack([self.rot6d[first : first + length] for first in firsts]), picks


def train(config: TrainEvaluator) -> Path:
    """Trains both and writes them into `config.out`; returns that folder. ValueError: no such corpus."""
    torch.set_num_threads(config.threads)
    seen = read(config.corpus, ("train",))
    unseen = read(config.corpus, ("val", "test"))
    about = {"corpus": _about(config.corpus), "commit": commit(), "seed": config.seed}
    coder, error = train_autoencoder(seen, unseen, config)
    details = about | {"steps": config.fgd_steps, **error}
    _write(coder.encoder, config.out / "fgd.safetensors", autoencoder.FORMAT, details)
    judge, accuracy = train_classifier(seen, unseen, config)
    details = about | {"steps": config.emotion_steps, **accuracy}
    _write(judge, config.out / "emotion.safetensors", emotion.FORMAT, details)
    return config.out


def read(corpora: Sequence[Path], splits: tuple[str, ...]) -> Motions:
    """All clips of the splits that are at least one window long."""
    names = [(corpus, name) for corpus in corpora for split in splits for name in clip_names(corpus, split)]
    clips = [load_clip(corpus, name) for corpus, name in track(names, "reading motion", transient=True)]
    clips = [clip for clip in clips if len(clip.motion) >= emotion.WINDOW]
    if not clips:
        raise ValueError(f"expected clips of {splits} of {emotion.WINDOW} frames or more in {corpora}, found none")
    return Motions(
        rot6d=torch.from_numpy(np.concatenate([clip.motion[:, ROT6D] for clip in clips])),
        starts=np.cumsum([0] + [len(clip.motion) for clip in clips]),
        emotion=np.array([clip.emotion for clip in clips]),
        intensity=np.array([clip.intensity for clip in clips]),
    )


def fit_input(part: PoseInput, motions: Motions) -> None:
    """Normalisation from some 40000 pairs of neighbouring frames."""
    inside = np.setdiff1d(np.arange(len(motions.rot6d) - 1), motions.starts[1:] - 1)
    at = torch.from_numpy(inside[:: max(1, len(inside) // 40000)])
    part.fit(motions.rot6d[at], motions.rot6d[at + 1] - motions.rot6d[at])


def train_autoencoder(seen: Motions, unseen: Motions, config: TrainEvaluator) -> tuple[Autoencoder, dict[str, float]]:
    """The trained network and its errors on clips it has not seen: mean squared, 1 = the spread of the data."""
    torch.manual_seed(config.seed)
    model = Autoencoder()
    fit_input(model.encoder.input, seen)
    everything = np.arange(len(seen.emotion))
    for generator, step in _steps(model, config.fgd_steps, config.seed, 2e-3, "autoencoder"):
        step(model.loss(seen.windows(config.rows, 64, generator, everything)[0])["total"])
    model.eval()
    with torch.inference_mode():
        windows, _ = unseen.windows(256, 64, np.random.default_rng(0), np.arange(len(unseen.emotion)))
        errors = model.loss(windows)
    return model, {f"held_out_{name}_error": round(float(errors[name]), 4) for name in ("pose", "speed")}


def train_classifier(seen: Motions, unseen: Motions, config: TrainEvaluator) -> tuple[Classifier, dict[str, float]]:
    """The trained classifier and its accuracy on clips it has not seen, whole clips."""
    torch.manual_seed(config.seed)
    model = Classifier()
    fit_input(model.input, seen)
    shown = np.flatnonzero(seen.intensity >= LEAST_INTENSITY)
    noise = torch.Generator().manual_seed(config.seed)
    for generator, step in _steps(model, config.emotion_steps, config.seed, 2e-3, "emotion classifier"):
        windows, picks = seen.windows(config.rows, emotion.WINDOW, generator, shown)
        # A generated body is never exactly the teacher's: what a tenth of its spread hides is no sign of emotion.
        windows = windows + 0.1 * model.input.std * torch.randn(len(windows), 1, windows.shape[2], generator=noise)
        truth = torch.from_numpy(seen.emotion[picks])
        step(nn.functional.cross_entropy(model(windows), truth, label_smoothing=0.1))
    model.eval()
    asked = int((unseen.intensity >= LEAST_INTENSITY).sum())
    return model, {"held_out_accuracy": round(held_out_accuracy(model, unseen), 4), "held_out_clips": asked}


def held_out_accuracy(model: Classifier, unseen: Motions) -> float:
    """Share of clips of intensity 0.5 or more that are taken for what they are."""
    clips = np.flatnonzero(unseen.intensity >= LEAST_INTENSITY)
    return float(np.mean([_verdict(model, unseen.clip(int(i))) == unseen.emotion[i] for i in clips]))


def _verdict(model: Classifier, rot6d: Tensor) -> int:
    motion = np.zeros((len(rot6d), 489), np.float32)
    motion[:, ROT6D] = rot6d.numpy()
    return int(model.probabilities(motion).argmax())


def _steps(
    model: nn.Module, steps: int, seed: int, rate: float, label: str
) -> Iterator[tuple[np.random.Generator, Any]]:
    """AdamW with a cosine to zero; yields each step's own random numbers and the function that takes its loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def step(loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()

    model.train()
    for k in track(range(steps), f"training the {label}", transient=True):
        yield np.random.default_rng([seed, k]), step


def _about(corpora: Sequence[Path]) -> str:
    """What the corpora say of themselves."""
    found = []
    for corpus in corpora:
        sidecar = corpus / "gesturestream.json"
        about = json.loads(sidecar.read_text()) if sidecar.is_file() else {}
        made = (
            f"teacher, speech {Path(str(about['speech'])).name}, seed {about['seed']}"
            if "seed" in about
            else corpus.name
        )
        found.append(made)
    return "; ".join(found)


def _write(model: nn.Module, path: Path, kind: str, about: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"format": kind} | {key: str(value) for key, value in about.items()})
    partial.chmod(0o644)
    partial.replace(path)


if __name__ == "__main__":
    train(tyro.cli(TrainEvaluator))
