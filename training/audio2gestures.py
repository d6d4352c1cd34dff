"""How Audio2Gestures learns: the two data flows of paper section 4.1 and the losses of section 4.2.

What differs from the paper, and why: the motion-specific code is slow (averaged over half a second) and keeps a tight
KL term, so that it says which variant of a gesture is made while the voice says when; the mapping network is besides
matched to the encoder's codes in how they move in time (a stream has no clip to take statistics from); and the pose
last shown is an input, corrupted, or dropped, or the network's own, so that copying it never pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.audio2gestures import Audio2Gestures
from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming.hearing import PRESENCE, smooth_sequence
from gesturestream.models.streaming.wandering import coloured
from gesturestream.training import losses
from gesturestream.training.dataset import FACE, Batch
from gesturestream.training.losses import Body

Terms = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the terms; names as in the paper where it has them."""

    rotation: float = 1.0
    """Eq. 5, of the first path's body; so are position (eq. 6) and speed (eq. 7)."""
    position: float = 4.0
    speed: float = 5.0
    smoothness: float = 10.0
    """Of accelerations: without it what is heard frame by frame trembles through to the body."""
    values: float = 1.0
    """Of everything that is emitted, normalised: fingers, face, root, contacts, which the paper does not have."""
    changes: float = 4.0
    """The same from frame to frame; for the random path's face too."""
    relaxed: float = 1.0
    """Eq. 10, the random path's body."""
    tolerance_m: float = 0.3
    """Rho of eq. 10: as far as one variant of a gesture may well be from another."""
    liveliness: float = 0.45
    """The random path moves as much and as smoothly as the teacher when the teacher does, in whatever direction."""
    sliced: float = 6.0
    """The random path's motion is spread as the teacher's is; eq. 10 alone leaves it near the mean."""
    face: float = 1.5
    """The random path's face, which the voice determines: not relaxed."""
    alignment: float = 0.2
    """Eq. 9."""
    kl: float = 0.004
    free_nats: float = 12.0
    """What the motion-specific code may say for nothing, nats per frame: without it the code falls silent."""
    cycle: float = 0.3
    """Eq. 11, in units of the codes' own deviation: in absolute ones a code that vanishes is recovered best."""
    spread: float = 0.2
    """Keeps the motion-specific code from vanishing: each channel's deviation is to be one."""
    diversity: float = 0.1
    """Eq. 12, in its stable form: distance of the two paths' bodies."""
    code_motion: float = 0.2
    emotion: float = 0.2


MAX_LOG_VARIANCE = -4.0
"""Of the mapping network: it would rather answer with white noise, as its KL term asks, and the decoder would learn to
ignore the code. What is random comes in with its input."""


class Codes(NamedTuple):
    """What the encoders make of a batch."""

    shared_audio: Tensor  # [B, T, S]
    shared_motion: Tensor  # [B, T, S]
    mean: Tensor  # [B, T, I]
    log_variance: Tensor  # [B, T, I]
    emotion_logits: Tensor  # [B, T, 8] instantaneous
    heard_logits: Tensor  # [B, T, 8] smoothed over speech


