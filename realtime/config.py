"""How a session is opened and what may be changed while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["live", "agent", "offline"]
Posture = Literal["standing", "seated", "static"]
POSTURES: tuple[Posture, ...] = ("standing", "seated", "static")


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """Everything `start` fixes, already validated. Defaults are the protocol's."""

    name: str = "avatar"
    mode: Mode = "live"
    audio_rate: int = 16000
    """Rate of the PCM that `Session.push_audio` will be given, Hz, 8000..192000; the session resamples."""
    generator: str | None = None
    """None: the engine's default."""
    speaker: int = 0
    emotion: Mapping[str, float] | None = None
    """Weights over `models.motion.EMOTIONS`; None: `auto`, heard in the voice."""
    intensity: float = 1.0
    seed: int | None = None
    """None: random; `Session.seed` tells."""
    lookahead_frames: int = 0
    leash_m: float = 0.5
    settings: Mapping[str, float] = field(default_factory=dict)
    """Generator-specific settings."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """Changes from the next frame on; None leaves as it is. `auto_emotion` returns to hearing it in the voice."""

    generator: str | None = None
    speaker: int | None = None
    emotion: Mapping[str, float] | None = None
    auto_emotion: bool = False
    intensity: float | None = None
    posture: Posture | None = None
    settings: Mapping[str, float] | None = None
    """Generator-specific settings; those that are not named stay as they are."""
