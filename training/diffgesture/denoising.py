"""The training objective: v-prediction of components under noise (DiffGesture eq. 4, in another parametrisation).

v = alpha noise - sigma clean (Salimans and Ho 2022) instead of the noise itself: at the highest noise levels, which few
steps depend on, noise says nothing of motion. What is dropped in training, so that guidance can tell it apart, is the
voice with all controls, and the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.diffgesture import DiffGesture, windowed
from gesturestream.models.diffgesture.denoiser import Clean, Context
from gesturestream.models.diffgesture.generator import FACE_AHEAD, ROOT
from gesturestream.models.diffgesture.part import Part
from gesturestream.models.diffgesture.schedule import cumulative
from gesturestream.models.motion import EMOTIONS, LOOKAHEADS
from gesturestream.models.streaming.hearing import PRESENCE, smooth_sequence
from gesturestream.training.dataset import Batch
from gesturestream.training.diffgesture import history

Terms = dict[str, Tensor]

ENDING = 0.25
"""Share of clips whose audio ends before the motion does, as it does with look-ahead."""


@dataclass(frozen=True, kw_only=True)
class DenoisingWeights:
    """Weights of the terms."""

    body: float = 1.0
    face: float = 0.5
    changes: float = 10.0
    """Of errors that change from frame to frame, beside those that stay."""
    emotion: float = 0.1


class Setting(NamedTuple):
    """What one part is shown and hears, in training, and what it should make of it."""

    clean: Tensor  # [B, T, C]
    context: Context
    memory: list[Clean]


class DenoisingObjective:
    """Computes the loss of one batch; holds no parameters of its own."""

    def __init__(self, model: DiffGesture, weights: DenoisingWeights, *, bf16: bool = False) -> None:
        self.model, self.weights, self.bf16 = model, weights, bf16
        products = torch.from_numpy(cumulative(model.config)).float()
        self.alphas, self.sigmas = products.sqrt(), (1.0 - products).sqrt()

    def __call__(self, batch: Batch) -> Terms:
        """Terms by name, unweighted, and their weighted sum under `total`."""
        w = self.weights
        settings, emotion = self.settings(batch)
        body, face = (self._denoising(*one) for one in zip(self.model.parts, settings, strict=True))
        terms = {"body": body[0], "body_changes": body[1], "face": face[0], "face_changes": face[1], "emotion": emotion}
        total = w.body * (body[0] + w.changes * body[1]) + w.face * (face[0] + w.changes * face[1])
        return terms | {"total": total + w.emotion * emotion}

    def settings(self, batch: Batch) -> tuple[tuple[Setting, Setting], Tensor]:
        """What body and face are shown and hear, and the loss of the emotion heard."""
        rows, device = len(batch.motion), batch.motion.device
        told, emotion = self.told(batch)
        voiced = history.kept(rows, history.WITHOUT_VOICE, device)[:, None, None] > 0.5
        remembers, doubt = history.kept(rows, history.WITHOUT_PAST, device), history.doubts(rows, device)
        body, face = (
            self._setting(part, clean, shown, torch.where(voiced, heard, part.deaf), remembers, doubt)
            for part, (clean, shown, heard) in zip(self.model.parts, told, strict=True)
        )
        return (body, face), emotion

    def told(self, batch: Batch) -> tuple[list[tuple[Tensor, Tensor, Tensor]], Tensor]:
        """Body's and face's components [B, T, C], the poses shown before and what is heard, nothing dropped; and the
        loss of the emotion heard."""
        model = self.model
        with self._networks():
            body, face, logits = (x.float() for x in model.voices(batch.features))
        smoothed = smooth_sequence(logits, batch.features[..., PRESENCE])
        place = self._place(batch, smoothed.detach().softmax(-1))
        ends = self._ends(batch)
        heard = [
            _silenced(voice, frames, part) + part.place(place)
            for part, voice, frames in zip(model.parts, (body, face), (ends, ends.clamp_max(FACE_AHEAD)), strict=True)
        ]
        clean, shown = model.components(batch.motion), model.shown(history.before(batch.motion))
        return list(zip(clean, shown, heard, strict=True)), self._emotion(batch, logits, smoothed)

    def _setting(
        self, part: Part, clean: Tensor, shown: Tensor, heard: Tensor, remembers: Tensor, doubt: Tensor
    ) -> Setting:
        known = remembers[:, None].expand(-1, clean.shape[1])
        if part.config.causal:
            shown = history.misremembered(shown, doubt)
        else:  # the reference is shown the first poses of its window, as they are
            unseen = ROOT if part is self.model.body else 0
            shown, flags = windowed.seed_poses(clean[:, : part.config.seed_frames], clean.shape[1], unseen)
            known, doubt = known * flags, torch.full_like(doubt, part.config.doubt)
        with self._networks():
            context, memory = part.training_context(shown, known, doubt, heard)
        return Setting(clean, context, memory)

    def _denoising(self, part: Part, setting: Setting) -> tuple[Tensor, Tensor]:
        """Mean square errors of v, and of its changes; components count by their deviation."""
        noise, time = self._noise(setting.clean)
        alpha, sigma = (x.to(time.device)[time][..., None] for x in (self.alphas, self.sigmas))
        noisy, wanted = alpha * setting.clean + sigma * noise, alpha * noise - sigma * setting.clean
        share = time.float() / part.config.schedule_steps
        seeds = None if part.config.causal else part.config.seed_frames
        with self._networks():
            said = part.denoiser.denoise(noisy, share, setting.context, setting.memory, seeds).float()
        wrong = (said - wanted) * component_weights(part).sqrt()
        if not self.model.causal:  # its frames are smooth together or not at all
            return wrong.square().mean(), wrong.new_zeros(())
        steady = wrong[len(wrong) // 2 :]
        return wrong.square().mean(), steady.diff(dim=1).square().mean() + steady.diff(n=2, dim=1).square().mean()

    def _noise(self, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Noise [B, T, C] and steps of the schedule [B, T].

        Half of the clips have in every frame other noise of another level. The others have what the sampler has, one
        level and noise that wanders: only there can be asked that errors do not change from frame to frame. A network
        that hears each frame anew otherwise trembles by what it cannot know.
        """
        (rows, frames), own = clean.shape[:2], len(clean) // 2
        noise = torch.randn_like(clean)
        drawn = torch.randint(1, len(self.alphas), (rows, frames), device=clean.device)
        if not self.model.causal:  # a window is denoised together
            return noise, drawn[:, :1].expand(-1, frames)
        noise = torch.cat([noise[:own], history.wander(clean[own:])])
        return noise, torch.cat([drawn[:own], drawn[own:, :1].expand(-1, frames)])

    def _place(self, batch: Batch, heard: Tensor) -> Tensor:
        """[B, T, ...] controls; half of the clips are told the emotion, the others hear it."""
        rows, frames = heard.shape[:2]
        told = functional.one_hot(batch.emotion, len(EMOTIONS)).float()[:, None]
        emotion = torch.where(torch.rand(rows, 1, 1, device=heard.device) < 0.5, told, heard)
        speaker = functional.one_hot(batch.speaker, self.model.config.speakers).float()[:, None].expand(-1, frames, -1)
        return self.model.placed(emotion, speaker, batch.intensity[:, None].expand(-1, frames))

    def _ends(self, batch: Batch) -> Tensor:
        """[B] how many frames before the motion the audio ends."""
        rows, device = len(batch.motion), batch.motion.device
        ends = torch.tensor(LOOKAHEADS[1:], device=device)[torch.randint(3, (rows,), device=device)]
        ending = (torch.rand(rows, device=device) < ENDING) & self.model.causal
        return torch.where(ending, ends, 0)

    def _emotion(self, batch: Batch, instant: Tensor, smoothed: Tensor) -> Tensor:
        """Of every frame of speech, and of the end of the clip."""
        labels = batch.emotion[:, None].expand(-1, instant.shape[1])
        each = functional.cross_entropy(instant.flatten(0, 1), labels.flatten(), reduction="none")
        presence = batch.features[..., PRESENCE].flatten()
        last = functional.cross_entropy(smoothed[:, -1], batch.emotion, label_smoothing=0.05)
        return (each * presence).sum() / presence.sum().clamp_min(1.0) * 0.5 + last

    def _networks(self) -> torch.autocast:
        return torch.autocast(self.model.motion_mean.device.type, torch.bfloat16, enabled=self.bf16)


def component_weights(part: Part) -> Tensor:
    """[C] mean 1: between all components alike (white noise would be all that is heard of the last ones) and all
    values alike (the first ones would be all)."""
    deviations = part.space.deviations
    extra = deviations.mean().expand(part.components - len(deviations))
    weights = torch.cat([deviations, extra])
    return weights / weights.mean()


def _silenced(voice: Tensor, frames: Tensor, part: Part) -> Tensor:
    """Voice [B, T, D] whose last `frames` [B] are past the audio's end."""
    left = voice.shape[1] - torch.arange(voice.shape[1], device=voice.device)
    return part.masked(voice, left > frames[:, None])
