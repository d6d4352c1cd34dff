"""Second stage: beats, emotion-conditioned VAE, prompter, decoder and face; the emotion listener is frozen.

Half of the clips are guided: their latent comes from the motion that is to be made, their past is the corpus's,
corrupted, or their own, and their plans are compared with what was to come. The other half is what the stream does:
latents from wandering noise, and a past of their own making, window after window; they need not go the corpus's way,
but must be spread as it is, come alive when it does, and pass the discriminator. Some of them begin far from any
natural pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.emotiongesture import EmotionGesture
from gesturestream.models.emotiongesture.planner import Voice, follow, windows
from gesturestream.models.emotiongesture.pose_space import joined
from gesturestream.models.emotiongesture.prompter import Past
from gesturestream.models.motion import EMOTIONS, LOOKAHEADS
from gesturestream.models.streaming import wandering
from gesturestream.models.streaming.hearing import PRESENCE, emotion_weights
from gesturestream.training import losses
from gesturestream.training.dataset import Batch
from gesturestream.training.emotiongesture.alignment import alignment_loss
from gesturestream.training.emotiongesture.motion_smooth import motion_smooth_loss
from gesturestream.training.losses import Body

Terms = dict[str, Tensor]

HOPS = (3, 5, 8)
"""Frames that are shown of a plan before the next one is made; the stream shows one."""
TOLD = 0.5
"""Share of clips that are told their emotion; the others hear it."""
ENDING = 0.25
"""Share of clips whose audio ends before the motion does, as it does with look-ahead."""
BLIND = 0.4
"""Share of guided clips whose latent is noise: a latent that tells the emotion, too, lets its label be ignored."""
OWN_PAST = 0.6
"""Share of guided clips whose past is their own: strokes of the corpus that are only continued are never begun."""
STRANGERS = 0.7
"""Share of clips that begin in another clip's pose: a body that is seen to be sad already needs not be told."""
FORGOTTEN = 0.2
"""Share of plans that do not know the plan before."""
LATER_COUNTS = 0.9
"""How much each frame of a plan counts, beside the one before it."""
FAR_AWAY, FAR_SIZE = 0.25, 1.5
"""Share of clips that begin far from where the corpus is, and how far, deviations."""


@dataclass(frozen=True, kw_only=True)
class GestureWeights:
    """Weights of the terms."""

    values: float = 1.0
    """Guided plans: L1 of normalised body values, and of their changes from frame to frame."""
    changes: float = 3.0
    position: float = 4.0
    """Of joints, metres."""
    speed: float = 10.0
    kl: float = 0.004
    free_nats: float = 10.0
    """What the latent may say for nothing, nats per frame."""
    smooth: float = 2.0
    """Motion-Smooth Loss of guided plans."""
    relaxed: float = 2.0
    """Own motion: only what is farther than the tolerance from the corpus's counts."""
    tolerance_m: float = 0.15
    sliced: float = 6.0
    """Own motion is spread as the corpus's (sliced Wasserstein)."""
    liveliness: float = 0.45
    """Own motion moves as much and as smoothly as the corpus's when that does."""
    adversarial: float = 0.05
    """Own motion is taken for real by the discriminator."""
    discriminator: float = 0.2
    face: float = 1.5
    face_changes: float = 4.0
    alignment: float = 0.1
    """Beat features and transcript."""


class Drawn(NamedTuple):
    """What a batch's windows became."""

    plans: Tensor  # [B, S, H, P] made at S frames
    starts: Tensor  # [S] first frames of the plans
    shown: Tensor  # [B / 2, T', P] what the own clips showed, from frame `starts[0]`


