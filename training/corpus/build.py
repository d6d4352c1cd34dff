"""Builds a corpus of speech and teacher motion in BEAT2's layout: an hour takes a few minutes on two cores.

gesturestream corpus build /tmp/corpus --hours 1.0 --speech espeak
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tyro.conf import Positional

from gesturestream.models.motion import EMOTIONS
from gesturestream.training.corpus.layout import DETAILS_FILE, clip_id, make_folders, write_clip, write_split
from gesturestream.training.corpus.real import Recording, read_recording, recordings
from gesturestream.training.speech.prominence import real_speech
from gesturestream.training.speech.speech import Speech
from gesturestream.training.speech.synthetic import synthetic_clip
from gesturestream.training.teacher.perform import Performance, perform
from gesturestream.training.teacher.style import SPEAKERS

CLIP_S = (20.0, 58.0)
"""Shortest and longest synthetic clip."""


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """What to build."""

    out: Positional[Path]
    """Folder of the corpus; existing clips of the same name are overwritten."""
    hours: float = 1.0
    """Length of a synthetic corpus; with recordings each is used `repeats` times instead."""
    speech: str = "espeak"
    """`espeak`, or a folder of wav/flac recordings (with index.csv of emotions and TextGrids where there are some)."""
    repeats: int = 1
    """How often each recording is performed, each time by another speaker and with another seed."""
    jitter: float = 0.0
    """Capture jitter: degrees of every joint and millimetres of the root, temporally white, with occasional pops."""
    seed: int = 0
    workers: int = 2


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One clip to make. `seconds` for synthetic speech, `recording` for real speech."""

    index: int
    speaker: int
    emotion: str
    intensity: float
    seed: tuple[int, int]
    seconds: float = 0.0
    recording: Recording | None = None

    @property
    def clip(self) -> str:
        return clip_id(self.index, self.speaker, self.emotion)


def build_corpus(
    out: str | Path,
    hours: float = 1.0,
    speech: str = "espeak",
    seed: int = 0,
    workers: int = 2,
    repeats: int = 1,
    jitter: float = 0.0,
) -> Path:
    """Builds a corpus and returns its folder; see CorpusConfig. Deterministic by seed, whatever the worker count.

    Raises ValueError for hours <= 0 or a folder without recordings, RuntimeError when espeak-ng is missing.
    """
    return build(
        CorpusConfig(
            out=Path(out), hours=hours, speech=speech, seed=seed, workers=workers, repeats=repeats, jitter=jitter
        )
    )


