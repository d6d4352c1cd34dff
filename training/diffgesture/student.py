"""A student that needs one or two steps and one branch: progressive distillation (Salimans and Ho 2022), guided.

One step of the student is to lead where several guided steps of its teacher lead from the same noisy components. Only
denoisers learn: what is heard stays the teacher's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gesturestream.models.diffgesture import DiffGesture
from gesturestream.models.diffgesture.generator import GUIDANCE
from gesturestream.models.diffgesture.part import Part, Scales
from gesturestream.models.diffgesture.schedule import Step, ddim, through
from gesturestream.training.dataset import Batch
from gesturestream.training.diffgesture import history
from gesturestream.training.diffgesture.denoising import DenoisingObjective, DenoisingWeights, Terms, component_weights

SUBSTEPS = 3
"""Steps of the teacher within one of the student."""


class StudentObjective:
    """How far one step of the student leads from where its teacher leads; holds no parameters of its own."""

    def __init__(
        self, model: DiffGesture, teacher: DiffGesture, weights: DenoisingWeights, *, bf16: bool = False
    ) -> None:
        self.model, self.teacher, self.weights, self.bf16 = model, teacher.eval().requires_grad_(False), weights, bf16
        self.heard = DenoisingObjective(self.teacher, weights, bf16=bf16)
        model.requires_grad_(False)
        for part in model.parts:
            part.denoiser.requires_grad_(True)

    def __call__(self, batch: Batch) -> Terms:
        """Terms by name, unweighted, and their weighted sum under `total`."""
        self.teacher.to(batch.motion.device)
        with torch.no_grad():
            told, _ = self.heard.told(batch)
        losses = [
            self._part(mine, theirs, *one) for mine, theirs, one in zip(self.model.parts, self.teacher.parts, told)
        ]
        body, face = losses
        return {"body": body, "face": face, "total": self.weights.body * body + self.weights.face * face}

    def _part(self, mine: Part, theirs: Part, clean: Tensor, shown: Tensor, heard: Tensor) -> Tensor:
        """As in the stream: all is known, and off by as much as is told there."""
        doubt = torch.full_like(clean[:, 0, 0], mine.config.doubt)
        shown = history.misremembered(shown, doubt)
        step = _drawn(ddim(mine.config))
        noisy = step.alpha * clean + step.sigma * history.wander(clean)
        networks = torch.autocast(clean.device.type, torch.bfloat16, enabled=self.bf16)
        with torch.no_grad(), networks:
            led = lead(theirs, noisy, shown, heard, step).float()
        with networks:
            context, memory = mine.training_context(shown, torch.ones_like(clean[..., 0]), doubt, heard)
            time = torch.full_like(noisy[..., 0], step.time)
            said = mine.denoiser.denoise(noisy, time, context, memory).float()
        wrong = (said - velocity_to(noisy, led, step)) * component_weights(mine).sqrt()
        return wrong.square().mean() + self.weights.changes * wrong.diff(dim=1).square().mean()


def lead(teacher: Part, noisy: Tensor, shown: Tensor, heard: Tensor, step: Step) -> Tensor:
    """Where the teacher's own, guided steps lead from `noisy` [B, T, C] within one `step` of the student."""
    scales = Scales(*(torch.full_like(noisy[..., 0], s) for s in (GUIDANCE["voice"], GUIDANCE["continuation"], 1.0)))
    last = teacher.config.schedule_steps
    start, stop = round(step.time * last), round(step.next_time * last)
    stops = [round(start + (stop - start) * i / SUBSTEPS) for i in range(SUBSTEPS + 1)]
    between = through(teacher.config, sorted(set(stops), reverse=True))
    return teacher.walk(between, shown, heard, noisy, scales)


def velocity_to(noisy: Tensor, led: Tensor, step: Step) -> Tensor:
    """The v by which one step of DDIM leads from `noisy` to `led`."""
    stays = step.next_alpha * step.alpha + step.kept * step.sigma
    turns = step.kept * step.alpha - step.next_alpha * step.sigma
    return (led - stays * noisy) / turns


def _drawn(steps: tuple[Step, ...]) -> Step:
    return steps[int(torch.randint(len(steps), ()))]
