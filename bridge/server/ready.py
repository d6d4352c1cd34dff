"""The message `ready`: everything a client has to know before its first frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gesturestream import __version__
from gesturestream.bridge.protocol.codes import PROTOCOL_VERSION
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.models.body.skeleton import JOINT_NAMES, PARENTS, REST_M, SKELETON_REVISION
from gesturestream.models.motion import ARKIT_NAMES, EMOTIONS, FPS, SAMPLE_RATE

if TYPE_CHECKING:
    from gesturestream.realtime.engine import Engine
    from gesturestream.realtime.session import Session

SKELETON: dict[str, Any] = {
    "revision": SKELETON_REVISION,
    "names": JOINT_NAMES,
    "parents": PARENTS,
    "rest_m": [round(float(x), 6) for x in REST_M.ravel()],
    "up": "+y",
    "forward": "+z",
    "handedness": "right",
    "unit": "m",
    "flat_hand_mean": True,
}
FORWARDED_AUDIO = {"rate": SAMPLE_RATE, "format": "s16le"}
"""What kind-2 messages hold."""


def ready_message(
    engine: Engine, session: Session, form: FrameFormat | None, *, name: str, owner: bool, server_time_s: float
) -> dict[str, Any]:
    """`ready` for one reader of `session`; only its owner is told the resume key."""
    info = engine.info(session.generator)
    config = session.config
    return {
        "type": "ready",
        "protocol": PROTOCOL_VERSION,
        "server": f"gesturestream/{__version__}",
        "session": session.id,
        **({"resume_key": session.resume_key} if owner else {}),
        "name": name,
        "mode": config.mode,
        "epoch": session.epoch,
        "media_time_s": session.media_time_s,
        "generator": session.generator,
        "generators": sorted(engine.generators),
        "speakers": info.speakers,
        "emotions": ["auto", *EMOTIONS],
        "cues": list(engine.cues),
        "fps": FPS,
        "lookahead_frames": config.lookahead_frames,
        "latency_s": session.latency_s,
        "seed": session.seed,
        "settings": session.settings,
        **({"setting_ranges": info.setting_ranges} if info.setting_ranges else {}),
        "audio": FORWARDED_AUDIO,
        "skeleton": SKELETON,
        "blendshapes": ARKIT_NAMES,
        "layout": [field.as_json() for field in form.layout] if form else [],
        "frame_bytes": form.frame_bytes if form else 0,
        "server_time_s": server_time_s,
    }
