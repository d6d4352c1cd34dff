"""What is denoised: principal components of normalised motion, whitened.

The paper denoises poses. Of our 489 values most say what others say too; noise on each of them by itself is a body that
no corpus has, and most of a denoiser's work would be to undo that. In whitened components noise and motion are alike.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gesturestream.models.body.skeleton import FACE_JOINTS
from gesturestream.models.motion import BLENDSHAPES, EXPRESSIONS, MOTION_SIZE, ROOT_M

MOST = 4.0
"""Deviations that a shown pose's components are taken for at most: it may come from anywhere."""


def _range(part: slice) -> tuple[int, ...]:
    return tuple(range(part.start, part.stop))


FACE_VALUES: tuple[int, ...] = (
    *(i for joint in FACE_JOINTS for i in range(6 * joint, 6 * joint + 6)),
    *_range(BLENDSHAPES),
    *_range(EXPRESSIONS),
)
BODY_VALUES: tuple[int, ...] = tuple(i for i in range(MOTION_SIZE) if i not in {*FACE_VALUES, *_range(ROOT_M)})
"""Everything else but the root, of which a velocity is denoised."""


class Space(nn.Module):
    """Some values of normalised motion and their principal components."""

    values: Tensor
    into: Tensor
    back: Tensor
    deviations: Tensor

    def __init__(self, values: tuple[int, ...], components: int) -> None:
        super().__init__()
        self.components = components
        self.register_buffer("values", torch.tensor(values), persistent=False)
        start = torch.eye(len(values))[:, :components]
        self.register_buffer("into", start.clone())  # [V, C]
        self.register_buffer("back", start.T.clone())  # [C, V]
        self.register_buffer("deviations", torch.ones(components))

    def encode(self, normalised: Tensor) -> Tensor:
        """Normalised motion [..., 489] -> components [..., C], of unit variance over the corpus."""
        return normalised[..., self.values] @ self.into

    def decode(self, components: Tensor) -> Tensor:
        """[..., C] -> normalised values [..., V]."""
        return components @ self.back

    @torch.no_grad()
    def fit(self, normalised: Tensor, weights: Tensor) -> None:
        """Principal components of motion [N, 489], whose values count by weights [489]; fewer than asked: the rest is
        zero."""
        root = weights[self.values].sqrt().double()
        values = normalised[:, self.values].double()
        _, size, directions = torch.linalg.svd(values * root, full_matrices=False)
        kept = min(self.components, int((size > 1e-6 * size[0]).sum()))
        deviations = size[:kept] / len(values) ** 0.5
        self.into.zero_()
        self.back.zero_()
        self.into[:, :kept] = (root[:, None] * directions[:kept].T / deviations).to(self.into)
        self.back[:kept] = (deviations[:, None] * directions[:kept] / root).to(self.back)
        self.deviations.zero_()
        self.deviations[:kept] = deviations.to(self.deviations)
