"""EmotionGesture (Qi et al., 2023) as a causal stream: a planner whose first frame is emitted, replanned every frame.

Emotion-Beat Mining hears emotion and beats, the emotion-conditioned VAE gives one of many ways to show an emotion, the
Spatial-Temporal Prompter continues the poses that were shown, and the decoder plans the coming frames from the sound
that has come. Most of what a plan's frames answer has been heard already: the body is 10 frames late at look-ahead 0
(training/dataset.py); at longer look-ahead the same plan is shown as much earlier.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gesturestream.models.emotiongesture.beats import BeatMiner, Heard, Transcript
from gesturestream.models.emotiongesture.config import EmotionGestureConfig
from gesturestream.models.emotiongesture.discriminator import Discriminator
from gesturestream.models.emotiongesture.emotion import EmotionVae, MoodState, blend, blended, new_mood
from gesturestream.models.emotiongesture.face import FaceBranch
from gesturestream.models.emotiongesture.listener import EmotionListener, ListenerState
from gesturestream.models.emotiongesture.planner import Planner, Voice, follow, shifted, windows
from gesturestream.models.emotiongesture.pose_space import BODY, FACE, FARTHEST, PoseSpace, joined
from gesturestream.models.emotiongesture.prompter import Past
from gesturestream.models.generator import Generator
from gesturestream.models.motion import MAX_LOOKAHEAD
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming import level, lookahead, wandering
from gesturestream.models.streaming.features import WINDOW_SAMPLES
from gesturestream.models.streaming.hearing import PRESENCE, ahead, emotion_weights
from gesturestream.models.streaming.state import Ring, State, append, look_back, new_ring, select

FACE_AHEAD = 2
"""Frames of voice the face hears beyond its own; at shorter look-ahead it is shown that much later."""
REST_KEPT = 0.9
"""Share that each frame keeps of what the shown pose has and the plan's components have not: half is gone in 0.2 s."""
REFERENCE_AHEAD = 16
"""Frames of voice that the non-causal reference's plans hear beyond their first frame."""
SETTINGS, RANGES = {"variety": 1.0}, {"variety": (0.0, 2.0)}
"""How far apart the variants of an emotion are: 0 the mean one, 1 as in training, up to 2."""


class MotionState(NamedTuple):
    """What advances with motion frames."""

    noise: wandering.ColourState
    mood: MoodState
    poses: Ring  # components of the poses shown before the last one
    plan: Tensor  # [B, H, P] for the frames to come
    planned: Tensor  # [B]
    face: Ring


class EmotionGestureState(NamedTuple):
    level: level.LevelState
    miner: State
    beats: Ring
    listener: ListenerState
    lookahead: lookahead.LookaheadState
    motion: MotionState


class Frame(NamedTuple):
    """What one motion frame is made from; with an axis T after B in sequences."""

    mood: Tensor  # [B, 9] blended
    speaker: Tensor  # [B, S]
    noise: Tensor  # [B, Z + N] wandering
    variety: Tensor  # [B, 1]
    face: Tensor  # [B, F] face code of the voice


