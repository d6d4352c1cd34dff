"""The message `ready`: what the server says of the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gesturestream.bridge.protocol.layout import LayoutField, parse_layout


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The fields that a client acts on; everything else is in `message`."""

    session: str
    resume_key: str | None = field(repr=False)
    mode: str
    epoch: int
    media_time_s: float
    cues: tuple[str, ...]
    joints: tuple[str, ...]
    """Names of the 55 joints, in the order of `quat_xyzw`."""
    blendshapes: tuple[str, ...]
    layout: tuple[LayoutField, ...]
    """Empty where no frames were asked for."""
    message: Mapping[str, Any] = field(repr=False)


def parse_ready(message: Mapping[str, Any]) -> Ready:
    """ValueError for a `ready` that cannot be used."""
    skeleton = message.get("skeleton")
    key, epoch, media_s = message.get("resume_key"), message.get("epoch", 0), message.get("media_time_s", 0.0)
    if not isinstance(message.get("session"), str) or not isinstance(skeleton, Mapping):
        raise ValueError("ready: expected a session and its skeleton")
    if not isinstance(epoch, int) or not isinstance(media_s, int | float):
        raise ValueError(f"ready: expected numbers, got epoch {epoch!r} and media_time_s {media_s!r}")
    return Ready(
        session=message["session"],
        resume_key=key if isinstance(key, str) else None,
        mode=str(message.get("mode", "live")),
        epoch=epoch,
        media_time_s=float(media_s),
        cues=_names(message.get("cues")),
        joints=_names(skeleton.get("names")),
        blendshapes=_names(message.get("blendshapes")),
        layout=parse_layout(message.get("layout")),
        message=message,
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else ()
