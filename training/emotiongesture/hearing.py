"""First stage: the emotion listener, on the corpus's voices and on real emotional speech; then its calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.emotiongesture import EmotionGesture
from gesturestream.models.emotiongesture.listener import EmotionListener
from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming.hearing import PRESENCE
from gesturestream.training.dataset import Batch
from gesturestream.training.emotiongesture.recordings import Voices

Terms = dict[str, Tensor]

LEAST_SPEECH = 9.0
"""Frames of speech before the listener is asked."""
EVERY = 6
"""Frames between two questions."""
MASKED_BANDS, MASKED_FRAMES = 12, 8
"""At most so many mel bands, and frames here and there, are hidden: no one band may decide."""
SMOOTHING = 0.05


@dataclass(frozen=True, kw_only=True)
class HearingWeights:
    corpus: float = 1.0
    recordings: float = 1.5


class HearingObjective:
    """Cross-entropy of the emotion heard, of corpus and recordings; everything but the listener is left alone."""

    def __init__(
        self, model: EmotionGesture, weights: HearingWeights, voices: Callable[[], Voices | None] = lambda: None
    ) -> None:
        """voices: what gives the recordings; they are read when they are needed."""
        self.model, self.weights, self.voices = model, weights, voices
        model.requires_grad_(False)
        model.listener.requires_grad_(True)

    def __call__(self, batch: Batch) -> Terms:
        listener, device = self.model.listener, batch.features.device
        terms = {"corpus": heard_loss(listener, _masked(batch.features), batch.emotion)}
        if (voices := self.voices()) is not None:
            features, labels = voices.draw(len(batch.features))
            terms["recordings"] = heard_loss(listener, _masked(features).to(device), labels.to(device))
        total = torch.stack([getattr(self.weights, name) * value for name, value in terms.items()]).sum()
        return terms | {"total": total}


def heard_loss(listener: EmotionListener, features: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the moments when enough was heard; features [B, T, 68], labels [B]."""
    logits = listener(features)[:, ::EVERY]
    enough = (features[..., PRESENCE].cumsum(1) > LEAST_SPEECH)[:, ::EVERY].float()
    each = functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat_interleave(logits.shape[1]), reduction="none", label_smoothing=SMOOTHING
    )
    return (each * enough.flatten()).sum() / enough.sum().clamp_min(1.0)


def _masked(features: Tensor) -> Tensor:
    """Hides a range of bands and one of frames per clip; the presence of speech stays."""
    rows, frames, size = features.shape
    bands, device = size - 4, features.device
    first = torch.randint(bands, (rows, 1), device=device)
    width = torch.randint(MASKED_BANDS, (rows, 1), device=device)
    place = torch.arange(size, device=device)
    hidden = (place >= first) & (place < first + width) & (place < bands)
    start = torch.randint(frames, (rows, 1), device=device)
    span = torch.randint(MASKED_FRAMES, (rows, 1), device=device)
    time = torch.arange(frames, device=device)
    missing = (time >= start) & (time < start + span)
    return features.masked_fill(hidden[:, None] | (missing[..., None] & (place < bands)), 0.0)


@torch.inference_mode()
def verdicts(listener: EmotionListener, features: Tensor) -> Tensor:
    """Logits [B, 8] when all of [B, T, 68] was heard."""
    return torch.cat([listener(features[i : i + 64])[:, -1] for i in range(0, len(features), 64)])


def accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(-1) == labels).float().mean())


def calibrate(listener: EmotionListener, sets: list[tuple[Tensor, Tensor]]) -> float:
    """Sets and returns the temperature of least log loss, each set (features [B, T, 68], labels [B]) counting alike."""
    listener.temperature.fill_(1.0)
    told = [(verdicts(listener, features).double(), labels) for features, labels in sets]
    choices = torch.logspace(-0.7, 1.0, 200, dtype=torch.float64)
    costs = torch.stack([torch.stack([functional.cross_entropy(z / t, y) for z, y in told]).mean() for t in choices])
    listener.temperature.fill_(float(choices[costs.argmin()]))
    return float(listener.temperature)


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 10) -> float:
    """Expected calibration error: how far the likeliest class's probability is from how often it is right."""
    sure, said = logits.softmax(-1).max(-1)
    right = (said == labels).float()
    place = (sure * bins).long().clamp_max(bins - 1)
    error = 0.0
    for i in range(bins):
        if (inside := place == i).any():
            error += float(inside.float().mean() * (sure[inside].mean() - right[inside].mean()).abs())
    return error


def confusion(logits: Tensor, labels: Tensor) -> list[list[int]]:
    """Rows: what it was, columns: what was heard."""
    counts = torch.zeros(len(EMOTIONS), len(EMOTIONS), dtype=torch.int64)
    counts.index_put_((labels, logits.argmax(-1)), torch.ones_like(labels), accumulate=True)
    return [[int(n) for n in row] for row in counts]
