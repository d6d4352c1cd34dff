"""The body as a plan knows it: principal components of everything but the face, and how far a frame may go."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gesturestream.models.body.skeleton import FACE_JOINTS, JOINT_COUNT
from gesturestream.models.motion import BLENDSHAPES, CONTACTS, EXPRESSIONS, MOTION_SIZE, ROOT_M

BODY_JOINTS = tuple(j for j in range(JOINT_COUNT) if j not in FACE_JOINTS)
_TURNS = [6 * j + i for j in BODY_JOINTS for i in range(6)]
BODY = tuple(_TURNS + list(range(ROOT_M.start, CONTACTS.stop)))
"""Which values of the packed motion a plan has: rotations of 52 joints, root, contacts."""
FACE = tuple([6 * j + i for j in FACE_JOINTS for i in range(6)] + list(range(BLENDSHAPES.start, EXPRESSIONS.stop)))
"""The others: jaw, eyes, blendshapes, expressions."""
_ORDER = [(*BODY, *FACE).index(i) for i in range(MOTION_SIZE)]
_ROOT = slice(len(_TURNS), len(_TURNS) + 3)
UNBOUNDED = 1e3
FARTHEST = 30.0
"""A value is never more deviations from its mean: a pose from outside may be anything."""


def joined(body: Tensor, face: Tensor) -> Tensor:
    """Body values [..., 319] and face values [..., 170] -> a whole vector [..., 489]."""
    return torch.cat([body, face], -1)[..., _ORDER]


class PoseSpace(nn.Module):
    """Normalised body values [..., 319] <-> whitened components [..., P].

    What the components cannot hold is kept beside them (`rest`), so that a pose from anywhere is continued exactly.
    """

    enter: Tensor
    leave: Tensor
    limits: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        basis = torch.linalg.qr(torch.randn(len(BODY), size))[0]
        self.register_buffer("enter", basis)
        self.register_buffer("leave", basis.T.clone())
        self.register_buffer("limits", torch.full((len(BODY_JOINTS) + 1,), UNBOUNDED))

    @torch.no_grad()
    def fit(self, body: Tensor, weights: Tensor) -> None:
        """Takes the components from a sample [N, 319] in which value i counts by weights [319]."""
        root = weights.sqrt()
        _, spread, basis = torch.linalg.svd((body - body.mean(0)) * root, full_matrices=False)
        size = self.enter.shape[1]
        deviations = (spread[:size] / len(body) ** 0.5).clamp_min(1e-3)
        self.enter.copy_(root[:, None] * basis[:size].T / deviations)
        self.leave.copy_(deviations[:, None] * basis[:size] / root)

    def encode(self, body: Tensor) -> Tensor:
        return body @ self.enter

    def decode(self, components: Tensor) -> Tensor:
        return components @ self.leave

    def rest(self, body: Tensor, components: Tensor) -> Tensor:
        """What of a pose its components do not hold, [..., 319]."""
        return body - self.decode(components)

    def bounded(self, shown: Tensor, wanted: Tensor) -> Tensor:
        """Packed body values [..., 319] on the way to `wanted`: no joint, nor the root, beyond its limit from `shown`.

        `limits` [53]: the farthest in one frame, as 6D chords of the joints and metres of the root.
        """
        moved = wanted - shown
        turns = moved[..., : _ROOT.start].reshape(*moved.shape[:-1], len(BODY_JOINTS), 6)
        root = moved[..., _ROOT]
        turns = turns * _shrink(turns, self.limits[:-1, None])
        root = root * _shrink(root, self.limits[-1:])
        return shown + torch.cat([turns.flatten(-2), root, moved[..., _ROOT.stop :]], -1)


def _shrink(moved: Tensor, limit: Tensor) -> Tensor:
    """Factor 0..1 that brings vectors [..., D] to at most `limit`."""
    length = (moved.square().sum(-1, keepdim=True) + 1e-12).sqrt()
    return (limit / length).clamp_max(1.0)
