"""A small real executor: numpy only, moves with the loudness of the voice, so that servers can be tested quickly."""

from __future__ import annotations

import numpy as np

from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_rot6d
from gesturestream.models.body.skeleton import INDEX, REST_M
from gesturestream.models.motion import BLENDSHAPES, CONTACTS, EXPRESSIONS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.realtime.executors.base import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.realtime.frame import AudioChunk, Event, Frame


class LoudnessExecutor:
    """Raises both arms by the RMS of the frame's window; the state is how many frames a row has heard."""

    def __init__(self, name: str = "loudness", capacity: int = 8) -> None:
        self.info = GeneratorInfo(name=name, window_samples=534, noise_size=4, speakers=2, settings={"gain": 1.0})
        self.capacity = capacity
        self.buckets = (1, capacity)
        self._heard = np.zeros(capacity, np.int64)

    def warm_up(self) -> None:
        pass

    def guide_codes(self, motion: np.ndarray) -> np.ndarray:
        return np.zeros((len(motion), 0), np.float32)

    def step(self, inputs: StepInputs) -> StepOutputs:
        rows = len(inputs.pcm)
        heard = np.where(inputs.reset, 0, self._heard[:rows]) + inputs.active
        self._heard[:rows] = heard
        return StepOutputs(
            motion=self._pose(np.sqrt((inputs.pcm**2).mean(-1))),
            valid=inputs.active & (heard > inputs.lookahead),
            heard_emotion=np.full((rows, 8), 0.125, np.float32),
        )

    def _pose(self, loudness):
        motion = np.zeros((len(loudness), MOTION_SIZE), np.float32)
        turns = np.zeros((len(loudness), 55, 3))
        for side, sign in (("left", -1), ("right", 1)):
            turns[:, INDEX[f"{side}_shoulder"], 2] = sign * (1.2 - loudness)
        motion[:, ROT6D] = matrix_to_rot6d(axis_angle_to_matrix(turns)).reshape(len(loudness), -1)
        motion[:, ROOT_M] = REST_M[0]
        motion[:, CONTACTS] = 1.0
        motion[:, BLENDSHAPES.start + 17] = np.clip(2 * loudness, 0, 1)
        motion[:, EXPRESSIONS] = loudness[:, None]
        return motion


class BrokenExecutor(LoudnessExecutor):
    """Fails as soon as it hears something: a generator with a bug."""

    def step(self, inputs: StepInputs) -> StepOutputs:
        if abs(inputs.pcm).max() > 0.01:
            raise RuntimeError("broken on purpose")
        return super().step(inputs)


class NullSink:
    """For sessions whose output nobody wants yet."""

    def on_frame(self, frame: Frame) -> None: ...
    def on_event(self, event: Event) -> None: ...
    def on_audio(self, chunk: AudioChunk) -> None: ...
