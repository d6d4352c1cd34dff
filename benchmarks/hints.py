"""How closely hints are followed, and how fast that moves: the generators that ship, on the demo speech, from 4 to 7 s.

    python -m benchmarks.hints

The error is the angle between a hinted joint and its hint, over the 90 frames for which it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.voice import speech
from gesturestream.models import registry
from gesturestream.models.body.rotations import angle_between, axis_angle_to_quat
from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.executors.choose import load_executor
from gesturestream.realtime.offline import Collector
from gesturestream.realtime.session import Session

SECONDS, FROM_S, TO_S, SEED = 10, 4, 7, 5
TURNS = {"left_shoulder": (0.0, -0.6, 0.9), "left_elbow": (0.0, -1.8, 0.0), "right_wrist": (0.3, 0.0, 0.5),
         "head": (0.2, 0.4, 0.0)}  # fmt: skip
JOINTS = [INDEX[name] for name in TURNS]
GIVEN = slice(FROM_S * FPS, TO_S * FPS)
Told = Callable[[Session, int], None]


def poses(moving: bool) -> np.ndarray:
    """[90, 4 joints, 4] what is hinted: a pose, or a swing of 0.3 rad around it."""
    times_s = np.arange((TO_S - FROM_S) * FPS) / FPS
    swing = 0.3 * np.sin(4.0 * times_s)[:, None, None] * np.array([0.5, 0.7, 0.5]) * moving
    return np.asarray(axis_angle_to_quat(np.array([*TURNS.values()]) + swing))


def known_ahead(session: Session, second: int) -> None:
    if second == 0:
        session.hint(dict(zip(TURNS, poses(moving=False)[0])), from_s=FROM_S, to_s=TO_S)


def when_it_begins(session: Session, second: int) -> None:
    if second == FROM_S:
        session.hint(dict(zip(TURNS, poses(moving=False)[0])))
    elif second == TO_S:
        session.hint(dict.fromkeys(TURNS))


def a_clip(session: Session, second: int) -> None:
    if second == 0:
        session.hint(dict(zip(TURNS, poses(moving=True).swapaxes(0, 1))), from_s=FROM_S, to_s=TO_S)


def nothing(session: Session, second: int) -> None:
    """For comparison."""


WAYS: dict[str, tuple[Told, bool]] = {
    "no hint": (nothing, False),
    "a pose, known ahead": (known_ahead, False),
    "a pose, told when it begins": (when_it_begins, False),
    "a clip, known ahead": (a_clip, True),
}


def shown(executor: Executor, told: Told) -> np.ndarray:
    """[T, 55, 4] the demo speech with hints."""
    engine, sink = Engine({executor.info.name: executor}, default=executor.info.name), Collector()
    session = engine.open(SessionConfig(mode="offline", seed=SEED), sink)
    pcm = speech(SECONDS, SAMPLE_RATE).reshape(SECONDS, SAMPLE_RATE)
    for second, piece in enumerate(pcm):
        told(session, second)
        session.push_audio(piece)
        while engine.tick():
            pass
    session.end()
    while engine.tick():
        pass
    engine.close()
    return sink.sequence().quat_xyzw.astype(np.float64)


def measured(executor: Executor) -> Iterator[dict[str, Any]]:
    for way, (told, moving) in WAYS.items():
        quats = shown(executor, told)
        error_deg = np.degrees(angle_between(quats[GIVEN, JOINTS], poses(moving)))
        speed = angle_between(quats[1:], quats[:-1]) * FPS
        yield {
            "way": way,
            "error_deg_mean": {name: round(float(x), 2) for name, x in zip(TURNS, error_deg.mean(0))},
            "fastest_rad_s": round(float(speed.max()), 1),
        }


def run() -> None:
    results, table = {}, Table("generator", "hint", "worst joint's mean error, deg", "fastest joint, rad/s")
    for name in registry.available():
        executor, _, _ = load_executor(registry.checkpoint_path(name), 1, "auto")
        results[name] = [*measured(executor)]
        for row in results[name]:
            worst = max(row["error_deg_mean"].values())
            table.add_row(name, row["way"], f"{worst:.2f}", f"{row['fastest_rad_s']:.1f}")
    Console().print(table)
    Console().print("written to", machine.write_result("hints", results, machine.RESULTS))


if __name__ == "__main__":
    run()
