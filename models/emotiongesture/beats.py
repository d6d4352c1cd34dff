"""The beat half of Emotion-Beat Mining: beat features per audio frame, and how transcripts teach them (training only).

What sounds are made, how loud and when: a plan is made of these, and the face's codes are taken from the same hearing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.emotiongesture.audio_encoder import audio_encoder
from gesturestream.models.emotiongesture.config import EmotionGestureConfig
from gesturestream.models.streaming.state import State
from gesturestream.models.words import BUCKETS


class Heard(NamedTuple):
    """Codes of audio frames, [..., C] and [..., F]."""

    beats: Tensor
    face: Tensor


class BeatMiner(nn.Module):
    """Features [B, T, 68] to beat features and face codes."""

    def __init__(self, config: EmotionGestureConfig) -> None:
        super().__init__()
        self.encoder = audio_encoder(config.audio_encoder, config.audio_width, config.causal)
        self.beats = nn.Linear(config.audio_width, config.beat_size)
        self.face = nn.Linear(config.audio_width, config.face_code_size)
        self.no_beats = nn.Parameter(torch.zeros(config.beat_size))
        self.no_face = nn.Parameter(torch.zeros(config.face_code_size))
        """What is heard after the audio's end."""

    def init_state(self, rows: int) -> State:
        return self.encoder.init_state(rows)

    def forward(self, features: Tensor) -> Heard:
        return self._codes(self.encoder(features))

    def step(self, features: Tensor, state: State) -> tuple[Heard, State]:
        hidden, after = self.encoder.step(features, state)
        return self._codes(hidden), after

    def _codes(self, hidden: Tensor) -> Heard:
        return Heard(functional.gelu(self.beats(hidden)), self.face(hidden))


class Transcript(nn.Module):
    """Words and beat features in one space, for the transcript-based contrastive loss. Training only."""

    def __init__(self, beat_size: int, size: int = 48) -> None:
        super().__init__()
        self.table = nn.Embedding(BUCKETS, size)
        self.silence = nn.Parameter(0.3 * torch.randn(size))
        self.beats = nn.Linear(beat_size, size)
        nn.init.normal_(self.table.weight, std=0.3)

    def words(self, ids: Tensor) -> Tensor:
        """Hashed n-gram ids [..., N] (`models/words.py`) -> unit vectors [..., E]; no word: silence."""
        there = (ids > 0).to(self.table.weight.dtype)
        count = there.sum(-1, keepdim=True)
        mean = (self.table(ids) * there[..., None]).sum(-2) / count.clamp_min(1.0)
        return functional.normalize(torch.where(count > 0, mean, self.silence), dim=-1)

    def heard(self, beats: Tensor) -> Tensor:
        """Beat features [..., C] -> unit vectors [..., E]."""
        return functional.normalize(self.beats(beats), dim=-1)
