"""`gesturestream train audio2gestures`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.models.generator import Generator
from gesturestream.training.audio2gestures import LossWeights, Objective, clip_statistics
from gesturestream.training.dataset import BODY_DELAY_FRAMES, Corpus
from gesturestream.training.normalisation import set_normalisation
from gesturestream.training.recipe import Recipe, Stage

Row = Literal["baseline", "split", "mapping", "bicycle", "full"]
"""Rows of the paper's Table 2; each adds a component to the one before, the last one the diversity loss."""

_WITHOUT: dict[Row, tuple[dict[str, Any], dict[str, float]]] = {
    "baseline": ({"specific": "none"}, {}),
    "split": ({"specific": "normal"}, {"cycle": 0.0, "diversity": 0.0}),
    "mapping": ({}, {"cycle": 0.0, "diversity": 0.0}),
    "bicycle": ({}, {"diversity": 0.0}),
    "full": ({}, {}),
}
"""What a row changes in the model's configuration and in the weights of the losses."""

CAUSAL = """# Audio2Gestures, causal

Streams 55 SMPL-X joints, jaw, expression, ARKit blendshapes, root and contacts at 30 fps from a voice alone.
After Li et al., "Audio2Gestures" (ICCV 2021), rebuilt causal; look-ahead 0, 2, 4 or 8 frames from one set of weights.

- Body targets are the corpus's motion delayed by 10 - look-ahead frames, face targets by max(0, 2 - look-ahead).
- Not a model of any real person's gestures; what it knows of prosody and emotion is what its corpus has."""

REFERENCE = """# Audio2Gestures, the paper's symmetric form

Motion of a whole recording from its voice, for comparison with the causal form. After Li et al., "Audio2Gestures"
(ICCV 2021): every frame sees as far ahead as back, and targets are not delayed."""


@dataclass(frozen=True, kw_only=True)
class TrainAudio2Gestures(Recipe):
    """Trains Audio2Gestures on a corpus in BEAT2's layout."""

    name: ClassVar[str] = "audio2gestures"

    out: Path = Path("runs/audio2gestures")
    """Folder for checkpoints and TensorBoard logs; a run that was stopped here is resumed."""
    model: Audio2GesturesConfig = field(default_factory=Audio2GesturesConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    ablation: Row = "full"
    """A row of the paper's Table 2: `baseline` regresses motion from the voice, `split` adds the motion-specific code
    drawn from normals, `mapping` the mapping network, `bicycle` eq. 11, `full` the diversity loss."""

    def build(self) -> Audio2Gestures:
        return Audio2Gestures(replace(self.model, **_WITHOUT[self.ablation][0]))

    def prepare(self, model: Generator, corpus: Corpus) -> None:
        if not self.model.causal:
            corpus.lookaheads = (BODY_DELAY_FRAMES,)  # the reference hears what is to come: nothing is delayed
        set_normalisation(_own(model).motion_mean, _own(model).motion_std, corpus)

    def stages(self) -> tuple[Stage, ...]:
        weights = replace(self.losses, **_WITHOUT[self.ablation][1])

        def objective(model: Generator, bf16: bool) -> Objective:
            return Objective(_own(model), weights, bf16=bf16)

        return (Stage(name=self.name, trainer=self.trainer, objective=objective),)

    def finish(self, average: Generator, corpus: Corpus) -> None:
        fill_style_bank(_own(average), corpus)

    @property
    def streamable(self) -> bool:
        return self.model.causal

    def about(self) -> str:
        return CAUSAL if self.model.causal else REFERENCE


def _own(model: Generator) -> Audio2Gestures:
    assert isinstance(model, Audio2Gestures)
    return model


@torch.inference_mode()
def fill_style_bank(model: Audio2Gestures, corpus: Corpus, frames: int = 240) -> None:
    """Statistics of the motion-specific code of `styles` training clips, for the stream to draw from."""
    batch = next(corpus.batches(model.config.styles, frames, seed=7))
    _, mean, _ = model.motion_encoder(model.normalize(batch.motion))
    model.mapping.bank.copy_(clip_statistics(mean))
