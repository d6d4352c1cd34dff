"""DiffGesture (Zhu et al., CVPR 2023) as a causal stream: each frame is denoised by itself, from what was shown.

Everything happens in the order in which it is heard: the body answers the newest sound, whatever the look-ahead,
because its targets are as much later as the look-ahead is shorter (training/dataset.py). Only the face, which follows
the voice within two frames, waits for its own frame where look-ahead is longer than that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.diffgesture import windowed
from gesturestream.models.diffgesture.config import DiffGestureConfig
from gesturestream.models.diffgesture.part import Part, PartState, Scales
from gesturestream.models.diffgesture.space import BODY_VALUES, FACE_VALUES, MOST
from gesturestream.models.generator import Generator
from gesturestream.models.motion import EMOTIONS, FPS, MAX_LOOKAHEAD, MOTION_SIZE, ROOT_M
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming import level, lookahead
from gesturestream.models.streaming.features import WINDOW_SAMPLES
from gesturestream.models.streaming.hearing import PRESENCE, ahead, emotion_weights, smooth_logits, smooth_sequence
from gesturestream.models.streaming.state import Ring, select

FACE_AHEAD = 2
"""Frames of voice the face hears beyond its own; at shorter look-ahead it is shown that much later."""
ROOT = 3
"""Components of the root: velocity along x and z, and height."""
TEMPERATURE = {"temperature": 1.0}
"""Deviation of the noise: 0 always draws the likeliest."""
GUIDANCE = {"voice": 1.15, "continuation": 1.0}
"""How far the voice is followed (0: not at all) and the motion continued; the paper has 1.15 for both together."""
RANGES = {"temperature": (0.0, 1.5), "voice": (0.0, 4.0), "continuation": (0.0, 2.0)}


class DiffGestureState(NamedTuple):
    level: level.LevelState
    voices: tuple[Ring, Ring]
    emotion: Tensor  # [B, 8] logits heard so far
    lookahead: lookahead.LookaheadState
    parts: tuple[PartState, PartState]


class Controls(NamedTuple):
    """By motion frame, [..., ...]."""

    place: Tensor  # [..., 8 + S + 1] emotion, speaker, intensity
    pace: Tensor  # [...] of the noise
    scales: Scales


class DiffGesture(Generator):
    """One set of weights for every look-ahead, speaker and emotion."""

    Config = DiffGestureConfig
    config: DiffGestureConfig
    root_scale: Tensor

    def __init__(self, config: DiffGestureConfig) -> None:
        super().__init__(config)
        c = config
        self.body = Part(
            c, BODY_VALUES, c.body_components,
            extra=ROOT, size=c.body_size, window=c.body_window, widths=c.body_widths, smoothing=c.body_smoothing,
        )  # fmt: skip
        self.face = Part(
            c, FACE_VALUES, c.face_components,
            extra=0, size=c.face_size, window=c.face_window, widths=c.face_widths, smoothing=c.face_smoothing,
        )  # fmt: skip
        self.emotion = nn.Linear(c.body_widths[-1], len(EMOTIONS))
        self.register_buffer("root_scale", torch.ones(ROOT))
        """[3] m/s, m/s, m: deviations of the root's components."""

    @property
    def info(self) -> GeneratorInfo:
        settings = (GUIDANCE if self.config.guided else {}) | TEMPERATURE
        return GeneratorInfo(
            name="diffgesture",
            window_samples=WINDOW_SAMPLES,
            noise_size=self.body.noise_size + self.face.noise_size,
            speakers=self.config.speakers,
            settings=dict(settings),
            setting_ranges={name: RANGES[name] for name in settings},
        )

    def init_state(self, rows: int) -> DiffGestureState:
        return DiffGestureState(
            level.init_state(rows),
            (self.body.voice.init_state(rows), self.face.voice.init_state(rows)),
            torch.zeros(rows, len(EMOTIONS)),
            lookahead.init_state(rows, self.config.face_size),
            (self.body.init_state(rows), self.face.init_state(rows)),
        )

    def forward(self, inputs: StepInputs, state: DiffGestureState) -> tuple[StepOutputs, DiffGestureState]:
        self._must_stream()
        features, level_state = level.normalize(self.features(inputs.pcm), state.level)
        presence = torch.where(inputs.audio_present, features[:, PRESENCE], 0.0)
        body, hidden, body_voice = self.body.voice.step(features, state.voices[0])
        face, _, face_voice = self.face.voice.step(features, state.voices[1])
        emotion = smooth_logits(self.emotion(hidden), presence, state.emotion)
        window, known, valid, waiting = lookahead.gather(face, inputs.audio_present, inputs.lookahead, state.lookahead)
        own, there = _own_frame(window, known, inputs.lookahead)
        controls = self.controls(inputs, emotion.softmax(-1), presence)
        motion, advanced = self._motion_step(
            inputs.emitted,
            (self.body.masked(body, inputs.audio_present), self.face.masked(own, there)),
            inputs.noise,
            controls,
            state.parts,
        )
        parts = select(valid, advanced, state.parts)
        after = DiffGestureState(level_state, (body_voice, face_voice), emotion, waiting, parts)
        return StepOutputs(motion, valid, emotion.softmax(-1)), after

    def _motion_step(
        self,
        emitted: Tensor,
        heard: tuple[Tensor, Tensor],
        noise: Tensor,
        controls: Controls,
        state: tuple[PartState, PartState],
    ) -> tuple[Tensor, tuple[PartState, PartState]]:
        drawn, after = [], []
        for part, shown, voice, own, before in zip(
            self.parts, self.shown(emitted), heard, self.split(noise), state, strict=True
        ):
            told = voice + part.place(controls.place)
            components, moved = part.step(shown, told, own, controls.pace, controls.scales, before)
            drawn.append(components)
            after.append(moved)
        return self.pose(drawn[0], drawn[1], emitted[:, ROOT_M]), (after[0], after[1])

    def forward_sequence(self, inputs: StepInputs) -> StepOutputs:
        """The same network over whole sequences from a new state, given what was shown as history.

        Shapes as in `StepInputs` with an axis T after B for everything but `lookahead` [B]; `pcm` by audio frame, the
        rest by motion frame. The audio ends with the last frame. Differentiable.
        """
        features = self.features_sequence(inputs.pcm)
        body, face, logits = self.voices(features)
        heard = smooth_sequence(logits, features[..., PRESENCE]).softmax(-1)
        presence = ahead(features[..., PRESENCE:], inputs.lookahead, 0.0)[..., 0]
        controls = self.controls(inputs, ahead(heard, inputs.lookahead), presence)
        told = (
            ahead(body, inputs.lookahead, self.body.absent) + self.body.place(controls.place),
            ahead(face, inputs.lookahead.clamp_max(FACE_AHEAD), self.face.absent) + self.face.place(controls.place),
        )
        shown, noise = self.shown(inputs.emitted), self.split(inputs.noise)
        if not self.causal:  # sees the whole clip's voice, and no pose
            made = windowed.sequence(self.body, told[0], noise[0], controls.scales, ROOT)
            face_made = windowed.sequence(self.face, told[1], noise[1], controls.scales)
            motion = self.pose(made, face_made, self._travelled(made))
        else:
            made, face_made = (
                part.sequence(*given, controls.pace, controls.scales)
                for part, given in zip(self.parts, zip(shown, told, noise, strict=True), strict=True)
            )
            motion = self.pose(made, face_made, inputs.emitted[..., ROOT_M])
        return StepOutputs(motion, torch.ones_like(motion[..., 0], dtype=torch.bool), heard)

    # -- what step, sequence and training share

    @property
    def parts(self) -> tuple[Part, Part]:
        return self.body, self.face

    def voices(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features [B, T, 68] -> what body and face hear [B, T, D], and emotion logits [B, T, 8], by audio frame."""
        body, hidden = self.body.voice(features)
        return body, self.face.voice(features)[0], self.emotion(hidden)

    def controls(self, inputs: StepInputs, heard: Tensor, presence: Tensor) -> Controls:
        """heard [..., 8] stands for the emotion where none is given; the noise wanders at the pace of speech [...], but
        where the voice is not followed at its own."""
        place = self.placed(emotion_weights(inputs.emotion, heard), inputs.speaker, inputs.intensity)
        settings = dict(zip(self.info.settings, inputs.settings.unbind(-1), strict=True))
        one = torch.ones_like(settings["temperature"])
        scales = Scales(settings.get("voice", one), settings.get("continuation", one), settings["temperature"])
        return Controls(place, 1.0 + scales.voice.clamp(0.0, 1.0) * (presence - 1.0), scales)

    @staticmethod
    def placed(emotion: Tensor, speaker: Tensor, intensity: Tensor) -> Tensor:
        return torch.cat([emotion, speaker, intensity[..., None]], -1)

    def split(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        return noise[..., : self.body.noise_size], noise[..., self.body.noise_size :]

    def shown(self, emitted: Tensor) -> tuple[Tensor, Tensor]:
        """Poses as they were shown [..., 489] -> components of body (its root as a place) and face [..., C]."""
        normalised = self.normalize(emitted)
        body = torch.cat([self.body.space.encode(normalised), normalised[..., ROOT_M]], -1)
        return body.clamp(-MOST, MOST), self.face.space.encode(normalised).clamp(-MOST, MOST)

    def components(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Packed motion [B, T, 489] -> components of body (its root as it moves) and face [B, T, C]: what is drawn."""
        normalised, root = self.normalize(motion), motion[..., ROOT_M]
        velocity = root.diff(dim=1) * FPS
        velocity = torch.cat([velocity[:, :1], velocity], 1)
        height = root[..., 1:2] - self.motion_mean[ROOT_M][1]
        moved = torch.cat([velocity[..., 0:1], velocity[..., 2:3], height], -1) / self.root_scale
        return torch.cat([self.body.space.encode(normalised), moved], -1), self.face.space.encode(normalised)

    def pose(self, body: Tensor, face: Tensor, shown_m: Tensor) -> Tensor:
        """Components [..., C] and the root shown before [..., 3] -> packed motion [..., 489]."""
        values = [self.body.space.decode(body[..., :-ROOT]), self.face.space.decode(face)]
        moved = body[..., -ROOT:] * self.root_scale
        joined = torch.cat([*values, torch.zeros_like(moved)], -1)[..., self._order()]
        x, z = (shown_m[..., axis] + moved[..., i] / FPS for i, axis in enumerate((0, 2)))
        root = torch.stack([x, self.motion_mean[ROOT_M][1] + moved[..., 2], z], -1)
        motion = self.denormalize(joined)
        return torch.cat([motion[..., : ROOT_M.start], root, motion[..., ROOT_M.stop :]], -1)

    def _travelled(self, body: Tensor) -> Tensor:
        """Root shown before each frame [B, T, 3] where nothing is shown: velocities summed up."""
        moved = (body[..., -ROOT:] * self.root_scale).cumsum(1) / FPS
        before = torch.cat([torch.zeros_like(moved[:, :1]), moved[:, :-1]], 1)
        return before[..., [0, 2, 1]]

    @staticmethod
    def _order() -> list[int]:
        """Where each value of the motion vector lies among the parts' values, the root last."""
        lies = [*BODY_VALUES, *FACE_VALUES, *range(ROOT_M.start, ROOT_M.stop)]
        places = {value: i for i, value in enumerate(lies)}
        return [places[i] for i in range(MOTION_SIZE)]


def _own_frame(window: Tensor, known: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """The face's own sound among those of the last nine frames [B, 9, D], and whether it is one [B]."""
    newest = MAX_LOOKAHEAD - (frames - FACE_AHEAD).clamp_min(0)
    own = window.gather(1, newest[:, None, None].expand(-1, 1, window.shape[2]))[:, 0]
    return own, known.gather(1, newest[:, None])[:, 0]
