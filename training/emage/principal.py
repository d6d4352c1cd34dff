"""Where the codecs start: a part's principal components, spread over its codebooks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gesturestream.models.emage import Emage
from gesturestream.models.emage.vq import Encoder, PartCodec
from gesturestream.training.dataset import Corpus

FRAMES = 20000


def start_from_principal_components(model: Emage, corpus: Corpus) -> None:
    """`start_codecs` of the model's own codecs with a corpus's motion."""
    motion = torch.from_numpy(corpus.sample_motion(FRAMES)).to(model.motion_mean)
    start_codecs([codec for codec in model.codecs if isinstance(codec, PartCodec)], model.normalize(motion))


@torch.no_grad()
def start_codecs(codecs: Sequence[PartCodec], motion: Tensor) -> None:
    """Sets the linear paths of encoders and decoders so that untrained codecs without codebooks reconstruct best.

    Component i goes to codebook i mod G: each has one of the largest, and entries enough for it. Motion [N, 489],
    normalised.
    """
    for codec in codecs:
        latents = []
        for encoder in codec.encoders:
            assert isinstance(encoder, Encoder)
            values = motion[:, encoder.values]
            basis, mean = _components(values, encoder.skip.out_features, encoder.code.groups)
            encoder.skip.weight.copy_(basis)
            encoder.skip.bias.copy_(-basis @ mean)
            latents.append(encoder.skip(values))
        back = _least_squares(torch.cat(latents, -1), motion[:, codec.values])
        codec.skip.weight.copy_(back[:-1].T)
        codec.skip.bias.copy_(back[-1])
        codec.codebooks.start(torch.cat(latents, -1))


def _components(values: Tensor, count: int, groups: int) -> tuple[Tensor, Tensor]:
    """[N, V] -> the first `count` principal directions [count, V], dealt out over groups, and the mean [V].

    Where there are fewer directions than that the rest is zero.
    """
    mean = values.mean(0)
    _, _, directions = torch.linalg.svd((values - mean).double(), full_matrices=False)
    basis = values.new_zeros(count, values.shape[1])
    kept = min(count, len(directions))
    basis[:kept] = directions[:kept].to(values)
    return basis.view(-1, groups, values.shape[1]).transpose(0, 1).reshape(count, -1), mean


def _least_squares(latent: Tensor, values: Tensor) -> Tensor:
    """The matrix [D + 1, V], bias last, by which latents [N, D] best give values [N, V]."""
    ones = torch.cat([latent, torch.ones_like(latent[:, :1])], -1).double()
    ridge = 1e-4 * len(ones) * torch.eye(ones.shape[1], dtype=torch.float64, device=ones.device)
    solved: Tensor = torch.linalg.solve(ones.T @ ones + ridge, ones.T @ values.double())
    return solved.to(values)
