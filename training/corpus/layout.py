"""BEAT2's folder layout: names that code the emotion, npz, wav, TextGrid and the split table.

    smplxflame_30/ID.npz   poses (T, 165) axis-angle, trans (T, 3), expressions (T, 100), betas (300,), model, gender,
                           mocap_frame_rate; and ours: blendshapes (T, 52), contacts (T, 4), root_m (T, 3)
    wave16k/ID.wav         16 kHz mono
    textgrid/ID.TextGrid   tier 0: words
    train_test_split.csv   id, type (train, val, test, additional)
    gesturestream.json     per clip what BEAT2 has no place for (see build.py)

As in SMPL-X, `trans` moves the whole model: the pelvis stands at root_m = rest pelvis + trans, with the rest pelvis of
models/body/skeleton.py (0, 0.95, 0).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import REST_M
from gesturestream.models.motion import EMOTIONS, FPS, SAMPLE_RATE
from gesturestream.training.corpus.jitter import add_capture_jitter
from gesturestream.training.corpus.textgrid import write_textgrid
from gesturestream.training.speech.speech import Speech
from gesturestream.training.teacher.perform import Performance

Array = NDArray[np.float64]

MOTION_FOLDER, WAVE_FOLDER, TEXTGRID_FOLDER = "smplxflame_30", "wave16k", "textgrid"
SPLIT_FILE, DETAILS_FILE = "train_test_split.csv", "gesturestream.json"

SPEAKER_NAMES = ("balance", "expanse", "reserve", "leaning")
"""The names of speaker 0..3 in clip ids."""

_EMOTION_RANGES: dict[str, tuple[int, int]] = {
    "neutral": (1, 64), "happiness": (65, 72), "anger": (73, 80), "sadness": (81, 86), "contempt": (87, 94),
    "surprise": (95, 102), "fear": (103, 110), "disgust": (111, 118),
}  # fmt: skip
assert tuple(_EMOTION_RANGES) == EMOTIONS


def clip_id(index: int, speaker: int, emotion: str) -> str:
    """BEAT2's spk_name_rectype_start_end: recording type = clip index, start and end code the emotion."""
    low, high = _EMOTION_RANGES[emotion]
    number = low + index % (high - low + 1)
    return f"{speaker + 1}_{SPEAKER_NAMES[speaker]}_{index}_{number}_{number}"


def emotion_of(clip: str) -> str:
    """The emotion coded in a BEAT2 id. Raises ValueError for a name of another form."""
    parts = clip.split("_")
    if len(parts) != 5 or not parts[3].isdigit():
        raise ValueError(f"clip id: expected speaker_name_type_start_end, got {clip!r}")
    for emotion, (low, high) in _EMOTION_RANGES.items():
        if low <= int(parts[3]) <= high:
            return emotion
    raise ValueError(f"clip id: expected a start of 1..118, got {parts[3]} in {clip!r}")


def write_clip(
    root: Path,
    clip: str,
    speech: Speech,
    performance: Performance,
    *,
    jitter: float = 0.0,
    rng: np.random.Generator | None = None,
) -> None:
    """Writes one clip's npz, wav and TextGrid; the folders must exist. `jitter` and its `rng`: see jitter.py."""
    poses, root_m = performance.axis_angles, performance.root_m
    if jitter:
        poses, root_m = add_capture_jitter(poses, root_m, size=jitter, rng=rng or np.random.default_rng(0))
    write_motion(root / MOTION_FOLDER / f"{clip}.npz", performance, poses, root_m)
    soundfile.write(root / WAVE_FOLDER / f"{clip}.wav", speech.pcm, SAMPLE_RATE, subtype="PCM_16")
    write_textgrid(root / TEXTGRID_FOLDER / f"{clip}.TextGrid", speech.words, speech.seconds)


def write_motion(path: Path, performance: Performance, poses: Array, root_m: Array) -> None:
    """One npz of BEAT2's keys and ours; poses [T, 55, 3] radians and root_m [T, 3] as they were captured."""
    np.savez_compressed(
        path,
        poses=poses.reshape(len(poses), -1).astype(np.float32),
        trans=(root_m - REST_M[0]).astype(np.float32),
        root_m=root_m.astype(np.float32),
        expressions=performance.expressions.astype(np.float32),
        blendshapes=performance.blendshapes.astype(np.float32),
        contacts=performance.contacts.astype(np.float32),
        betas=np.zeros(300, np.float32),
        model=np.array("smplx2020"),
        gender=np.array("neutral"),
        mocap_frame_rate=np.array(FPS),
    )


def make_folders(root: Path) -> None:
    """Creates the empty layout under `root`."""
    for folder in (MOTION_FOLDER, WAVE_FOLDER, TEXTGRID_FOLDER):
        (root / folder).mkdir(parents=True, exist_ok=True)


def write_split(root: Path, sources: Mapping[str, int]) -> None:
    """The split table from each clip's source number: every tenth source is `test`, the one before it `val`."""
    with (root / SPLIT_FILE).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "type"))
        writer.writerows((clip, {8: "val", 9: "test"}.get(k % 10, "train")) for clip, k in sources.items())
