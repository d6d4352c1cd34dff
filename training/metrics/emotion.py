"""Emotion accuracy: which of the eight emotions a trained classifier sees in the body (EmotionGesture's EA).

EmotionGesture scores with a transformer classifier of its own that was never published. Here: a convolutional network
over body and hands, no face (a smile would tell it alone), that judges four seconds at a time; a clip's verdict is the
mean of its windows' log-probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gesturestream.models.body.skeleton import FACE_JOINTS, JOINT_COUNT
from gesturestream.models.motion import EMOTIONS, ROT6D
from gesturestream.training.metrics.autoencoder import ASSETS, PoseInput, load_weights
from gesturestream.training.metrics.motion import Floats, checked

WINDOW = 128
"""Frames judged at a time."""
SHIPPED = ASSETS / "emotion.safetensors"
FORMAT = "gesturestream.emotion.1"
LEAST_INTENSITY = 0.5
"""Below this a clip's emotion is hardly acted out (intensity 0 is the neutral body), so it is not asked for."""
_BODY = [12 * j + k for j in range(JOINT_COUNT) if j not in FACE_JOINTS for k in range(12)]


class Classifier(nn.Module):
    """[B, T, 330] -> logits [B, 8]."""

    body: Tensor

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.input = PoseInput()
        self.register_buffer("body", torch.tensor(_BODY), persistent=False)
        self.reduce = nn.Conv1d(len(_BODY), width, 1)
        self.layers = nn.Sequential(*(_block(width) for _ in range(3)))
        self.verdict = nn.Sequential(nn.Dropout(0.4), nn.Linear(2 * width, len(EMOTIONS)))

    def forward(self, rot6d: Tensor) -> Tensor:
        x = self.input(rot6d)[:, self.body].clamp(-5.0, 5.0)
        x = self.layers(self.reduce(nn.functional.dropout1d(x, 0.1, self.training)))
        verdict: Tensor = self.verdict(torch.cat([x.mean(-1), x.std(-1)], -1))
        return verdict

    @torch.inference_mode()
    def probabilities(self, motion: Floats) -> NDArray[np.float64]:
        """Packed motion [T, 489] -> [8], the mean of the windows' log-probabilities as probabilities."""
        frames = len(checked(motion))
        starts = range(0, max(frames - WINDOW, 0) + 1, WINDOW // 2)
        rot6d = torch.from_numpy(np.ascontiguousarray(motion[:, ROT6D], np.float32))
        windows = torch.stack([rot6d[start : start + WINDOW] for start in starts])
        mean = self(windows).log_softmax(-1).mean(0)
        found: NDArray[np.float64] = mean.softmax(-1).double().numpy()
        return found


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(width, width, 5, stride=2, padding=2), nn.GroupNorm(8, width), nn.LeakyReLU(0.1))


def load(path: Path = SHIPPED) -> Classifier:
    """The shipped classifier, or one that `training.metrics.train` made. ValueError when it is none."""
    model = Classifier()
    load_weights(model, path, FORMAT)
    return model.eval()


def hits(model: Classifier, motions: Sequence[Floats], emotions: Sequence[int]) -> list[float]:
    """1.0 for every motion that is taken for its emotion (index into EMOTIONS), else 0.0."""
    return [float(model.probabilities(m).argmax() == e) for m, e in zip(motions, emotions, strict=True)]
