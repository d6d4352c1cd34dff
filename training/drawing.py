"""Drawing a body without a renderer: bones as shaded capsules and a face with expression, on a Pillow image."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gesturestream.models.body.skeleton import INDEX, PARENTS, REST_M
from gesturestream.models.face import BLENDSHAPE_INDEX

Array = NDArray[np.float64]

WIDTH_M, BOTTOM_M, TOP_M = 1.12, -0.06, 1.80
"""What a picture shows: from side to side, from below the floor to above the head."""
_FINE = 3  # drawn this much larger, then scaled down: smooth edges


class Figure(NamedTuple):
    """What is drawn: positions [T, 55, 3], world rotations [T, 55, 3, 3], blendshapes [T, 52] or None."""

    positions: Array
    world: Array
    blendshapes: Array | None


class Canvas:
    """A picture of one figure, `height` pixels high; shapes are given in metres, x to the right and y up."""

    def __init__(self, height: int) -> None:
        self.size = (round(height * WIDTH_M / (TOP_M - BOTTOM_M)), height)
        self._scale = _FINE * height / (TOP_M - BOTTOM_M)
        self._image = Image.new("RGB", (_FINE * self.size[0], _FINE * height), "white")
        self._draw = ImageDraw.Draw(self._image)

    def fill(self, x: Array, y: Array, colour: Array, edge: Array) -> None:
        """A polygon with an outline; colours [3], 0..1."""
        self._draw.polygon(self._points(x, y), fill=_rgb(colour), outline=_rgb(edge), width=_FINE // 2)

    def line(self, x: Array, y: Array, colour: Array) -> None:
        """A line through points."""
        self._draw.line(self._points(x, y), fill=_rgb(colour), width=max(2, round(0.009 * self._scale)), joint="curve")

    def image(self) -> Image.Image:
        """What was drawn, with smooth edges."""
        return self._image.resize(self.size, Image.Resampling.BOX)

    def _points(self, x: Array, y: Array) -> list[tuple[float, float]]:
        points = np.stack([x + WIDTH_M / 2, TOP_M - y], axis=1) * self._scale
        return [(float(px), float(py)) for px, py in points]


def _rgb(colour: Array) -> tuple[int, int, int]:
    red, green, blue = np.clip(np.round(255 * colour), 0, 255).astype(int)
    return int(red), int(green), int(blue)


# Radius of each bone's two ends in metres, by the name of the joint at its far end
_RADII: dict[str, tuple[float, float]] = {
    "spine1": (0.13, 0.125), "spine2": (0.125, 0.13), "spine3": (0.13, 0.125), "neck": (0.115, 0.06),
    "head": (0.052, 0.048), "left_hip": (0.11, 0.095), "left_knee": (0.085, 0.058), "left_ankle": (0.056, 0.04),
    "left_foot": (0.042, 0.034), "left_collar": (0.07, 0.066), "left_shoulder": (0.066, 0.056),
    "left_elbow": (0.05, 0.04), "left_wrist": (0.039, 0.026),
}  # fmt: skip
_SKIP = {"jaw", "left_eye_smplhf", "right_eye_smplhf"}
_BODY, _SKIN, _DARK = np.array([0.36, 0.50, 0.66]), np.array([0.90, 0.72, 0.60]), np.array([0.22, 0.25, 0.32])


def _radii(name: str) -> tuple[float, float]:
    return _RADII.get("left_" + name.removeprefix("right_")) or _RADII.get(name) or (0.0085, 0.0075)


_Shape = tuple[float, str, tuple[Array, Array], Array]


def draw_figure(canvas: Canvas, figure: Figure, frame: int, degrees: float) -> None:
    """Bones as tapered capsules, far ones first, darker with distance; degrees: heading of the camera."""
    turn = np.radians(degrees)
    camera = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    centre = figure.positions[frame, 0] * (1, 0, 1)
    seen = (figure.positions[frame] - centre) @ camera.T
    world = camera @ figure.world[frame]
    shapes = _capsules(seen, world) + _palms(seen, world) + _head(seen, world, figure.blendshapes, frame)
    canvas.line(np.array([-0.6, 0.6]), np.zeros(2), np.full(3, 0.6))
    for depth, kind, data, colour in sorted(shapes, key=lambda shape: shape[0]):
        tone = np.clip(colour * (0.82 + 0.55 * depth), 0, 1)
        if kind == "polygon":
            canvas.fill(*data, tone, tone * 0.55)
        else:
            canvas.line(*data, tone)


def _capsules(seen: Array, world: Array) -> list[_Shape]:
    out: list[_Shape] = []
    for name, joint in INDEX.items():
        parent = PARENTS[joint]
        if parent < 0 or name in _SKIP:
            continue
        finger = joint >= 25
        if finger and name.endswith("1"):
            continue  # the palm is drawn as one piece
        colour = _SKIN if finger or name == "head" else (_DARK if joint in (1, 2, 4, 5, 7, 8, 10, 11) else _BODY)
        out.append(_capsule(seen[parent], seen[joint], *_radii(name), colour))
        if finger and name.endswith("3"):  # the last phalanx has no joint at its end
            tip = seen[joint] + 0.8 * world[joint] @ (REST_M[joint] - REST_M[parent])
            out.append(_capsule(seen[joint], tip, 0.0075, 0.006, _SKIN))
    return out


def _capsule(a: Array, b: Array, ra: float, rb: float, colour: Array) -> _Shape:
    line = (b - a)[:2]
    angle = np.arctan2(line[1], line[0])
    back = np.linspace(angle + np.pi / 2, angle + 3 * np.pi / 2, 9)
    fore = np.linspace(angle - np.pi / 2, angle + np.pi / 2, 9)
    x = np.concatenate([a[0] + ra * np.cos(back), b[0] + rb * np.cos(fore)])
    y = np.concatenate([a[1] + ra * np.sin(back), b[1] + rb * np.sin(fore)])
    return float(0.5 * (a[2] + b[2])), "polygon", (x, y), colour


def _palms(seen: Array, world: Array) -> list[_Shape]:
    """Palms as quadrilaterals: light on the palm's side, dark on the back, so that orientation can be read."""
    out: list[_Shape] = []
    for side in ("left", "right"):
        names = [
            f"{side}_wrist",
            f"{side}_thumb1",
            f"{side}_index1",
            f"{side}_middle1",
            f"{side}_ring1",
            f"{side}_pinky1",
        ]
        points = seen[[INDEX[name] for name in names]]
        normal = world[INDEX[f"{side}_wrist"]] @ np.array([0.0, -1.0, 0.0])
        colour = np.array([0.98, 0.84, 0.74]) if normal[2] > 0 else np.array([0.72, 0.52, 0.42])
        out.append((float(points[:, 2].mean()), "polygon", (points[:, 0], points[:, 1]), colour))
        thumb = [INDEX[f"{side}_thumb{k}"] for k in (1, 2)]
        out.append(_capsule(points[0], seen[thumb[0]], 0.018, 0.013, _SKIN))
    return out


