"""EMAGE (Liu et al., CVPR 2024) as a causal stream: face, upper body, hands, lower body and root from a voice.

Causal: of the gesture the past that was shown is visible and the present is masked but for what is hinted; attention
looks back over rings; one frame of codes is drawn per step and decoded by causal VQ decoders.

Everything happens in the order in which it is heard: the body answers the newest sound, whatever the look-ahead,
because its targets are as much later as the look-ahead is shorter (training/dataset.py). Only the face, which follows
the voice within two frames, waits for its own frame where look-ahead is longer than that.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.emage import global_motion
from gesturestream.models.emage.config import EmageConfig
from gesturestream.models.emage.content_rhythm import ContentRhythm, Voice, WordEmbedding
from gesturestream.models.emage.global_motion import GlobalMotion
from gesturestream.models.emage.heads import Choice, PartHeads, Sampler
from gesturestream.models.emage.hints import SpatialEncoder
from gesturestream.models.emage.parts import LOWER, PARTS
from gesturestream.models.emage.tempo import Tempo
from gesturestream.models.emage.transformer import BodyState, BodyTransformer, FaceTransformer
from gesturestream.models.emage.vq import PartCodec
from gesturestream.models.generator import Generator
from gesturestream.models.motion import CONTACTS, EMOTIONS, MAX_LOOKAHEAD, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.models.step import GeneratorInfo, StepInputs, StepOutputs
from gesturestream.models.streaming import level, lookahead, wandering
from gesturestream.models.streaming.attention import AttentionState
from gesturestream.models.streaming.features import WINDOW_SAMPLES
from gesturestream.models.streaming.hearing import PRESENCE, ahead, emotion_weights, smooth_logits, smooth_sequence
from gesturestream.models.streaming.state import Ring, select
from gesturestream.models.words import WORD_IDS

FACE_AHEAD = 2
"""Frames of voice the face hears beyond its own; at shorter look-ahead it is shown that much later."""
SETTINGS, RANGES = {"temperature": 1.2}, {"temperature": (0.0, 2.0)}
"""How far apart the choices of codes are: 0 the likeliest, 1 as likely as in training, up to 2. At 1.2 it is as diverse
as the teacher to a fifth, and its jerk a quarter above the teacher's; at 1 both are less."""


class MotionState(NamedTuple):
    """What advances with motion frames."""

    noise: wandering.WanderState
    latents: tuple[Tensor, ...]  # [B, G * d] drawn and glided, of each part
    body: BodyState
    face: AttentionState
    decoders: tuple[Ring, ...]
    root: Ring


class EmageState(NamedTuple):
    level: level.LevelState
    body_voice: Ring
    face_voice: Ring
    emotion: Tensor  # [B, 8] logits heard so far
    lookahead: lookahead.LookaheadState
    motion: MotionState


class Masked(NamedTuple):
    """The masked gesture: what was shown last and what is hinted of the present; in sequences with T after B."""

    shown: Tensor  # [B, 489] normalised
    shown_known: Tensor  # bool [B, 55]
    hint: Tensor  # [B, 330] normalised rot6d
    hinted: Tensor  # bool [B, 55]


class Heard(NamedTuple):
    """What is heard when a motion frame is made; with an axis T after B in sequences."""

    body: Tensor  # [B, D]
    face: Tensor  # [B, D]
    place: Tensor  # [B, D] p_t: speaker, emotion, intensity


