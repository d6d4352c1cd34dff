"""Clips of a corpus in BEAT2's folder layout: motion packed as the generators emit it, with its controls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_rot6d, rot6d_to_matrix
from gesturestream.models.body.skeleton import CONTACT_JOINTS, JOINT_COUNT, REST_M
from gesturestream.models.face import expressions_to_blendshapes
from gesturestream.models.motion import (
    BLENDSHAPES,
    CONTACTS,
    EMOTIONS,
    EXPRESSIONS,
    MOTION_SIZE,
    ROOT_M,
    ROT6D,
    SAMPLE_RATE,
)

Floats = NDArray[np.float32]

CONTACT_M = 0.01
"""Farther than this in a frame a foot is not in contact."""

# BEAT2's recording numbers: the third number of an ID tells the emotion.
_EMOTION_FROM = {1: 0, 65: 1, 73: 2, 81: 3, 87: 4, 95: 5, 103: 6, 111: 7}


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One clip: its voice, its motion and what is known about it."""

    name: str
    pcm: Floats
    """[n] mono at 16 kHz."""
    motion: Floats
    """[T, 489] packed, one pose per frame."""
    emotion: int
    """Index into EMOTIONS."""
    speaker: int
    intensity: float
    details: dict[str, Any]
    """What the corpus's own sidecar says of the clip, `{}` for a foreign corpus."""


def clip_names(corpus: Path, split: str) -> list[str]:
    """IDs of `split` (train, val, test) in train_test_split.csv. ValueError tells what was expected and found."""
    table = corpus / "train_test_split.csv"
    if not table.is_file():
        found = ", ".join(sorted(p.name for p in corpus.iterdir())[:8]) if corpus.is_dir() else "no such folder"
        raise ValueError(
            f"expected a corpus in BEAT2's layout at {corpus} (train_test_split.csv, smplxflame_30/, wave16k/), "
            f"found: {found}. `gesturestream corpus build {corpus}` makes one."
        )
    lines = [line.strip().split(",") for line in table.read_text().splitlines()[1:] if line.strip()]
    return [name for name, kind, *_ in lines if kind == split]


def load_clip(corpus: Path, name: str) -> Clip:
    """Reads one clip. Motion shorter than its audio is normal (BEAT2); what is longer than the other is cut."""
    pcm = read_wave(corpus / "wave16k" / f"{name}.wav")
    with np.load(corpus / "smplxflame_30" / f"{name}.npz", allow_pickle=False) as arrays:
        motion = pack_motion({key: arrays[key] for key in arrays.files})
    details = _sidecar(corpus).get(name, {})
    frames = min(len(motion), len(pcm) * 30 // SAMPLE_RATE)
    return Clip(
        name=name,
        pcm=pcm[: -(-frames * SAMPLE_RATE // 30)],
        motion=motion[:frames],
        emotion=EMOTIONS.index(details["emotion"]) if "emotion" in details else emotion_of(name),
        speaker=int(details.get("speaker", 0)),
        intensity=float(details.get("intensity", 1.0)),
        details=details,
    )


def pack_motion(arrays: dict[str, NDArray[Any]]) -> Floats:
    """BEAT2's arrays (and our own extra ones where they are) to packed motion [T, 489]."""
    poses = np.asarray(arrays["poses"], np.float64).reshape(-1, JOINT_COUNT, 3)
    motion = np.zeros((len(poses), MOTION_SIZE), np.float32)
    motion[:, ROT6D] = matrix_to_rot6d(axis_angle_to_matrix(poses)).reshape(len(poses), -1)
    motion[:, ROOT_M] = arrays["root_m"] if "root_m" in arrays else arrays["trans"] + REST_M[0]
    motion[:, EXPRESSIONS] = arrays["expressions"]
    motion[:, BLENDSHAPES] = (
        arrays["blendshapes"]
        if "blendshapes" in arrays
        else expressions_to_blendshapes(np.asarray(arrays["expressions"], np.float32))
    )
    motion[:, CONTACTS] = arrays["contacts"] if "contacts" in arrays else _contacts(motion)
    return motion


def _contacts(motion: Floats) -> Floats:
    """[T, 489] -> [T, 4]: 1 where an ankle or foot moves less than a centimetre a frame, as EMAGE's data has it."""
    rotations = rot6d_to_matrix(motion[:, ROT6D].reshape(len(motion), JOINT_COUNT, 6))
    places, _ = forward_kinematics(rotations, motion[:, ROOT_M])
    moved = np.linalg.norm(np.diff(places[:, list(CONTACT_JOINTS)], axis=0), axis=-1)
    contacts: Floats = (np.concatenate([moved, moved[-1:]]) < CONTACT_M).astype(np.float32)
    return contacts


def emotion_of(name: str) -> int:
    """Emotion index by BEAT2's rule: `speaker_name_type_start_end`, `start` in fixed ranges."""
    parts = name.split("_")
    if len(parts) < 5 or not parts[-2].isdigit():
        return 0
    start = int(parts[-2])
    return max((low, emotion) for low, emotion in _EMOTION_FROM.items() if low <= max(start, 1))[1]


def read_wave(path: Path) -> Floats:
    """Mono float32 at 16 kHz."""
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = pcm.mean(1)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE).astype(np.float32)


@lru_cache(maxsize=2)
def _sidecar(corpus: Path) -> dict[str, Any]:
    path = corpus / "gesturestream.json"
    if not path.is_file():
        return {}
    table: dict[str, Any] = json.loads(path.read_text())
    clips: dict[str, Any] = table.get("clips", table)
    return clips
