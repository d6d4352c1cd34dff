"""Draws motion as a contact sheet: a shaded figure in two views per frame, with the audio's envelope under it.

python -m gesturestream.training.contact_sheet clip.npz sheet.png --start-s 2 --stop-s 8 --count 12
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tyro.conf import Positional

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix, quat_to_matrix, rot6d_to_matrix
from gesturestream.models.body.skeleton import JOINT_COUNT, REST_M
from gesturestream.models.motion import BLENDSHAPES, FPS, MOTION_SIZE, ROOT_M, ROT6D, SAMPLE_RATE
from gesturestream.training.drawing import Canvas, Figure, draw_figure

Array = NDArray[np.float64]

VIEWS_DEG = (0.0, 50.0)
"""Heading of the camera: front, three-quarter."""
HEIGHT = 216
"""Pixels of one figure."""
_COLUMNS, _LABEL, _WAVE = 8, 14, 60


def contact_sheet(
    motion: Any, out_png: str | Path, start_s: float = 0.0, stop_s: float | None = None, count: int = 12,
    *, audio: Any = None, title: str = "",
) -> Path:  # fmt: skip
    """Writes `count` frames between two times to a PNG and returns its path.

    motion: an npz in BEAT2's layout (its wave16k file is found by itself), a packed array [T, 489], or a pair
    (quat_xyzw [T, 55, 4], root_m [T, 3]). audio: samples at 16 kHz or a path.
    """
    figure = load_figure(motion)
    pcm = _audio(motion, audio)
    last_s = (len(figure.positions) - 1) / FPS
    stop_s = last_s if stop_s is None else min(stop_s, last_s)
    times = np.linspace(start_s, stop_s, count)
    tiles = [_tile(figure, float(time_s)) for time_s in times]
    page = grid(tiles, min(count, _COLUMNS), below=_WAVE, above=_LABEL)
    label = title or (str(motion) if isinstance(motion, str | Path) else "")
    ImageDraw.Draw(page).text((4, 1), label, fill="black")
    if pcm is not None:
        _envelope(page, pcm, start_s, stop_s, times)
    out = Path(out_png)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.save(out)
    return out


def _tile(figure: Figure, time_s: float) -> Image.Image:
    """One time in all views, one above the other."""
    views = [picture(figure, round(time_s * FPS), degrees) for degrees in VIEWS_DEG]
    ImageDraw.Draw(views[0]).text((3, 1), f"{time_s:.2f} s", fill="black")
    return grid(views, 1)


def picture(figure: Figure, frame: int, degrees: float, height: int = HEIGHT) -> Image.Image:
    """One frame seen from a heading in degrees."""
    canvas = Canvas(height)
    draw_figure(canvas, figure, frame, degrees)
    return canvas.image()


def grid(tiles: list[Image.Image], columns: int, *, above: int = 0, below: int = 0) -> Image.Image:
    """Pictures of one size in rows of `columns`, with margins in pixels."""
    width, height = tiles[0].size
    page = Image.new("RGB", (width * columns, above + height * -(-len(tiles) // columns) + below), "white")
    for k, tile in enumerate(tiles):
        page.paste(tile, (width * (k % columns), above + height * (k // columns)))
    return page


def load_figure(motion: Any) -> Figure:
    """Positions, world rotations and face of a motion in any form that `contact_sheet` takes."""
    if isinstance(motion, str | Path):
        with np.load(motion, allow_pickle=False) as data:
            rotations = axis_angle_to_matrix(data["poses"].reshape(-1, JOINT_COUNT, 3).astype(np.float64))
            root = data["root_m"] if "root_m" in data else data["trans"] + REST_M[0]
            shapes = data["blendshapes"].astype(np.float64) if "blendshapes" in data else None
        return Figure(*forward_kinematics(rotations, root.astype(np.float64)), shapes)
    if isinstance(motion, tuple):
        quat, root = (np.asarray(part, dtype=np.float64) for part in motion)
        return Figure(*forward_kinematics(quat_to_matrix(quat), root), None)
    packed = np.asarray(motion, dtype=np.float64)
    if packed.ndim != 2 or packed.shape[1] != MOTION_SIZE:
        raise ValueError(f"motion: expected [T, {MOTION_SIZE}], got {list(packed.shape)}")
    rotations = rot6d_to_matrix(packed[:, ROT6D].reshape(-1, JOINT_COUNT, 6))
    return Figure(*forward_kinematics(rotations, packed[:, ROOT_M]), packed[:, BLENDSHAPES])


def _audio(motion: Any, audio: Any) -> Any:
    if audio is None and isinstance(motion, str | Path):
        beside = Path(motion).parent.parent / "wave16k" / f"{Path(motion).stem}.wav"
        audio = beside if beside.exists() else None
    if isinstance(audio, str | Path):
        import soundfile

        audio = soundfile.read(audio, dtype="float32")[0]
    return audio


def _envelope(page: Image.Image, pcm: Any, start_s: float, stop_s: float, times: Array) -> None:
    """The sound's peaks along the lower edge, a line at each picture's time."""
    draw, middle = ImageDraw.Draw(page), page.height - _WAVE // 2
    part = np.abs(pcm[int(start_s * SAMPLE_RATE) : int(stop_s * SAMPLE_RATE)])
    for x, piece in enumerate(np.array_split(part, page.width)):
        size = _WAVE / 2 * float(piece.max(initial=0.0))
        draw.line([(x, middle - size), (x, middle + size)], fill=(74, 106, 138))
    for time_s in times:
        x = round((time_s - start_s) / max(stop_s - start_s, 1e-6) * (page.width - 1))
        draw.line([(x, page.height - _WAVE), (x, page.height)], fill=(192, 80, 32))


def main() -> None:
    """Command line."""
    tyro.cli(_main)


def _main(
    motion: Positional[Path],
    out_png: Positional[Path],
    start_s: float = 0.0,
    stop_s: float | None = None,
    count: int = 12,
) -> None:
    contact_sheet(motion, out_png, start_s, stop_s, count)


if __name__ == "__main__":
    main()
