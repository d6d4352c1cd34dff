"""Motion as the metrics read it: packed frames, joint places, speeds.

Shapes: motion [T, 489] packed as models/motion.py says, places [T, 55, 3] in metres, 30 frames a second.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import rot6d_to_matrix
from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import FPS, MOTION_SIZE, ROOT_M, ROT6D
from gesturestream.training.clips import pack_motion

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


def places(motion: Floats, *, in_place: bool = False) -> Array:
    """[T, 489] -> joint places [T, 55, 3], metres; `in_place`: the pelvis stays at the origin.

    EMAGE and Audio2Gestures set the translation to zero before they compare (EMAGE supp. A; Audio2Gestures predicts
    none). EMAGE's published code since 2025 zeroes the root's rotation too; ours keeps it, as the paper does.
    """
    motion = checked(motion)
    rotations = rot6d_to_matrix(motion[:, ROT6D].reshape(len(motion), JOINT_COUNT, 6).astype(np.float64))
    root_m = np.zeros((len(motion), 3)) if in_place else motion[:, ROOT_M].astype(np.float64)
    found: Array = forward_kinematics(rotations, root_m)[0]
    return found


def checked(motion: Floats) -> Floats:
    """The motion itself. ValueError when it is no packed motion of at least two frames, or not finite."""
    if motion.ndim != 2 or motion.shape[1] != MOTION_SIZE or len(motion) < 2:
        raise ValueError(f"expected packed motion [T >= 2, {MOTION_SIZE}], got {list(motion.shape)}")
    if not np.isfinite(motion).all():
        raise ValueError("expected finite motion, got NaN or infinity in it")
    return motion


def central_speed(points: Array) -> Array:
    """[T, J, 3] -> [T, J] m/s: central differences, one-sided at both ends (EMAGE's BC, as coded)."""
    velocity: Array = np.gradient(points, 1.0 / FPS, axis=0)
    speed: Array = np.linalg.norm(velocity, axis=-1)
    return speed


def read_motion(path: Path) -> Floats:
    """[T, 489] from an npz of BEAT2's layout (EMAGE's output, our recorder, a corpus), at 30 frames a second.

    ValueError names what is missing; `expressions` and `trans` may be, other frame rates are resampled.
    """
    if not path.is_file():
        raise ValueError(f"expected an npz of BEAT2's layout at {path}, found no such file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected an npz of BEAT2's layout without pickled objects: {error}") from error
    poses = arrays.get("poses")
    if poses is None or poses.ndim != 2 or poses.shape[1] != 3 * JOINT_COUNT:
        got = "none" if poses is None else list(poses.shape)
        raise ValueError(f"{path}: expected `poses` [T, {3 * JOINT_COUNT}] (axis-angle, radians), got {got}")
    arrays.setdefault("expressions", np.zeros((len(poses), 100), np.float32))
    arrays.setdefault("trans", np.zeros((len(poses), 3), np.float32))
    return checked(pack_motion(arrays))
