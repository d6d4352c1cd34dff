"""Mean and deviation of motion over a corpus, by which generators normalise it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gesturestream.models.motion import MOTION_SIZE
from gesturestream.training.dataset import Corpus

STD_FLOOR = 0.05
"""Least deviation a value is divided by: what hardly moves must not be blown up."""


def set_normalisation(mean: Tensor, std: Tensor, corpus: Corpus) -> None:
    """Fills a model's buffers [489] with mean and (floored) deviation of every motion value over the corpus."""
    sample = corpus.sample_motion(50000).astype(np.float64)
    mean.copy_(torch.from_numpy(sample.mean(0)).float())
    std.copy_(torch.from_numpy(np.maximum(sample.std(0), np.full(MOTION_SIZE, STD_FLOOR))).float())
