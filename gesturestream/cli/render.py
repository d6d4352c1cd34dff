"""`gesturestream render`: a recording in, motion files out, through the same streaming path as everything live."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gesturestream.cli.command import EXIT_INTERRUPTED, EXIT_OK, Command, UsageError, asked_for
from gesturestream.cli.options import ModelOptions, VoiceOptions
from gesturestream.cli.told import Told, read_told
from gesturestream.models.motion import SAMPLE_RATE
from gesturestream.models.timing import frames_covering

if TYPE_CHECKING:
    from gesturestream.bridge.recorders import Recorder
    from gesturestream.realtime.session import Session
    from gesturestream.realtime.sources import Floats

AHEAD_S = 10.0
"""How far audio is pushed ahead of the frames; mode `offline` grants at least as much."""
POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Render(Command):
    """Turns a recording into motion: .npz (BEAT2's layout, opens in the SMPL-X Blender add-on), .bvh, or .glb (glTF: a
    whole character with its face, to look at)."""

    speech: tyro.conf.Positional[Path]
    """WAV, FLAC, MP3 or OGG, any rate."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=("-o",))]
    """File to write, .npz, .bvh or .glb; may be given several times."""
    hints: Path | None = None
    """Poses to keep to, the rest is generated around them: .npz with `poses` [T, 165] and `mask` [T, 55]."""
    words: Path | None = None
    """What is said and when, for generators that hear words: .TextGrid, or .json as the message `words` has it."""
    voice: VoiceOptions = field(default_factory=VoiceOptions)
    model: ModelOptions = field(default_factory=ModelOptions)

    def run(self) -> int:
        from gesturestream.bridge.recorders import Recorder
        from gesturestream.cli.engine import make_engine
        from gesturestream.realtime.sources.files import read_audio

        if not self.output:
            raise UsageError("Nothing to write: add -o out.npz, -o out.bvh or -o out.glb")
        config = self.voice.session(name=self.speech.name, mode="offline")
        with asked_for():
            recorder = Recorder(*self.output)
        with recorder:
            with asked_for():
                pcm = read_audio(self.speech)
                told = read_told(self.hints, self.words)
            with make_engine(1, self.voice.generator, self.model.checkpoint, executor=self.model.executor) as engine:
                with asked_for():
                    session = engine.open(config, recorder)
                if told.words and not session.hears_words:
                    print(f"gesturestream: {session.generator} hears no words", file=sys.stderr, flush=True)
                finished = drive(session, pcm, recorder, told)
        for path in self.output if recorder.frames else ():
            print(f"{path}: {recorder.frames} frames" + ("" if finished else ", interrupted"))
        return EXIT_OK if finished else EXIT_INTERRUPTED


def drive(session: Session, pcm: Floats, recorder: Recorder, told: Told | None = None) -> bool:
    """Speaks `pcm` into the session and shows the progress; False where Ctrl-C cut it short."""
    frames = frames_covering(len(pcm))
    try:
        with progress_bar() as progress:
            if progress.disable:
                print(f"rendering {session.config.name}: {frames} frames", file=sys.stderr, flush=True)
            task = progress.add_task(session.config.name, total=frames)
            for _ in speak(session, pcm, told):
                progress.update(task, completed=recorder.frames)
            progress.update(task, completed=recorder.frames)
    except KeyboardInterrupt:
        session.close()
        session.wait()
        return False
    if recorder.frames < frames:
        raise RuntimeError(f"the session broke off after {recorder.frames} of {frames} frames")
    return True


def speak(session: Session, pcm: Floats, told: Told | None = None) -> Iterator[None]:
    """Pushes all of `pcm`, never more than `AHEAD_S` ahead of the frames, and waits for the last; yields as it goes."""
    told = told or Told()
    told.begin(session)
    for begin in range(0, len(pcm), SAMPLE_RATE):
        while begin / SAMPLE_RATE - session.media_time_s > AHEAD_S - 1 and not session.wait(POLL_S):
            yield
        told.say(session, begin / SAMPLE_RATE, (begin + SAMPLE_RATE) / SAMPLE_RATE)
        session.push_audio(pcm[begin : begin + SAMPLE_RATE])
    session.end()
    while not session.wait(POLL_S):
        yield


def progress_bar() -> Progress:
    """Shown on a terminal only; the speed is in frames a second."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
