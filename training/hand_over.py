"""How a generator takes over from a pose that is not its own: is there a jump, and how soon does it move naturally?

python -m gesturestream.training.hand_over CHECKPOINT --data CORPUS

A clip's voice plays on while a given pose is shown for a second, as a cue, a hint or another generator would show it;
then the generator goes on from there. A joint jumps when it is faster than the 99.9th percentile of its speed in the
corpus. Motion is natural again when the pose is as near to the corpus's poses as 99 % of those of other clips are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor
from torch.nn import functional
from tyro.conf import Positional

from gesturestream.models import checkpoint
from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_rot6d
from gesturestream.models.body.skeleton import FACE_JOINTS, INDEX, JOINT_COUNT
from gesturestream.models.generator import Generator
from gesturestream.models.motion import EMOTIONS, FPS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.models.noise import normals
from gesturestream.models.step import StepInputs, neutral_inputs
from gesturestream.models.streaming.state import StateStore
from gesturestream.training.clips import Clip
from gesturestream.training.evaluate import held_out
from gesturestream.training.features import frame_windows
from gesturestream.training.metrics import report
from gesturestream.training.metrics.motion import central_speed, places

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

GIVEN_FROM, GIVEN_FOR, AFTER = 2 * FPS, FPS, 2 * FPS
"""Frames: when the pose begins to be shown, how long, and for how long the generator is watched afterwards."""
JUMP, NATURAL = 99.9, 99.0
"""Percentiles of the corpus: of each joint's speed, and of how far a pose is from those of other clips."""
STILL_M_S = 0.02
"""Slower than this no joint jumps: the pelvis, to which places are relative, does not move at all."""
_JOINTS = tuple(j for j in range(22) if j not in FACE_JOINTS)


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Measures hand-overs of one checkpoint."""

    checkpoint: Positional[Path]
    data: Path
    clips: int = 8
    threads: int = 1
    output: Path | None = None
    """JSON with every figure."""


def run(options: HandOver) -> dict[str, dict[str, float]]:
    """Prints and returns, per pose: joints that jump, top speed beside the percentile, and time to natural motion."""
    torch.set_num_threads(options.threads)
    generator = checkpoint.load(options.checkpoint)
    clips = held_out(options.data, "val", options.clips, (GIVEN_FROM + GIVEN_FOR + AFTER) / FPS)
    reference = held_out(options.data, "train", 3 * options.clips, 20.0)
    corpus = Corpus.of([clip.motion for clip in reference])
    out = {}
    for name, pose in given_poses().items():
        made = take_over(generator, clips, pose)
        out[name] = corpus.judge([motion[GIVEN_FROM + GIVEN_FOR - 1 :] for motion in made])
        told = ", ".join(f"{key} {value:.3g}" for key, value in out[name].items())
        Console(width=160, highlight=False).print(f"{name}: {told}")
    if options.output is not None:
        about = {"what": f"hand-overs of {options.checkpoint.name}, {len(clips)} clips", "hand_overs": out}
        options.output.write_text(json.dumps(report.document({}, about), indent=1) + "\n")
    return out


@dataclass(frozen=True)
class Corpus:
    """Speeds and poses of natural motion."""

    fastest_m_s: Array  # [J]
    poses: Array  # [N, 3 J]
    natural_m: float

    @classmethod
    def of(cls, motions: list[Floats]) -> Corpus:
        bodies = [places(m, in_place=True)[:, _JOINTS] for m in motions]
        speeds = np.concatenate([central_speed(b) for b in bodies])
        half = len(bodies) // 2
        known, others = (np.concatenate([b[::6] for b in part]) for part in (bodies[:half], bodies[half:]))
        near = _nearest_m(others, known)
        flat = np.concatenate([known, others])
        return cls(
            np.maximum(np.percentile(speeds, JUMP, axis=0), STILL_M_S), flat, float(np.percentile(near, NATURAL))
        )

    def judge(self, motions: list[Floats]) -> dict[str, float]:
        """motions: [T, 489] from the last given pose on."""
        over, faster, late = [], [], []
        for motion in motions:
            body = places(motion, in_place=True)[:, _JOINTS]
            speed = np.linalg.norm(np.diff(body, axis=0), axis=-1) * FPS
            over.append((speed > self.fastest_m_s).any(0).sum())
            faster.append((speed / self.fastest_m_s).max())
            natural = _nearest_m(body, self.poses) <= self.natural_m
            late.append(float(np.argmax(natural)) / FPS if natural.any() else np.inf)
        return {
            "joints_over": float(np.mean(over)),
            "fastest_over_limit": float(np.max(faster)),
            "natural_after_s_median": float(np.median(late)),
            "natural_after_s_worst": float(np.max(late)),
        }


def _nearest_m(bodies: Array, known: Array) -> Array:
    """[T, J, 3] -> [T] metres to the nearest known pose, by the joint that is farthest: one raised arm is told."""
    apart = [np.linalg.norm(known - body, axis=-1).max(-1).min() for body in bodies]
    return np.array(apart)


def given_poses() -> dict[str, Floats]:
    """Packed poses [489]: arms stretched out (the rest pose of SMPL-X), a wave, arms crossed."""
    cases: dict[str, dict[str, tuple[tuple[float, float, float], ...]]] = {
        "t_pose": {},
        "wave": {
            "left_shoulder": ((0, 0, -70),),
            "right_shoulder": ((0, 0, 20),),
            "right_elbow": ((0, 0, -100),),
        },
        "arms_crossed": {
            "left_shoulder": ((0, -90, 0), (0, 0, -60)),
            "right_shoulder": ((0, 90, 0), (0, 0, 60)),
            "left_elbow": ((0, -90, 0),),
            "right_elbow": ((0, 90, 0),),
        },
    }
    out = {}
    for name, turns in cases.items():
        rotations = np.tile(np.eye(3), (JOINT_COUNT, 1, 1))
        for joint, sequence in turns.items():
            for degrees in sequence:
                rotations[INDEX[joint]] = rotations[INDEX[joint]] @ axis_angle_to_matrix(np.radians(degrees))
        out[name] = np.zeros(MOTION_SIZE, np.float32)
        out[name][ROT6D] = matrix_to_rot6d(rotations).ravel()
    return out


@torch.inference_mode()
def take_over(generator: Generator, clips: list[Clip], pose: Floats) -> list[Floats]:
    """Motion [T, 489] of every clip, `pose` being shown from GIVEN_FROM for GIVEN_FOR frames where the body stands."""
    frames, rows = GIVEN_FROM + GIVEN_FOR + AFTER, len(clips)
    pcm = torch.stack([frame_windows(clip.pcm)[:frames] for clip in clips], 1)
    store, out = StateStore(generator.init_state(rows)), []
    fixed = _controls(generator, clips)
    emitted = generator.motion_mean.repeat(rows, 1)
    for t in range(frames):
        noise = torch.from_numpy(normals(np.arange(rows, dtype=np.uint64), np.full(rows, t), generator.info.noise_size))
        outputs, after = generator(fixed._replace(pcm=pcm[t], emitted=emitted, noise=noise), store.view(rows))
        store.commit(after, fixed.active)
        emitted = outputs.motion
        if GIVEN_FROM <= t < GIVEN_FROM + GIVEN_FOR:
            shown = torch.from_numpy(pose).repeat(rows, 1)
            shown[:, ROOT_M] = emitted[:, ROOT_M]
            emitted = shown
        out.append(emitted.numpy())
    motion = np.stack(out, 1)
    return list(motion)


def _controls(generator: Generator, clips: list[Clip]) -> StepInputs:
    blank = StepInputs(*map(torch.from_numpy, neutral_inputs(generator.info, len(clips))))
    speakers: Tensor = functional.one_hot(torch.tensor([c.speaker for c in clips]), generator.info.speakers)
    emotions: Tensor = functional.one_hot(torch.tensor([c.emotion for c in clips]), len(EMOTIONS))
    return blank._replace(
        speaker=speakers.float(), emotion=emotions.float(), intensity=torch.tensor([c.intensity for c in clips])
    )


if __name__ == "__main__":
    run(tyro.cli(HandOver))
