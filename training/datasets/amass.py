"""AMASS and its like: motion without a voice, SMPL-H or SMPL-X, Z up, at any frame rate.

One npz a recording, in folders of any depth: poses (T, 156) or (T, 165) axis-angle, trans (T, 3) metres,
mocap_framerate (SMPL-H) or mocap_frame_rate (SMPL-X); betas, gender and dmpls are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import axis_angle_to_matrix
from gesturestream.models.body.skeleton import HAND_JOINTS, JOINT_COUNT
from gesturestream.training.clips import Clip, cut_clip, pack_body
from gesturestream.training.datasets.reader import ReaderOptions, newest, split_by_index
from gesturestream.training.datasets.resample import resample_rotations, resample_values
from gesturestream.training.datasets.stance import face_forward, stand

Array = NDArray[Any]

_RATES = ("mocap_framerate", "mocap_frame_rate")
_BODY = 22  # joints that SMPL-H and SMPL-X share before the face
Z_UP_TO_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""(x, y, z) -> (x, z, -y)."""


def recordings(folder: Path) -> Iterator[Path]:
    """The npz files that may hold motion: not the shapes that lie beside them, nor our own cache."""
    for path in sorted(folder.rglob("*.npz")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.stem != "shape" and not path.stem.endswith("_stagei"):
            yield path


def is_amass(folder: Path) -> bool:
    """Whether the first recording has AMASS's keys."""
    first = next(recordings(folder), None)
    if first is None:
        return False
    with np.load(first, allow_pickle=False) as file:
        return {"poses", "trans"} <= set(file.files) and any(rate in file.files for rate in _RATES)


class Amass:
    """Motion alone: `voiced` is false and features are zero."""

    kind: ClassVar[str] = "amass"
    version: ClassVar[int] = 1

    def __init__(self, folder: Path, options: ReaderOptions) -> None:
        self.folder, self._options = folder, options
        self._files = {path.relative_to(folder).with_suffix("").as_posix(): path for path in recordings(folder)}

    def names(self, split: str) -> list[str]:
        """Paths within the folder, without suffix; split by index, since AMASS has no split of its own."""
        return split_by_index(list(self._files), split)

    def load(self, name: str) -> Clip:
        """Turned to Y up, at 30 fps, standing at the origin and facing +Z on average."""
        path = self._files[name]
        with np.load(path, allow_pickle=False) as file:
            poses, trans, fps = _arrays(path, file)
        rotations = resample_rotations(axis_angle_to_matrix(_to_55(path, poses)), fps)
        root, place = face_forward(Z_UP_TO_Y_UP @ rotations[:, 0], resample_values(trans, fps) @ Z_UP_TO_Y_UP.T)
        rotations[:, 0] = root
        return cut_clip(name, None, pack_body(rotations, stand(rotations, place)), speaker=self._options.first_speaker)

    def stamp(self) -> list[float]:
        """How many recordings there are, and the newest one's time."""
        return newest(self._files.values())


def _arrays(path: Path, file: Any) -> tuple[Array, Array, float]:
    rate = next((key for key in _RATES if key in file.files), None)
    if rate is None or not {"poses", "trans"} <= set(file.files):
        raise ValueError(f"{path}: expected poses, trans and {_RATES[0]}, got {', '.join(file.files)}")
    return file["poses"].astype(np.float64), file["trans"].astype(np.float64), float(file[rate])


def _to_55(path: Path, poses: Array) -> Array:
    """[T, 156] SMPL-H (52 joints) or [T, 165] SMPL-X -> [T, 55, 3]; SMPL-H has no jaw and no eyes."""
    if poses.ndim != 2 or poses.shape[1] not in (156, 165):
        raise ValueError(f"{path}: expected poses (T, 156) or (T, 165), got {poses.shape}")
    joints = poses.reshape(len(poses), -1, 3)
    if joints.shape[1] == JOINT_COUNT:
        return joints
    out = np.zeros((len(poses), JOINT_COUNT, 3))
    out[:, :_BODY], out[:, list(HAND_JOINTS)] = joints[:, :_BODY], joints[:, _BODY:]
    return out
