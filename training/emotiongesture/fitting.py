"""What is known of the corpus before training: principal components of bodies, and how fast joints get."""

from __future__ import annotations

import numpy as np
import torch

from gesturestream.models.emotiongesture import EmotionGesture
from gesturestream.models.emotiongesture.pose_space import BODY_JOINTS
from gesturestream.models.motion import FPS, ROOT_M, ROT6D
from gesturestream.training import losses
from gesturestream.training.dataset import Corpus

FASTEST = 0.999
"""Quantile of each joint's change from frame to frame that no emitted frame exceeds."""
LEAST_RAD = 0.02
"""Joints that hardly ever turn may turn that much all the same: a hand-over must bring them back."""
LEAST_M = 0.5 / FPS


@torch.no_grad()
def fit_poses(model: EmotionGesture, corpus: Corpus) -> None:
    """Fills components and limits of `model.poses` from the corpus; normalisation must be set."""
    body = model.body_values(torch.from_numpy(corpus.sample_motion(12000)))
    model.poses.fit(body, losses.value_weights()[model.body])
    stretch = torch.from_numpy(np.array(corpus.parts[0].motion[:60000]))
    turns = _lengths(stretch[:, ROT6D].reshape(len(stretch), -1, 6)[:, list(BODY_JOINTS)].diff(dim=0))
    moved = _lengths(stretch[:, ROOT_M].diff(dim=0))
    turns = turns[moved < 0.2]  # where one clip ends and another begins nothing has moved
    limits = torch.quantile(turns, FASTEST, dim=0).clamp_min(LEAST_RAD * 2.0**0.5)
    model.poses.limits[:-1] = limits
    model.poses.limits[-1] = torch.quantile(moved, FASTEST).clamp_min(LEAST_M)


def _lengths(x: torch.Tensor) -> torch.Tensor:
    return x.square().sum(-1).sqrt()
