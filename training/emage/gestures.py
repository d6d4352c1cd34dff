"""Second stage: content and rhythm attention and the masked audio gesture transformer, codecs frozen (EMAGE 4.3, 4.4).

What differs from the paper, and why. Its network sees a window of masked gestures, four seed frames of it visible; the
stream sees what it has shown so far. So half of the clips are shown the corpus's past, corrupted and dropped, and half
their own: poses that the network itself draws from the same noise. Its own poses' codes are besides decoded, and the
motion must be spread as the corpus's is: a network that only ever continues the corpus's strokes begins none itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.emage import Emage
from gesturestream.models.emage.generator import FACE_AHEAD, Heard, Masked
from gesturestream.models.emage.heads import Choice
from gesturestream.models.emage.tempo import STILL_M_S
from gesturestream.models.emage.vq import PartCodec, Quantised
from gesturestream.models.motion import EMOTIONS, FPS, LOOKAHEADS, ROOT_M, ROT6D
from gesturestream.models.streaming import wandering
from gesturestream.models.streaming.hearing import PRESENCE, smooth_sequence
from gesturestream.training import losses
from gesturestream.training.dataset import FACE, Batch
from gesturestream.training.emage import masks
from gesturestream.training.emage.guests import codes_apart, guests_of

Terms = dict[str, Tensor]

WITHOUT_VOICE = 0.15
"""Share of clips on the gesture-to-gesture path (eq. 7): masked gestures reconstructed without a voice."""
WITHOUT_WORDS = 0.4
KNOWN_AHEAD = 0.7
"""Of the clips with words, those whose words are known before they are spoken."""
GESTURE_ON_WORD = slice(8, 18)
"""Frames after a word is heard in which the gesture on it is looked for: its apex comes BODY_DELAY_FRAMES later, or as
much later again where the word was known ahead."""
_WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
_TEMPO_FRAMES = 5
ENDING = 0.25
"""Share of clips whose audio ends before the motion does, as it does with look-ahead."""


@dataclass(frozen=True, kw_only=True)
class GestureWeights:
    """Weights of the terms."""

    classes: float = 1.0
    """L_a2g-cls: cross-entropy of the codes, nats per codebook."""
    own_classes: float = 0.15
    """The same for clips that are shown their own past, which need not have gone the corpus's way."""
    latents: float = 1.0
    """L1 of regressed latents (eq. 8 and L_a2g-rec)."""
    sliced: float = 15.0
    """Own motion is spread as the corpus's (sliced Wasserstein)."""
    liveliness: float = 0.9
    """Own motion moves as much and as smoothly as the corpus's when that does."""
    timing: float = 3.0
    """Own wrists are fast when the corpus's are: what the voice determines of a stroke, if not its shape, is when."""
    tempo: float = 0.5
    """How fast wrists will be, from the voice alone: it has to be heard before a stroke can be on time."""
    recall: float = 0.5
    """Which gesture is made on a word, from the word alone: such words are too rare to be noticed otherwise."""
    face: float = 1.5
    """L1 of the face as it is drawn, and of its changes: the voice determines it."""
    changes: float = 4.0
    emotion: float = 0.2
    guests: float = 0.5
    """Cross-entropy and latents of other corpora's codes, by heads of their own (Table 7)."""


