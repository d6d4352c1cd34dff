"""The npz layout of BEAT2, which the SMPL-X Blender add-on and the SMPL-X tools read.

`poses` are axis-angle rotations with `flat_hand_mean=True` semantics (an identity finger is straight): load them with
that setting, which is also said under the key `flat_hand_mean`; BEAT2's own files are relative to SMPL-X's hand mean.

`trans` is what SMPL-X adds to its vertices: the pelvis stands at J + trans, with J the model's own rest pelvis, which
is not the origin. `root_m` holds where this project put the pelvis. The difference is `SMPLX_PELVIS_M`, rounded, since
the exact J depends on the user's model file and shape; to be exact, use trans = root_m - J instead.
"""

from __future__ import annotations

from typing import IO

import numpy as np

from gesturestream.models.body.rotations import quat_to_axis_angle
from gesturestream.models.motion import FPS
from gesturestream.realtime.frame import FrameSequence

SMPLX_PELVIS_M = np.array([0.0, -0.35, 0.01], np.float32)
"""Rest pelvis of the neutral SMPL-X body, metres, to the centimetre."""
_BETAS = 300


def write_npz(file: IO[bytes], motion: FrameSequence) -> None:
    """Writes T frames: poses [T, 165] rad, trans [T, 3] m, expressions [T, 100], betas [300] and what BEAT2 lacks."""
    frames = len(motion)
    np.savez_compressed(
        file,
        betas=np.zeros(_BETAS, np.float32),
        poses=quat_to_axis_angle(motion.quat_xyzw.astype(np.float64)).reshape(frames, -1).astype(np.float32),
        expressions=motion.expressions,
        trans=motion.root_m - SMPLX_PELVIS_M,
        model=np.array("smplx2020"),
        gender=np.array("neutral"),
        mocap_frame_rate=np.array(FPS),
        root_m=motion.root_m,
        blendshapes=motion.blendshapes,
        contacts=motion.contacts,
        flat_hand_mean=np.array(True),
    )
