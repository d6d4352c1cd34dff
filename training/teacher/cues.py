"""Named gestures performed by the teacher in silence: clips for the protocol's `cue`.

python -m gesturestream.training.teacher.cues FOLDER
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tyro
from tyro.conf import Positional

from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.training.corpus.layout import write_motion
from gesturestream.training.speech.speech import Speech, Stress
from gesturestream.training.teacher.perform import Performance, perform

CUES: dict[str, str] = {
    "wave": "wave", "stop": "stop", "shrug": "shrug", "point": "there", "you": "you", "me": "self",
    "hand_on_heart": "heart", "think": "head", "big": "big", "small": "small", "give": "give", "no": "no",
    "count_one": "one", "count_two": "two", "count_three": "three",
}  # fmt: skip
"""Cue by name: the gesture of gestures.py that it shows."""
APEX_S, SECONDS = 1.0, 2.6


def perform_cue(name: str, *, speaker: int = 0, emotion: str = "neutral", seed: int = 0) -> Performance:
    """The gesture alone: rest, preparation, stroke about APEX_S after the beginning, retraction. 78 frames.

    Raises ValueError for a name not in CUES.
    """
    if name not in CUES:
        raise ValueError(f"cue: expected one of {', '.join(CUES)}, got {name!r}")
    stress = Stress(time_s=APEX_S + 0.1, strength=1.0, word=name, gesture=CUES[name])
    silence = np.zeros(round(SECONDS * SAMPLE_RATE), np.float32)
    speech = Speech(pcm=silence, words=(), phonemes=(), stresses=(stress,), phrases=(), emotion=emotion)
    for k in range(100):  # the teacher is free to beat, or to leave a stress out, whatever the word
        shown = perform(speech, speaker=speaker, seed=seed + 1000 * k)
        if [stroke.gesture for stroke in shown.strokes] == [CUES[name]]:
            return shown
    raise AssertionError(f"cue {name}: one try in about two succeeds, a hundred did not")


def write_cues(folder: Path, *, speaker: int = 0) -> list[Path]:
    """NAME.npz in BEAT2's form for every cue; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in CUES:
        shown = perform_cue(name, speaker=speaker)
        paths.append(folder / f"{name}.npz")
        write_motion(paths[-1], shown, shown.axis_angles, shown.root_m)
    return paths


def _main(folder: Positional[Path], speaker: int = 0) -> None:
    write_cues(folder, speaker=speaker)


if __name__ == "__main__":
    tyro.cli(_main)