class GestureObjective:
    """Computes the loss of one batch; holds no parameters of its own."""

    def __init__(
        self,
        model: EmotionGesture,
        weights: GestureWeights,
        *,
        temperature: float = 10.0,
        transcript_shift: int = 0,
        bf16: bool = False,
    ) -> None:
        """temperature: of the Motion-Smooth Loss; transcript_shift: frames by which transcripts are out of time."""
        self.model, self.weights, self.bf16 = model, weights, bf16
        self.temperature, self.transcript_shift = temperature, transcript_shift
        self.progress = 1.0
        """Of the training, 0..1, as the trainer tells it: the discriminator is heard more and more."""
        model.requires_grad_(True)  # the first stage had all but the listener frozen
        model.listener.requires_grad_(False)
        model.listener.eval()

    def __call__(self, batch: Batch) -> Terms:
        """Terms by name, unweighted, and their weighted sum under `total`."""
        model = self.model
        target = model.normalize(batch.motion)
        wanted = model.poses.encode(target[..., model.body])
        with self._networks():
            heard = model.miner(batch.features)
        beats, face_code = heard.beats.float(), heard.face.float()
        terms = {"alignment": alignment_loss(model.transcript, beats, batch.words[:, :, 0], self.transcript_shift)}
        ends = self._ends(batch)
        noise = self._noise(batch)
        latent = self._latent(batch, wanted, noise, terms)
        feature = model.vae(latent, self._mood(batch), self._speaker(batch))
        drawn = self._roll(wanted, silenced(beats, ends, model.miner.no_beats), feature)
        face_code = silenced(face_code, ends.clamp_max(2), model.miner.no_face)
        with self._networks():
            face = model.expression(face_code, feature, noise[..., model.config.latent_size :]).float()
        terms |= self._face(face, target)
        true = losses.body(batch.motion)
        terms |= self._guided(drawn, target, wanted, true)
        terms |= self._own(drawn, target, wanted, face, batch, true)
        terms["total"] = sum((self._weight(name) * value for name, value in terms.items()), target.new_zeros(()))
        return terms

    def _weight(self, name: str) -> float:
        weight = float(getattr(self.weights, name))
        return weight * min(1.0, 4.0 * self.progress) if name == "adversarial" else weight

    # -- what is heard

    def _mood(self, batch: Batch) -> Tensor:
        """Emotion weights and intensity [B, T, 9]."""
        told = functional.one_hot(batch.emotion, len(EMOTIONS)).float() * (self._chance(batch) < TOLD)
        with torch.no_grad():
            heard = self.model.listener(batch.features).softmax(-1)
        weights = emotion_weights(told[:, None].expand_as(heard), heard)
        return torch.cat([weights, batch.intensity[:, None, None].expand(-1, weights.shape[1], 1)], -1)

    def _speaker(self, batch: Batch) -> Tensor:
        who = functional.one_hot(batch.speaker, self.model.config.speakers).float()
        return who[:, None].expand(-1, batch.features.shape[1], -1)

    def _ends(self, batch: Batch) -> Tensor:
        """Frames [B] by which the audio ends early."""
        rows, device = len(batch.features), batch.features.device
        early = torch.tensor(LOOKAHEADS[1:], device=device)[torch.randint(len(LOOKAHEADS) - 1, (rows,), device=device)]
        return torch.where((self._chance(batch)[:, 0] < ENDING) & self.model.causal, early, 0)

    def _noise(self, batch: Batch) -> Tensor:
        size = self.model.info.noise_size
        normals = torch.randn(*batch.features.shape[:2], size, device=batch.features.device)
        return wandering.coloured(normals, batch.features[..., PRESENCE])

    def _latent(self, batch: Batch, wanted: Tensor, noise: Tensor, terms: Terms) -> Tensor:
        """[B, T, Z]: of the motion itself for most of the guided half, from noise for all others."""
        guided = self._guided_rows(batch)
        emotion = functional.one_hot(batch.emotion[guided], len(EMOTIONS)).float()
        mean, log_variance = self.model.vae.encode(wanted[guided], emotion)
        terms["kl"] = (losses.kl_to_normal(mean, log_variance) - self.weights.free_nats).clamp_min(0.0)
        sampled = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        prior = noise[..., : self.model.config.latent_size]
        blind = (torch.rand(len(mean), 1, 1, device=mean.device) < BLIND).float()
        return torch.cat([blind * prior[guided] + (1.0 - blind) * sampled, prior[guided.stop :]])

    # -- windows after windows

    def _roll(self, wanted: Tensor, beats: Tensor, feature: Tensor) -> Drawn:
        """Plans window after window over the clip: guided ones after the corpus's past, the others after their own."""
        model, seeds = self.model, self.model.config.seeds
        hop = min(HOPS[int(torch.randint(len(HOPS), ()))], model.config.horizon)
        starts = torch.arange(seeds, wanted.shape[1] - model.config.horizon + 1, hop, device=wanted.device)
        reach = 0 if model.causal else 16
        voice = windows(beats, (starts + reach).expand(len(beats), -1), model.config.memory, model.miner.no_beats)
        half = len(wanted) // 2
        given = corrupted(wanted)
        stranger = torch.rand(len(given), 1, 1, device=wanted.device) < STRANGERS
        first = given[:, :seeds]
        past = model.start(given[:, 0])._replace(poses=torch.where(stranger, first[torch.randperm(len(first))], first))
        alone = torch.rand(half, 1, 1, device=wanted.device) < OWN_PAST
        plans, shown = [], []
        for i, t in enumerate(starts.tolist()):
            known = (torch.rand_like(past.planned) > FORGOTTEN).float() * past.planned
            with self._networks():
                heard = Voice(*(part[:, i] for part in voice))
                plan = model.planner(Past(past.poses, past.plan, known), heard, feature[:, t]).float()
            guided = torch.where(alone, plan[:half, :hop], given[:half, t : t + hop])
            now = torch.cat([guided, plan[half:, :hop]])
            past = follow(past, plan, now)
            plans.append(plan)
            shown.append(plan[half:, :hop])
        return Drawn(torch.stack(plans, 1), starts, torch.cat(shown, 1))

    # -- what is compared

    def _guided(self, drawn: Drawn, target: Tensor, wanted: Tensor, true: Body) -> Terms:
        half = len(target) // 2
        plans = drawn.plans[:half]
        horizon = torch.arange(plans.shape[2], device=plans.device)
        frames = drawn.starts[:, None] + horizon
        counts = LATER_COUNTS**horizon
        counts = counts / counts.mean()
        made = self.model.poses.decode(plans)
        apart = (made - target[:half][:, frames][..., self.model.body]) * self._body_weights(made)
        places = losses.body(self.model.unnormalized_body(made)).positions
        wrong = places - true.positions[:half][:, frames]
        return {
            "values": (apart.abs().mean(-1) * counts).mean(),
            "changes": apart.diff(dim=2).abs().mean(),
            "position": (wrong.abs().sum(-1).mean(-1) * counts).mean(),
            "speed": wrong.diff(dim=2).abs().sum(-1).mean(),
            "smooth": motion_smooth_loss(plans, wanted[:half][:, frames], self.temperature),
        }

    def _own(self, drawn: Drawn, target: Tensor, wanted: Tensor, face: Tensor, batch: Batch, true: Body) -> Terms:
        model, own = self.model, slice(len(target) // 2, None)
        shown = drawn.shown
        first = int(drawn.starts[0])
        span = slice(first, first + shown.shape[1])
        body = model.poses.decode(shown)
        motion = joined(body, face[own, span])
        packed = model.denormalize(motion)
        made, real = losses.body(packed), true.positions[own, span]
        emotion = functional.one_hot(batch.emotion[own], len(EMOTIONS)).float()
        judge, natural = model.discriminator, wanted[own, span]
        return {
            "relaxed": losses.relaxed_position_loss(made.positions, real, self.weights.tolerance_m),
            "sliced": losses.sliced_distance(motion, target[own, span]),
            "liveliness": losses.liveliness_loss(packed, batch.motion[own, span], made.positions, real),
            "adversarial": (judge.unmoved(shown, emotion) - 1.0).square().mean(),
            "discriminator": (judge(natural, emotion) - 1.0).square().mean()
            + (judge(shown.detach(), emotion) + 1.0).square().mean(),
        }

    def _face(self, face: Tensor, target: Tensor) -> Terms:
        weights = losses.value_weights().to(face.device)[self.model.face]
        apart = (face - target[..., self.model.face]) * weights
        return {"face": apart.abs().mean(), "face_changes": apart.diff(dim=1).abs().mean()}

    def _body_weights(self, like: Tensor) -> Tensor:
        return losses.value_weights().to(like.device)[self.model.body]

    def _guided_rows(self, batch: Batch) -> slice:
        return slice(0, len(batch.features) // 2)

    def _chance(self, batch: Batch) -> Tensor:
        """Uniform numbers [B, 1], one per clip."""
        return torch.rand(len(batch.features), 1, device=batch.features.device)

    def _networks(self) -> torch.autocast:
        return torch.autocast(self.model.motion_mean.device.type, torch.bfloat16, enabled=self.bf16)


def corrupted(poses: Tensor) -> Tensor:
    """Poses [B, T, P] with errors a stream might have: an offset per clip, now and then a large one, and a tremble.

    Without them a long stream drifts: it has never seen its own small errors and continues them.
    """
    chance = torch.rand(len(poses), 1, 1, device=poses.device)
    far = (torch.rand_like(chance) < FAR_AWAY).float() * FAR_SIZE
    offset = torch.randn_like(poses[:, :1]) * (0.4 * chance + far * torch.rand_like(chance))
    return poses + offset + 0.03 * chance * torch.randn_like(poses)


def silenced(codes: Tensor, frames: Tensor, absent: Tensor) -> Tensor:
    """Codes [B, T, D] whose last `frames` [B] are past the audio's end."""
    left = codes.shape[1] - torch.arange(codes.shape[1], device=codes.device)
    return torch.where((left <= frames[:, None])[..., None], absent, codes)
