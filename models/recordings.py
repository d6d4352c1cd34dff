"""Recorded motion in BEAT2's and SMPL-X's npz layout, as `gesturestream render` writes it too. Nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import FPS

RATES_HZ = (10.0, 240.0)
MOST_FRAMES = 240 * 3600
_RATE = "mocap_frame_rate"


class Recording(NamedTuple):
    """T frames."""

    poses: NDArray[np.float64]  # [T, 165] axis-angle, parent-local
    mask: NDArray[np.bool_]  # [T, 55] which joints are told; all of them where the file has no mask
    rate_hz: float


def read_recording(path: Path, *, masked: bool = False) -> Recording:
    """`poses` [T, 165] and `mocap_frame_rate` of an npz; `masked`: `mask` [T, 55] too, and the rate may be left out.

    ValueError names the file and what is wrong with it.
    """
    if not path.is_file():
        raise ValueError(f"expected a recording at {path}, found no such file")
    if not is_zipfile(path):
        raise ValueError(f"{path} is no SMPL-X or BEAT2 npz")
    needed = ("poses", "mask") if masked else ("poses", _RATE)
    try:
        with np.load(path, allow_pickle=False) as data:
            if missing := [key for key in needed if key not in data.files]:
                raise ValueError(f"expected the keys {' and '.join(needed)}, got no {', '.join(missing)}")
            poses = np.asarray(data["poses"])
            rate_hz = float(data[_RATE]) if _RATE in data.files else float(FPS)
            mask = np.asarray(data["mask"]) if masked else np.ones((len(poses), JOINT_COUNT), np.bool_)
    except (ValueError, OSError, BadZipFile, EOFError, TypeError) as error:
        raise ValueError(f"{path} is no SMPL-X or BEAT2 npz: {error}") from error
    least = 1 if masked else 2
    if poses.ndim != 2 or poses.shape[1] != 3 * JOINT_COUNT or not least <= len(poses) <= MOST_FRAMES:
        expected = f"poses [T, {3 * JOINT_COUNT}], T at least {least}"
        raise ValueError(f"{path}: expected {expected}, got {list(poses.shape)}")
    if mask.shape != (len(poses), JOINT_COUNT) or mask.dtype != np.bool_:
        expected = f"mask bool [{len(poses)}, {JOINT_COUNT}]"
        raise ValueError(f"{path}: expected {expected}, got {mask.dtype} {list(mask.shape)}")
    told = poses.reshape(len(poses), JOINT_COUNT, -1)[mask]
    if not (np.issubdtype(poses.dtype, np.floating) and np.isfinite(told).all()):
        raise ValueError(f"{path}: expected finite poses, got {poses.dtype} with others")
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise ValueError(f"{path}: expected {_RATE} {RATES_HZ[0]:g}..{RATES_HZ[1]:g}, got {rate_hz:g}")
    return Recording(poses.astype(np.float64), mask, rate_hz)
