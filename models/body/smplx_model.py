"""The mesh of a body: vertices from a user's own SMPL-X model file, for losses, metrics and mesh export.

Optional. The `smplx` package and its model files are under a non-commercial licence: neither ships with this project
and nothing else needs them. Imported lazily, torch included.
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.rotations import quat_to_axis_angle
from gesturestream.models.body.skeleton import JOINT_COUNT, PARENTS

_KEYS = (
    "f", "hands_componentsl", "hands_componentsr", "hands_meanl", "hands_meanr", "J_regressor", "kintree_table",
    "lmk_bary_coords", "lmk_faces_idx", "posedirs", "shapedirs", "v_template", "weights",
)  # fmt: skip


class SmplxOutput(NamedTuple):
    """Torch tensors; gradients flow to the pose."""

    vertices_m: Any  # [n, V, 3] world
    joints_m: Any  # [n, 55, 3] world


class SmplxBody:
    """One body shape. Calls follow the project's conventions: quaternions xyzw, world pelvis, flat hand mean."""

    def __init__(self, path: str | Path, *, betas: NDArray[np.floating[Any]] | None = None) -> None:
        """path: a `SMPLX_*.npz`; betas: shape coefficients, mean shape when None.

        ImportError: the extra is not installed; FileNotFoundError: no such file; ValueError: not an SMPL-X model.
        """
        self._torch = importlib.import_module("torch")
        self._model = _load(_smplx(), _existing(Path(path)), 10 if betas is None else len(betas))
        if betas is not None:
            self._model.betas.data[:] = self._torch.as_tensor(betas, dtype=self._torch.float32)
        self.faces: NDArray[np.int64] = np.asarray(self._model.faces, np.int64)
        """[F, 3] vertex indices of the triangles."""
        self.expression_count: int = self._model.num_expression_coeffs
        rest = self.pose(self._torch.eye(4)[3].expand(1, JOINT_COUNT, 4), self._torch.zeros(1, 3))
        self.rest_m: NDArray[np.float64] = rest.joints_m[0].detach().numpy().astype(np.float64)
        """[55, 3] rest positions of this shape's joints from its pelvis, metres."""

    @property
    def offsets_m(self) -> NDArray[np.float64]:
        """[55, 3] what `forward_kinematics` takes to agree with this body."""
        parents = [max(parent, 0) for parent in PARENTS]
        return np.asarray(self.rest_m - self.rest_m[parents])

    def pose(self, quat_xyzw: Any, root_m: Any, expressions: Any = None) -> SmplxOutput:
        """quat_xyzw [n, 55, 4], root_m [n, 3] world pelvis, expressions [n, >= E], arrays or tensors -> mesh, joints.

        Expression coefficients beyond those the model has are left out.
        """
        quat, root = (self._torch.as_tensor(x, dtype=self._torch.float32) for x in (quat_xyzw, root_m))
        turns = quat_to_axis_angle(quat).reshape(len(quat), -1)
        out = self._model(**_pose_arguments(turns), expression=self._expressions(len(quat), expressions))
        # The model turns about its own pelvis, which lies elsewhere for every shape: put it where it belongs.
        shift = (root - out.joints[:, 0])[:, None]
        return SmplxOutput(out.vertices + shift, out.joints[:, :JOINT_COUNT] + shift)

    def _expressions(self, count: int, expressions: Any) -> Any:
        if expressions is None:
            return self._torch.zeros(count, self.expression_count)
        return self._torch.as_tensor(expressions, dtype=self._torch.float32)[:, : self.expression_count]


def _pose_arguments(turns: Any) -> dict[str, Any]:
    """[n, 165] axis-angle in joint order -> the model's arguments."""
    parts = {
        "global_orient": 3, "body_pose": 63, "jaw_pose": 3, "leye_pose": 3, "reye_pose": 3, "left_hand_pose": 45,
        "right_hand_pose": 45,
    }  # fmt: skip
    return dict(zip(parts, turns.split(list(parts.values()), -1), strict=True))


def _smplx() -> Any:
    try:
        return importlib.import_module("smplx")
    except ImportError as error:
        raise ImportError(
            "the SMPL-X mesh needs the optional smplx package (non-commercial licence): "
            "pip install gesturestream[smplx]"
        ) from error


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(
            f"no SMPL-X model at {path}: expected the SMPLX_NEUTRAL.npz that https://smpl-x.is.tue.mpg.de gives to "
            "registered users"
        )
    return path


def _load(smplx: Any, path: Path, num_betas: int) -> Any:
    """smplx unpickles whatever objects a model file holds: it is given a copy of the plain arrays alone."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "SMPLX_NEUTRAL.npz"
        np.savez(copy, **_plain_arrays(path))  # type: ignore[arg-type]
        return smplx.SMPLX(
            str(copy), num_betas=num_betas, num_expression_coeffs=100, use_pca=False, flat_hand_mean=True,
            create_transl=False,
        )  # fmt: skip


def _plain_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in _KEYS if key not in archive]
            if missing:
                raise ValueError(f"{path}: expected an SMPL-X model, but {', '.join(missing)} missing")
            return {key: archive[key] for key in _KEYS}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected an SMPL-X model in npz form: {error}") from error
