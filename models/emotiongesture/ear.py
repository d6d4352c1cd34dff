"""The emotion of a voice without a body: a stream of probabilities from PCM alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gesturestream.models.emotiongesture.generator import EmotionGesture
from gesturestream.models.generator import Generator
from gesturestream.models.streaming import level
from gesturestream.models.streaming.features import WINDOW_SAMPLES
from gesturestream.models.streaming.state import StateStore
from gesturestream.models.timing import frame_end, frame_start

Floats = NDArray[np.float32]


class EmotionEar:
    """Hears one voice: `push` any number of samples (mono, 16 kHz), get eight probabilities for each whole frame.

    They are those that the generator tells beside its motion, at a twentieth of the work.
    """

    def __init__(self, generator: Generator) -> None:
        if not isinstance(generator, EmotionGesture):
            raise ValueError(f"expected a checkpoint of emotiongesture, got one of {generator.info.name}")
        self._features, self._listener = generator.features, generator.listener
        self._level, self._store = level.init_state(1), StateStore(generator.listener.init_state(1))
        self._heard: Floats = np.zeros(WINDOW_SAMPLES, np.float32)
        self._frame = 0

    @torch.inference_mode()
    def push(self, pcm: Floats) -> list[Floats]:
        """[n] samples -> [8] probabilities, in the order of EMOTIONS, for every frame that they complete."""
        self._heard = np.concatenate([self._heard, pcm.astype(np.float32)])
        out = []
        while len(self._heard) - WINDOW_SAMPLES >= (frame := frame_end(self._frame) - frame_start(self._frame)):
            out.append(self._one(self._heard[frame : frame + WINDOW_SAMPLES]))
            self._heard = self._heard[frame:]
            self._frame += 1
        return out

    def _one(self, window: Floats) -> Floats:
        heard = self._features(torch.from_numpy(window.copy())[None])
        features, self._level = level.normalize(heard, self._level)
        here = torch.ones(1, dtype=torch.bool)
        logits, after = self._listener.step(features, here, self._store.view(1))
        self._store.commit(after, here)
        found: Floats = logits.softmax(-1)[0].numpy()
        return found