class GestureObjective:
    """Computes the loss of one batch; holds no parameters of its own. The codecs' weights are frozen."""

    def __init__(self, model: Emage, weights: GestureWeights, *, bf16: bool = False) -> None:
        self.model, self.weights, self.bf16 = model, weights, bf16
        self.progress = 1.0
        """Of the training, 0..1, as the trainer tells it: the masked ratio rises with it."""
        model.codecs.requires_grad_(False)
        model.root.requires_grad_(False)
        for guest in guests_of(model):
            guest.codecs.requires_grad_(False)
        self.face = torch.from_numpy(FACE).float()

    def __call__(self, batch: Batch) -> Terms:
        """Terms by name, unweighted, and their weighted sum under `total`."""
        model, w = self.model, self.weights
        guests = self._guests(batch)
        batch = batch.of(0)
        target = model.normalize(batch.motion)
        with torch.no_grad(), self._networks():
            codes = [codec.encode(target) for codec in self._codecs()]
        heard, terms = self._listen(batch, codes)
        own = slice(len(target) // 2, None)
        normals = self._normals(batch)
        noise = wandering.wandered(normals, model.tempo.pace(heard.body), wandering.somewhere(normals[:, 0]))
        masked, listen = self._masked(target), self._paths(target)
        if model.causal:
            masked = self._with_own_past(masked, heard, noise, own)
        with self._networks():
            choices = [Choice(*(x.float() for x in choice)) for choice in model.choose(masked, heard, listen)]
        terms |= self._codes(choices, codes, own)
        terms |= self._motion(choices, noise, batch, target, own) | guests
        terms["total"] = sum((getattr(w, name) * value for name, value in terms.items()), target.new_zeros(()))
        return terms

    def _listen(self, batch: Batch, codes: list[Quantised]) -> tuple[Heard, Terms]:
        """What each motion frame hears, and the losses of what is heard. Half of the clips are told the emotion."""
        model = self.model
        words = self._words(batch)
        with self._networks():
            body, face = model.voices(batch.features, words)
        logits = body.emotion.float()
        smoothed = smooth_sequence(logits, batch.features[..., PRESENCE])
        told = functional.one_hot(batch.emotion, len(EMOTIONS)).float() * (self._chance(batch) < 0.5)
        frames = logits.shape[1]
        place = model.place(
            told[:, None].expand(-1, frames, -1),
            smoothed.detach().softmax(-1),
            functional.one_hot(batch.speaker, model.config.speakers).float()[:, None].expand(-1, frames, -1),
            batch.intensity[:, None].expand(-1, frames),
        )
        ends = torch.tensor(LOOKAHEADS[1:], device=place.device)[torch.randint(3, (len(told),), device=place.device)]
        ends = torch.where((self._chance(batch) < ENDING)[:, 0] & model.causal, ends, 0)
        heard = Heard(
            body=_silenced(body.fused.float(), ends, model.absent[0]),
            face=_silenced(face.fused.float(), ends.clamp_max(FACE_AHEAD), model.absent[1]),
            place=place,
        )
        terms = {"emotion": self._emotion(batch, logits, smoothed), "tempo": self._tempo(batch, heard.body)}
        return heard, terms | {"recall": self._recall(body.content.float(), words, codes)}

    def _guests(self, batch: Batch) -> Terms:
        """Codes of the guests' parts from what they have: voices or none, and the past of the joints they know.

        Who speaks and in which mood they do not say: p_t is that of nobody, in the mood that is heard.
        """
        out = []
        for i, guest in enumerate(guests_of(self.model), 1):
            rows = batch.of(i)
            target = self.model.normalize(rows.motion)
            voice, place = self._guests_voice(rows)
            if not guest.voiced:
                voice = self.model.absent[0].expand_as(voice)
            masked = self._masked(target)
            known = masked._replace(shown_known=masked.shown_known & guest.joints, hinted=masked.hinted & guest.joints)
            with self._networks():
                _, x = self.model.body(self.model.token(known), place, voice, float(guest.voiced))
                choices = guest.choices(x)
            out.append(codes_apart(choices, guest.own_codecs(), target))
        return {"guests": torch.stack(out).mean()} if out else {}

    def _guests_voice(self, rows: Batch) -> tuple[Tensor, Tensor]:
        """The body's voice [B, T, D] and p_t of clips whose speaker and emotion nobody knows."""
        model, nobody = self.model, rows.features.new_zeros(*rows.features.shape[:2], self.model.config.speakers)
        body, _ = model.voices(rows.features, self._words(rows))
        heard = smooth_sequence(body.emotion.float(), rows.features[..., PRESENCE]).detach().softmax(-1)
        place = model.place(torch.zeros_like(heard), heard, nobody, torch.ones_like(nobody[..., 0]))
        return body.fused.float(), place

    def _tempo(self, batch: Batch, heard: Tensor) -> Tensor:
        """Square error of the wrists' foretold speed, log m/s."""
        true = losses.body(batch.motion).positions
        return functional.mse_loss(self.model.tempo(heard), (_wrist_speed(true) + STILL_M_S).log())

    def _recall(self, content: Tensor, words: Tensor, codes: list[Quantised]) -> Tensor:
        """How far the gesture on each word (its mean latent) is from what the word alone says of it."""
        latents = torch.cat([code.latent for code in codes], -1).float()
        span = GESTURE_ON_WORD
        later = functional.avg_pool1d(latents[:, span.start :].transpose(1, 2), span.stop - span.start, 1).transpose(
            1, 2
        )
        frames = later.shape[1]
        apart = functional.smooth_l1_loss(self.model.recall(content[:, :frames]), later, reduction="none").mean(-1)
        said = (words[:, :frames] > 0).any(-1).any(-1)
        return (apart * said).sum() / said.sum().clamp_min(1)

    def _words(self, batch: Batch) -> Tensor:
        """Words as clients send them: none, while they are spoken, or ahead."""
        spoken = self._chance(batch)[..., None, None] >= WITHOUT_WORDS
        ahead = self._chance(batch)[..., None] < KNOWN_AHEAD
        known = torch.stack([torch.ones_like(ahead), ahead], 2)
        return batch.words * spoken * known

    def _emotion(self, batch: Batch, instant: Tensor, smoothed: Tensor) -> Tensor:
        labels = batch.emotion[:, None].expand(-1, instant.shape[1])
        each = functional.cross_entropy(instant.flatten(0, 1), labels.flatten(), reduction="none")
        presence = batch.features[..., PRESENCE].flatten()
        last = functional.cross_entropy(smoothed[:, -1], batch.emotion, label_smoothing=0.05)
        return (each * presence).sum() / presence.sum().clamp_min(1.0) * 0.5 + last

    def _masked(self, target: Tensor) -> Masked:
        """The corpus's past, corrupted and in part masked, and what is hinted of the present."""
        model, (rows, frames) = self.model, target.shape[:2]
        known = masks.known_history(rows, frames, self.progress, target.device)
        hinted = masks.hinted_joints(rows, frames, self.progress, target.device)
        if not model.config.masked_hints:
            hinted = torch.zeros_like(hinted)
        if not model.causal:  # the reference knows no past: of the masked gesture it is given what is hinted
            known = torch.zeros_like(known)
        shown = masks.before(masks.corrupted(target))
        return Masked(shown, known, target[..., ROT6D], hinted)

    def _paths(self, target: Tensor) -> Tensor:
        """1: audio to gesture (eq. 9), 0: gesture to gesture (eq. 7); [B, 1, 1]."""
        silent = torch.rand(len(target), 1, 1, device=target.device) < WITHOUT_VOICE * self.model.config.masked_hints
        return (~silent).float()

    @torch.no_grad()
    def _with_own_past(self, masked: Masked, heard: Heard, noise: Tensor, own: slice) -> Masked:
        """Shows the clips `own` what the network draws for them without any past; the root stays the corpus's."""
        blind = Masked(*(part[own] for part in masked))
        blind = blind._replace(shown_known=torch.zeros_like(blind.shown_known))
        with self._networks():
            draft = self._drawn(self.model.choose(blind, Heard(*(part[own] for part in heard))), noise[own])
        shown = masks.before(draft.float())
        root = masked.shown[own][..., ROOT_M]
        shown = torch.cat([shown[..., : ROOT_M.start], root, shown[..., ROOT_M.stop :]], -1)
        return masked._replace(shown=torch.cat([masked.shown[: own.start], shown]))

    def _drawn(self, choices: list[Choice], noise: Tensor) -> Tensor:
        """Normalised motion [B, T, 489] drawn at temperature 1; the root is zero."""
        temperature = torch.ones_like(noise[..., :1])
        return self.model.assemble(self.model.draw(choices, noise, temperature, amid=True))

    def _codes(self, choices: list[Choice], codes: list[Quantised], own: slice) -> Terms:
        """Cross-entropy of classes and L1 of latents, means over parts."""
        nll, own_nll, latents = [], [], []
        for choice, code in zip(choices, codes, strict=True):
            each = functional.cross_entropy(choice.logits.flatten(0, 2), code.indices.flatten(), reduction="none")
            each = each.view(code.indices.shape)
            nll.append(each[: own.start].mean((0, 1)))
            own_nll.append(each[own].mean((0, 1)))
            latents.append((choice.latent - code.entries.float()).abs().mean())
        return {
            "classes": torch.cat(nll).mean(),
            "own_classes": torch.cat(own_nll).mean(),
            "latents": torch.stack(latents).mean(),
        }

    def _motion(self, choices: list[Choice], noise: Tensor, batch: Batch, target: Tensor, own: slice) -> Terms:
        """What the clips `own` draw: spread and lively as the corpus, and the face as the voice has it."""
        with self._networks():
            drawn = self._drawn([Choice(*(part[own] for part in choice)) for choice in choices], noise[own])
        drawn, wanted = drawn.float(), target[own]
        drawn = torch.cat([drawn[..., : ROOT_M.start], wanted[..., ROOT_M], drawn[..., ROOT_M.stop :]], -1)
        motion = self.model.denormalize(drawn)
        body, true = losses.body(motion), losses.body(batch.motion[own])
        values, changes = losses.value_losses(drawn, wanted, self.face.to(drawn.device))
        return {
            "sliced": losses.sliced_distance(drawn, wanted),
            "timing": timing_loss(body.positions, true.positions),
            "liveliness": losses.liveliness_loss(motion, batch.motion[own], body.positions, true.positions),
            "face": values + self.weights.changes * changes,
        }

    def _normals(self, batch: Batch) -> Tensor:
        frames = batch.features.shape[:2]
        return torch.randn(*frames, self.model.info.noise_size, device=batch.features.device)

    def _chance(self, batch: Batch) -> Tensor:
        """Uniform numbers [B, 1], one per clip."""
        return torch.rand(len(batch.features), 1, device=batch.features.device)

    def _networks(self) -> torch.autocast:
        return torch.autocast(self.model.motion_mean.device.type, torch.bfloat16, enabled=self.bf16)

    def _codecs(self) -> list[PartCodec]:
        return [codec for codec in self.model.codecs if isinstance(codec, PartCodec)]


def _silenced(voice: Tensor, frames: Tensor, absent: Tensor) -> Tensor:
    """Voice [B, T, D] whose last `frames` [B] are past the audio's end."""
    left = voice.shape[1] - torch.arange(voice.shape[1], device=voice.device)
    return torch.where((left <= frames[:, None])[..., None], absent, voice)


def timing_loss(made: Tensor, true: Tensor) -> Tensor:
    """How badly the speeds of the wrists of two bodies [B, T, 22, 3] go together: 1 - correlation, per clip and hand.

    Scale and direction are left free: the same stroke may be large or small and go anywhere.
    """
    a, b = (_standard((_wrist_speed(body) + STILL_M_S).log()) for body in (made, true))
    return 1.0 - (a * b).mean()


def _wrist_speed(positions: Tensor) -> Tensor:
    """Positions [B, T, 22, 3] -> speed of both wrists [B, T, 2], m/s, over five frames."""
    steps = positions[:, :, _WRISTS].diff(dim=1)
    speed = (steps.square().sum(-1) + 1e-10).sqrt() * FPS
    speed = torch.cat([speed[:, :1], speed], 1).transpose(1, 2)
    return functional.avg_pool1d(speed, _TEMPO_FRAMES, 1, _TEMPO_FRAMES // 2, count_include_pad=False).transpose(1, 2)


def _standard(x: Tensor) -> Tensor:
    """[B, T, K] with mean 0 and deviation 1 over time."""
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-3).sqrt()