class Emage(Generator):
    """One set of weights for every look-ahead, speaker and emotion."""

    Config = EmageConfig
    config: EmageConfig

    def __init__(self, config: EmageConfig) -> None:
        super().__init__(config)
        c = config
        self.parts = PARTS[c.parts]
        self.words = WordEmbedding(c.word_size)
        self.body_voice, self.face_voice = (
            ContentRhythm(widths, c.size, c.word_size, weighed=c.content_rhythm, causal=c.causal)
            for widths in (c.body_widths, c.face_widths)
        )
        self.absent = nn.Parameter(torch.zeros(2, c.size))
        self.tempo = Tempo(c.size, c.noise_rank, len(self.parts))
        self.condition = nn.Linear(len(EMOTIONS) + c.speakers + 1, c.size)
        self.spatial = SpatialEncoder(c.size)
        self.body = BodyTransformer(c.size, c.heads, c.window, c.layers, c.feed_forward, causal=c.causal)
        self.face = FaceTransformer(c.size, c.heads, c.window, c.feed_forward, causal=c.causal)
        self.heads = nn.ModuleDict(
            {
                trunk: PartHeads(parts, c.size, c.codebook_size, c.group_size)
                for trunk in ("body", "face")
                if (parts := tuple(part for part in self.parts if part.trunk == trunk))
            }
        )
        self.codecs = nn.ModuleList(PartCodec.of(part, c) for part in self.parts)
        self.guests = nn.ModuleList()
        """Other corpora's codecs and heads while they train along (training/emage/guests.py); never in a checkpoint."""
        self.samplers = nn.ModuleList(Sampler(part, c.noise_rank, c.codebook_size, c.softness) for part in self.parts)
        self.recall = nn.Linear(c.size, sum(codec.latent_size for codec in self._codecs()))
        """What words alone say of the latents of the gestures on them. Training only."""
        self.root = GlobalMotion(len(LOWER), c.motion_width, causal=c.causal)

    @property
    def info(self) -> GeneratorInfo:
        return GeneratorInfo(
            name="emage",
            window_samples=WINDOW_SAMPLES,
            noise_size=self.config.noise_rank * len(self.parts),
            speakers=self.config.speakers,
            follows_hints=self.config.masked_hints,
            word_ids=WORD_IDS,
            settings=dict(SETTINGS),
            setting_ranges=dict(RANGES),
        )

    def init_state(self, rows: int) -> EmageState:
        size = self.config.size
        motion = MotionState(
            wandering.new_wander(rows, self.info.noise_size),
            tuple(torch.zeros(rows, codec.latent_size) for codec in self._codecs()),
            self.body.init_state(rows),
            self.face.init_state(rows),
            tuple(codec.init_state(rows) for codec in self._codecs()),
            self.root.init_state(rows),
        )
        return EmageState(
            level.init_state(rows),
            self.body_voice.init_state(rows),
            self.face_voice.init_state(rows),
            torch.zeros(rows, len(EMOTIONS)),
            lookahead.init_state(rows, size),
            motion,
        )

    def forward(self, inputs: StepInputs, state: EmageState) -> tuple[StepOutputs, EmageState]:
        self._must_stream()
        features, level_state = level.normalize(self.features(inputs.pcm), state.level)
        words = self.words(inputs.words)
        body, body_voice = self.body_voice.step(features, words, state.body_voice)
        face, face_voice = self.face_voice.step(features, words, state.face_voice)
        emotion = smooth_logits(body.emotion, features[:, PRESENCE], state.emotion)
        window, known, valid, waiting = lookahead.gather(
            face.fused, inputs.audio_present, inputs.lookahead, state.lookahead
        )
        heard = Heard(
            body=torch.where(inputs.audio_present[:, None], body.fused, self.absent[0]),
            face=self._own_frame(window, known, inputs.lookahead),
            place=self.place(inputs.emotion, emotion.softmax(-1), inputs.speaker, inputs.intensity),
        )
        noise, wandered = wandering.wander(inputs.noise, self.tempo.pace(heard.body), state.motion.noise)
        motion, advanced = self._motion_step(inputs, heard, noise, state.motion._replace(noise=wandered))
        after = EmageState(level_state, body_voice, face_voice, emotion, waiting, select(valid, advanced, state.motion))
        return StepOutputs(motion, valid, emotion.softmax(-1)), after

    def _motion_step(
        self, inputs: StepInputs, heard: Heard, noise: Tensor, state: MotionState
    ) -> tuple[Tensor, MotionState]:
        masked = self.masked(inputs.emitted, inputs.hint, inputs.hinted)
        hints, x, body = self.body.step(self.token(masked), heard.place, heard.body, state.body)
        y, face = self.face.step(heard.face, hints, heard.place, state.face)
        values, decoders, latents = [], [], []
        drawn = self.drawn(self.choices(x, y), noise, inputs.settings)
        for latent, before, codec, ring in zip(drawn, state.latents, self._codecs(), state.decoders, strict=True):
            glided = latent + self._glide(codec) * (before - latent)
            decoded, after = codec.step(glided, ring)
            values.append(decoded)
            decoders.append(after)
            latents.append(glided)
        assembled = self.assemble(values)
        moved, root = self.root.step(assembled[:, list(LOWER)], state.root)
        motion = self.finish(assembled, moved, inputs.emitted[:, ROOT_M])
        return motion, MotionState(state.noise, tuple(latents), body, face, tuple(decoders), root)

    def forward_sequence(self, inputs: StepInputs) -> StepOutputs:
        """The same network over whole sequences from a new state, as in training, given what was shown as history.

        Shapes as in `StepInputs` with an axis T after B for everything but `lookahead` [B]; `pcm` and `words` by audio
        frame, the rest by motion frame. The audio ends with the last frame. Differentiable.
        """
        features = self.features_sequence(inputs.pcm)
        body, face = self.voices(features, inputs.words)
        logits = smooth_sequence(body.emotion, features[..., PRESENCE])
        heard = self.heard(body, face, logits.softmax(-1), inputs)
        noise = wandering.wandered(inputs.noise, self.tempo.pace(heard.body))
        masked = self.masked(inputs.emitted, inputs.hint, inputs.hinted)
        if not self.causal:  # the reference sees the whole clip's voice and no pose
            masked = masked._replace(shown_known=torch.zeros_like(masked.shown_known))
        choices = self.choose(masked, heard)
        values = self.draw(choices, noise, inputs.settings)
        motion = self.finish_sequence(self.assemble(values), inputs.emitted)
        return StepOutputs(motion, torch.ones_like(motion[..., 0], dtype=torch.bool), logits.softmax(-1))

    # -- what step, sequence and training share

    def voices(self, features: Tensor, words: Tensor) -> tuple[Voice, Voice]:
        """Features [B, T, 68], word ids [B, T, 2, N] -> what body and face hear, by audio frame."""
        embedded = self.words(words)
        return self.body_voice(features, embedded), self.face_voice(features, embedded)

    def heard(self, body: Voice, face: Voice, emotion: Tensor, inputs: StepInputs) -> Heard:
        """By motion frame: the body's newest sound, the face's own; after the audio's end learned embeddings."""
        own = inputs.lookahead.clamp_max(FACE_AHEAD)
        return Heard(
            body=ahead(body.fused, inputs.lookahead, self.absent[0]),
            face=ahead(face.fused, own, self.absent[1]),
            place=self.place(inputs.emotion, ahead(emotion, inputs.lookahead), inputs.speaker, inputs.intensity),
        )

    def place(self, emotion: Tensor, heard: Tensor, speaker: Tensor, intensity: Tensor) -> Tensor:
        """p_t: who speaks and in which mood; all emotion weights zero (`auto`): the one that is heard."""
        weights = emotion_weights(emotion, heard)
        embedded: Tensor = self.condition(torch.cat([weights, speaker, intensity[..., None]], -1))
        return embedded

    def masked(self, emitted: Tensor, hint: Tensor, hinted: Tensor) -> Masked:
        """Emitted pose [..., 489] and hint [..., 330] as they come -> normalised, the pose all visible."""
        shown = self.normalize(emitted)
        known = torch.ones_like(shown[..., :JOINT_COUNT], dtype=torch.bool)
        if not self.config.masked_hints:
            return Masked(shown, known, torch.zeros_like(shown[..., ROT6D]), torch.zeros_like(known))
        rot6d = (hint - self.motion_mean[ROT6D]) / self.motion_std[ROT6D]
        return Masked(shown, known, rot6d.clamp(-6.0, 6.0), hinted)

    def token(self, masked: Masked) -> Tensor:
        """Spatial encoder SC: [..., D]. Where nothing was shown the ground (root, contacts) is not told either."""
        seen = masked.shown_known.any(-1, keepdim=True)
        ground = torch.cat([masked.shown[..., ROOT_M], masked.shown[..., CONTACTS]], -1)
        token: Tensor = self.spatial(
            masked.shown[..., ROT6D], masked.shown_known, masked.hint, masked.hinted, torch.where(seen, ground, 0.0)
        )
        return token

    def choose(self, masked: Masked, heard: Heard, listen: Tensor | float = 1.0) -> list[Choice]:
        """Sequences [B, T, ...] -> what each part's codes are drawn from, in the order of `parts`."""
        hints, x = self.body(self.token(masked), heard.place, heard.body, listen)
        return self.choices(x, self.face(heard.face, hints, heard.place))

    def choices(self, x: Tensor, y: Tensor) -> list[Choice]:
        """What body and face branch say [..., D] -> one choice per part."""
        made = {}
        for trunk, heads in self.heads.items():
            books = [codec.codebooks for codec in self._codecs() if codec.part.trunk == trunk]
            made[trunk] = iter(heads(x if trunk == "body" else y, books))
        return [next(made[part.trunk]) for part in self.parts]

    def drawn(self, choices: list[Choice], noise: Tensor, temperature: Tensor) -> list[Tensor]:
        """Latents [..., G * d] of each part, drawn with wandering noise [..., Z]."""
        return [
            codec.codebooks.mixture(sampler(choice.logits, own, temperature))
            for choice, codec, sampler, own in zip(
                choices, self._codecs(), self.samplers, self._split(noise), strict=True
            )
        ]

    def draw(self, choices: list[Choice], noise: Tensor, temperature: Tensor, *, amid: bool = False) -> list[Tensor]:
        """Decoded values [B, T, V] of each part, drawn with wandering noise [B, T, Z].

        amid: the sequence is from amid a stream, and glides from its own first frame instead of from a new state.
        """
        latents = self.drawn(choices, noise, temperature)
        return [
            codec.decode(_glided(latent, self._glide(codec), amid))
            for latent, codec in zip(latents, self._codecs(), strict=True)
        ]

    def _glide(self, codec: PartCodec) -> float:
        return self.config.glide if codec.part.trunk == "body" else 0.0

    def assemble(self, values: list[Tensor]) -> Tensor:
        """Parts' values [..., V] -> one normalised vector [..., 489]; the root is zero."""
        joined = torch.cat([*values, torch.zeros_like(values[0][..., :3])], -1)
        return joined[..., self._order()]

    def finish(self, assembled: Tensor, moved: Tensor, shown_m: Tensor) -> Tensor:
        """Normalised values, the root's motion and the root shown before -> packed motion [..., 489]."""
        motion = self.denormalize(assembled)
        root = global_motion.place(moved, shown_m, self.motion_mean[ROOT_M][1])
        return torch.cat([motion[..., : ROOT_M.start], root, motion[..., ROOT_M.stop :]], -1)

    def finish_sequence(self, assembled: Tensor, emitted: Tensor) -> Tensor:
        """The same for [B, T, 489] and the poses shown before each frame; the reference sums velocities itself."""
        moved = self.root(assembled[..., list(LOWER)])
        shown = emitted[..., ROOT_M]
        if not self.causal:
            travelled = moved.cumsum(1) / 30.0
            start = torch.zeros_like(travelled[:, :1])
            shown = torch.cat([start, travelled[:, :-1]], 1)[..., [0, 2, 1]]
        return self.finish(assembled, moved, shown)

    def inspect(self, inputs: StepInputs) -> dict[str, Tensor]:
        """Share of the rhythm against the content (alpha of eq. 5) [B, T], mean over channels, for body and face."""
        body, face = self.voices(self.features_sequence(inputs.pcm), inputs.words)
        return {"body": body.alpha.mean(-1), "face": face.alpha.mean(-1)}

    def _own_frame(self, window: Tensor, known: Tensor, frames: Tensor) -> Tensor:
        """The face's own sound among those of the last nine frames [B, 9, D]."""
        newest = MAX_LOOKAHEAD - (frames - FACE_AHEAD).clamp_min(0)
        own = window.gather(1, newest[:, None, None].expand(-1, 1, window.shape[2]))[:, 0]
        return torch.where(known.gather(1, newest[:, None]), own, self.absent[1])

    def _split(self, noise: Tensor) -> tuple[Tensor, ...]:
        return noise.chunk(len(self.parts), -1)

    def _codecs(self) -> list[PartCodec]:
        return [codec for codec in self.codecs if isinstance(codec, PartCodec)]

    def _order(self) -> list[int]:
        """Where each value of the motion vector lies among the parts' values, the root last."""
        lies = [i for part in self.parts for i in part.values] + list(range(ROOT_M.start, ROOT_M.stop))
        return [lies.index(i) for i in range(MOTION_SIZE)]


def _glided(latents: Tensor, keep: float, amid: bool) -> Tensor:
    """Each frame of [B, T, D] a mixture of itself and the one before, as the stream does it."""
    if keep == 0.0:
        return latents
    now, out = latents[:, 0] if amid else torch.zeros_like(latents[:, 0]), []
    for t in range(latents.shape[1]):
        now = latents[:, t] + keep * (now - latents[:, t])
        out.append(now)
    return torch.stack(out, 1)
