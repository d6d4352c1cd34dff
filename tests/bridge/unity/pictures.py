"""Draws the sample's capsules, as bodies.exe says they stand, with matplotlib. No Unity editor takes part.

    python tests/bridge/unity/pictures.py OUT.png WIDTHxHEIGHT_M SHAPES.csv[:LINE] ...

Each body is seen in WIDTHxHEIGHT_M metres.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_PIXELS_PER_M = 260
_LIGHT = np.array([-0.35, 0.6, 0.72]) / np.linalg.norm([0.35, 0.6, 0.72])


def surface(kind: str, steps: int) -> tuple[Array, Array]:
    """Points and normals of Unity's unit sphere (diameter 1) or capsule (2 high, 1 wide), [N, 3] each."""
    around, along = np.meshgrid(np.linspace(0, 2 * np.pi, steps, endpoint=False), np.linspace(0, np.pi, steps))
    normals = np.stack([np.sin(along) * np.cos(around), np.cos(along), np.sin(along) * np.sin(around)], -1).reshape(
        -1, 3
    )
    if kind == "s":
        return 0.5 * normals, normals
    ends = 0.5 * normals + np.sign(normals[:, 1:2] + 1e-9) * [0, 0.5, 0]
    ring = np.stack([np.cos(around), np.zeros_like(around), np.sin(around)], -1).reshape(-1, 3)
    tube = 0.5 * ring + np.stack([0 * along, np.interp(along, [0, np.pi], [-0.5, 0.5]), 0 * along], -1).reshape(-1, 3)
    return np.concatenate([ends, tube]), np.concatenate([normals, ring])


def placed(fields: list[str]) -> tuple[Array, Array]:
    """World points and normals of all shapes of one line."""
    points, normals = [], []
    for at in range(0, len(fields), 13):
        corners = np.array(fields[at + 1 : at + 13], float).reshape(4, 3)
        axes = corners[1:] - corners[0]
        largest_m = float(np.linalg.norm(axes, axis=-1).max())
        p, n = surface(fields[at], 12 + round(4 * largest_m * _PIXELS_PER_M))
        points.append(p @ axes + corners[0])
        turned = n @ np.linalg.inv(axes).T
        normals.append(turned / np.linalg.norm(turned, axis=-1, keepdims=True))
    return np.concatenate(points), np.concatenate(normals)


def drawn(points: Array, normals: Array, view_m: tuple[float, ...]) -> Array:
    """Seen from +Z of Unity's left-handed frame; a body that faces the viewer has its left at the right. [H, W, 3]"""
    width, height = (round(side * _PIXELS_PER_M) for side in view_m)
    image = np.full((height, width, 3), 0.96)
    # Whoever looks along -Z with +Y up has Unity's -X at the right.
    column = np.round((view_m[0] / 2 - points[:, 0]) * _PIXELS_PER_M).astype(int)
    row = np.round((view_m[1] - 0.08 - points[:, 1]) * _PIXELS_PER_M).astype(int)
    seen = (normals[:, 2] > 0) & (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)
    order = np.argsort(points[seen, 2], kind="stable")
    light = np.clip((normals[seen] * [-1, 1, 1]) @ _LIGHT, 0, 1)[order, None]
    colour = (0.25 + 0.75 * light) * [0.36, 0.55, 0.78] + 0.12 * light**8
    for down in (-1, 0, 1):  # a point covers three by three pixels, so that no holes are left
        for right in (-1, 0, 1):
            image[row[seen][order] + down, column[seen][order] + right] = colour
    return np.clip(image, 0, 1)


def main(out: str, size_m: str, *sources: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import image

    view_m = tuple(map(float, size_m.split("x")))
    bodies = []
    for source in sources:
        path, _, line = source.partition(":")
        bodies.append(drawn(*placed(Path(path).read_text().splitlines()[int(line or 0)].split(",")), view_m))
    image.imsave(out, np.concatenate(bodies, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
