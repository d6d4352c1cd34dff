"""Ten minutes of a voice: does a body drift, freeze, slide or go in circles? And bad starts: does it recover?

    python -m benchmarks.behaviour
    python -m benchmarks.behaviour --checkpoint runs/emage/emage.safetensors --voices corpus/wave16k/*.wav

Voices are joined to `minutes` of speech; without them the demo speech is repeated, and cycles longer than it are not
looked for. What is measured is what an avatar shows: after finishing, through the streaming path, look-ahead 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from gesturestream.models import registry
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_to_matrix
from gesturestream.models.body.skeleton import CONTACT_JOINTS, INDEX
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.executors.base import Executor
from gesturestream.realtime.executors.choose import load_executor
from gesturestream.realtime.offline import render
from gesturestream.realtime.sources.files import demo_speech_path, read_audio

Array = NDArray[np.float64]
MINUTE = 60 * FPS
WRISTS = [INDEX["left_wrist"], INDEX["right_wrist"]]
SHORTEST_CYCLE_S, LONGEST_CYCLE_S = 2, 12
FROZEN_M_S = 0.02
BAD_START_S, LOOKED_AT_S = 2.0, 6.0
SEED = 3


@dataclass(frozen=True, kw_only=True)
class Options:
    """Command line."""

    checkpoint: Path | None = None
    """None: every generator that ships."""
    voices: tuple[Path, ...] = ()
    minutes: int = 10
    output: Path = machine.RESULTS


class Shown:
    """A rendered body: joints [T, 55, 3] in the world, metres, and contacts [T, 4]."""

    def __init__(self, executor: Executor, pcm: NDArray[np.float32]) -> None:
        sequence = render(executor, pcm, SessionConfig(seed=SEED))
        self.root: Array = sequence.root_m.astype(np.float64)
        places, _ = forward_kinematics(quat_to_matrix(sequence.quat_xyzw), sequence.root_m)
        self.places: Array = places.astype(np.float64)
        self.contacts = sequence.contacts
        self.wrists = self.places[:, WRISTS] - self.places[:, :1]
        self.speed: Array = np.linalg.norm(np.diff(self.wrists, axis=0), axis=-1).max(-1) * FPS

    def foot_sliding_cm_s(self) -> float:
        """Mean horizontal speed of ankles and feet while they stand: centimetres per second of contact."""
        feet = self.places[:, list(CONTACT_JOINTS)][..., [0, 2]]
        speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS
        return float(100.0 * speed[(self.contacts[1:] > 0.5) & (self.contacts[:-1] > 0.5)].mean())

    def strongest_cycle(self) -> tuple[float, float]:
        """(correlation, seconds) of the wrists' path with itself later, where it is largest: 1 goes in a circle."""
        path = (self.wrists - self.wrists.mean(0)).reshape(len(self.wrists), -1)
        lags = range(SHORTEST_CYCLE_S * FPS, LONGEST_CYCLE_S * FPS)
        found = [float((path[lag:] * path[:-lag]).sum() / np.square(path[lag:]).sum()) for lag in lags]
        best = int(np.argmax(found))
        return found[best], (best + lags.start) / FPS

    def longest_freeze_s(self) -> float:
        still = np.concatenate([[0], self.speed < FROZEN_M_S, [0]]).astype(int)
        edges = np.flatnonzero(np.diff(still))
        return float((edges[1::2] - edges[::2]).max(initial=0) / FPS)


def long_run(executor: Executor, pcm: NDArray[np.float32]) -> dict[str, Any]:
    """Figures of a long stream, by minute where they might change."""
    shown = Shown(executor, pcm)
    minutes = [slice(start, start + MINUTE) for start in range(0, len(shown.speed) - MINUTE // 2, MINUTE)]
    cycle, cycle_s = shown.strongest_cycle()
    away = np.linalg.norm(shown.root[:, [0, 2]] - shown.root[0, [0, 2]], axis=-1)
    return {
        "seconds": round(len(shown.root) / FPS, 1),
        "wrist_m_s_median": [round(float(np.median(shown.speed[m])), 3) for m in minutes],
        "wrist_m_s_p90": [round(float(np.percentile(shown.speed[m], 90)), 3) for m in minutes],
        "reach_cm": [round(float(100 * shown.wrists[m].std(0).mean()), 2) for m in minutes],
        "foot_sliding_cm_s": round(shown.foot_sliding_cm_s(), 2),
        "root_away_m": round(float(away.max()), 3),
        "longest_freeze_s": round(shown.longest_freeze_s(), 2),
        "strongest_cycle": {"correlation": round(cycle, 3), "seconds": round(cycle_s, 2)},
    }


def bad_starts(executor: Executor, pcm: NDArray[np.float32]) -> dict[str, float]:
    """Mean wrist speed from 2 to 6 s after a bad start, as a share of the same seconds of speech begun well before."""
    rng, start = np.random.default_rng(0), 7 * SAMPLE_RATE
    looked = slice(int(BAD_START_S * FPS), int((BAD_START_S + LOOKED_AT_S) * FPS))
    speech = pcm[start : start + int((BAD_START_S + LOOKED_AT_S + 1) * SAMPLE_RATE)]
    usual = Shown(executor, pcm[: start + len(speech)]).speed[start * FPS // SAMPLE_RATE :][looked].mean()
    noise = 0.3 * rng.standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    before = {"mid-word": pcm[:0], "white noise": noise, "silence": 0 * noise, "clipping": np.sign(noise)}
    out = {}
    for name, lead in before.items():
        speed = Shown(executor, np.concatenate([lead, speech])).speed[len(lead) * FPS // SAMPLE_RATE :]
        out[name] = round(float(speed[looked].mean() / usual), 2)
    return out


def voice(options: Options) -> NDArray[np.float32]:
    """[n] `minutes` of speech at 16 kHz."""
    parts = [read_audio(path) for path in options.voices or (demo_speech_path(),)]
    joined = np.concatenate(parts)
    wanted = options.minutes * 60 * SAMPLE_RATE
    return np.asarray(np.resize(joined, wanted), np.float32)


def run(options: Options) -> None:
    shipped = [registry.checkpoint_path(name) for name in registry.available()]
    pcm, results = voice(options), {}
    table = Table(
        "generator", "wrist m/s by minute", "reach cm", "feet cm/s", "root m", "freeze s", "cycle", "bad starts"
    )
    for path in [options.checkpoint] if options.checkpoint else shipped:
        executor, _, _ = load_executor(path, 1, "auto")
        long, starts = long_run(executor, pcm), bad_starts(executor, pcm)
        results[path.stem] = {"long_run": long, "bad_starts": starts}
        medians, reach = long["wrist_m_s_median"], long["reach_cm"]
        cycle = long["strongest_cycle"]
        table.add_row(
            path.stem, f"{min(medians):.2f} to {max(medians):.2f}", f"{min(reach):.1f} to {max(reach):.1f}",
            f"{long['foot_sliding_cm_s']:.1f}", f"{long['root_away_m']:.2f}", f"{long['longest_freeze_s']:.1f}",
            f"{cycle['correlation']:.2f} at {cycle['seconds']:.1f} s",
            ", ".join(f"{name} {share:.2f}" for name, share in starts.items()),
        )  # fmt: skip
    Console(width=160).print(table)
    given = {"minutes": options.minutes, "voices": len(options.voices)}
    print("written to", machine.write_result("behaviour", {"options": given, "generators": results}, options.output))


if __name__ == "__main__":
    run(tyro.cli(Options))
