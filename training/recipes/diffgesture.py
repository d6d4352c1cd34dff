"""`gesturestream train diffgesture`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from gesturestream.models import checkpoint
from gesturestream.models.diffgesture import DiffGesture, DiffGestureConfig
from gesturestream.models.generator import Generator
from gesturestream.training.dataset import BODY_DELAY_FRAMES, Corpus
from gesturestream.training.diffgesture.denoising import DenoisingObjective, DenoisingWeights
from gesturestream.training.diffgesture.fitting import fit
from gesturestream.training.diffgesture.student import StudentObjective
from gesturestream.training.recipe import Recipe, Stage
from gesturestream.training.trainer import TrainerConfig

CAUSAL = """# DiffGesture, causal

Streams 55 SMPL-X joints, jaw, expression, ARKit blendshapes, root and contacts at 30 fps from a voice, each frame
denoised by itself in a few steps, from what was shown. After Zhu et al., "Taming Diffusion Models for Audio-Driven
Co-Speech Gesture Generation" (CVPR 2023), rebuilt causal; look-ahead 0, 2, 4 or 8 frames from one set of weights.

- Body targets are the corpus's motion delayed by 10 - look-ahead frames, face targets by max(0, 2 - look-ahead).
- Not a model of any real person's gestures; what it knows of prosody and emotion is what its corpus has."""

STUDENT = """
- A student of {steps} denoising step(s), distilled with its teacher's guidance: it has no scales to set."""

REFERENCE = """# DiffGesture, the paper's non-causal form

Motion of a whole recording from its voice in windows of 34 frames, for comparison with the causal form. After Zhu et
al., "Taming Diffusion Models for Audio-Driven Co-Speech Gesture Generation" (CVPR 2023): frames of a window are
denoised together and see all of its voice, and targets are not delayed."""


@dataclass(frozen=True, kw_only=True)
class TrainDiffGesture(Recipe):
    """Trains DiffGesture on a corpus in BEAT2's layout."""

    name: ClassVar[str] = "diffgesture"

    out: Path = Path("runs/diffgesture")
    """Folder for checkpoints and TensorBoard logs; a run that was stopped here is resumed."""
    model: DiffGestureConfig = field(default_factory=DiffGestureConfig)
    trainer: TrainerConfig = field(
        default_factory=lambda: TrainerConfig(steps=5000, rows=20, frames=96, learning_rate=1e-3)
    )
    losses: DenoisingWeights = field(default_factory=DenoisingWeights)
    student_of: Path | None = None
    """A trained checkpoint: instead of a model of its own its student is made, of `student_steps` steps and with
    guidance in the weights. The student has the teacher's configuration but for that."""
    student_steps: int = 2

    def build(self) -> DiffGesture:
        if self.student_of is None:
            return DiffGesture(self.model)
        teacher = self._teacher(self.student_of)
        student = DiffGesture(replace(teacher.config, steps=self.student_steps, guided=False))
        student.load_state_dict(teacher.state_dict())
        return student

    def prepare(self, model: Generator, corpus: Corpus) -> None:
        # What the body hears is told by age: at every look-ahead it answers the same sound. So 0 teaches all of them.
        corpus.lookaheads = (0,) if self.streamable else (BODY_DELAY_FRAMES,)
        if self.student_of is None:
            fit(_own(model), corpus)

    def stages(self) -> tuple[Stage, ...]:
        def denoising(model: Generator, bf16: bool) -> DenoisingObjective:
            return DenoisingObjective(_own(model), self.losses, bf16=bf16)

        if self.student_of is None:
            # The reference denoises one window at a time, and is trained on windows of just that length.
            frames = self.trainer.frames if self.model.causal else self.model.window_frames
            trainer = replace(self.trainer, frames=frames)
            return (Stage(name="denoising", trainer=trainer, objective=denoising),)
        teacher = self._teacher(self.student_of)

        def student(model: Generator, bf16: bool) -> StudentObjective:
            return StudentObjective(_own(model), teacher, self.losses, bf16=bf16)

        return (Stage(name="student", trainer=self.trainer, objective=student),)

    @staticmethod
    def _teacher(path: Path) -> DiffGesture:
        """ValueError: it is none that a student could have."""
        found = checkpoint.load(path)
        if not (isinstance(found, DiffGesture) and found.config.guided and found.config.causal):
            raise ValueError(f"student-of: expected a causal DiffGesture with guidance, got another model in {path}")
        return found

    def finish(self, average: Generator, corpus: Corpus) -> None:
        pass

    @property
    def streamable(self) -> bool:
        return self.model.causal or self.student_of is not None

    def about(self) -> str:
        if self.student_of is not None:
            return CAUSAL + STUDENT.format(steps=self.student_steps)
        return CAUSAL if self.model.causal else REFERENCE


def _own(model: Generator) -> DiffGesture:
    assert isinstance(model, DiffGesture)
    return model
