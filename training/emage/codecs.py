"""First stage: the four VQ-VAEs (EMAGE eq. 4) and the global motion predictor (section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.body.skeleton import CONTACT_JOINTS
from gesturestream.models.emage import Emage
from gesturestream.models.emage.parts import LOWER
from gesturestream.models.emage.vq import PartCodec
from gesturestream.models.motion import CONTACTS, FPS, MOTION_SIZE, ROOT_M
from gesturestream.training import losses
from gesturestream.training.dataset import Batch
from gesturestream.training.emage.guests import guests_of
from gesturestream.training.losses import Body

Terms = dict[str, Tensor]

CONTACT = 0.5
"""Above it a foot stands."""
UNQUANTISED = 0.3
"""Share of clips whose latents are decoded as they are: the decoder learns what lies between entries, too, where the
stream's mixtures of entries are."""


@dataclass(frozen=True, kw_only=True)
class CodecWeights:
    """Weights of the terms. The paper has one for all; ours are of different units."""

    rotation: float = 1.0
    """Geodesic, body joints, radians: L_rec."""
    position: float = 4.0
    """By forward kinematics, metres, where the paper has vertices."""
    speed: float = 20.0
    """L_vel and L_acc of positions, metres a frame: codes that flip from frame to frame tremble."""
    acceleration: float = 40.0
    values: float = 2.0
    """L1 of everything, normalised: fingers, face, contacts; and of its changes from frame to frame."""
    changes: float = 6.0
    jolts: float = 3.0
    """The same of the changes' changes."""
    commitment: float = 1.0
    """||z - sg[q]||^2. Codebooks follow by averages instead of the other term."""
    travel: float = 1.0
    """Root: velocity, m/s, and height, m, from the lower body, as it is and as it is decoded."""
    sliding: float = 2.0
    """Speed of the feet that stand, m/s."""
    guests: float = 1.0
    """Other corpora's parts, by their own codecs (Table 7)."""


class Decoded(NamedTuple):
    """What codecs make of motion."""

    values: list[Tensor]
    """Of each part, [B, T, V] normalised."""
    commitment: Tensor
    perplexity: Tensor
    """Entries in use, of every codebook on average: exp of the entropy of their use in the batch."""


