"""`gesturestream train emotiongesture`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from gesturestream.models.emotiongesture import EmotionGesture, EmotionGestureConfig
from gesturestream.models.generator import Generator
from gesturestream.training.dataset import BODY_DELAY_FRAMES, Corpus
from gesturestream.training.emotiongesture.fitting import fit_poses
from gesturestream.training.emotiongesture.gestures import GestureObjective, GestureWeights
from gesturestream.training.emotiongesture.hearing import HearingObjective, HearingWeights, calibrate
from gesturestream.training.emotiongesture.recordings import Voices, of, read_index, without
from gesturestream.training.normalisation import set_normalisation
from gesturestream.training.recipe import Recipe, Stage
from gesturestream.training.trainer import TrainerConfig

CAUSAL = """# EmotionGesture, causal

Streams 55 SMPL-X joints, jaw, expression, ARKit blendshapes, root and contacts at 30 fps from a voice, and hears its
emotion. After Qi et al., "EmotionGesture" (2023), rebuilt causal; look-ahead 0, 2, 4 or 8 frames from one set of
weights.

- Body targets are the corpus's motion delayed by 10 - look-ahead frames, face targets by max(0, 2 - look-ahead).
- Emotion is one of eight classes, a mixture, or heard in the voice. Contempt and surprise were learned from synthetic
  voices only; boredom is none of the eight.
- Not a model of any real person's gestures; what it knows of prosody and emotion is what its corpus has."""

REFERENCE = """# EmotionGesture, a non-causal reference

Motion of a whole recording from its voice, for comparison with the causal form. After Qi et al., "EmotionGesture"
(2023): plans hear what their frames will hear, windows continue each other, and targets are not delayed."""


@dataclass(frozen=True, kw_only=True)
class RealSpeech:
    """Labelled recordings of real voices that teach the emotion listener beside the corpus."""

    folder: Path | None = None
    """With an index.csv (file, language, speaker, emotion); None: the corpus's voices alone."""
    group: str = ""
    """Only files that begin so, such as `emodb/`."""
    calibration: tuple[str, ...] = ("emodb10",)
    """Speakers that are not trained on: probabilities are calibrated on them."""
    test: tuple[str, ...] = ("emodb15", "emodb16")
    """Speakers that nothing here ever hears."""
    variants: int = 6
    """Other microphones and throats each recording is heard through, itself included."""


@dataclass(frozen=True, kw_only=True)
class TrainEmotionGesture(Recipe):
    """Trains EmotionGesture on a corpus in BEAT2's layout: the emotion listener first, then everything else."""

    name: ClassVar[str] = "emotiongesture"

    out: Path = Path("runs/emotiongesture")
    """Folder for checkpoints and TensorBoard logs; a run that was stopped here is resumed."""
    model: EmotionGestureConfig = field(default_factory=EmotionGestureConfig)
    trainer: Annotated[TrainerConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: TrainerConfig(steps=1500, rows=16, frames=96, learning_rate=1e-3)
    )
    hearing_steps: int = 500
    """Steps of the first stage."""
    hearing_learning_rate: float = 2e-3
    hearing_losses: HearingWeights = field(default_factory=HearingWeights)
    speech: RealSpeech = field(default_factory=RealSpeech)
    losses: GestureWeights = field(default_factory=GestureWeights)
    smooth_temperature: float = 10.0
    """Of the Motion-Smooth Loss; `--losses.smooth 0` trains without it."""
    transcript_shift: int = 0
    """Frames by which transcripts are put out of time: what the contrastive loss is worth."""

    def build(self) -> EmotionGesture:
        return EmotionGesture(self.model)

    def prepare(self, model: Generator, corpus: Corpus) -> None:
        # The newest sound asks for the same at every look-ahead, so 0 teaches all of them; the reference is not late.
        corpus.lookaheads = (0,) if self.model.causal else (BODY_DELAY_FRAMES,)
        set_normalisation(model.motion_mean, model.motion_std, corpus)
        fit_poses(_own(model), corpus)

    def stages(self) -> tuple[Stage, ...]:
        def hearing(model: Generator, bf16: bool) -> HearingObjective:
            return HearingObjective(_own(model), self.hearing_losses, lambda: taught(self.speech))

        def gestures(model: Generator, bf16: bool) -> GestureObjective:
            return GestureObjective(
                _own(model),
                self.losses,
                temperature=self.smooth_temperature,
                transcript_shift=self.transcript_shift,
                bf16=bf16,
            )

        first = replace(self.trainer, steps=self.hearing_steps, learning_rate=self.hearing_learning_rate)
        return (
            Stage(name="hearing", trainer=first, objective=hearing, shown=False),
            Stage(name="gestures", trainer=self.trainer, objective=gestures),
        )

    def finish(self, average: Generator, corpus: Corpus) -> None:
        """Calibrates the listener: on windows of the corpus, and on real speakers that were held out for it."""
        windows = next(corpus.batches(64, 150, seed=23))
        sets = [(windows.features, windows.emotion)]
        if self.speech.folder is not None and self.speech.calibration:
            known = of(read_index(self.speech.folder, self.speech.group), self.speech.calibration)
            voices = Voices(known, 1)
            sets.append((voices.features[:, 0], voices.labels))
        calibrate(_own(average).listener, sets)

    @property
    def streamable(self) -> bool:
        return self.model.causal

    def about(self) -> str:
        return CAUSAL if self.model.causal else REFERENCE


@lru_cache(maxsize=1)
def taught(speech: RealSpeech) -> Voices | None:
    """The recordings that are trained on, read once."""
    if speech.folder is None:
        return None
    known = without(read_index(speech.folder, speech.group), speech.calibration + speech.test)
    return Voices(known, speech.variants)


def _own(model: Generator) -> EmotionGesture:
    assert isinstance(model, EmotionGesture)
    return model
