"""From the transformer to the codes of each part: latents and classes (EMAGE eqs. 8 and 9), and how codes are drawn."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.emage.parts import Part
from gesturestream.models.emage.vq import Codebooks

MOUTH_TEMPERATURE = 0.2
"""What is said decides the mouth; the rest of a body has a choice."""


class Choice(NamedTuple):
    """What one part's codes are drawn from."""

    latent: Tensor  # [..., G * d] regressed, in the place of the encoder's
    logits: Tensor  # [..., G, K]


class PartHeads(nn.Module):
    """Several parts from one trunk; each sees the sum of the others, as the paper's code has it.

    The paper has a regressed latent (for the face) beside classes (for the body), two heads that know nothing of each
    other. Here an entry is likely as it is near to the regressed latent, by a learned sharpness per codebook, and the
    classes say what differs from that: that entries are places, and which are neighbours, need not be learned anew.
    """

    def __init__(self, parts: tuple[Part, ...], size: int, codebook_size: int, group_size: int) -> None:
        super().__init__()
        self.codebook_size = codebook_size
        self.own = nn.ModuleList(nn.Linear(size, size) for _ in parts)
        self.others = nn.ModuleList(nn.Linear(size, size) for _ in parts if len(parts) > 1)
        self.latents = nn.ModuleList(nn.Linear(size, part.groups * group_size) for part in parts)
        self.classes = nn.ModuleList(nn.Linear(size, part.groups * codebook_size) for part in parts)
        self.sharpness = nn.ParameterList(torch.zeros(part.groups, 1) for part in parts)
        for layer in self.classes:
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=0.01)

    def forward(self, x: Tensor, codebooks: list[Codebooks]) -> list[Choice]:
        """[..., D] -> one choice per part, given the parts' codebooks."""
        own = [functional.gelu(layer(x)) for layer in self.own]
        total = torch.stack(own).sum(0)
        mixed = own
        if len(own) > 1:
            mixed = [part + other(total - part) for part, other in zip(own, self.others, strict=True)]
        out = []
        for m, latent, classes, sharpness, books in zip(
            mixed, self.latents, self.classes, self.sharpness, codebooks, strict=True
        ):
            place = latent(m)
            out.append(Choice(place, self._grouped(classes(m)) + sharpness.exp() * books.nearness(place)))
        return out

    def _grouped(self, logits: Tensor) -> Tensor:
        return logits.view(*logits.shape[:-1], -1, self.codebook_size)


class Sampler(nn.Module):
    """Draws the codes of one part by the Gumbel trick from noise of few dimensions.

    argmax(logits + temperature * g) with Gumbel noise g draws from softmax(logits / temperature). Here g is made of
    `rank` normals that wander through time (half-life about 0.3 s), seen along a fixed random direction per entry, so
    that the choice stays as long as the noise does instead of being made anew thirty times a second. What is given is
    the mixture of entries softmax(score / softness), which moves from one entry to the next instead of jumping.
    """

    directions: Tensor
    temperatures: Tensor

    def __init__(self, part: Part, rank: int, codebook_size: int, softness: float) -> None:
        super().__init__()
        self.softness = softness
        directions = torch.randn(part.groups, codebook_size, rank)
        self.register_buffer("directions", directions / directions.norm(dim=-1, keepdim=True))
        own = [MOUTH_TEMPERATURE if code.name == "mouth" else 1.0 for code in part.codes for _ in range(code.groups)]
        self.register_buffer("temperatures", torch.tensor(own)[:, None], persistent=False)

    def forward(self, logits: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
        """Logits [..., G, K], noise [..., R], temperature [..., 1] -> weights of entries [..., G, K]."""
        normal = torch.einsum("...r,gkr->...gk", noise, self.directions)
        edge = max(1e-6, torch.finfo(normal.dtype).eps)  # 1 - 1e-6 is 1 in bf16
        uniform = (0.5 + 0.5 * torch.erf(normal * 0.5**0.5)).clamp(edge, 1.0 - edge)
        gumbel = -torch.log(-torch.log(uniform))
        return ((logits + temperature[..., None] * self.temperatures * gumbel) / self.softness).softmax(-1)
