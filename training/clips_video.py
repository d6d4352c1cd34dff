"""Motion as a moving picture for TensorBoard: figures side by side, from the front, as an animated GIF."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import rot6d_to_matrix
from gesturestream.models.body.skeleton import FACE_JOINTS, HAND_JOINTS, INDEX, JOINT_COUNT, LOWER_JOINTS, PARENTS
from gesturestream.models.face import BLENDSHAPE_INDEX
from gesturestream.models.motion import BLENDSHAPES, FPS, ROOT_M, ROT6D

Floats = NDArray[np.float32]

WIDTH, HEIGHT = 180, 240
PIXELS_PER_M = 125.0
EVERY = 2
"""Frames of motion per frame of the picture: GIF players cannot keep 30 a second."""

_SKIN, _BODY, _LEGS, _FLOOR, _PAPER = (230, 184, 153), (92, 128, 168), (56, 64, 82), (150, 150, 150), (255, 255, 255)
_HEAD_M, _MOUTH_M = (0.08, 0.11), (0.02, 0.004)


def add_clip(writer: SummaryWriter, tag: str, motions: list[Floats], step: int) -> None:
    """Logs motions [T, 489], drawn beside each other, under TensorBoard's images.

    `SummaryWriter.add_video` writes the same record but needs moviepy for its GIF.
    """
    picture = animate(motions)
    image = Summary.Image(height=HEIGHT, width=WIDTH * len(motions), colorspace=3, encoded_image_string=picture)  # type: ignore[no-untyped-call,unused-ignore]
    summary = Summary(value=[Summary.Value(tag=tag, image=image)])
    file_writer: Any = writer.file_writer
    file_writer.add_summary(summary, step)


def animate(motions: list[Floats]) -> bytes:
    """Motions [T, 489] of one length, side by side -> an endless GIF at half the frame rate."""
    bodies = [_positions(motion[::EVERY]) for motion in motions]
    jaws = [motion[::EVERY, BLENDSHAPES.start + BLENDSHAPE_INDEX["jawOpen"]] for motion in motions]
    frames = []
    for t in range(min(map(len, bodies))):
        page = Image.new("RGB", (WIDTH * len(motions), HEIGHT), _PAPER)
        draw = ImageDraw.Draw(page)
        for i, (body, jaw) in enumerate(zip(bodies, jaws)):
            _figure(draw, _on_page(body[t], i), float(jaw[t]))
        frames.append(page.quantize(16))
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=1000 * EVERY // FPS, loop=0)
    return out.getvalue()


def _positions(motion: Floats) -> NDArray[np.float64]:
    """[T, 489] -> joints [T, 55, 3] metres, the pelvis over the origin."""
    rotations = rot6d_to_matrix(motion[:, ROT6D].reshape(len(motion), JOINT_COUNT, 6).astype(np.float64))
    places: NDArray[np.float64] = forward_kinematics(rotations, motion[:, ROOT_M].astype(np.float64))[0]
    return places - places[:, :1] * [1.0, 0.0, 1.0]


def _on_page(body: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    """Metres [55, 3] -> pixels and depth [55, 3], the character facing the viewer."""
    x = WIDTH * (column + 0.5) + PIXELS_PER_M * body[:, 0]
    return np.stack([x, HEIGHT - 12 - PIXELS_PER_M * body[:, 1], body[:, 2]], 1)


def _figure(draw: ImageDraw.ImageDraw, page: NDArray[np.float64], jaw: float) -> None:
    """Bones as thick lines, far ones first, then the head with its mouth."""
    left = page[0, 0] - WIDTH / 2
    draw.line((left + 10, HEIGHT - 12, left + WIDTH - 10, HEIGHT - 12), _FLOOR, 1)
    bones = [j for j in range(1, JOINT_COUNT) if j not in FACE_JOINTS]
    for j in sorted(bones, key=lambda j: float(page[j, 2] + page[PARENTS[j], 2])):
        colour, width = (_SKIN, 2) if j in HAND_JOINTS else (_LEGS, 11) if j in LOWER_JOINTS else (_BODY, 9)
        draw.line((*page[PARENTS[j], :2], *page[j, :2]), colour, width)
    x, y = page[INDEX["head"], :2] - [0.0, 0.07 * PIXELS_PER_M]
    _ellipse(draw, x, y, *_HEAD_M, _SKIN)
    _ellipse(draw, x, y + 0.055 * PIXELS_PER_M, _MOUTH_M[0], _MOUTH_M[1] + 0.025 * max(0.0, jaw), (120, 40, 40))


def _ellipse(
    draw: ImageDraw.ImageDraw, x: float, y: float, wide_m: float, high_m: float, fill: tuple[int, int, int]
) -> None:
    w, h = wide_m * PIXELS_PER_M, high_m * PIXELS_PER_M
    draw.ellipse((x - w, y - h, x + w, y + h), fill)
