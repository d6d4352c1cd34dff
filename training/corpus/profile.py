"""Measures a corpus as `human-motion-profile` measures a real speaker, and prints both beside each other.

python -m gesturestream.training.corpus.profile /tmp/corpus/espeak --reference human-motion-profile.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import (
    angle_between,
    axis_angle_to_matrix,
    axis_angle_to_quat,
    normalize,
    quat_to_axis_angle,
)  # fmt: skip
from gesturestream.models.body.skeleton import CONTACT_JOINTS, INDEX, JOINT_COUNT, REST_M
from gesturestream.models.motion import FPS
from gesturestream.training.corpus.layout import DETAILS_FILE, MOTION_FOLDER

Array = NDArray[np.float64]

GROUPS: dict[str, tuple[int, ...]] = {
    "torso": (3, 6, 9), "head": (12, 15), "arms": (16, 17, 18, 19), "wrists": (20, 21),
    "fingers": tuple(range(25, 55)), "legs": (1, 2, 4, 5, 7, 8), "jaw": (22,),
}  # fmt: skip
POSES = (
    "spine1", "spine2", "spine3", "neck", "head", "left_collar", "right_collar", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "left_knee",
)  # fmt: skip
_PERCENTILES = (10, 50, 90, 99)


class Clip(NamedTuple):
    """poses [T, 55, 3] axis-angle (radians), root_m [T, 3], speaking [T] bool: the frames speeds are taken from."""

    poses: Array
    root_m: Array
    speaking: NDArray[np.bool_]


def profile(clips: Iterable[Clip]) -> dict[str, Any]:
    """Figures of many clips in the reference's own form; speeds while speaking, ranges and mean pose over all."""
    measured = [_clip(*clip) for clip in clips if clip.speaking.sum() > 5]
    out: dict[str, Any] = {"seconds": sum(m["frames"] for m in measured) / FPS}
    out["speech_fraction"] = _mean([m["speech_fraction"] for m in measured])
    pausing = np.concatenate([m["wrists_pausing"] for m in measured])
    speaking = np.concatenate([m[f"{side}_wrist"] for m in measured for side in ("left", "right")])
    out["wrist_speed_speaking_vs_pausing_m_s"] = [round(float(speaking.mean()), 3), round(float(pausing.mean()), 3)]
    for group in GROUPS:
        out[group] = {
            "deg_per_s_p10_50_90_99": _percentiles([m[group] for m in measured]),
            "range_deg_p5_p95": _mean([m[f"{group}_range"] for m in measured]),
        }
    for side in ("left_wrist", "right_wrist"):
        out[side] = _wrist([m[side] for m in measured], [m[f"{side}_place"] for m in measured])
    for name in ("acceleration_m_s2_mean", "jerk_m_s3_mean", "root_path_m_per_min", "foot_contact_fraction(<0.3 m/s)"):
        out[name] = _mean([m[name] for m in measured])
    quats = np.concatenate([m["quats"] for m in measured])
    out["mean_pose_deg"] = {name: _mean_rotation_deg(quats[:, k]) for k, name in enumerate(POSES)}
    return out


def _clip(poses: Array, root_m: Array, speaking: NDArray[np.bool_]) -> dict[str, Any]:
    quats = axis_angle_to_quat(poses)
    positions, _ = forward_kinematics(axis_angle_to_matrix(poses), root_m)
    turning = np.degrees(angle_between(quats[1:], quats[:-1])) * FPS
    body = positions[:, :22]
    velocity = np.diff(positions, axis=0) * FPS
    speed = np.linalg.norm(velocity, axis=-1)
    path = np.diff(root_m[::3, [0, 2]], axis=0)
    out: dict[str, Any] = {
        "frames": len(poses),
        "speech_fraction": float(speaking.mean()),
        "wrists_pausing": speed[~_near(speaking)[1:]][:, [20, 21]].ravel(),
        "quats": quats[::3, [INDEX[name] for name in POSES]],
        "acceleration_m_s2_mean": _derivative(body, 2, speaking),
        "jerk_m_s3_mean": _derivative(body, 3, speaking),
        "root_path_m_per_min": float(np.linalg.norm(path, axis=1).sum()) / (len(poses) / FPS / 60),
        "foot_contact_fraction(<0.3 m/s)": float((speed[:, CONTACT_JOINTS] < 0.3).mean()),
    }
    for group, joints in GROUPS.items():
        out[group] = turning[speaking[1:]][:, joints].ravel()
        out[f"{group}_range"] = _range_deg(quats[:, joints])
    for side in ("left_wrist", "right_wrist"):
        out[side] = speed[speaking[1:], INDEX[side]]
        out[f"{side}_place"] = positions[:, INDEX[side]] - positions[:, 0]
    return out


