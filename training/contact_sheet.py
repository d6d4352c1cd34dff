"""Draws motion as a contact sheet: a shaded figure in two views per frame, with the audio's envelope under it.

python -m gesturestream.training.contact_sheet clip.npz sheet.png --start-s 2 --stop-s 8 --count 12
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tyro
from numpy.typing import NDArray
from tyro.conf import Positional

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import axis_angle_to_matrix, quat_to_matrix, rot6d_to_matrix
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, PARENTS, REST_M
from gesturestream.models.face import BLENDSHAPE_INDEX
from gesturestream.models.motion import BLENDSHAPES, FPS, MOTION_SIZE, ROOT_M, ROT6D, SAMPLE_RATE

Array = NDArray[np.float64]

VIEWS_DEG = (0.0, 50.0)
"""Heading of the camera: front, three-quarter."""


class Figure(NamedTuple):
    """What is drawn: positions [T, 55, 3], world rotations [T, 55, 3, 3], blendshapes [T, 52] or None."""

    positions: Array
    world: Array
    blendshapes: Array | None


def contact_sheet(
    motion: Any, out_png: str | Path, start_s: float = 0.0, stop_s: float | None = None, count: int = 12,
    *, audio: Any = None, title: str = "",
) -> Path:  # fmt: skip
    """Writes `count` frames between two times to a PNG and returns its path.

    motion: an npz in BEAT2's layout (its wave16k file is found by itself), a packed array [T, 489], or a pair
    (quat_xyzw [T, 55, 4], root_m [T, 3]). audio: samples at 16 kHz or a path.
    """
    from matplotlib.figure import Figure as Page

    figure = _load(motion)
    pcm = _audio(motion, audio)
    last_s = (len(figure.positions) - 1) / FPS
    stop_s = last_s if stop_s is None else min(stop_s, last_s)
    times = np.linspace(start_s, stop_s, count)
    columns = min(count, 8)
    rows = -(-count // columns)
    page = Page(figsize=(1.75 * columns, (2 * rows) * 2.75 + 1.0), dpi=80)
    grid = page.add_gridspec(2 * rows + 1, columns, height_ratios=[1.0] * (2 * rows) + [0.32])
    for k, time_s in enumerate(times):
        frame = round(time_s * FPS)
        for v, degrees in enumerate(VIEWS_DEG):
            axes = page.add_subplot(grid[2 * (k // columns) + v, k % columns])
            _draw(axes, figure, frame, degrees)
            if v == 0:
                axes.set_title(f"{time_s:.2f} s", fontsize=8)
    _envelope(page.add_subplot(grid[-1, :]), pcm, start_s, stop_s, times)
    page.suptitle(title or (str(motion) if isinstance(motion, str | Path) else ""), fontsize=9)
    page.subplots_adjust(left=0.01, right=0.99, top=0.95, bottom=0.03, wspace=0.02, hspace=0.06)
    out = Path(out_png)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(out)
    return out


def _load(motion: Any) -> Figure:
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


def _envelope(axes: Any, pcm: Any, start_s: float, stop_s: float, times: Array) -> None:
    axes.set_yticks([])
    axes.tick_params(labelsize=7)
    if pcm is not None:
        part = pcm[int(start_s * SAMPLE_RATE) : int(stop_s * SAMPLE_RATE)]
        step = max(1, len(part) // 1500)
        peaks = np.abs(part[: len(part) // step * step]).reshape(-1, step).max(1)
        x = start_s + np.arange(len(peaks)) * step / SAMPLE_RATE
        axes.fill_between(x, -peaks, peaks, color="#4a6a8a", linewidth=0)
    for time_s in times:
        axes.axvline(time_s, color="#c05020", linewidth=0.6)
    axes.set_xlim(start_s, stop_s)


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


def _draw(axes: Any, figure: Figure, frame: int, degrees: float) -> None:
    """Bones as tapered capsules, far ones first, darker with distance."""
    turn = np.radians(degrees)
    camera = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    centre = figure.positions[frame, 0] * (1, 0, 1)
    seen = (figure.positions[frame] - centre) @ camera.T
    world = camera @ figure.world[frame]
    shapes = _capsules(seen, world) + _palms(seen, world) + _head(seen, world, figure.blendshapes, frame)
    for depth, kind, data, colour in sorted(shapes, key=lambda shape: shape[0]):
        tone = np.clip(colour * (0.82 + 0.55 * depth), 0, 1)
        edge = tone * 0.55
        if kind == "polygon":
            axes.fill(*data, facecolor=tone, edgecolor=edge, linewidth=0.5)
        else:
            axes.plot(*data, color=tone, linewidth=1.3, solid_capstyle="round")
    axes.plot([-0.6, 0.6], [0, 0], color="#999999", linewidth=0.8, zorder=0)
    axes.set_xlim(-0.56, 0.56)
    axes.set_ylim(-0.06, 1.76)
    axes.set_aspect("equal")
    axes.axis("off")


_Shape = tuple[float, str, tuple[Array, Array], Array]


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
        return at + points @ turn.T

    angle = np.linspace(0, 2 * np.pi, 40)
    centre = place(np.array([[0.0, 0.075, 0.03]]))[0]
    outline = (centre[0] + 0.082 * np.cos(angle), centre[1] + 0.115 * np.sin(angle))
    out: list[_Shape] = [(float(centre[2]), "polygon", outline, _SKIN)]
    weight = (
        (lambda name: float(blendshapes[frame, BLENDSHAPE_INDEX[name]]))
        if blendshapes is not None
        else (lambda name: 0.0)
    )
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
