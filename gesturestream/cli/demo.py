"""`gesturestream demo`: the bundled speech, a recording or the microphone, with the viewer beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gesturestream.cli.command import Command, UsageError, asked_for
from gesturestream.cli.options import ListenOptions, ModelOptions, SendOptions, VoiceOptions

if TYPE_CHECKING:
    from gesturestream.realtime.sources import Source

PAUSE_S = 2.0
"""Silence before a recording begins again: the body comes to rest, which is worth seeing too."""


@dataclass(frozen=True, kw_only=True)
class Demo(Command):
    """Moves a body with the bundled speech, over and over; open the page it names."""

    file: Path | None = None
    """Another recording: WAV, FLAC, MP3 or OGG."""
    mic: bool = False
    """The microphone instead (`live` can choose which)."""
    open: bool = False
    """Open the viewer in the browser."""
    voice: VoiceOptions = field(default_factory=VoiceOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    listen: ListenOptions = field(default_factory=ListenOptions)
    send: SendOptions = field(default_factory=SendOptions)

    def run(self) -> int:
        from gesturestream.cli.local import LocalVoice, run_server
        from gesturestream.realtime.sources.files import demo_speech_path

        if self.mic and self.file is not None:
            raise UsageError("--mic and --file exclude each other: give one of them")
        source = microphone() if self.mic else looped(self.file or demo_speech_path())
        voice = LocalVoice(source=source, microphone=self.mic, options=self.voice)
        return run_server(self.listen, self.model, voice, send=self.send, open_page=self.open)


def looped(path: Path) -> Source:
    """The recording, paced, for ever, with a pause before it begins again."""
    import numpy as np

    from gesturestream.realtime.sources.files import FileSource

    with asked_for():
        source = FileSource(path, loop=True)
    source.pcm = np.concatenate([source.pcm, np.zeros(round(PAUSE_S * source.rate), np.float32)])
    return source


def microphone() -> Source:
    from gesturestream.realtime.sources.microphone import MicrophoneSource

    return MicrophoneSource()
