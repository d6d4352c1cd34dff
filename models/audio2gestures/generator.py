"""Audio2Gestures (Li et al., ICCV 2021) as a causal stream: split shared and motion-specific codes.

Causal by construction: the encoders' and the decoder's dilated convolutions see only the past (the paper's see 4.1 s
ahead), log-mel windows end with their frame, and look-ahead is a choice per session. The decoder also sees the pose
that was last shown, so that interrupts, cues and changes of generator are continued and not ignored.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.audio2gestures.audio_encoder import AudioEncoder, AudioState
from gesturestream.models.audio2gestures.config import Audio2GesturesConfig
from gesturestream.models.audio2gestures.decoder import Decoder, Heard
from gesturestream.models.audio2gestures.mapping import MappingNet, MappingState
from gesturestream.models.audio2gestures.motion_encoder import MotionEncoder
from gesturestream.models.generator import Generator
from gesturestream.models.motion import EMOTIONS, MAX_LOOKAHEAD
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming import level, lookahead
from gesturestream.models.streaming.features import WINDOW_SAMPLES
from gesturestream.models.streaming.hearing import PRESENCE, ahead, emotion_weights, smooth_sequence
from gesturestream.models.streaming.state import Ring, select


class MotionState(NamedTuple):
    """What advances with motion frames."""

    mapping: MappingState
    decoder: Ring


class Audio2GesturesState(NamedTuple):
    level: level.LevelState
    audio: AudioState
    lookahead: lookahead.LookaheadState
    motion: MotionState


class Audio2Gestures(Generator):
    """One set of weights for every look-ahead, speaker and emotion."""

    Config = Audio2GesturesConfig
    config: Audio2GesturesConfig

    def __init__(self, config: Audio2GesturesConfig) -> None:
        super().__init__(config)
        c = config
        self.audio_encoder = AudioEncoder(c.audio_widths, c.shared_size, c.causal)
        self.motion_encoder = MotionEncoder(c.motion_widths, c.shared_size, c.specific_size)
        self.condition = nn.Linear(len(EMOTIONS) + c.speakers + 1, c.condition_size)
        self.mapping = MappingNet(
            c.specific_size, c.mapping_width, c.styles, c.condition_size, source=c.specific, causal=c.causal
        )
        self.decoder = Decoder(
            c.decoder_widths,
            shared_size=c.shared_size,
            specific_size=c.specific_size,
            condition_size=c.condition_size,
            emitted_size=c.emitted_size,
            causal=c.causal,
        )

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo(
            name="audio2gestures",
            window_samples=WINDOW_SAMPLES,
            noise_size=self.mapping.noise_size,
            speakers=self.config.speakers,
            guide_size=self.config.specific_size,
        )

    def init_state(self, rows: int) -> Audio2GesturesState:
        return Audio2GesturesState(
            level.init_state(rows),
            self.audio_encoder.init_state(rows),
            lookahead.init_state(rows, self.config.shared_size),
            MotionState(self.mapping.init_state(rows), self.decoder.init_state(rows)),
        )

    def forward(self, inputs: StepInputs, state: Audio2GesturesState) -> tuple[StepOutputs, Audio2GesturesState]:
        self._must_stream()
        features, level_state = level.normalize(self.features(inputs.pcm), state.level)
        shared, heard, audio_state = self.audio_encoder.step(features, state.audio)
        window, known, valid, lookahead_state = lookahead.gather(
            shared, inputs.audio_present, inputs.lookahead, state.lookahead
        )
        condition = self.conditions(inputs.emotion, heard, inputs.speaker, inputs.intensity)
        sampled, mapping = self.mapping.step(inputs.noise, features[:, PRESENCE], condition, state.motion.mapping)
        specific = guided(sampled, inputs.guide)
        voice = Heard(window, known, lookahead.choice(inputs.lookahead, shared))
        emitted = self.emitted_input(inputs.emitted)
        motion, decoder = self.decoder.step(voice, specific, condition, emitted, state.motion.decoder)
        advanced = select(valid, MotionState(mapping, decoder), state.motion)
        after = Audio2GesturesState(level_state, audio_state, lookahead_state, advanced)
        return StepOutputs(self.denormalize(motion), valid, heard), after

    def forward_sequence(self, inputs: StepInputs) -> StepOutputs:
        """The same network over whole sequences from a new state, as in training, given what was shown as history.

        Shapes as in `StepInputs` with an axis T after B for everything but `lookahead` [B]; `pcm` and `noise`,
        `emitted` and controls by motion frame. The audio ends with the last frame. Differentiable.
        """
        features = self.features_sequence(inputs.pcm)
        shared, instant = self.audio_encoder(features)
        heard = smooth_sequence(instant, features[..., PRESENCE]).softmax(-1)
        condition = self.conditions(inputs.emotion, ahead(heard, inputs.lookahead), inputs.speaker, inputs.intensity)
        voice = self.heard_sequence(shared, inputs.lookahead)
        presence = ahead(features[..., PRESENCE:], inputs.lookahead, 0.0)[..., 0]
        specific = guided(self.mapping.sequence(inputs.noise, presence, condition), inputs.guide)
        motion = self.decoder(voice, specific, condition, self.emitted_input(inputs.emitted))
        return StepOutputs(self.denormalize(motion), torch.ones_like(motion[..., 0], dtype=torch.bool), heard)

    def heard_sequence(self, shared: Tensor, frames: Tensor) -> Heard:
        """Shared codes [B, T, S], look-ahead [B] -> what each motion frame knows; the reference knows all there is."""
        frames = frames if self.causal else torch.full_like(frames, MAX_LOOKAHEAD)
        window, known = lookahead.windows(shared, frames)
        chosen = lookahead.choice(frames, shared)[:, None].expand(-1, shared.shape[1], -1)
        return Heard(window, known, chosen)

    @torch.inference_mode()
    def guide_codes(self, motion: Tensor) -> Tensor:
        """Motion-specific codes [T, I] of an authored clip [T, 489]: what its frames' `guide` inputs hold."""
        mean: Tensor = self.motion_encoder(self.normalize(motion)[None])[1]
        return mean[0]

    def conditions(self, emotion: Tensor, heard: Tensor, speaker: Tensor, intensity: Tensor) -> Tensor:
        """Embeds the controls; where all emotion weights are zero (`auto`) the heard emotion takes their place."""
        weights = emotion_weights(emotion, heard)
        embedded: Tensor = self.condition(torch.cat([weights, speaker, intensity[..., None]], -1))
        return embedded

    def emitted_input(self, emitted: Tensor) -> Tensor:
        """Normalised pose and the flag that it is known: [..., 489] -> [..., 490]; the reference is not told."""
        pose = self.normalize(emitted)
        shown = torch.cat([pose, torch.ones_like(pose[..., :1])], -1)
        return shown if self.causal else torch.zeros_like(shown)


def guided(sampled: Tensor, guide: Tensor) -> Tensor:
    """A clip's code in the place of the sampled one, as far as `guide` says: [..., I], [..., I + 1] -> [..., I].

    The paper's timeline (section 5.6): frames t..t+n take a clip's code, so that the motion follows the clip in step
    with the voice. Where the clip does not count its code is not looked at.
    """
    code, weight = guide[..., :-1], guide[..., -1:]
    return torch.where(weight > 0.0, sampled + weight * (code - sampled), sampled)
