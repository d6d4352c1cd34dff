"""How a streamed generator moves beside the teacher: the figures of the model card.

    python -m gesturestream.training.evaluate CHECKPOINT CORPUS

Streams held-out clips in a closed loop and prints, for the teacher and for each look-ahead: wrist speeds (m/s),
stillness, reach (m), jerk (m/s3), the mouth's bond to the voice, and how far (cm) another seed leads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from gesturestream.models import checkpoint
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import rot6d_to_matrix
from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPES, FPS, LOOKAHEADS, ROOT_M, ROT6D, SAMPLE_RATE
from gesturestream.models.streaming.level import FEATURES
from gesturestream.training.clips import Clip, clip_names, load_clip
from gesturestream.training.features import clip_features
from gesturestream.training.streaming import stream

Floats = NDArray[np.float32]

WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
JAW = BLENDSHAPES.start + ARKIT_NAMES.index("jawOpen")
LEVEL, PRESENCE = FEATURES - 4, FEATURES - 1
BODY = slice(0, 22)


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Streams held-out clips and compares them with the teacher's."""

    checkpoint: Positional[Path]
    corpus: Positional[Path]
    split: str = "val"
    clips: int = 8
    seconds: float = 20.0
    """Of each clip."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is measured of a set of motions; speeds are relative to the pelvis."""

    wrist_m_s: tuple[float, float, float]
    """Median, 90th and 99th percentile."""
    speaking_m_s: float
    idle_m_s: float
    held_still: float
    """Share of frames under 0.05 m/s."""
    reach_m: float
    """Standard deviation of a wrist's place within a clip."""
    jerk_m_s3: float
    jaw_loudness: float
    """Correlation of jaw opening with loudness at lag 0."""


def measure(motions: list[Floats], features: list[Floats]) -> Figures:
    """Motions [T, 489] packed and their clips' features [T, 68]."""
    bodies = [positions(motion) for motion in motions]
    wrists = [body[:, WRISTS] - body[:, :1] for body in bodies]
    speeds = [np.linalg.norm(np.diff(w, axis=0), axis=-1) * FPS for w in wrists]
    jerks = [np.linalg.norm(np.diff(body[:, BODY], n=3, axis=0), axis=-1) * FPS**3 for body in bodies]
    speech = [np.convolve(f[: len(s), PRESENCE], np.ones(30) / 30, "full")[: len(s)] for f, s in zip(features, speeds)]
    everything = np.concatenate([s.ravel() for s in speeds])
    median, high, top = np.percentile(everything, [50, 90, 99])
    return Figures(
        wrist_m_s=(float(median), float(high), float(top)),
        speaking_m_s=float(np.median(np.concatenate([s[p > 0.5].ravel() for s, p in zip(speeds, speech)]))),
        idle_m_s=float(np.median(np.concatenate([s[p < 0.05].ravel() for s, p in zip(speeds, speech)]))),
        held_still=float(np.mean(everything < 0.05)),
        reach_m=float(np.mean([w.std(0).mean() for w in wrists])),
        jerk_m_s3=float(np.mean(np.concatenate([j.ravel() for j in jerks]))),
        jaw_loudness=float(np.mean([_bond(m[:, JAW], f) for m, f in zip(motions, features)])),
    )


def positions(motion: Floats) -> NDArray[np.float64]:
    """[T, 489] -> joint positions [T, 55, 3], metres."""
    rotations = rot6d_to_matrix(motion[:, ROT6D].reshape(len(motion), -1, 6).astype(np.float64))
    found: NDArray[np.float64] = forward_kinematics(rotations, motion[:, ROOT_M].astype(np.float64))[0]
    return found


def spread_m(a: list[Floats], b: list[Floats]) -> float:
    """Mean distance of the wrists of two sets of motions, metres."""
    return float(
        np.mean([np.linalg.norm((positions(x) - positions(y))[:, WRISTS], axis=-1).mean() for x, y in zip(a, b)])
    )


def _bond(jaw: Floats, features: Floats) -> float:
    loudness = features[: len(jaw), LEVEL] * features[: len(jaw), PRESENCE]
    return float(np.corrcoef(jaw, loudness)[0, 1])


def run(options: Evaluate) -> None:
    generator = checkpoint.load(options.checkpoint)
    names = clip_names(options.corpus, options.split)[: options.clips]
    clips = [_cut(load_clip(options.corpus, name), options.seconds) for name in names]
    features = clip_features([clip.pcm for clip in clips])
    table = Table("", "wrist p50/p90/p99 m/s", "speaking", "idle", "held still", "reach m", "jerk m/s3", "jaw~loudness")
    _add(table, "teacher", measure([clip.motion for clip in clips], features))
    by_lookahead = {ahead: stream(generator, clips, lookahead=ahead) for ahead in LOOKAHEADS}
    for ahead, motions in by_lookahead.items():
        _add(table, f"look-ahead {ahead}", measure(motions, features))
    _add(table, "emotion auto", measure(stream(generator, clips, told_emotion=False), features))
    console = Console()
    console.print(table)
    other = stream(generator, clips, seed=1)
    console.print(f"another seed: wrists {spread_m(by_lookahead[0], other) * 100:.1f} cm away on average")


def _cut(clip: Clip, seconds: float) -> Clip:
    return replace(clip, pcm=clip.pcm[: int(seconds * SAMPLE_RATE)], motion=clip.motion[: int(seconds * FPS)])


def _add(table: Table, name: str, figures: Figures) -> None:
    wrist = " / ".join(f"{v:.2f}" for v in figures.wrist_m_s)
    rest = (figures.speaking_m_s, figures.idle_m_s, figures.held_still, figures.reach_m, figures.jerk_m_s3)
    table.add_row(name, wrist, *(f"{v:.3f}" for v in rest), f"{figures.jaw_loudness:.2f}")


if __name__ == "__main__":
    run(tyro.cli(Evaluate))
