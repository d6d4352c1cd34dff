"""`gesturestream render`: a recording in, a motion file out, through the same streaming path as everything live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gesturestream.cli.command import EXIT_INTERRUPTED, EXIT_OK, Command, UsageError
from gesturestream.cli.options import VoiceOptions
from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.models.timing import frames_covering

if TYPE_CHECKING:
    from gesturestream.realtime.frame import AudioChunk, Event, Frame
    from gesturestream.realtime.session import Session
    from gesturestream.realtime.sources import Floats

AHEAD_S = 10.0
"""How far audio is pushed ahead of the frames, so that an hour of speech never waits inside the session."""
PUSH_SAMPLES = SAMPLE_RATE
POLL_S = 0.02
FORMATS = (".npz", ".bvh")


@dataclass(frozen=True, kw_only=True)
class Render(Command):
    """Turns a recording into motion: .npz (BEAT2's layout, opens in the SMPL-X Blender add-on) or .bvh."""

    speech: tyro.conf.Positional[Path]
    """WAV, FLAC, MP3 or OGG, any rate."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=("-o",))]
    """File to write, .npz or .bvh; may be given several times."""
    voice: VoiceOptions = field(default_factory=VoiceOptions)

    def run(self) -> int:
        from gesturestream.cli.engine import make_engine
        from gesturestream.realtime.sources.files import read_audio

        check_outputs(self.output)
        pcm = read_audio(self.speech)
        recording = Recording()
        with make_engine(1, self.voice.generator) as engine:
            session = engine.open(self.voice.session(name=self.speech.stem, mode="offline"), recording)
            finished = drive(session, pcm, recording)
        if not recording.frames:
            return EXIT_INTERRUPTED
        for path in self.output:
            write(path, recording.frames)
            print(f"{path}: {len(recording.frames)} frames{'' if finished else ' (interrupted)'}")
        return EXIT_OK if finished else EXIT_INTERRUPTED


def write(path: Path, frames: list[Frame]) -> None:
    """Writes all frames in the format of the name's ending."""
    from gesturestream.bridge import recorders

    recorders.write(path, frames)


def check_outputs(paths: tuple[Path, ...]) -> None:
    """UsageError before any work is done for a file that could not be written."""
    if not paths:
        raise UsageError("Nothing to write: add -o out.npz or -o out.bvh")
    for path in paths:
        if path.suffix not in FORMATS:
            raise UsageError(f"{path}: expected a name that ends in {' or '.join(FORMATS)}")
        if not path.parent.is_dir():
            raise UsageError(f"{path.parent}: no such folder to write {path.name} to")


class Recording:
    """The sink of an offline session: keeps every frame."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.ended = threading.Event()

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def on_event(self, event: Event) -> None:
        if event.name == "end":
            self.ended.set()

    def on_audio(self, chunk: AudioChunk) -> None:
        pass


def drive(session: Session, pcm: Floats, recording: Recording) -> bool:
    """Speaks `pcm` into the session and shows the progress; False where Ctrl-C cut it short."""
    try:
        with progress_bar() as progress:
            task = progress.add_task(session.config.name, total=frames_covering(len(pcm)))
            for _ in speak(session, pcm, recording):
                progress.update(task, completed=len(recording.frames))
            progress.update(task, completed=len(recording.frames))
    except KeyboardInterrupt:
        session.close()
        return False
    return True


def speak(session: Session, pcm: Floats, recording: Recording) -> Iterator[None]:
    """Pushes all of `pcm`, never more than `AHEAD_S` ahead of the frames, and waits for the end; yields as it goes."""
    for begin in range(0, len(pcm), PUSH_SAMPLES):
        while begin / SAMPLE_RATE - session.media_time_s > AHEAD_S:
            recording.ended.wait(POLL_S)
            yield
        session.push_audio(pcm[begin : begin + PUSH_SAMPLES])
    session.end()
    while not recording.ended.wait(POLL_S):
        yield


def progress_bar() -> Progress:
    """On a terminal only; the times are those of the machine, the speed is frames a second."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not Console(stderr=True).is_terminal,
    )