class CodecObjective:
    """Reconstruction by codes, per batch; holds no parameters of its own."""

    def __init__(self, model: Emage, weights: CodecWeights, *, bf16: bool = False) -> None:
        self.model, self.weights, self.bf16 = model, weights, bf16

    def __call__(self, batch: Batch) -> Terms:
        """Terms by name, unweighted, and their weighted sum under `total`; `perplexity` is told and not minimised."""
        model, w = self.model, self.weights
        guests = self._guests(batch)
        batch = batch.of(0)
        target = model.normalize(batch.motion)
        with torch.autocast(target.device.type, torch.bfloat16, enabled=self.bf16):
            values, commitment, perplexity = reconstruct(_codecs(model.codecs), target)
        assembled = model.assemble(values).float()
        made, true = losses.body(model.denormalize(assembled)), losses.body(batch.motion)
        mask = torch.ones(MOTION_SIZE, device=target.device)
        mask[ROOT_M] = 0.0
        apart, changes = losses.value_losses(assembled, target, mask)
        terms = {
            "rotation": losses.rotation_loss(made.rotations, true.rotations),
            "position": losses.position_loss(made.positions, true.positions),
            "speed": losses.speed_loss(made.positions, true.positions),
            "acceleration": losses.acceleration_loss(made.positions, true.positions),
            "values": apart,
            "changes": changes,
            "jolts": (assembled - target).mul(losses.value_weights().to(mask) * mask).diff(n=2, dim=1).abs().mean(),
            "commitment": commitment,
        }
        terms |= self._root(batch, target, assembled, (true, made)) | guests
        terms["total"] = sum((getattr(w, name) * value for name, value in terms.items()), target.new_zeros(()))
        return terms | {"perplexity": perplexity}

    def _guests(self, batch: Batch) -> Terms:
        """How far the guests' parts are from what their own codecs make of them: L1 of values, changes and jolts."""
        w, out = self.weights, []
        for i, guest in enumerate(guests_of(self.model), 1):
            target = self.model.normalize(batch.of(i).motion)
            values, commitment, _ = reconstruct(guest.own_codecs(), target)
            apart = torch.cat(values, -1).float() - torch.cat([target[..., c.values] for c in guest.own_codecs()], -1)
            each = [w.values * apart, w.changes * apart.diff(dim=1), w.jolts * apart.diff(n=2, dim=1)]
            out.append(sum((x.abs().mean() for x in each), w.commitment * commitment))
        return {"guests": torch.stack(out).mean()} if out else {}

    def _root(self, batch: Batch, target: Tensor, assembled: Tensor, bodies: tuple[Body, Body]) -> Terms:
        """The root from the true lower body and from the decoded one."""
        model = self.model
        root = batch.motion[..., ROOT_M]
        height = root[..., 1] - model.motion_mean[ROOT_M][1]
        velocity = root.diff(dim=1) * FPS
        travel, sliding = target.new_zeros(()), target.new_zeros(())
        for values, body in zip((target, assembled.detach()), bodies):
            moved = model.root(values[..., list(LOWER)])
            wanted = torch.stack([velocity[..., 0], velocity[..., 2], height[:, 1:]], -1)
            travel = travel + (moved[:, 1:] - wanted).abs().mean()
            sliding = sliding + foot_sliding(body.positions.detach(), moved, batch.motion[..., CONTACTS])
        return {"travel": 0.5 * travel, "sliding": 0.5 * sliding}


def reconstruct(codecs: list[PartCodec], target: Tensor) -> Decoded:
    """Normalised motion [B, T, 489] through every codec, straight through; codebooks follow while gradients do."""
    values, commitment, perplexity = [], target.new_zeros(()), []
    free = torch.rand(len(target), 1, 1, device=target.device) < UNQUANTISED * torch.is_grad_enabled()
    for codec in codecs:
        found = codec.encode(target)
        if torch.is_grad_enabled():
            codec.codebooks.follow(found.latent.detach().float().flatten(0, 1), found.indices.flatten(0, 1))
        commitment = commitment + (found.latent - found.entries).square().mean()
        perplexity.append(used(found.indices, codec.codebooks.size))
        quantised = found.latent + (found.entries - found.latent).detach()
        values.append(codec.decode(torch.where(free, found.latent, quantised)))
    return Decoded(values, commitment, torch.cat(perplexity).mean())


def used(indices: Tensor, size: int) -> Tensor:
    """Perplexity of each codebook: indices [..., G] -> [G], 1..size."""
    share = functional.one_hot(indices, size).float().flatten(0, -3).mean(0)
    return (-(share * (share + 1e-9).log()).sum(-1)).exp()


def foot_sliding(positions: Tensor, moved: Tensor, contacts: Tensor) -> Tensor:
    """Mean speed of the feet that stand, m/s: positions from the pelvis [B, T, 22, 3], G's output [B, T, 3],
    contacts [B, T, 4]."""
    feet = positions[:, :, list(CONTACT_JOINTS)]
    rises = moved[:, :, 2].diff(dim=1) * FPS
    root = torch.stack([moved[:, 1:, 0], rises, moved[:, 1:, 1]], -1)
    speed = ((feet.diff(dim=1) * FPS + root[:, :, None]).square().sum(-1) + 1e-8).sqrt()
    stands = (torch.minimum(contacts[:, 1:], contacts[:, :-1]) > CONTACT).float()
    return (speed * stands).sum() / stands.sum().clamp_min(1.0)


def _codecs(modules: nn.ModuleList) -> list[PartCodec]:
    return [codec for codec in modules if isinstance(codec, PartCodec)]
