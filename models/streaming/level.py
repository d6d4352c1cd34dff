"""A causal level normaliser: a quiet microphone must gesture like a loud one."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.streaming.features import Heard

START_LEVEL_DB = -30.0
START_FLOOR_DB = -65.0
FLOOR_RISE_DB = 0.1  # per frame: 3 dB a second
MEMORY_FRAMES = 75.0
PRIOR_FRAMES = 1.0
ABOVE_FLOOR_DB = 9.0
BELOW_LEVEL_DB = 25.0
QUIETEST_SPEECH_DB = -72.0
QUIETEST_LEVEL_DB = -55.0
LEAK_DB = 0.3 / 30.0
"""Per frame without speech: a voice that comes back 30 dB quieter is heard again after some seconds."""

FEATURES = 64 + 4


class LevelState(NamedTuple):
    """What is known of the speaker's level; differences from the start values, so that all of it begins as zero."""

    level_db: Tensor  # [B] mean level of speech
    floor_db: Tensor  # [B] level of the background
    weight: Tensor  # [B] frames of speech that the level rests on


def init_state(rows: int) -> LevelState:
    return LevelState(*(torch.zeros(rows) for _ in range(3)))


def normalize(heard: Heard, state: LevelState) -> tuple[Tensor, LevelState]:
    """Features relative to the speaker's own level: [B, 68] = 64 log-mel, level, peak, onset, presence; about -2..2.

    The level is the running mean (dB) of the frames that stand out from the background and are not far below the
    level so far: every frame counts alike until `MEMORY_FRAMES` of speech were heard, exponentially after. The
    background is a minimum that recovers.
    """
    floor = torch.minimum(heard.level_db, START_FLOOR_DB + state.floor_db + FLOOR_RISE_DB)
    before = START_LEVEL_DB + state.level_db
    gate = torch.maximum(floor + ABOVE_FLOOR_DB, before - BELOW_LEVEL_DB).clamp_min(QUIETEST_SPEECH_DB)
    presence = torch.sigmoid((heard.level_db - gate) / 2.0)
    weight = state.weight + presence
    level = before + presence / (weight + PRIOR_FRAMES) * (heard.level_db - before)
    level = level - (1.0 - presence) * LEAK_DB * (level > QUIETEST_LEVEL_DB)
    features = torch.cat(
        [
            ((heard.mel_db - level[:, None]) / 20.0).clamp(-2.5, 2.5),
            torch.stack(
                [
                    ((heard.level_db - level) / 20.0).clamp(-2.5, 2.0),
                    (20.0 * torch.log10(heard.peak.clamp_min(1e-5)) - level).div(20.0).clamp(-2.5, 2.0),
                    (heard.onset / 10.0).clamp_max(3.0) * presence,
                    presence,
                ],
                -1,
            ),
        ],
        -1,
    )
    after = LevelState(level - START_LEVEL_DB, floor - START_FLOOR_DB, weight.clamp_max(MEMORY_FRAMES))
    return features, after
