"""Vector-quantised autoencoders of the body's parts (EMAGE section 4.1, eqs. 3 and 4), causal and of stride 1."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.emage.config import EmageConfig
from gesturestream.models.emage.parts import Code, Part
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.state import Ring


class Quantised(NamedTuple):
    """What a codec's encoders make of motion."""

    latent: Tensor  # [..., G * d] before quantisation
    indices: Tensor  # [..., G] int64
    entries: Tensor  # [..., G * d] the codebook entries in the latent's place


class Codebooks(nn.Module):
    """G codebooks of K entries, each for its own d channels of the latent: a product of codebooks.

    Entries follow the latents by exponential averages (van den Oord et al. 2017, appendix A.1); one that is hardly used
    is moved to a latent of the batch. Buffers and not parameters: DDP takes them from the first process.
    """

    entries: Tensor
    counts: Tensor
    sums: Tensor

    KEEP = 0.98
    DEAD_BELOW = 0.03
    """Share of an even use below which an entry counts as dead."""

    def __init__(self, groups: int, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("entries", torch.randn(groups, size, channels))
        self.register_buffer("counts", torch.ones(groups, size))
        self.register_buffer("sums", self.entries.clone())

    @property
    def groups(self) -> int:
        return self.entries.shape[0]

    @property
    def size(self) -> int:
        return self.entries.shape[1]

    def nearest(self, latent: Tensor) -> Tensor:
        """Eq. 3: [..., G * d] -> indices [..., G] of the nearest entries."""
        return self.nearness(latent).argmax(-1)

    def nearness(self, latent: Tensor) -> Tensor:
        """[..., G * d] -> [..., G, K]: minus half the squared distance to each entry, up to a constant per codebook."""
        norm = self.entries.square().sum(-1)
        return torch.einsum("...gd,gkd->...gk", self._grouped(latent), self.entries) - 0.5 * norm

    def look_up(self, indices: Tensor) -> Tensor:
        """Indices [..., G] -> entries [..., G * d]."""
        groups = torch.arange(self.groups, device=indices.device)
        return self.entries[groups, indices].flatten(-2)

    def mixture(self, weights: Tensor) -> Tensor:
        """Weights [..., G, K] that sum to 1 -> mixtures of entries [..., G * d]."""
        return torch.einsum("...gk,gkd->...gd", weights, self.entries).flatten(-2)

    def _grouped(self, latent: Tensor) -> Tensor:
        return latent.view(*latent.shape[:-1], self.groups, -1)

    @torch.no_grad()
    def start(self, latent: Tensor) -> None:
        """Puts every entry onto one of the latents [N, G * d]."""
        grouped = self._grouped(latent).transpose(0, 1)
        self.entries.copy_(grouped[:, torch.randint(len(latent), (self.size,), device=latent.device)])
        self.counts.fill_(1.0)
        self.sums.copy_(self.entries)

    @torch.no_grad()
    def follow(self, latent: Tensor, indices: Tensor) -> None:
        """Moves entries towards the latents [N, G * d] they stand for, and dead ones onto one of them."""
        grouped = self._grouped(latent).transpose(0, 1)  # [G, N, d]
        chosen = nn.functional.one_hot(indices.T, self.size).to(latent.dtype)  # [G, N, K]
        self.counts.lerp_(chosen.sum(1), 1.0 - self.KEEP)
        self.sums.lerp_(chosen.transpose(1, 2) @ grouped, 1.0 - self.KEEP)
        dead = self.counts < self.DEAD_BELOW * len(latent) / self.size
        other = grouped[:, torch.randint(len(latent), (self.size,), device=latent.device)]
        fresh = torch.full_like(self.counts, len(latent) / self.size)
        self.counts.copy_(torch.where(dead, fresh, self.counts))
        self.sums.copy_(torch.where(dead[..., None], other * fresh[..., None], self.sums))
        self.entries.copy_(self.sums / self.counts[..., None])


class PartCodec(nn.Module):
    """One part's VQ-VAE: an encoder and codebooks per code, one decoder for all of them.

    Only the decoder is in the stream. `values` are indices into the packed motion vector, normalised. Both ways have a
    linear path beside the convolutions: a pose is nearly linear in its latent, and what moves is left to the rest.
    """

    values: Tensor

    def __init__(
        self,
        part: Part,
        *,
        codebook_size: int,
        group_size: int,
        encoder_widths: tuple[int, ...],
        decoder_widths: tuple[int, ...],
        causal: bool = True,
    ) -> None:
        super().__init__()
        self.part = part
        self.encoders = nn.ModuleList(Encoder(code, group_size, encoder_widths, causal) for code in part.codes)
        self.codebooks = Codebooks(part.groups, codebook_size, group_size)
        self.decoder = CausalStack(part.groups * group_size, decoder_widths, causal)
        self.skip = nn.Linear(part.groups * group_size, len(part.values))
        self.leave = nn.Linear(decoder_widths[-1], len(part.values))
        nn.init.normal_(self.leave.weight, std=0.01)
        self.register_buffer("values", torch.tensor(part.values), persistent=False)

    @classmethod
    def of(cls, part: Part, config: EmageConfig) -> PartCodec:
        """In the sizes of a model."""
        return cls(
            part,
            codebook_size=config.codebook_size,
            group_size=config.group_size,
            encoder_widths=config.encoder_widths,
            decoder_widths=config.decoder_widths,
            causal=config.causal,
        )

    @property
    def latent_size(self) -> int:
        return self.codebooks.groups * self.codebooks.entries.shape[2]

    def init_state(self, rows: int) -> Ring:
        return self.decoder.init_state(rows)

    def encode(self, motion: Tensor) -> Quantised:
        """Normalised motion [B, T, 489] -> codes of the part [B, T, ...]. Training only."""
        latent = torch.cat([encoder(motion) for encoder in self.encoders], -1)
        indices = self.codebooks.nearest(latent)
        return Quantised(latent, indices, self.codebooks.look_up(indices))

    def decode(self, latent: Tensor) -> Tensor:
        """Latents [B, T, G * d] -> normalised values [B, T, V]."""
        values: Tensor = self.skip(latent) + self.leave(self.decoder(latent.transpose(1, 2)).transpose(1, 2))
        return values

    def step(self, latent: Tensor, state: Ring) -> tuple[Tensor, Ring]:
        """The same for one frame, without the axis T."""
        hidden, after = self.decoder.step(latent, state)
        return self.skip(latent) + self.leave(hidden), after


class Encoder(nn.Module):
    """Normalised motion [B, T, 489] -> latents [B, T, G * d] of one code."""

    values: Tensor

    def __init__(self, code: Code, group_size: int, widths: tuple[int, ...], causal: bool) -> None:
        super().__init__()
        self.code = code
        self.stack = CausalStack(len(code.values), widths, causal)
        self.skip = nn.Linear(len(code.values), code.groups * group_size)
        self.leave = nn.Linear(widths[-1], code.groups * group_size)
        nn.init.normal_(self.leave.weight, std=0.01)
        self.register_buffer("values", torch.tensor(code.values), persistent=False)

    def forward(self, motion: Tensor) -> Tensor:
        values = motion[..., self.values]
        hidden = self.stack(values.transpose(1, 2)).transpose(1, 2)
        latent: Tensor = self.skip(values) + self.leave(hidden)
        return latent