def _near(speaking: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames within 0.7 s of speech: preparing or retracting, so neither speaking nor idle."""
    return np.convolve(speaking, np.ones(43), mode="same")[: len(speaking)] > 0.5


def _derivative(positions: Array, order: int, speaking: NDArray[np.bool_]) -> float:
    rate = np.linalg.norm(np.diff(positions, order, axis=0) * FPS**order, axis=-1)
    return float(rate[speaking[order:]].mean())


def _range_deg(quats: Array) -> float:
    """Mean over joints of the p5-p95 spread of the distance from the mean rotation."""
    middle = normalize((quats * np.sign((quats * quats[:1]).sum(-1, keepdims=True))).mean(0))
    angles = np.degrees(angle_between(quats, np.broadcast_to(middle, quats.shape)))
    return float((np.percentile(angles, 95, axis=0) - np.percentile(angles, 5, axis=0)).mean())


def _mean_rotation_deg(quats: Array) -> list[float]:
    middle = normalize((quats * np.sign((quats * quats[:1]).sum(-1, keepdims=True))).mean(0))
    return [round(float(x), 1) for x in np.degrees(quat_to_axis_angle(middle))]


def _wrist(speeds: list[Array], places: list[Array]) -> dict[str, Any]:
    speed, place = np.concatenate(speeds), np.concatenate(places)
    peaks = sum(_count_peaks(track) for track in speeds)
    return {
        "speed_m_s_p10_50_90_99": [round(float(np.percentile(speed, p)), 3) for p in _PERCENTILES],
        "held_still_fraction(<0.05 m/s)": round(float((speed < 0.05).mean()), 3),
        "strokes_per_min(peaks>0.35 m/s)": round(peaks / (len(speed) / FPS / 60), 1),
        "rel_to_pelvis_mean_std_m": [[round(float(x), 3) for x in row] for row in (place.mean(0), place.std(0))],
    }


def _count_peaks(speed: Array) -> int:
    middle = speed[1:-1]
    return int(((middle > speed[:-2]) & (middle >= speed[2:]) & (middle > 0.35)).sum())


def _percentiles(tracks: list[Array]) -> list[float]:
    values = np.concatenate(tracks)
    return [round(float(np.percentile(values, p)), 1) for p in _PERCENTILES]


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 3)


def load_clips(root: Path, limit: int = 60, emotion: str | None = None) -> Iterable[Clip]:
    """At most `limit` clips of a corpus in BEAT2's layout, optionally of one emotion; without phrases all is speech."""
    details = json.loads((root / DETAILS_FILE).read_text())["clips"] if (root / DETAILS_FILE).exists() else {}
    files = sorted((root / MOTION_FOLDER).glob("*.npz"))
    chosen = [f for f in files if emotion is None or details.get(f.stem, {}).get("emotion") == emotion]
    if not chosen:
        raise ValueError(f"corpus: expected npz files in {root / MOTION_FOLDER}, found none that fit")
    for file in chosen[:: max(1, len(chosen) // limit)]:
        with np.load(file, allow_pickle=False) as data:
            poses = data["poses"].reshape(-1, JOINT_COUNT, 3).astype(np.float64)
            root_m = data["trans"].astype(np.float64) + REST_M[0]
            yield Clip(poses, root_m, _speaking(details.get(file.stem, {}).get("phrases_s"), len(poses)))


def _speaking(phrases_s: list[list[float]] | None, frames: int) -> NDArray[np.bool_]:
    if phrases_s is None:
        return np.ones(frames, bool)
    times_s = (np.arange(frames) + 0.5) / FPS
    inside = np.zeros(frames, bool)
    for start, stop in phrases_s:
        inside |= (times_s >= start) & (times_s <= stop)
    return inside


Row = tuple[str, Any, Any, str]
"""Name, the corpus's figure, the reference's, and their ratio where a ratio means something."""


def rows_of(ours: dict[str, Any], reference: dict[str, Any] | None) -> list[Row]:
    """Every figure beside the reference's; places and angles, which may be zero, have no ratio."""
    rows: list[Row] = []
    for key, value in ours.items():
        for name, figure in value.items() if isinstance(value, dict) else [("", value)]:
            other = (reference or {}).get(key, "")
            other = other.get(name, "") if name else other
            plain = other != "" and not name.startswith("rel_") and key not in ("mean_pose_deg", "seconds")
            rows.append((f"{key} {name}".strip(), figure, other, _ratio(figure, other) if plain else ""))
    return rows


def _ratio(figure: Any, other: Any) -> str:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.atleast_1d(np.asarray(figure, float) / np.asarray(other, float))
    return " ".join(f"{ratio:.2f}" for ratio in ratios)


def print_table(ours: dict[str, Any], reference: dict[str, Any] | None, *, markdown: bool = False) -> None:
    """A table of every figure, ours beside the reference's."""
    heads = ("figure", "corpus", "real speaker", "ratio")
    rows = [tuple(str(cell) for cell in row) for row in rows_of(ours, reference)]
    if markdown:
        lines = [heads, ("---",) * len(heads), *rows]
        Console(width=400).print("\n".join(f"| {' | '.join(line)} |" for line in lines), markup=False, highlight=False)
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    Console(width=170).print(table)


def main() -> None:
    """Command line."""
    tyro.cli(_main)


def _main(
    corpus: Positional[Path],
    reference: Path | None = None,
    emotion: str | None = None,
    limit: int = 60,
    markdown: bool = False,
) -> None:
    other = json.loads(reference.read_text()) if reference else None
    print_table(profile(load_clips(corpus, limit, emotion)), other, markdown=markdown)


if __name__ == "__main__":
    main()
