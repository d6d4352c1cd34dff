"""A session's place in the engine, and the state that is kept for all places as arrays over slots."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import EMOTIONS, FPS, MOTION_SIZE
from gesturestream.realtime.blending import Blend, EmotionBlend, Slots
from gesturestream.realtime.checks import emotion_weights
from gesturestream.realtime.config import Control
from gesturestream.realtime.cues.guide import GuideBlend
from gesturestream.realtime.executors.base import Floats
from gesturestream.realtime.finishing import rest_packed
from gesturestream.realtime.rows import Lane
from gesturestream.realtime.session import Session
from gesturestream.realtime.settings import Settings

SHOWN_FRAMES = 64
"""So many emitted poses are kept for priming another generator: a second, and what it takes to catch up."""


@dataclass(kw_only=True, slots=True)
class Priming:
    """Another generator being run over the last second."""

    lane: Lane
    row: int
    frame: int
    """The next audio frame it is to be stepped on."""


@dataclass(kw_only=True, slots=True, eq=False)
class Seat:
    """Slot: the place in the engine's own arrays and in finishing. Row: the place in the generator's batch."""

    session: Session
    slot: int
    lane: Lane
    row: int
    priming: Priming | None = None
    fresh: bool = True
    cue: str | None = None
    stepped: int = 0
    """Audio frames its generator has been stepped on."""
    emotion_told: int = -FPS
    """The last audio frame that came with an `emotion` event, and what that said."""
    emotion_heard: Floats = field(default_factory=lambda: np.zeros(len(EMOTIONS), np.float32))


class Slate:
    """Controls, seeds and emitted poses of all slots. Only the model thread touches it."""

    def __init__(self, slots: int, speakers: int, guide_size: int = 0, *, settings: Settings, keep_shown: bool) -> None:
        self.emotion = EmotionBlend(slots, len(EMOTIONS))
        self.speaker = Blend(slots, speakers)
        self.intensity = Blend(slots, 1)
        self.guide = GuideBlend(slots, guide_size)
        self.settings = settings
        self.seeds = np.zeros(slots, np.uint64)
        self.lookahead = np.zeros(slots, np.int64)
        self.emitted: Floats = np.zeros((slots, MOTION_SIZE), np.float32)
        """The last emitted pose of each slot."""
        self._speakers = np.eye(speakers, dtype=np.float32)
        self._shown = np.zeros((slots if keep_shown else 0, SHOWN_FRAMES, MOTION_SIZE), np.float32)

    def reset(self, slot: int, session: Session) -> None:
        """A new tenant."""
        config = session.config
        self.emotion.set(slot, emotion_weights(config.emotion))
        self.emotion.heard[slot] = 0.0
        self.speaker.set(slot, self._speakers[config.speaker])
        self.intensity.set(slot, np.array([config.intensity], np.float32))
        self.guide.reset(slot)
        self.settings.reset(slot, config.settings)
        self.seeds[slot] = session.seed
        self.lookahead[slot] = config.lookahead_frames
        self.emitted[slot] = rest_packed()

    def control(self, slot: int, change: Control) -> None:
        """Sets off for new values of what is not None."""
        if change.emotion is not None or change.auto_emotion:
            self.emotion.move(slot, emotion_weights(None if change.auto_emotion else change.emotion))
        if change.speaker is not None:
            self.speaker.move(slot, self._speakers[change.speaker])
        if change.intensity is not None:
            self.intensity.move(slot, np.array([change.intensity], np.float32))
        if change.settings is not None:
            self.settings.change(slot, change.settings)

    def speakers(self, slots: Slots, count: int) -> Floats:
        """[n, count] weights for a generator of `count` speakers: who is none of them becomes the first."""
        weights = self.speaker.now(slots)[:, :count]
        weights[:, 0] += 1.0 - weights.sum(-1)
        return weights

    def remember(self, slots: Slots, frames: NDArray[np.int64]) -> None:
        """Keeps the poses that are the inputs of audio frames `frames` [n]."""
        if len(self._shown):
            self._shown[slots, frames % SHOWN_FRAMES] = self.emitted[slots]

    def shown(self, slots: Slots, frames: NDArray[np.int64]) -> Floats:
        """[n, 489] what was emitted before audio frames `frames` [n]."""
        return self._shown[slots, frames % SHOWN_FRAMES]
