"""`gesturestream live`: the microphone moves the body."""

from __future__ import annotations

from dataclasses import dataclass, field

from gesturestream.cli.command import Command
from gesturestream.cli.options import ListenOptions, ModelOptions, SendOptions, VoiceOptions


@dataclass(frozen=True, kw_only=True)
class Live(Command):
    """Moves a body with the voice at the microphone; any number of viewers may watch."""

    device: str | None = None
    """Microphone, by number or part of the name as `gesturestream devices` shows it (default: the system's)."""
    open: bool = False
    """Open the viewer in the browser."""
    voice: VoiceOptions = field(default_factory=VoiceOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    listen: ListenOptions = field(default_factory=ListenOptions)
    send: SendOptions = field(default_factory=SendOptions)

    def run(self) -> int:
        from gesturestream.cli.local import LocalVoice, run_server
        from gesturestream.realtime.sources.microphone import MicrophoneSource

        voice = LocalVoice(source=MicrophoneSource(self.device), microphone=True, options=self.voice)
        return run_server(self.listen, self.model, voice, send=self.send, open_page=self.open)
