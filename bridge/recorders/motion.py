"""A recorded motion: what a recorder keeps of each frame, as arrays over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import BLENDSHAPE_COUNT, CONTACT_COUNT, EXPRESSION_COUNT
from gesturestream.realtime.frame import Frame, FrameSequence

ROW = np.dtype(
    [
        ("root_m", "<f4", 3),
        ("quat_xyzw", "<f4", (JOINT_COUNT, 4)),
        ("expressions", "<f4", EXPRESSION_COUNT),
        ("blendshapes", "<f4", BLENDSHAPE_COUNT),
        ("contacts", "<f4", CONTACT_COUNT),
    ]
)
"""One frame on disk while the recording runs."""


def row_of(frame: Frame) -> bytes:
    """A frame as one `ROW`."""
    row = np.empty((), ROW)
    for name in ROW.fields or ():
        row[name] = getattr(frame, name)
    return row.tobytes()


def motion_of(rows: NDArray[np.void]) -> FrameSequence:
    """Rows [T] of `ROW`. The arrays are views: of a file that is mapped only what is looked at is read."""
    return FrameSequence(**{name: rows[name] for name in ROW.fields or ()})
