"""The cues that ship as files: single strokes performed by the teacher.

python -m gesturestream.training.cues realtime/assets/cues
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tyro
from tyro.conf import Positional

from gesturestream.models.body.rotations import angle_between, matrix_to_quat
from gesturestream.models.cues.clip import CueClip
from gesturestream.models.cues.files import SUFFIX, write_cue
from gesturestream.models.cues.making import joints_of, make_clip
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.training.speech.speech import Speech, Stress
from gesturestream.training.teacher.perform import Performance, perform
from gesturestream.training.teacher.plan import Stroke

CUES: dict[str, str] = {
    "me": "self", "you": "you", "here": "here", "there": "there", "many": "many", "no": "no", "this_big": "big",
    "this_small": "small", "up": "up", "down": "down", "around": "circle", "explain": "give",
}  # fmt: skip
"""Name of the cue, gesture of the teacher (teacher/gestures.py)."""

_STRESS_S, _SECONDS = 1.5, 4.0
_BEFORE_S, _AFTER_S = 0.9, 0.75
"""A cue begins so long before the apex, and ends so long after the hold."""
_SEEDS = 400
_MOST_RAD_PER_FRAME = 0.35


def make_cues(folder: Path) -> Path:
    """Writes every cue of `CUES` into `folder`, the same frames each time, and returns it."""
    for name, gesture in CUES.items():
        clip, seed = teach(gesture)
        source = f"gesturestream.training.cues: the teacher's {gesture!r}, speaker 1, happiness, seed {seed}"
        write_cue(folder / f"{name}{SUFFIX}", clip, source=source, half=True)
    return folder


def teach(gesture: str) -> tuple[CueClip, int]:
    """A cue in which the teacher makes one gesture, and the seed by which it does: the first that makes it plainly.

    With the right hand or both; the whole stroke, held; no joint faster than a person's.
    """
    for seed in range(_SEEDS):
        performance = perform(_one_stress(gesture), speaker=1, emotion="happiness", intensity=1.0, seed=seed)
        (stroke, *others) = performance.strokes or (None,)
        if stroke is None or others or stroke.gesture != gesture or not stroke.right:
            continue
        clip = _cut(performance, stroke)
        joints = np.flatnonzero(clip.weight.any(0))
        if angle_between(clip.take[1:, joints], clip.take[:-1, joints]).max() < _MOST_RAD_PER_FRAME:
            return clip, seed
    raise ValueError(f"expected a plain {gesture!r} among {_SEEDS} performances, found none")


def _one_stress(gesture: str) -> Speech:
    """Silence in which one syllable is meant to be stressed."""
    return Speech(
        pcm=np.zeros(round(_SECONDS * SAMPLE_RATE), np.float32),
        words=(),
        phonemes=(),
        stresses=(Stress(time_s=_STRESS_S, strength=1.0, gesture=gesture),),
        phrases=((_STRESS_S - 0.6, _STRESS_S + 0.6),),
        emotion="happiness",
    )


def _cut(performance: Performance, stroke: Stroke) -> CueClip:
    held_s = stroke.form.hold_s + sum(seconds for seconds, _ in stroke.form.after)
    first, last = ((stroke.apex_s - _BEFORE_S) * FPS, (stroke.apex_s + held_s + _AFTER_S) * FPS)
    quats = matrix_to_quat(performance.rotations[max(0, round(first)) : round(last)])
    sides = ("left", "right") if stroke.left else ("right",)
    return make_clip(quats, joints_of("arms", sides))


def _main(folder: Positional[Path]) -> None:
    make_cues(folder)


if __name__ == "__main__":
    tyro.cli(_main)
