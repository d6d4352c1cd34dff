"""The teacher at a glance: one row of strokes and rests for each of the eight emotions.

python -m gesturestream.training.teacher.sheet docs/images/teacher-emotions.webp
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tyro
from PIL import Image, ImageDraw
from tyro.conf import Positional

from gesturestream.models.motion import EMOTIONS, FPS
from gesturestream.training.contact_sheet import grid, load_figure, picture
from gesturestream.training.speech.synthetic import synthetic_clip
from gesturestream.training.teacher.perform import Performance, perform
from gesturestream.training.teacher.plan import Stroke

_HEIGHT = 165


def emotion_sheet(
    out: str | Path, *, seconds: float = 24.0, columns: int = 8, speaker: int = 0, seed: int = 0, degrees: float = 20.0
) -> Path:
    """Writes the sheet (png, or webp by the name) and returns its path.

    Each row is a clip of its own text at intensity 1: `columns` - 1 stroke apexes, then a rest after a stroke.
    """
    rows = [
        _row(emotion, np.random.default_rng([seed, k]), speaker, seed, seconds, columns, degrees)
        for k, emotion in enumerate(EMOTIONS)
    ]
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    grid(rows, 1).save(path, quality=80)
    return path


def _row(
    emotion: str, rng: np.random.Generator, speaker: int, seed: int, seconds: float, columns: int, degrees: float
) -> Image.Image:
    performance = perform(synthetic_clip(seconds, emotion, rng), speaker=speaker, seed=seed)
    figure = load_figure(performance.packed())
    tiles = []
    for frame, title in _moments(performance, columns):
        tile = picture(figure, frame, degrees, _HEIGHT)
        ImageDraw.Draw(tile).text((3, _HEIGHT - 11), title, fill="black", font_size=9)
        tiles.append(tile)
    ImageDraw.Draw(tiles[0]).text((2, 1), emotion, fill="black", font_size=12)
    return grid(tiles, columns)


def _moments(performance: Performance, columns: int) -> list[tuple[int, str]]:
    """Frame and title of strokes spread over the clip, and of the quietest place at last."""
    strokes = performance.strokes
    picks = np.unique(np.linspace(0, len(strokes) - 1, columns - 1).round().astype(int))
    shown = [(round(strokes[k].apex_s * FPS), _title(strokes[k])) for k in picks]
    return [*shown, (_idle_frame(performance), "rest")]


def _title(stroke: Stroke) -> str:
    return f"{stroke.gesture}: {stroke.word.strip('.,?!')}" if stroke.gesture != "beat" else "beat"


def _idle_frame(performance: Performance) -> int:
    """The frame in the middle of the longest time without an apex."""
    apexes = np.array([0.0, *(s.apex_s for s in performance.strokes), len(performance.root_m) / FPS])
    longest = int(np.diff(apexes).argmax())
    return round(float(apexes[longest] * 0.35 + apexes[longest + 1] * 0.65) * FPS) - 1


def _main(out: Positional[Path], speaker: int = 0, seed: int = 0) -> None:
    emotion_sheet(out, speaker=speaker, seed=seed)


if __name__ == "__main__":
    tyro.cli(_main)