class EmotionGesture(Generator):
    """One set of weights for every look-ahead, speaker and emotion."""

    Config = EmotionGestureConfig
    config: EmotionGestureConfig
    body: Tensor
    face: Tensor
    ages: Tensor

    def __init__(self, config: EmotionGestureConfig) -> None:
        super().__init__(config)
        c = config
        self.poses = PoseSpace(c.pose_size)
        self.miner = BeatMiner(c)
        self.listener = EmotionListener(c.listener_widths, c.causal)
        self.vae = EmotionVae(c.pose_size, c.latent_size, c.size, c.speakers)
        self.planner = Planner(c)
        self.expression = FaceBranch(c.face_code_size, c.size, c.face_noise, c.face_widths, c.causal)
        self.transcript = Transcript(c.beat_size)
        self.discriminator = Discriminator(c.pose_size)
        for name, indices in (("body", BODY), ("face", FACE)):
            self.register_buffer(name, torch.tensor(indices), persistent=False)
        self.register_buffer("ages", torch.arange(max(c.memory, c.seeds) - 1, 0, -1), persistent=False)

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo(
            name="emotiongesture",
            window_samples=WINDOW_SAMPLES,
            noise_size=self.config.latent_size + self.config.face_noise,
            speakers=self.config.speakers,
            settings=dict(SETTINGS),
            setting_ranges=dict(RANGES),
        )

    def init_state(self, rows: int) -> EmotionGestureState:
        c = self.config
        motion = MotionState(
            wandering.new_colour(rows, self.info.noise_size),
            new_mood(rows),
            new_ring(rows, c.seeds - 1, c.pose_size),
            torch.zeros(rows, c.horizon, c.pose_size),
            torch.zeros(rows),
            self.expression.init_state(rows),
        )
        return EmotionGestureState(
            level.init_state(rows),
            self.miner.init_state(rows),
            new_ring(rows, c.memory - 1, c.beat_size),
            self.listener.init_state(rows),
            lookahead.init_state(rows, c.face_code_size),
            motion,
        )

    def forward(self, inputs: StepInputs, state: EmotionGestureState) -> tuple[StepOutputs, EmotionGestureState]:
        self._must_stream()
        present = inputs.audio_present
        features, level_state = level.normalize(self.features(inputs.pcm), state.level)
        heard, miner = self.miner.step(features, state.miner)
        logits, listener = self.listener.step(features, present, state.listener)
        code = torch.where(present[:, None], heard.beats, self.miner.no_beats)
        window, known, valid, waiting = lookahead.gather(heard.face, present, inputs.lookahead, state.lookahead)
        presence = features[:, PRESENCE] * present.to(features.dtype)
        noise, colour = wandering.colour(inputs.noise, presence, state.motion.noise)
        mood, blending = blend(self.wanted_mood(inputs, logits.softmax(-1)), state.motion.mood)
        frame = Frame(mood, inputs.speaker, noise, inputs.settings, self._own_frame(window, known, inputs.lookahead))
        motion, advanced = self._motion_step(
            inputs.emitted, self._voice(code, state.beats), frame, state.motion._replace(noise=colour, mood=blending)
        )
        after = EmotionGestureState(
            level_state, miner, append(state.beats, code), listener, waiting, select(valid, advanced, state.motion)
        )
        return StepOutputs(motion, valid, logits.softmax(-1)), after

    def _voice(self, code: Tensor, ring: Ring) -> Voice:
        ages = self.ages[-(self.config.memory - 1) :]
        known = torch.cat([ages <= ring.written[:, None], torch.ones_like(ring.written, dtype=torch.bool)[:, None]], 1)
        return Voice(torch.cat([look_back(ring, ages), code[:, None]], 1), known)

    def _motion_step(
        self, emitted: Tensor, voice: Voice, frame: Frame, state: MotionState
    ) -> tuple[Tensor, MotionState]:
        shown = self.body_values(emitted)
        now = self.poses.encode(shown)
        past = Past(self._history(now, state.poses), state.plan, state.planned)
        feature = self.feature(frame)
        plan = self.planner(past, voice, feature)
        body = self.emit(plan[:, 0], shown, now)
        face, ring = self.expression.step(frame.face, feature, self.face_noise(frame), state.face)
        kept = shifted(plan, 1), torch.ones_like(state.planned)
        return self.assemble(body, face), MotionState(state.noise, state.mood, append(state.poses, now), *kept, ring)

    def _history(self, now: Tensor, ring: Ring) -> Tensor:
        """The last M poses [B, M, P], this one included; a new session has always stood where it begins."""
        known = torch.minimum(self.ages[-(self.config.seeds - 1) :], ring.written[:, None])
        before = torch.where(ring.written[:, None, None] > 0, look_back(ring, known), now[:, None])
        return torch.cat([before, now[:, None]], 1)

    def forward_sequence(self, inputs: StepInputs) -> StepOutputs:
        """The same network over whole sequences from a new state, given what was shown as history.

        Shapes as in `StepInputs` with an axis T after B for everything but `lookahead` [B]; `pcm` by audio frame, the
        rest by motion frame. The audio ends with the last frame. Differentiable. The reference is given no history:
        its windows continue each other.
        """
        features = self.features_sequence(inputs.pcm)
        heard, logits = self.miner(features), self.listener(features)
        frames = self.sequence_frames(inputs, heard, logits.softmax(-1), features[..., PRESENCE:])
        feature = self.feature(frames)
        voice = self.voices(heard.beats, inputs.lookahead)
        body = self._given_history(inputs, voice, feature) if self.causal else self._own_history(voice, feature)
        motion = self.assemble(body, self.expression(frames.face, feature, self.face_noise(frames)))
        return StepOutputs(motion, torch.ones_like(motion[..., 0], dtype=torch.bool), logits.softmax(-1))

    def _given_history(self, inputs: StepInputs, voice: Voice, feature: Tensor) -> Tensor:
        """Packed body values [B, T, 319]: in every frame a plan from what was shown, its first frame."""
        shown = self.body_values(inputs.emitted)
        components = self.poses.encode(shown)
        past, out = self.start(components[:, 0]), []
        for t in range(shown.shape[1]):
            past = past._replace(poses=torch.cat([past.poses[:, 1:], components[:, t : t + 1]], 1))
            plan = self.planner(past, Voice(*(part[:, t] for part in voice)), feature[:, t])
            out.append(self.emit(plan[:, 0], shown[:, t], components[:, t]))
            past = Past(past.poses, shifted(plan, 1), torch.ones_like(past.planned))
        return torch.stack(out, 1)

    def _own_history(self, voice: Voice, feature: Tensor) -> Tensor:
        """Windows that continue each other from the mean pose, as the paper's."""
        frames, hop = feature.shape[1], self.config.horizon
        past, out = self.start(feature.new_zeros(len(feature), self.config.pose_size)), []
        for t in range(0, frames, hop):
            plan = self.planner(past, Voice(*(part[:, t] for part in voice)), feature[:, t])
            past = follow(past, plan, plan)
            out.append(plan)
        return self.unnormalized_body(self.poses.decode(torch.cat(out, 1)[:, :frames]))

    # -- what step, sequence and training share

    def start(self, pose: Tensor) -> Past:
        """Past of a body that has stood in `pose` [B, P] and has no plan."""
        c = self.config
        plan = pose.new_zeros(len(pose), c.horizon, c.pose_size)
        return Past(pose[:, None].expand(-1, c.seeds, -1), plan, pose.new_zeros(len(pose)))

    def voices(self, beats: Tensor, frames: Tensor) -> Voice:
        """Beats [B, T, C], look-ahead [B] -> what a plan hears that is made for each motion frame, [B, T, K, ...]."""
        frames = frames if self.causal else torch.full_like(frames, REFERENCE_AHEAD)
        ends = torch.arange(beats.shape[1], device=beats.device) + frames[:, None]
        return windows(beats, ends, self.config.memory, self.miner.no_beats)

    def sequence_frames(self, inputs: StepInputs, heard: Heard, emotion: Tensor, presence: Tensor) -> Frame:
        own = inputs.lookahead.clamp_max(FACE_AHEAD)
        wanted = self.wanted_mood(inputs, ahead(emotion, inputs.lookahead))
        noise = wandering.coloured(inputs.noise, ahead(presence, inputs.lookahead, 0.0)[..., 0])
        return Frame(
            blended(wanted), inputs.speaker, noise, inputs.settings, ahead(heard.face, own, self.miner.no_face)
        )

    def wanted_mood(self, inputs: StepInputs, heard: Tensor) -> Tensor:
        """Emotion weights (all zero, `auto`: the emotion heard) and intensity, [..., 9]."""
        return torch.cat([emotion_weights(inputs.emotion, heard), inputs.intensity[..., None]], -1)

    def feature(self, frame: Frame) -> Tensor:
        """Emotion feature [..., D]."""
        latent = frame.noise[..., : self.config.latent_size] * frame.variety
        feature: Tensor = self.vae(latent, frame.mood, frame.speaker)
        return feature

    def face_noise(self, frame: Frame) -> Tensor:
        return frame.noise[..., self.config.latent_size :]

    def body_values(self, motion: Tensor) -> Tensor:
        """Packed motion [..., 489] -> normalised body values [..., 319]; only what is absurd is cut off."""
        normal = (motion - self.motion_mean) / self.motion_std
        return normal[..., self.body].clamp(-FARTHEST, FARTHEST)

    def unnormalized_body(self, body: Tensor) -> Tensor:
        return self.motion_mean[self.body] + body * self.motion_std[self.body]

    def emit(self, planned: Tensor, shown: Tensor, now: Tensor) -> Tensor:
        """A plan's frame [..., P] after the pose shown (normalised values and components) -> packed body values."""
        body = self.poses.decode(planned) + REST_KEPT * self.poses.rest(shown, now)
        return self.poses.bounded(self.unnormalized_body(shown), self.unnormalized_body(body))

    def assemble(self, body: Tensor, face: Tensor) -> Tensor:
        """Packed body values [..., 319] and normalised face [..., 170] -> packed motion [..., 489]."""
        return joined(body, self.motion_mean[self.face] + face * self.motion_std[self.face])

    def _own_frame(self, window: Tensor, known: Tensor, frames: Tensor) -> Tensor:
        """The face's own sound among those of the last nine frames [B, 9, F]."""
        newest = MAX_LOOKAHEAD - (frames - FACE_AHEAD).clamp_min(0)
        own = window.gather(1, newest[:, None, None].expand(-1, 1, window.shape[2]))[:, 0]
        return torch.where(known.gather(1, newest[:, None]), own, self.miner.no_face)
