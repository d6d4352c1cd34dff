"""What is known of the corpus before DiffGesture's training: normalisation, components, how fast they change."""

from __future__ import annotations

import torch

from gesturestream.models.diffgesture import DiffGesture
from gesturestream.models.motion import FPS, ROOT_M
from gesturestream.training import losses
from gesturestream.training.dataset import Corpus
from gesturestream.training.normalisation import set_normalisation

FRAMES = 20000
WINDOWS = (64, 128)
"""Windows and their frames, over which changes are looked at."""
FASTEST = 0.9995
"""Quantile of the changes that counts as the fastest; and how much more than that is let through."""
MARGIN = 1.5
STD_FLOOR = 1e-2


@torch.no_grad()
def fit(model: DiffGesture, corpus: Corpus) -> None:
    """Fills the buffers of `model` that are the corpus's."""
    set_normalisation(model.motion_mean, model.motion_std, corpus)
    sample = torch.from_numpy(corpus.sample_motion(FRAMES)).to(model.motion_mean)
    for part in model.parts:
        part.space.fit(model.normalize(sample), losses.value_weights())
    rows, frames = WINDOWS
    motion = next(corpus.batches(rows, frames, seed=0)).motion.to(model.motion_mean)
    root = motion[..., ROOT_M]
    speed = (root.diff(dim=1) * FPS).std((0, 1))
    height = (root[..., 1] - model.motion_mean[ROOT_M][1]).std()
    model.root_scale.copy_(torch.stack([speed[0], speed[2], height]).clamp_min(STD_FLOOR))
    for part, components in zip(model.parts, model.components(motion), strict=True):
        changes = components.diff(dim=1).abs().flatten(0, 1)
        part.limit.copy_(MARGIN * torch.quantile(changes, FASTEST, dim=0))
