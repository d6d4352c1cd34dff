"""What a hint asks of the body: rotations of some joints, frame by frame, and when each of them is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gesturestream.models.body.rotations import quat_canonical, quat_slerp
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.motion import FPS

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Joints = NDArray[np.int64]

LEAD_FRAMES = 7
"""A joint takes 0.23 s to a given pose and back, and sets off so long before where the hint was known in time."""
MAX_CLIP_FRAMES = 3600 * FPS
_UNIT_TOLERANCE = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class HintClip:
    """T frames at 30 a second of n joints; the last one stands until the hint ends or is replaced."""

    joints: Joints
    """[n] indices, no two alike."""
    quat_xyzw: Floats
    """[T, n, 4] parent-local rotations, unit; anything where nothing is given."""
    given: Bools
    """[T, n] which of them are given; a joint of which nothing is given is let go."""

    def __len__(self) -> int:
        return len(self.given)

    @classmethod
    def of(cls, quat_xyzw: ArrayLike, given: ArrayLike) -> HintClip:
        """From whole bodies: rotations [T, 55, 4] and which joints are given, [T, 55]. ValueError: other shapes."""
        quats, mask = np.asarray(quat_xyzw, np.float32), np.asarray(given)
        if mask.dtype != np.bool_ or mask.ndim != 2 or mask.shape[1] != JOINT_COUNT or not len(mask):
            raise ValueError(f"given: expected bool [T, {JOINT_COUNT}], got {mask.dtype} {list(mask.shape)}")
        if quats.shape != (*mask.shape, 4):
            raise ValueError(f"quat_xyzw: expected {[*mask.shape, 4]}, got {list(quats.shape)}")
        if not mask.any():
            raise ValueError("given: expected at least one joint, got none")
        _check_length("given", len(mask))
        joints = np.flatnonzero(mask.any(0))
        quats, mask = quats[:, joints], mask[:, joints]
        return cls(joints=joints, quat_xyzw=_unit("quat_xyzw", np.where(mask[..., None], quats, _IDENTITY)), given=mask)

    @cached_property
    def moves(self) -> Bools:
        """[n] joints that are given at all; the others are let go."""
        return np.asarray(self.given.any(0))

    @cached_property
    def laid(self) -> tuple[Floats, Bools, Bools]:
        """(quat [LEAD_FRAMES + T, n, 4], taken, given [LEAD_FRAMES + T, n]): the clip and its way in.

        Taken: the joint is on its way to a pose that is soon given, or between two that are close in time.
        """
        given = np.concatenate([np.zeros((LEAD_FRAMES, len(self.joints)), np.bool_), self.given])
        quat = np.concatenate([np.repeat(self.quat_xyzw[:1], LEAD_FRAMES, 0), self.quat_xyzw])
        frames, never = np.arange(len(given))[:, None], 10 * len(given) + 10 * LEAD_FRAMES
        before = np.maximum.accumulate(np.where(given, frames, -never), 0)
        after = np.minimum.accumulate(np.where(given, frames, never)[::-1], 0)[::-1]
        between = (before >= 0) & (after < never) & (after - before <= LEAD_FRAMES)
        taken = given | between | (after - frames <= LEAD_FRAMES)
        filled = np.take_along_axis(quat, np.where(taken, after.clip(0, len(given) - 1), frames)[..., None], 0)
        rows, columns = np.nonzero(between & ~given)
        if len(rows):
            first, last = before[rows, columns], after[rows, columns]
            share = (rows - first) / (last - first)
            filled[rows, columns] = quat_canonical(quat_slerp(quat[first, columns], quat[last, columns], share))
        return filled, taken, given


_IDENTITY = np.array([0.0, 0.0, 0.0, 1.0], np.float32)


def hint_clip(joints: Mapping[str, Any]) -> HintClip:
    """From joints by name: a quaternion xyzw [4], a clip of them [T, 4], or None, which lets the joint go.

    ValueError begins with the field's name: an unknown joint, no unit quaternion, a clip too long.
    """
    if not joints:
        raise ValueError("joints: expected at least one joint, got none; a joint is let go by null")
    clips = {joint_index(name): _clip(f"joints.{name}", value) for name, value in joints.items()}
    frames = max((len(clip) for clip in clips.values() if clip is not None), default=1)
    quat = np.tile(_IDENTITY, (frames, len(clips), 1))
    given = np.zeros((frames, len(clips)), np.bool_)
    for i, clip in enumerate(clips.values()):
        if clip is not None:
            quat[: len(clip), i], quat[len(clip) :, i], given[:, i] = clip, clip[-1], True
    return HintClip(joints=np.array([*clips], np.int64), quat_xyzw=quat, given=given)


def joint_index(name: str) -> int:
    """ValueError: no joint is called so."""
    if name not in INDEX:
        raise ValueError(f"joints.{name}: expected one of {', '.join(INDEX)}, got {name!r}")
    return INDEX[name]


def _clip(field: str, value: Any) -> Floats | None:
    if value is None:
        return None
    try:
        quats = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{field}: expected a quaternion [x, y, z, w] or a list of them, got {value!r:.60}") from None
    if quats.ndim == 1:
        quats = quats[None]
    if quats.ndim != 2 or quats.shape[1] != 4 or not len(quats):
        raise ValueError(f"{field}: expected [x, y, z, w] or a list of them, got shape {list(quats.shape)}")
    _check_length(field, len(quats))
    return _unit(field, quats)


def _check_length(field: str, frames: int) -> None:
    if frames > MAX_CLIP_FRAMES:
        raise ValueError(f"{field}: expected at most {MAX_CLIP_FRAMES} frames, got {frames}")


def _unit(field: str, quats: NDArray[Any]) -> Floats:
    length = np.sqrt((quats.astype(np.float64) ** 2).sum(-1, keepdims=True))
    wrong = ~(np.abs(length[..., 0] - 1.0) <= _UNIT_TOLERANCE)  # also finds NaN
    if wrong.any():
        got = [round(float(x), 4) for x in quats[wrong][0]]
        raise ValueError(f"{field}: expected a unit quaternion [x, y, z, w], got {got}")
    return np.asarray(quat_canonical(quats / length), np.float32)
