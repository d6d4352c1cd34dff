"""Clips of a corpus: motion packed as the generators emit it, with its voice and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_rot6d
from gesturestream.models.body.skeleton import CONTACT_JOINTS, HAND_JOINTS, INDEX, JOINT_COUNT
from gesturestream.models.face import BLENDSHAPE_INDEX
from gesturestream.models.motion import (
    BLENDSHAPES,
    CONTACTS,
    EXPRESSIONS,
    FPS,
    MOTION_SIZE,
    ROOT_M,
    ROT6D,
    SAMPLE_RATE,
)
from gesturestream.training.datasets.resample import resample_rotations, resample_values
from gesturestream.training.datasets.stance import stand_smplx
from gesturestream.training.speech.speech import Word
from gesturestream.training.teacher.face import JAW_DEG

if TYPE_CHECKING:
    from gesturestream.training.datasets.reader import Reader

Floats = NDArray[np.float32]

CONTACT_M = 0.01
"""Farther than this in a frame a foot is not in contact."""

# BEAT2's recording numbers: the fourth field of an ID tells the emotion.
_EMOTION_FROM = {1: 0, 65: 1, 73: 2, 81: 3, 87: 4, 95: 5, 103: 6, 111: 7, 119: 0}
_JAW_OPEN = BLENDSHAPES.start + BLENDSHAPE_INDEX["jawOpen"]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One clip: its voice, its motion and what is known about it."""

    name: str
    pcm: Floats
    """[n] mono at 16 kHz; zeros where `voiced` is false."""
    motion: Floats
    """[T, 489] packed, one pose per frame."""
    emotion: int
    """Index into EMOTIONS."""
    speaker: int
    intensity: float
    details: dict[str, Any]
    """What the corpus's own sidecar says of the clip, `{}` for a foreign corpus."""
    words: tuple[Word, ...] = ()
    """With their times from the clip's start; empty where the corpus has none."""
    voiced: bool = True
    """False: motion alone, for corpora that were recorded without a voice. Features are zero then, not silence."""
    directions: Floats | None = field(default=None, repr=False)
    """[T, P, 3] unit bone directions of a corpus that has nothing else (TED): see datasets/directions.py."""


def clip_names(corpus: Path, split: str) -> list[str]:
    """IDs of `split` (train, val, test, additional). ValueError tells what was expected and what was found."""
    return _open(corpus).names(split)


def load_clip(corpus: Path, name: str) -> Clip:
    """Reads one clip of a corpus of any kind. What is longer, motion or audio, is cut (BEAT2's audio is)."""
    return _open(corpus).load(name)


def _open(corpus: Path) -> Reader:
    # Readers make clips, so they import this module: this one may know them only when it is called.
    from gesturestream.training.datasets.recognise import open_reader

    return open_reader(corpus)