def build(config: CorpusConfig) -> Path:
    """`build_corpus` from a configuration."""
    if config.jitter < 0.0:
        raise ValueError(f"jitter: expected 0 or more degrees and millimetres, got {config.jitter}")
    jobs = _synthetic_jobs(config) if config.speech == "espeak" else _real_jobs(config)
    make_folders(config.out)
    details: dict[str, Any] = {}
    with Progress(
        TextColumn("corpus"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True
    ) as progress:
        task = progress.add_task("clips", total=len(jobs))
        for clip, entry in _run(jobs, config):
            details[clip] = entry
            progress.advance(task)
    clips = [job.clip for job in jobs]
    # What is heard in training is never heard in the test, whoever performs it
    sources = len(clips) if config.speech == "espeak" else len(clips) // config.repeats
    write_split(config.out, {clip: k % sources for k, clip in enumerate(clips)})
    about = {
        "format": 1,
        "seed": config.seed,
        "speech": config.speech,
        "jitter": config.jitter,
        "clips": {clip: details[clip] for clip in clips},
    }
    (config.out / DETAILS_FILE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return config.out


def _run(jobs: list[_Job], config: CorpusConfig) -> Iterator[tuple[str, dict[str, Any]]]:
    make = partial(_make_clip, config.out, config.jitter)
    if config.workers <= 1:
        yield from map(make, jobs)
        return
    # Spawned workers have no threads of ours; they end now and then because each synthetic clip costs them 2 MB
    with multiprocessing.get_context("spawn").Pool(config.workers, maxtasksperchild=40) as pool:
        yield from pool.imap_unordered(make, jobs, chunksize=2)


def _synthetic_jobs(config: CorpusConfig) -> list[_Job]:
    if config.hours <= 0:
        raise ValueError(f"hours: expected more than 0, got {config.hours}")
    rng = np.random.default_rng(config.seed)
    jobs: list[_Job] = []
    left_s = config.hours * 3600.0
    while left_s > 1.0:
        seconds = float(np.clip(rng.uniform(*CLIP_S), 6.0, max(6.0, left_s)))
        jobs.append(_job(len(jobs), str(_emotion(len(jobs), rng)), config, rng, seconds=seconds))
        left_s -= seconds
    return jobs


def _emotion(index: int, rng: np.random.Generator) -> str:
    """A quarter neutral, the other seven alike."""
    return EMOTIONS[0] if rng.random() < 0.25 else EMOTIONS[1 + index % (len(EMOTIONS) - 1)]


def _real_jobs(config: CorpusConfig) -> list[_Job]:
    rng = np.random.default_rng(config.seed)
    if config.repeats < 1:
        raise ValueError(f"repeats: expected 1 or more, got {config.repeats}")
    found = recordings(Path(config.speech))
    jobs: list[_Job] = []
    for _ in range(config.repeats):
        for recording in found:
            jobs.append(_job(len(jobs), recording.emotion, config, rng, recording=recording))
    return jobs


def _job(index: int, emotion: str, config: CorpusConfig, rng: np.random.Generator, **source: Any) -> _Job:
    # Most clips near 1, so that the default is well learned; the ends 0 and 2 are met often enough to be followed.
    intensity = float(np.clip(rng.normal(1.0, 0.25) if rng.random() < 0.6 else rng.uniform(0.0, 2.0), 0.0, 2.0))
    speaker = int(rng.integers(len(SPEAKERS)))
    return _Job(index=index, speaker=speaker, emotion=emotion, intensity=intensity, seed=(config.seed, index), **source)


def _make_clip(out: Path, jitter: float, job: _Job) -> tuple[str, dict[str, Any]]:
    rng = np.random.default_rng(job.seed)
    if job.recording is not None:
        pcm, words = read_recording(job.recording, rng)
        speech = real_speech(pcm, words=words, emotion=job.emotion, voice=job.recording.voice)
    else:
        speech = synthetic_clip(job.seconds, job.emotion, rng)
    seed = int(rng.integers(2**31))
    performance = perform(speech, speaker=job.speaker, intensity=job.intensity, seed=seed)
    write_clip(out, job.clip, speech, performance, jitter=jitter, rng=rng)
    return job.clip, _details(job, speech, performance)


def _details(job: _Job, speech: Speech, performance: Performance) -> dict[str, Any]:
    return {
        "speaker": job.speaker,
        "emotion": job.emotion,
        "intensity": round(job.intensity, 4),
        "voice": speech.voice,
        "real": speech.is_real,
        "seconds": round(speech.seconds, 4),
        "phrases_s": [[round(start, 4), round(stop, 4)] for start, stop in speech.phrases],
        "stressed_syllables_s": [round(stress.time_s, 4) for stress in speech.stresses],
        "strokes": [
            {
                "apex_s": round(stroke.apex_s, 4),
                "stress_s": round(stroke.stress_s, 4),
                "gesture": stroke.gesture,
                "word": stroke.word,
                "strength": round(stroke.strength, 4),
                "hands": "both" if stroke.left and stroke.right else "left" if stroke.left else "right",
            }
            for stroke in performance.strokes
        ],
    }


def main() -> None:
    """Command line."""
    import tyro

    build(tyro.cli(CorpusConfig))


if __name__ == "__main__":
    main()