def _head(seen: Array, world: Array, blendshapes: Array | None, frame: int) -> list[_Shape]:
    """An egg with nose, brows, eyes and mouth, drawn where they face the camera."""
    turn, at = world[INDEX["head"]], seen[INDEX["head"]]

    def place(points: Array) -> Array:
        placed: Array = at + points @ turn.T
        return placed

    angle = np.linspace(0, 2 * np.pi, 40)
    centre = place(np.array([[0.0, 0.075, 0.03]]))[0]
    outline = (centre[0] + 0.082 * np.cos(angle), centre[1] + 0.115 * np.sin(angle))
    out: list[_Shape] = [(float(centre[2]), "polygon", outline, _SKIN)]

    def weight(name: str) -> float:
        return 0.0 if blendshapes is None else float(blendshapes[frame, BLENDSHAPE_INDEX[name]])

    near = float(centre[2]) + 0.2

    def line(points: Array, colour: Array) -> None:
        facing = (turn @ np.array([points[:, 0].mean() * 6, 0, 1.0]))[2]
        if facing > 0.15:
            spots = place(points)
            out.append((near, "line", (spots[:, 0], spots[:, 1]), colour))

    dark = np.array([0.2, 0.12, 0.1])
    nose = place(np.array([[-0.010, 0.05, 0.115], [0.010, 0.05, 0.115], [0.0, 0.048, 0.142], [0.0, 0.085, 0.118]]))
    out.append((near - 0.01, "polygon", (nose[[0, 2, 3, 1, 0], 0], nose[[0, 2, 3, 1, 0], 1]), _SKIN * 0.9))
    for side, s in (("Left", 1.0), ("Right", -1.0)):
        lid = 0.009 * (1 - weight(f"eyeBlink{side}")) + 0.004 * weight(f"eyeWide{side}")
        look = 0.006 * (weight("eyeLookOutLeft") - weight("eyeLookInLeft"))
        x = np.linspace(0.018, 0.044, 8) * s
        arch = np.sin(np.linspace(0, np.pi, 8))
        line(np.stack([x, 0.078 + lid * arch, np.full(8, 0.105)], 1), dark)
        line(np.stack([x, 0.078 - 0.6 * lid * arch, np.full(8, 0.105)], 1), dark)
        line(
            np.array([[0.031 * s + look, 0.078 + lid * 0.7, 0.106], [0.031 * s + look, 0.078 - 0.4 * lid, 0.106]]),
            dark * 0.5,
        )
        inner = 0.016 * weight("browInnerUp") - 0.013 * weight(f"browDown{side}")
        outer = 0.014 * weight(f"browOuterUp{side}") - 0.004 * weight(f"browDown{side}")
        line(
            np.array(
                [
                    [0.012 * s, 0.098 + inner, 0.11],
                    [0.03 * s, 0.104 + 0.5 * (inner + outer), 0.11],
                    [0.05 * s, 0.098 + outer, 0.1],
                ]
            ),
            dark,
        )
    _mouth(line, weight)
    return out


def _mouth(line: Any, weight: Any) -> None:
    smile = [weight(f"mouthSmile{s}") - weight(f"mouthFrown{s}") for s in ("Left", "Right")]
    wide = 0.024 + 0.006 * weight("mouthStretchLeft") - 0.013 * weight("mouthPucker") - 0.007 * weight("mouthFunnel")
    drop = 0.045 * weight("jawOpen") + 0.006 * weight("mouthFunnel") + 0.003 * weight("mouthLowerDownLeft")
    corner = 0.012 * np.array([smile[1], 0.0, smile[0]])
    red = np.array([0.65, 0.2, 0.2])
    upper = np.array([[-wide, 0.018, 0.11], [0, 0.02, 0.122], [wide, 0.018, 0.11]])
    upper[:, 1] += corner
    lower = upper.copy()
    lower[1, 1] -= drop + 0.002
    line(upper, red)
    line(lower, red)
