"""Content and rhythm self-attention (EMAGE section 4.2, eq. 5), one for the body and one for the face."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.motion import EMOTIONS
from gesturestream.models.streaming.convolution import CausalStack
from gesturestream.models.streaming.level import FEATURES
from gesturestream.models.streaming.state import Ring
from gesturestream.models.words import BUCKETS


class Voice(NamedTuple):
    """What one of the two encoders hears, per audio frame."""

    fused: Tensor  # [..., D] f of eq. 5
    content: Tensor  # [..., D] c of eq. 5: the words, or the learned null content
    alpha: Tensor  # [..., D] share of the rhythm in it
    emotion: Tensor  # [..., 8] instantaneous emotion logits


class WordEmbedding(nn.Module):
    """Hashed n-gram ids [..., 2, N] (`models/words.py`) -> [..., 2 * E + 2]: two words and whether they are known."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(BUCKETS, size)
        nn.init.normal_(self.table.weight, std=0.3)

    def forward(self, ids: Tensor) -> Tensor:
        there = (ids > 0).to(self.table.weight.dtype)
        count = there.sum(-1, keepdim=True)
        mean = (self.table(ids) * there[..., None]).sum(-2) / count.clamp_min(1.0)
        return torch.cat([mean.flatten(-2), (count > 0)[..., 0].to(mean.dtype)], -1)


class ContentRhythm(nn.Module):
    """Rhythm r (onset, amplitude and the log-mel spectrum through a TCN) and content c (words), merged by eq. 5.

    The paper's rhythm is onset and amplitude alone and its words are always there. A microphone has no words: c is then
    a learned null content, and what sounds are made is heard in the spectrum.
    """

    def __init__(
        self, widths: tuple[int, ...], size: int, word_size: int, *, weighed: bool = True, causal: bool = True
    ) -> None:
        super().__init__()
        self.weighed = weighed
        self.rhythm = CausalStack(FEATURES, widths, causal)
        self.rhythm_out = nn.Linear(widths[-1], size)
        self.content_out = nn.Linear(2 * word_size + 2, size)
        self.attend = nn.Sequential(nn.Linear(2 * size, size // 8), nn.ReLU(), nn.Linear(size // 8, 2 * size))
        self.null = nn.Parameter(torch.zeros(size))
        self.emotion = nn.Linear(widths[-1], len(EMOTIONS))

    def init_state(self, rows: int) -> Ring:
        return self.rhythm.init_state(rows)

    def forward(self, features: Tensor, words: Tensor) -> Voice:
        """Features [B, T, 68], embedded words [B, T, 2 E + 2] -> [B, T, ...]."""
        return self._merge(self.rhythm(features.transpose(1, 2)).transpose(1, 2), words)

    def step(self, features: Tensor, words: Tensor, state: Ring) -> tuple[Voice, Ring]:
        """The same for one frame, without the axis T."""
        hidden, after = self.rhythm.step(features, state)
        return self._merge(hidden, words), after

    def _merge(self, hidden: Tensor, words: Tensor) -> Voice:
        rhythm = functional.leaky_relu(self.rhythm_out(hidden), 0.2)
        spoken = words[..., -2:].sum(-1, keepdim=True) > 0.0
        content = torch.where(spoken, self.content_out(words), self.null)
        share = self.attend(torch.cat([rhythm, content], -1)).unflatten(-1, (2, -1)).softmax(-2)
        alpha = share[..., 0, :] if self.weighed else torch.full_like(rhythm, 0.5)
        return Voice(alpha * rhythm + (1.0 - alpha) * content, content, alpha, self.emotion(hidden))
