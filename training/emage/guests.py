"""Other corpora that know a part of the body only (EMAGE section 5.5, Table 7): codecs and class heads of their own.

The paper joins Trinity, of which it takes upper bodies and their voices, and AMASS, of which it takes bodies and hands
that nobody speaks to. What such a corpus has is learned by the networks that all share (voice, hints, transformer);
its codes are its own, because another capture system's poses would blur the host's codebooks. None of it ships.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.emage import Emage, EmageConfig
from gesturestream.models.emage.heads import Choice, PartHeads
from gesturestream.models.emage.parts import FOUR
from gesturestream.models.emage.vq import Codebooks, PartCodec
from gesturestream.training.emage.principal import start_codecs

Kind = Literal["upper-body", "silent"]

PARTS_OF: dict[Kind, tuple[str, ...]] = {"upper-body": ("upper",), "silent": ("upper", "hands", "lower")}
"""Which parts a kind of corpus is trusted for; only `upper-body` has voices."""


class Guest(nn.Module):
    """Codecs and class heads of one guest corpus, for the body trunk."""

    joints: Tensor

    def __init__(self, kind: Kind, config: EmageConfig) -> None:
        super().__init__()
        self.kind: Kind = kind
        parts = tuple(part for part in FOUR if part.name in PARTS_OF[kind])
        self.codecs = nn.ModuleList(PartCodec.of(part, config) for part in parts)
        self.heads = PartHeads(parts, config.size, config.codebook_size, config.group_size)
        joints = torch.zeros(JOINT_COUNT, dtype=torch.bool)
        for part in parts:
            joints[[i // 6 for i in part.values if i < 6 * JOINT_COUNT]] = True
        self.register_buffer("joints", joints, persistent=False)

    @property
    def voiced(self) -> bool:
        return self.kind == "upper-body"

    def start(self, motion: Tensor) -> None:
        """Codecs from the principal components of the guest's own motion [N, 489], normalised."""
        start_codecs(self.own_codecs(), motion)

    def choices(self, x: Tensor) -> list[Choice]:
        """What the body trunk says [..., D] -> one choice per part."""
        made: list[Choice] = self.heads(x, self.codebooks())
        return made

    def codebooks(self) -> list[Codebooks]:
        return [codec.codebooks for codec in self.own_codecs()]

    def own_codecs(self) -> list[PartCodec]:
        return [codec for codec in self.codecs if isinstance(codec, PartCodec)]


def guests_of(model: Emage) -> list[Guest]:
    """Those that train along, in the order of `Batch.corpus`, which counts from 1."""
    return [guest for guest in model.guests if isinstance(guest, Guest)]


def codes_apart(choices: list[Choice], codecs: list[PartCodec], target: Tensor) -> Tensor:
    """Cross-entropy of the classes and L1 of the latents, means over parts; target [B, T, 489] normalised."""
    out = []
    for choice, codec in zip(choices, codecs, strict=True):
        with torch.no_grad():
            code = codec.encode(target)
        nll = functional.cross_entropy(choice.logits.flatten(0, 2).float(), code.indices.flatten())
        out.append(nll + (choice.latent.float() - code.entries.float()).abs().mean())
    return torch.stack(out).mean()
