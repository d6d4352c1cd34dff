"""`gesturestream evaluate`: how a generator moves beside the teacher or a real speaker, in the field's figures.

gesturestream evaluate CHECKPOINT --data CORPUS
gesturestream evaluate --motion a.npz --reference b.npz --audio a.wav
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console

from gesturestream.models import checkpoint
from gesturestream.models.body.smplx_model import SmplxBody
from gesturestream.models.generator import Generator
from gesturestream.models.motion import FPS, LOOKAHEADS, SAMPLE_RATE
from gesturestream.training.clips import Clip, clip_names, load_clip, read_wave
from gesturestream.training.evaluate_options import EvaluateOptions
from gesturestream.training.features import clip_features
from gesturestream.training.metrics import autoencoder, beats, emage, emotion, report
from gesturestream.training.metrics.bootstrap import Figure
from gesturestream.training.metrics.motion import Array, Floats, read_motion
from gesturestream.training.metrics.produce import is_causal, motions, target
from gesturestream.training.metrics.suite import Features, Sample, Suite, Take, asked_emotion
from gesturestream.training.metrics.word_gestures import PlannedStroke
from gesturestream.training.streaming import Told

log = logging.getLogger(__name__)

LATEST_STROKE_S = 1.0
"""Strokes planned this close to a clip's end are not asked for: a late generator has no time left for them."""

Columns = dict[str, dict[str, Figure]]


def evaluate(options: EvaluateOptions) -> Columns:
    """Measures, prints the table and writes the JSON. ValueError tells which options or files do not go together."""
    torch.set_num_threads(options.threads)
    if options.checkpoint is not None and options.data is not None and not options.motion:
        columns, about = _stream(options)
    elif options.motion and options.checkpoint is None:
        columns, about = _files(options)
    else:
        raise ValueError("expected CHECKPOINT and --data, or --motion and --reference, got neither or a mixture")
    Console(width=None if sys.stdout.isatty() else 160).print(report.table(columns, about["what"]))
    if options.output is not None:
        report.write(options.output, report.document(columns, about))
    return columns


def _stream(options: EvaluateOptions) -> tuple[Columns, dict[str, str]]:
    assert options.checkpoint is not None and options.data is not None
    generator = checkpoint.load(options.checkpoint)
    clips = held_out(options.data, options.split, options.clips, options.seconds)
    suite = _suite(options, [sample(clip) for clip in clips])
    columns: Columns = {}
    for name, take in takes(generator, clips, options):
        log.info("measuring: %s", name)
        columns[name] = suite.measure(take)
    columns = {"teacher": suite.measure(suite.reference), **columns}
    about = (
        f"{options.checkpoint.name}, {len(clips)} clips of {options.data.name}/{options.split}, {options.seeds} seeds"
    )
    return columns, {"what": about, "evaluator": _evaluator(options)}


def takes(generator: Generator, clips: list[Clip], options: EvaluateOptions) -> Iterator[tuple[str, Take]]:
    """Each look-ahead's motions, of all seeds, with what they should have been: the delayed teacher.

    A reference that is not causal is given whole clips instead and is not late.
    """
    causal = is_causal(generator)
    ways: list[tuple[str, int | None, Told]] = [("whole clips", None, Told())]
    if causal:
        ways = [(f"look-ahead {ahead}", ahead, Told()) for ahead in options.lookahead or LOOKAHEADS]
    if options.heard_emotion:
        ways.append(("emotion heard", 0 if causal else None, Told(emotion=False)))
    if generator.info.word_ids:
        ways.append(("words given", 0 if causal else None, Told(words=True)))
    for name, ahead, told in ways:
        runs = [motions(generator, clips, ahead, seed, told=told) for seed in range(options.seeds)]
        yield name, Take(runs=runs, targets=[target(clip, ahead) for clip in clips])


def held_out(corpus: Path, split: str, count: int, seconds: float) -> list[Clip]:
    """`count` clips of a split, evenly spread over it, the first `seconds` of each. ValueError when there are none."""
    names = clip_names(corpus, split)
    if not names:
        raise ValueError(f"expected clips of split {split!r} in {corpus}, found none")
    picks = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).astype(int))
    return [_cut(load_clip(corpus, names[i]), seconds) for i in picks]


def _cut(clip: Clip, seconds: float) -> Clip:
    return replace(clip, pcm=clip.pcm[: int(seconds * SAMPLE_RATE)], motion=clip.motion[: int(seconds * FPS)])


def sample(clip: Clip) -> Sample:
    """A corpus clip as the suite wants it; planned strokes only from corpora whose sidecar has them."""
    seconds = len(clip.motion) / FPS
    strokes = [PlannedStroke(float(s["apex_s"]), s["gesture"]) for s in clip.details.get("strokes", ())]
    kept = tuple(stroke for stroke in strokes if stroke.apex_s < seconds - LATEST_STROKE_S)
    return Sample(
        name=clip.name,
        reference=clip.motion,
        features=clip_features([clip.pcm])[0],
        onsets_s=beats.audio_onsets(clip.pcm),
        emotion=asked_emotion(clip.emotion, clip.intensity),
        apexes_s=np.array([stroke.apex_s for stroke in kept], np.float64) if strokes else None,
        strokes=kept,
    )


def _files(options: EvaluateOptions) -> tuple[Columns, dict[str, str]]:
    counts = {len(options.motion), len(options.reference)} | ({len(options.audio)} if options.audio else set())
    if counts != {len(options.motion)}:
        got = f"{len(options.motion)}, {len(options.reference)} and {len(options.audio)}"
        raise ValueError(f"expected as many --reference (and --audio, or none) as --motion, got {got}")
    made = [read_motion(path) for path in options.motion]
    truth = [read_motion(path) for path in options.reference]
    frames = [min(len(a), len(b)) for a, b in zip(made, truth)]
    waves: list[Floats | None] = [read_wave(path) for path in options.audio] or [None] * len(made)
    samples = [
        Sample(
            name=path.stem,
            reference=b[:n],
            features=None if wave is None else clip_features([wave[: -(-n * SAMPLE_RATE // FPS)]])[0],
            onsets_s=None if wave is None else _onsets(wave, n),
        )
        for path, b, n, wave in zip(options.motion, truth, frames, waves)
    ]
    suite = _suite(options, samples)
    take = Take(runs=[[a[:n] for a, n in zip(made, frames)]], targets=[s.reference for s in samples])
    columns = {"reference": suite.measure(suite.reference), "motion": suite.measure(take)}
    return columns, {"what": f"{len(made)} motion(s) beside their reference", "evaluator": _evaluator(options)}


def _onsets(wave: np.ndarray, frames: int) -> Array:
    return beats.audio_onsets(wave[: -(-frames * SAMPLE_RATE // FPS)])


def _suite(options: EvaluateOptions, samples: list[Sample]) -> Suite:
    features: Features = (
        autoencoder.load().features if options.emage_evaluator is None else emage.load(options.emage_evaluator)
    )
    body = None if options.smplx is None else SmplxBody(options.smplx)
    return Suite(samples=samples, features=features, classifier=emotion.load(), body=body, draws=options.draws)


def _evaluator(options: EvaluateOptions) -> str:
    return "EMAGE's" if options.emage_evaluator is not None else "gesturestream's own"


if __name__ == "__main__":
    evaluate(tyro.cli(EvaluateOptions))