def cut_clip(name: str, pcm: Floats | None, motion: Floats, **known: Any) -> Clip:
    """A clip whose motion [T, 489] and voice [n] end together; pcm None: motion alone. `known`: fields of Clip."""
    if pcm is None:
        frames, pcm = len(motion), np.zeros(-(-len(motion) * SAMPLE_RATE // FPS), np.float32)
        known["voiced"] = False
    else:
        frames = min(len(motion), len(pcm) * FPS // SAMPLE_RATE)
    if frames == 0:
        raise ValueError(f"{name}: expected motion and audio, got {len(motion)} frames and {len(pcm)} samples")
    if (directions := known.get("directions")) is not None:
        known["directions"] = directions[:frames]
    plain: dict[str, Any] = {"emotion": 0, "speaker": 0, "intensity": 1.0, "details": {}}
    pcm = pcm[: frames * SAMPLE_RATE // FPS]  # rounded down: a sample more would begin another frame
    return Clip(name=name, pcm=pcm, motion=motion[:frames], **(plain | known))


def pack_motion(arrays: Mapping[str, NDArray[Any]], hand_mean: NDArray[Any] | None = None) -> Floats:
    """Arrays of an SMPL-X npz as BEAT2 has them (and our own extra ones where they are) to packed motion [T, 489].

    poses [T, 165] axis-angle, trans [T, 3] metres, expressions [T, 100], mocap_frame_rate (resampled to 30; absent:
    30); ours: root_m, blendshapes, contacts. hand_mean [90] is added to the fingers of files that are not ours: see
    ReaderOptions.hand_mean. betas and gender shape a body that is not used here: the motion is put on our skeleton.
    """
    fps = float(arrays["mocap_frame_rate"]) if "mocap_frame_rate" in arrays else float(FPS)
    poses = np.array(arrays["poses"], np.float64).reshape(-1, JOINT_COUNT, 3)
    if hand_mean is not None and not ("root_m" in arrays or arrays.get("flat_hand_mean", False)):
        poses[:, list(HAND_JOINTS)] += hand_mean.reshape(-1, 3)
    rotations = axis_angle_to_matrix(poses)
    root_m = arrays["root_m"] if "root_m" in arrays else stand_smplx(rotations, np.asarray(arrays["trans"], np.float64))
    values = {
        key: resample_values(np.asarray(arrays[key]), fps)
        for key in ("expressions", "blendshapes", "contacts")
        if key in arrays
    }
    jaw_deg = np.degrees(resample_values(poses[:, INDEX["jaw"], 0], fps))
    motion = pack_body(
        resample_rotations(rotations, fps), resample_values(np.asarray(root_m), fps), values.get("contacts")
    )
    motion[:, EXPRESSIONS] = values.get("expressions", 0.0)
    if "blendshapes" in values:
        motion[:, BLENDSHAPES] = values["blendshapes"]
    else:  # the face bases of FLAME and ARKit have no free map: the jaw is what both know
        motion[:, _JAW_OPEN] = np.clip(jaw_deg / JAW_DEG, 0.0, 1.0)
    return motion


def pack_body(rotations: NDArray[Any], root_m: NDArray[Any], contacts: NDArray[Any] | None = None) -> Floats:
    """Local rotations [T, 55, 3, 3], pelvis [T, 3] metres -> packed [T, 489] with a still face.

    contacts [T, 4]; None: 1 where an ankle or foot moves less than a centimetre a frame, as EMAGE's data has it.
    """
    motion = np.zeros((len(rotations), MOTION_SIZE), np.float32)
    motion[:, ROT6D] = matrix_to_rot6d(rotations).reshape(len(rotations), -1)
    motion[:, ROOT_M] = root_m
    motion[:, CONTACTS] = _contacts(rotations, root_m) if contacts is None else contacts
    return motion


def _contacts(rotations: NDArray[Any], root_m: NDArray[Any]) -> Floats:
    joints = max(CONTACT_JOINTS) + 1
    places, _ = forward_kinematics(rotations[:, :joints], np.asarray(root_m, rotations.dtype))
    moved = np.linalg.norm(np.diff(places[:, list(CONTACT_JOINTS)], axis=0), axis=-1)
    last = moved[-1:] if len(moved) else np.zeros((1, len(CONTACT_JOINTS)))
    return np.asarray(np.concatenate([moved, last]) < CONTACT_M, np.float32)


def emotion_of(name: str) -> int:
    """Emotion index by BEAT2's rule: `speaker_name_type_start_end`, `start` in fixed ranges; other names: neutral."""
    parts = name.split("_")
    if len(parts) < 5 or not parts[-2].isdigit():
        return 0
    start = int(parts[-2])
    return max((low, emotion) for low, emotion in _EMOTION_FROM.items() if low <= max(start, 1))[1]


def read_wave(path: Path) -> Floats:
    """Mono float32 at 16 kHz."""
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = pcm.mean(1)
    return np.asarray(mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE), np.float32)
