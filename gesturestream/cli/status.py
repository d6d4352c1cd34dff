"""The live status line: what the engine does, four times a second, on a terminal only."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from gesturestream.bridge.server import BridgeServer
    from gesturestream.realtime.engine import Engine
    from gesturestream.realtime.session import Session
    from gesturestream.realtime.statistics import EngineStats, SessionStats

REFRESH_HZ = 4


class StatusLine:
    """Shows figures of the engine, the server and the local session while the context is open; on a terminal only."""

    def __init__(self, engine: Engine, server: BridgeServer, session: Session | None, console: Console) -> None:
        self._engine, self._server, self._session = engine, server, session
        self._rate = FrameRate()
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(
                get_renderable=self._render, console=console, refresh_per_second=REFRESH_HZ, transient=True
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def _render(self) -> Text:
        running = self._session is not None and not self._session.closed
        shown = self._session if running else _furthest(self._engine)
        stats = self._engine.stats()
        fps = self._rate.update(stats.frames, time.monotonic())
        text = line(
            engine=stats,
            session=shown.stats() if shown else None,
            media_time_s=shown.media_time_s if shown else 0.0,
            fps=fps,
            clients=self._server.clients,
            dropped=self._server.dropped,
        )
        return Text(text, style="cyan", no_wrap=True, overflow="ellipsis")


class FrameRate:
    """Frames a second between updates at least half a second apart."""

    def __init__(self) -> None:
        self._since_s, self._since_frames, self._fps = -1.0, 0, 0.0

    def update(self, frames: int, now_s: float) -> float:
        """The rate, given the number of frames so far."""
        elapsed_s = now_s - self._since_s
        if self._since_s < 0 or elapsed_s >= 0.5:
            self._fps = (frames - self._since_frames) / elapsed_s if self._since_s >= 0 else 0.0
            self._since_s, self._since_frames = now_s, frames
        return self._fps


def _furthest(engine: Engine) -> Session | None:
    """The session that has run longest."""
    return max(tuple(engine.sessions.values()), key=lambda session: session.media_time_s, default=None)


def line(
    *, engine: EngineStats, session: SessionStats | None, media_time_s: float, fps: float, clients: int, dropped: int
) -> str:
    """The text of the status line; times that nobody has measured yet are dashes."""
    minutes, seconds = divmod(media_time_s, 60)
    sound_to_motion_ms = session.sound_to_motion_ms_p50 if session else None
    parts = (
        f"{int(minutes):02d}:{seconds:04.1f}",
        f"{fps:.0f} fps",
        f"step {_ms(engine.step_ms_p50)}",
        f"sound to motion {_ms(sound_to_motion_ms)}",
        f"sessions {engine.sessions}",
        f"clients {clients}",
        f"dropped {dropped}",
    )
    return "   ".join(parts)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
