"""Controls that are blended, never a jump: emotion, speaker and intensity of every session, as arrays over slots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import FPS

Floats = NDArray[np.float32]
Slots = NDArray[np.int64]

BLEND_FRAMES = FPS // 2
"""Half a second from one setting to the next."""


class Blend:
    """`slots` vectors of `size` values, each on its way from where it was to where it should be, with no corner."""

    def __init__(self, slots: int, size: int) -> None:
        self._from: Floats = np.zeros((slots, size), np.float32)
        self._to: Floats = np.zeros((slots, size), np.float32)
        self._frame = np.full(slots, BLEND_FRAMES)
        self._moving = False  # some slot may be on its way

    def set(self, slot: int, value: Floats) -> None:
        """At once: for a slot's new tenant."""
        self._to[slot] = value
        self._frame[slot] = BLEND_FRAMES

    def move(self, slot: int, value: Floats) -> None:
        """From the current value to `value` in `BLEND_FRAMES` steps."""
        self._from[slot] = self._value(np.array([slot]))[0]
        self._to[slot] = value
        self._frame[slot] = 0
        self._moving = True

    def step(self, slots: Slots) -> Floats:
        """One frame further. slots [n] -> [n, size]."""
        if not self._moving:
            return self._to[slots]
        self._moving = bool((self._frame < BLEND_FRAMES).any())
        self._frame[slots] = np.minimum(self._frame[slots] + 1, BLEND_FRAMES)
        return self._value(slots)

    def now(self, slots: Slots) -> Floats:
        """The values of this frame once more. slots [n] -> [n, size]."""
        return self._value(slots) if self._moving else self._to[slots]

    def _value(self, slots: Slots) -> Floats:
        weight = self._weight(slots)
        value: Floats = self._from[slots] * (1.0 - weight) + self._to[slots] * weight
        return value

    def _weight(self, slots: Slots) -> Floats:
        t = (self._frame[slots, None] / BLEND_FRAMES).astype(np.float32)
        return t * t * (3.0 - 2.0 * t)


class EmotionBlend(Blend):
    """All-zero weights mean `auto`. The way from and to `auto` leads over what is heard, so that nothing jumps."""

    def __init__(self, slots: int, size: int) -> None:
        super().__init__(slots, size)
        self.heard: Floats = np.zeros((slots, size), np.float32)
        """[slots, size] what the generator heard last in each slot's voice."""

    def move(self, slot: int, value: Floats) -> None:
        if not self._to[slot].any() and self._frame[slot] >= BLEND_FRAMES:
            self._to[slot] = self.heard[slot]
        super().move(slot, value)

    def _value(self, slots: Slots) -> Floats:
        to_auto = (self._frame[slots] < BLEND_FRAMES) & ~self._to[slots].any(-1)
        weight = self._weight(slots)
        target = np.where(to_auto[:, None], self.heard[slots], self._to[slots])
        return self._from[slots] * (1.0 - weight) + target * weight
