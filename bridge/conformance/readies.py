"""The message `ready` of the kit's sessions, made by the server's own code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.server.ready import ready_message
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.executors.base import GeneratorInfo

FORMATS: dict[str, FrameFormat | None] = {
    "f32": FrameFormat(),
    "q16": FrameFormat(encoding="q16"),
    "f32_body": FrameFormat(expressions=0, blendshapes=False),
    "q16_10": FrameFormat(expressions=10, blendshapes=False, encoding="q16"),
    "events_only": None,
}
"""What clients may ask for under `frames`, by the name of the `ready` that answers it."""

SESSION, RESUME_KEY = "c0nf0rmance-session", "c0nf0rmance-resume-key"
_INFO = GeneratorInfo(name="script", window_samples=534, noise_size=0, speakers=1, settings={"gain": 1.0})


@dataclass(frozen=True, kw_only=True)
class ScriptedSession:
    """What `ready` says of a session."""

    id: str = SESSION
    resume_key: str = RESUME_KEY
    epoch: int = 0
    media_time_s: float = 0.0
    generator: str = "script"
    latency_s: float = 1 / 30
    seed: int = 81231
    config: SessionConfig = field(default_factory=SessionConfig)
    settings: dict[str, float] = field(default_factory=lambda: dict(_INFO.settings))


@dataclass(frozen=True)
class ScriptedEngine:
    """What `ready` says of an engine."""

    generators: Mapping[str, GeneratorInfo] = field(default_factory=lambda: {"script": _INFO})
    cues: tuple[str, ...] = ()

    def info(self, generator: str) -> GeneratorInfo:
        """What the generator is."""
        return self.generators[generator]


def scripted_ready(
    form: FrameFormat | None,
    session: ScriptedSession | None = None,
    *,
    owner: bool = True,
    server_time_s: float = 1000.0,
    **changes: Any,
) -> dict[str, Any]:
    """`ready` as the server would say it; `changes` are added or replace fields."""
    session = session or ScriptedSession()
    message = ready_message(
        cast(Any, ScriptedEngine()),
        cast(Any, session),
        form,
        name=session.config.name,
        owner=owner,
        server_time_s=server_time_s,
    )
    # Fixed, so that a new version or a new cue does not change the golden files.
    fixed = {"server": "gesturestream/conformance", "cues": ["wave", "point_left"]}
    return {**message, **fixed, **changes}


def future_ready() -> dict[str, Any]:
    """A later server: a longer header, a field in between that nobody knows, other offsets, further JSON."""
    layout = [
        {"name": "root_m", "dtype": "f32", "count": 3, "offset": 40},
        {"name": "shadow", "dtype": "f16", "count": 6, "offset": 52, "meaning": {"nested": [None, True, 1e-3]}},
        {"name": "contacts", "dtype": "u16n", "count": 4, "offset": 64},
        {"name": "quat_xyzw", "dtype": "q16quat", "count": 55, "offset": 72},
    ]
    return scripted_ready(
        None,
        layout=layout,
        frame_bytes=516,
        server="gesturestream/9.0.0",
        novelty={"text": 'a "quoted" \\ back-slash, umlaut \u00e4, emoji \U0001f44b, \u0001', "list": [1, -2.5e-3, []]},
    )
