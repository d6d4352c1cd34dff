"""Where the time between a sound and its motion goes: one live session over a real socket, part by part.

    python -m benchmarks.trace              or     gesturestream bench trace

Writes a table (JSON), a picture, and a Chrome trace file (chrome://tracing, ui.perfetto.dev) of the server's spans.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console

from benchmarks import machine
from benchmarks.client import CHUNK_S, FPS, Arrivals, open_avatar, speak
from benchmarks.latency import table
from benchmarks.server import ServerProcess
from benchmarks.traced_server import Span
from benchmarks.voice import speech
from gesturestream.realtime.executors.choose import Wanted

RATE = 16000
SKIP_FRAMES = 2 * FPS
PARTS = (
    ("capture block", "from the frame's last sample to the end of the chunk it comes in"),
    ("to the server", "client's socket, server's event loop, protocol, session"),
    ("queue", "until the model thread begins"),
    ("step", "noise, controls and window staged, generator's step"),
    ("finish", "finishing"),
    ("hand-over", "to the event loop"),
    ("encode", "the message"),
    ("socket", "into the socket and out of the client's"),
)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Part by part from sound to motion."""

    seconds: float = 20.0
    """How long it speaks."""
    generator: str | None = None
    """None: the server's default."""
    executor: Wanted = "auto"
    """Of the server."""
    output: Path = machine.RESULTS
    """Folder the JSON, the picture and the trace are written to."""


async def stream(url: str, options: Trace) -> tuple[float, Arrivals]:
    """When the voice began, and what arrived."""
    pcm = (speech(options.seconds, RATE) * 32767).astype(np.int16)
    start = {} if options.generator is None else {"generator": options.generator}
    async with open_avatar(url, rate=RATE, seed=1, **start) as avatar:
        start_s = time.monotonic() + 0.1
        await speak(avatar, pcm, RATE, start_s)
        await asyncio.sleep(0.2)
        return start_s, avatar.arrivals


def chains(spans: list[Span], start_s: float, arrivals: Arrivals) -> np.ndarray:
    """[n, 8] seconds of each part, for every frame that was heard whole and arrived."""
    received = [span for span in spans if span[0] == "receive"]
    counts = [span[3] or 0 for span in received]
    encoded = {span[3]: (i, span) for i, span in enumerate(spans) if span[0] == "encode"}
    ticks = {span[3]: span for span in spans if span[0] == "tick"}
    steps, finishes = ([span for span in spans if span[0] == name] for name in ("step", "finish"))
    begins = {name: [span[1] for span in some] for name, some in (("step", steps), ("finish", finishes))}
    resumed = arrivals.named("audio_resumed")[-1]
    rows = []
    for frame, arrived_s in arrivals.frames:
        samples = resumed["sample"] + -(-(frame + 1) * RATE // FPS) - round(resumed["media_time_s"] * RATE)
        chunk = bisect_left(counts, samples)
        if samples <= resumed["sample"] or chunk == len(counts) or frame not in ticks or frame not in encoded:
            continue
        tick, (_, encode) = ticks[frame], encoded[frame]
        step, finish = (
            some[bisect_left(begins[name], tick[1])] for name, some in (("step", steps), ("finish", finishes))
        )
        sent_s = start_s + counts[chunk] / RATE
        times = (
            start_s + samples / RATE, sent_s, received[chunk][2], tick[1], step[2], finish[2], encode[1], encode[2],
            arrived_s,
        )  # fmt: skip
        rows.append(np.diff(times))
    return np.array(rows[SKIP_FRAMES:])


def summary(parts: np.ndarray) -> list[dict[str, Any]]:
    totals = np.column_stack([parts, parts.sum(1)])
    names = [*(name for name, _ in PARTS), "together"]
    return [{"part": name, **machine.summary((1000 * totals[:, i]).tolist())} for i, name in enumerate(names)]


def chrome(spans: list[Span]) -> dict[str, Any]:
    """The spans as chrome://tracing reads them, one track for each kind."""
    tracks = {"receive": 1, "tick": 2, "step": 3, "finish": 4, "encode": 5, "write": 6}
    events: list[dict[str, Any]] = [
        {"name": "thread_name", "ph": "M", "pid": 1, "tid": track, "args": {"name": name}}
        for name, track in tracks.items()
    ]
    events += [
        {
            "name": name, "ph": "X", "pid": 1, "tid": tracks[name],
            "ts": 1e6 * begin_s, "dur": 1e6 * (end_s - begin_s), "args": {"frame or samples": number},
        }
        for name, begin_s, end_s, number in spans
    ]  # fmt: skip
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Medians one behind the other, with a whisker to each part's 99th percentile."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 3.8), layout="constrained")
    start = 0.0
    for i, row in enumerate(rows[:-1]):
        axes.barh(i, row["p50_ms"], left=start, color=f"C{i}", height=0.6)
        axes.plot([start + row["p50_ms"], start + row["p99_ms"]], [i, i], color="0.5", linewidth=1)
        axes.annotate(f"  {row['p50_ms']:.2f} ms", (start + row["p99_ms"], i), va="center", fontsize=8)
        start += row["p50_ms"]
    axes.set_yticks(range(len(PARTS)), [name for name, _ in PARTS])
    axes.invert_yaxis()
    axes.set_xlabel("ms after the frame's last sample has sounded")
    axes.set_title(f"From sound to motion: {rows[-1]['p50_ms']:.1f} ms (median), {rows[-1]['p99_ms']:.1f} ms (p99)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    figure.savefig(path, dpi=130)


def run(options: Trace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spans.json"
        with ServerProcess("--executor", options.executor, module=("benchmarks.traced_server", str(file))) as server:
            server.wait_settled()
            start_s, arrivals = asyncio.run(stream(server.url, options))
        spans: list[Span] = [tuple(span) for span in json.loads(file.read_text())]
    parts = chains(spans, start_s, arrivals)
    if not len(parts):
        raise SystemExit("No frame arrived in time: the machine is too busy for a measurement")
    rows, console = summary(parts), Console()
    console.print(table("from sound to motion, ms", rows, ("part", "p50_ms", "p99_ms", "max_ms")))
    result = {"executor": options.executor, "chunk_s": CHUNK_S, "what": dict(PARTS), "parts": rows}
    console.print("written to", str(machine.write_result("trace", result, options.output)))
    (options.output / "trace.chrome.json").write_text(json.dumps(chrome(spans)))
    draw(rows, options.output / "trace.png")


if __name__ == "__main__":
    run(tyro.cli(Trace))
