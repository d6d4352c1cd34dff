"""Cue files: one safetensors file each, its name is the cue's name. Bounded, checked, nothing is ever unpickled."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, JOINT_NAMES
from gesturestream.models.cues.clip import MAX_FRAMES, CueClip

FORMAT = "gesturestream.cue.1"
SUFFIX = ".safetensors"
MAX_BYTES = 2_000_000
"""More than the longest cue of all joints needs in float32."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_REMEDY = "make cues with `gesturestream cue make`"


class CueError(ValueError):
    """A file that is no usable cue; the message names the file and what is wrong."""


def cue_name(path: Path) -> str:
    """The name of the cue in a file. CueError if it is none that a client could send."""
    if path.suffix != SUFFIX or not _NAME.fullmatch(path.stem):
        raise CueError(f"{path}: expected a name of at most 40 of a-z 0-9 _ - that ends in {SUFFIX}, got {path.name!r}")
    return path.stem


def write_cue(path: Path, clip: CueClip, *, source: str, half: bool = False) -> None:
    """Writes the joints that `clip` takes over, atomically. `half`: float16, to a thousandth of a radian.

    CueError for a bad name; ValueError where the clip adds turns, which only built-in gestures do.
    """
    cue_name(path)
    if clip.add.any():
        raise ValueError("expected a cue that takes joints, got one that adds turns")
    joints = np.flatnonzero(clip.weight.any(0))
    dtype = np.float16 if half else np.float32
    tensors = {
        "quat_xyzw": np.ascontiguousarray(clip.take[:, joints], dtype),
        "weight": np.ascontiguousarray(clip.weight[:, joints], dtype),
    }
    names = json.dumps([JOINT_NAMES[joint] for joint in joints])
    metadata = {"format": FORMAT, "joints": names, "overlay": repr(float(clip.overlay)), "source": source}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata=metadata)
    partial.chmod(0o644)  # safetensors makes it private; a shipped file is for everybody
    partial.replace(path)


def read_cue(path: Path) -> CueClip:
    """The clip in a file. CueError if it is no cue, is cut off, too large, or holds what no body does."""
    cue_name(path)
    if not path.is_file():
        raise CueError(f"expected a cue at {path}, found no such file; {_REMEDY}")
    if path.stat().st_size > MAX_BYTES:
        raise CueError(f"{path}: expected at most {MAX_BYTES} bytes, got {path.stat().st_size}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CueError(f"{path}: expected format {FORMAT}, got {metadata.get('format')!r}; {_REMEDY}")
            return _clip(file.get_tensor("quat_xyzw"), file.get_tensor("weight"), metadata)
    except CueError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise CueError(f"{path} is no usable cue: {error}; {_REMEDY}") from error


def read_cues(path: Path) -> dict[str, CueClip]:
    """The cue of a file, or those of a folder's safetensors files, by name. CueError: see `read_cue`; none at all."""
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise CueError(f"expected {SUFFIX} files in {path}, found none; {_REMEDY}")
    return {cue_name(file): read_cue(file) for file in files}


def _clip(quat_xyzw: Any, weight: Any, metadata: dict[str, str]) -> CueClip:
    joints = [INDEX[name] for name in json.loads(metadata["joints"])]
    frames = len(weight)
    if not (2 <= frames <= MAX_FRAMES and joints and len(set(joints)) == len(joints)):
        raise ValueError(f"expected 2..{MAX_FRAMES} frames of different joints, got {frames} of {len(joints)}")
    if quat_xyzw.shape != (frames, len(joints), 4) or weight.shape != (frames, len(joints)):
        raise ValueError(
            f"expected quat_xyzw [{frames}, {len(joints)}, 4] and weight [{frames}, {len(joints)}], "
            f"got {list(quat_xyzw.shape)} and {list(weight.shape)}"
        )
    quats, weights, overlay = quat_xyzw.astype(np.float64), weight.astype(np.float32), float(metadata["overlay"])
    norms = np.linalg.norm(quats, axis=-1, keepdims=True)
    if not (np.abs(norms - 1.0) < 0.05).all():  # also refuses NaN
        raise ValueError("expected unit quaternions, got others")
    if not ((weights >= 0.0) & (weights <= 1.0)).all() or not 0.0 <= overlay <= 1.0:
        raise ValueError("expected weights and overlay of 0..1, got others")
    take = np.tile(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (frames, JOINT_COUNT, 1))
    taken = np.zeros((frames, JOINT_COUNT), np.float32)
    take[:, joints], taken[:, joints] = quats / norms, weights
    return CueClip(take=take, weight=taken, add=np.zeros((frames, JOINT_COUNT, 3), np.float32), overlay=overlay)