class Objective:
    """Computes the loss of one batch; holds no parameters of its own.

    `bf16`: networks run in bfloat16 (four times faster on CPUs that have it), losses and kinematics in float32.
    """

    def __init__(self, model: Audio2Gestures, weights: LossWeights, *, bf16: bool | None = None) -> None:
        self.model, self.weights = model, weights
        self.bf16 = has_bf16() if bf16 is None else bf16
        self.face = torch.from_numpy(FACE).float()

    def __call__(self, batch: Batch) -> Terms:
        """Terms by name, unweighted, and their weighted sum under `total`."""
        model, w = self.model, self.weights
        target = model.normalize(batch.motion)
        codes = self._encode(batch.features, target)
        condition = self._condition(batch, codes)
        terms: Terms = {}
        true = losses.body(batch.motion)
        first, first_body = self._first_path(batch, codes, condition, target, true, terms)
        if model.config.specific != "none":
            self._second_path(batch, codes, condition, target, true, (first, first_body), terms)
            terms["spread"] = (1.0 - codes.mean.std((0, 1))).clamp_min(0.0).mean()
            terms["alignment"] = (codes.shared_audio - codes.shared_motion).abs().mean()
            terms["kl"] = terms["kl"] + (losses.kl_to_normal(codes.mean, codes.log_variance) - w.free_nats).clamp_min(0)
        terms["emotion"] = self._emotion(batch, codes)
        terms["total"] = sum((getattr(w, name) * value for name, value in terms.items()), target.new_zeros(()))
        return terms

    def _first_path(
        self, batch: Batch, codes: Codes, condition: Tensor, target: Tensor, true: Body, terms: Terms
    ) -> tuple[Tensor, Body]:
        """Shared code of the audio or of the motion, motion-specific code of the motion itself: eq. 4."""
        if self.model.config.specific == "none":  # the baseline of Table 2 regresses motion from the voice
            specific, shared = torch.zeros_like(codes.mean), codes.shared_audio
        else:
            specific = _sample(codes.mean, codes.log_variance)
            shared = torch.where(self._chance(len(target), 1, 1) < 0.6, codes.shared_audio, codes.shared_motion)
        first = self._decode(shared, batch.lookahead, specific, condition, self._emitted(target))
        body = self._body(first)
        terms["rotation"] = losses.rotation_loss(body.rotations, true.rotations)
        terms["position"] = losses.position_loss(body.positions, true.positions)
        terms["speed"] = losses.speed_loss(body.positions, true.positions)
        terms["smoothness"] = losses.acceleration_loss(body.positions, true.positions)
        terms["values"], terms["changes"] = losses.value_losses(first, target)
        return first, body

    def _second_path(
        self,
        batch: Batch,
        codes: Codes,
        condition: Tensor,
        target: Tensor,
        true: Body,
        first: tuple[Tensor, Body],
        terms: Terms,
    ) -> None:
        """What the stream does: the motion-specific code from noise, its own poses shown back to it.

        Its own, not the first path's: those begin the teacher's strokes, and a network that only ever continues them
        begins none itself. Half of the rows are enough for it: it costs as much as the first path.
        """
        w, half = self.weights, slice(0, len(target) // 2)
        random, terms["kl"], terms["code_motion"] = self._random_code(codes, condition, batch)
        inputs = codes.shared_audio[half], batch.lookahead[half], random[half], condition[half]
        with torch.no_grad():
            draft = self._decode(*inputs, torch.zeros_like(self._emitted(target[half])))
        second = self._decode(*inputs, self._emitted(draft))
        body = self._body(second)
        terms["relaxed"] = losses.relaxed_position_loss(body.positions, true.positions[half], w.tolerance_m)
        values, changes = losses.value_losses(second, target[half], self.face.to(self._device))
        terms["face"] = values + w.changes * changes
        terms["liveliness"] = losses.liveliness_loss(
            self.model.denormalize(second), batch.motion[half], body.positions, true.positions[half]
        )
        terms["sliced"] = losses.sliced_distance(second, target[half])
        if w.diversity:
            terms["diversity"] = -losses.position_loss(body.positions, first[1].positions[half].detach())
        if w.cycle:
            terms["cycle"] = self._cycle(second, random[half], codes.mean)

    def _random_code(self, codes: Codes, condition: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """I_R [B, T, I], the mapping network's KL term and how far I_R moves unlike I_M; both 0 without the network."""
        if self.model.config.specific == "normal":
            nothing = torch.zeros((), device=self._device)
            return coloured(torch.randn_like(codes.mean), batch.features[..., PRESENCE]), nothing, nothing
        random, mean, log_variance = self._mapped(codes, condition, batch)
        return (
            random,
            0.1 * losses.kl_to_normal(mean, log_variance),
            losses.autocovariance_loss(mean, codes.mean.detach()),
        )

    def _networks(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self.bf16)

    @property
    def _device(self) -> torch.device:
        return self.model.motion_mean.device

    def _chance(self, rows: int, *axes: int) -> Tensor:
        """Uniform numbers [B, 1, ...], one per clip."""
        return torch.rand(rows, *axes, device=self._device)

    def _encode(self, features: Tensor, target: Tensor) -> Codes:
        with self._networks():
            shared, logits = _float(self.model.audio_encoder(features))
            shared_motion, mean, log_variance = _float(self.model.motion_encoder(target))
        return Codes(
            shared, shared_motion, mean, log_variance, logits, smooth_sequence(logits, features[..., PRESENCE])
        )

    def _condition(self, batch: Batch, codes: Codes) -> Tensor:
        """Controls per frame; half of the clips hear the emotion instead of being told it."""
        told = functional.one_hot(batch.emotion, len(EMOTIONS)).float()
        told = told * (self._chance(len(told), 1) < 0.5)
        frames = codes.heard_logits.shape[1]
        return self.model.conditions(
            told[:, None].expand(-1, frames, -1),
            codes.heard_logits.detach().softmax(-1),
            functional.one_hot(batch.speaker, self.model.config.speakers).float()[:, None].expand(-1, frames, -1),
            batch.intensity[:, None].expand(-1, frames),
        )

    def _decode(self, shared: Tensor, ahead: Tensor, specific: Tensor, condition: Tensor, emitted: Tensor) -> Tensor:
        voice = self.model.heard_sequence(shared, ahead)
        with self._networks():
            motion: Tensor = self.model.decoder(voice, specific, condition, emitted)
        return motion.float()

    def _emitted(self, motion: Tensor) -> Tensor:
        """The pose shown before each frame, normalised, with its flag; corrupted, and dropped for four clips in ten."""
        if not self.model.config.causal:  # the reference sees the whole clip's voice and no pose
            return torch.zeros_like(torch.cat([motion, motion[..., :1]], -1))
        shown = torch.cat([motion[:, :1], motion[:, :-1]], 1)
        rows = len(motion)
        strength = self._chance(rows, 1, 1) * 0.6
        offset = torch.randn_like(motion[:, :1]) * strength
        shown = shown + offset + torch.randn_like(shown) * strength * 0.5
        kept = (self._chance(rows, 1, 1) < 0.6).float()
        return torch.cat([shown * kept, kept.expand(-1, shown.shape[1], 1)], -1)

    def _mapped(self, codes: Codes, condition: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """I_R from noise with the statistics of another clip's I_M (section 4.2, "Motion-specific code alignment")."""
        stats = clip_statistics(codes.mean.detach())[torch.randperm(len(condition))]
        mean, log_std = stats[:, None].chunk(2, -1)
        signal = mean + log_std.exp() * coloured(torch.randn_like(codes.mean), batch.features[..., PRESENCE])
        with self._networks():
            prior_mean, prior_log_variance = _float(self.model.mapping(signal, condition))
        prior_log_variance = prior_log_variance.clamp(-8.0, MAX_LOG_VARIANCE)
        return _sample(prior_mean, prior_log_variance), prior_mean, prior_log_variance

    def _cycle(self, second: Tensor, random: Tensor, own: Tensor) -> Tensor:
        with self._networks():
            _, mean, _ = _float(self.model.motion_encoder(second))
        return ((mean - random.detach()).abs() / (own.detach().std((0, 1)) + 0.05)).mean()

    def _emotion(self, batch: Batch, codes: Codes) -> Tensor:
        labels = batch.emotion[:, None].expand(-1, codes.heard_logits.shape[1])
        instant = functional.cross_entropy(codes.emotion_logits.flatten(0, 1), labels.flatten(), reduction="none")
        presence = batch.features[..., PRESENCE].flatten()
        smoothed = functional.cross_entropy(codes.heard_logits[:, -1], batch.emotion, label_smoothing=0.05)
        return (instant * presence).sum() / presence.sum().clamp_min(1.0) * 0.5 + smoothed

    def _body(self, normalized: Tensor) -> Body:
        return losses.body(self.model.denormalize(normalized))


def clip_statistics(mean: Tensor) -> Tensor:
    """Mean and log std per channel of each clip's I_M: [B, T, I] -> [B, 2 I]."""
    return torch.cat([mean.mean(1), mean.std(1).clamp_min(1e-3).log()], -1)


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 itself."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and torch.backends.cpu.get_cpu_capability() == "AVX512"


def _float(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(part.float() for part in parts)


def _sample(mean: Tensor, log_variance: Tensor) -> Tensor:
    return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
