"""`gesturestream train emage`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from gesturestream.models.emage import LARGE, Emage, EmageConfig
from gesturestream.models.generator import Generator
from gesturestream.training.dataset import BODY_DELAY_FRAMES, Corpus
from gesturestream.training.emage.codecs import CodecObjective, CodecWeights
from gesturestream.training.emage.fasttext import start_from_fasttext
from gesturestream.training.emage.gestures import GestureObjective, GestureWeights
from gesturestream.training.emage.guests import Guest, Kind, guests_of
from gesturestream.training.emage.principal import FRAMES, start_from_principal_components
from gesturestream.training.normalisation import set_normalisation
from gesturestream.training.recipe import Recipe, Stage
from gesturestream.training.trainer import TrainerConfig

Row = Literal["full", "single-vq", "without-cra", "without-hints"]
"""Rows of the paper's Table 6, each one thing less than `full`."""

_WITHOUT: dict[Row, dict[str, Any]] = {
    "full": {},
    "single-vq": {"parts": "single"},
    "without-cra": {"content_rhythm": False},
    "without-hints": {"masked_hints": False},
}

CAUSAL = """# EMAGE, causal

Streams 55 SMPL-X joints, jaw, expression, ARKit blendshapes, root and contacts at 30 fps from a voice, words if a
client sends them, and body hints. After Liu et al., "EMAGE" (CVPR 2024), rebuilt causal; look-ahead 0, 2, 4 or 8 frames
from one set of weights.

- Body targets are the corpus's motion delayed by 10 - look-ahead frames, face targets by max(0, 2 - look-ahead).
- Not a model of any real person's gestures; what it knows of prosody, words and emotion is what its corpus has."""

REFERENCE = """# EMAGE, the paper's non-causal form

Motion of a whole recording from its voice, for comparison with the causal form. After Liu et al., "EMAGE" (CVPR 2024):
every frame sees as far ahead as back, and targets are not delayed."""


@dataclass(frozen=True, kw_only=True)
class TrainEmage(Recipe):
    """Trains EMAGE on a corpus in BEAT2's layout: VQ-VAEs and global motion first, then the transformer."""

    name: ClassVar[str] = "emage"

    out: Path = Path("runs/emage")
    """Folder for checkpoints and TensorBoard logs; a run that was stopped here is resumed."""
    preset: Literal["stream", "large"] = "stream"
    """`stream`: what `model` says, made for CPUs and for many avatars; `large`: for GPUs."""
    model: EmageConfig = field(default_factory=EmageConfig)
    trainer: TrainerConfig = field(
        default_factory=lambda: TrainerConfig(steps=1500, rows=20, frames=96, learning_rate=1e-3)
    )
    codec_steps: int = 800
    """Steps of the first stage; 0, with `init`: codecs stay as they are."""
    codec_learning_rate: float = 1e-3
    codec_losses: CodecWeights = field(default_factory=CodecWeights)
    losses: GestureWeights = field(default_factory=GestureWeights)
    upper_body: tuple[Path, ...] = ()
    """Folders of corpora of which upper bodies and voices are learned along, such as Trinity (the paper's Table 7)."""
    silent: tuple[Path, ...] = ()
    """Folders of corpora without voices, of which bodies and hands are learned along, such as AMASS."""
    fasttext: Path | None = None
    """fastText vectors (.vec) that word embeddings start from; None: they are learned from nothing."""
    ablation: Row = "full"
    """A row of the paper's Table 6."""

    def build(self) -> Emage:
        base = LARGE if self.preset == "large" else self.model
        kept = {"speakers": self.model.speakers, "causal": self.model.causal, **_WITHOUT[self.ablation]}
        model = Emage(replace(base, **kept))
        if self._guests() and model.config.parts != "four":
            raise ValueError("expected parts `four` to train with upper_body or silent corpora, got `single`")
        model.guests.extend(Guest(kind, model.config) for _, kind in self._guests())
        return model

    def _guests(self) -> list[tuple[Path, Kind]]:
        return [(path, "upper-body") for path in self.upper_body] + [(path, "silent") for path in self.silent]

    def prepare(self, model: Generator, corpus: Corpus) -> None:
        # What the body hears is told by age: at every look-ahead it answers the same sound. So 0 teaches all of them.
        corpus.lookaheads = (0,) if self.model.causal else (BODY_DELAY_FRAMES,)
        set_normalisation(_own(model).motion_mean, _own(model).motion_std, corpus)
        start_from_principal_components(_own(model), corpus)
        corpus.guests = [Corpus.open([path], "train") for path, _ in self._guests()]
        for guest, own in zip(guests_of(_own(model)), corpus.guests, strict=True):
            guest.start(_own(model).normalize(torch.from_numpy(own.sample_motion(FRAMES))))
        if self.fasttext is not None:
            start_from_fasttext(_own(model).words, self.fasttext)

    def stages(self) -> tuple[Stage, ...]:
        def codecs(model: Generator, bf16: bool) -> CodecObjective:
            return CodecObjective(_own(model), self.codec_losses, bf16=bf16)

        def gestures(model: Generator, bf16: bool) -> GestureObjective:
            return GestureObjective(_own(model), self.losses, bf16=bf16)

        first = replace(self.trainer, steps=self.codec_steps, learning_rate=self.codec_learning_rate)
        second = Stage(name="gestures", trainer=self.trainer, objective=gestures)
        if self.codec_steps == 0:
            return (second,)
        return Stage(name="codecs", trainer=first, objective=codecs, shown=False), second

    def finish(self, average: Generator, corpus: Corpus) -> None:
        _own(average).guests = nn.ModuleList()

    @property
    def streamable(self) -> bool:
        return self.model.causal

    def about(self) -> str:
        return CAUSAL if self.model.causal else REFERENCE


def _own(model: Generator) -> Emage:
    assert isinstance(model, Emage)
    return model
