"""What a step has to do, against what the machine can do: operations, bytes, and the share of each limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from gesturestream.models.export.flat import FlatStep, example_inputs
from gesturestream.models.generator import Generator
from gesturestream.models.streaming.state import Ring, State


class Work(NamedTuple):
    """Of one step of `rows` rows."""

    operations: int
    """Floating-point operations of matrix products and convolutions; a multiply-add counts as two."""
    bytes: int
    """That have to move at least once: weights, inputs, outputs, what is read of the state and what is written."""


class Limits(NamedTuple):
    """Measured on this machine, not taken from a data sheet."""

    gflops: float
    gb_per_s: float


def work(generator: Generator, rows: int) -> Work:
    """Counted on a CPU, in float32."""
    examples = example_inputs(generator, rows)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        made = FlatStep(generator)(*examples)
    moved = sum(tensor.nbytes for tensor in (*generator.parameters(), *generator.buffers(), *examples, *made))
    return Work(counter.get_total_flops(), moved)


def state_bytes(state: State) -> dict[str, int]:
    """Of what is replaced with every frame, and of rings, of which a frame writes one row."""
    if isinstance(state, Ring):
        return {"replaced": state.written.nbytes, "rings": state.rows.nbytes}
    if isinstance(state, torch.Tensor):
        return {"replaced": state.nbytes, "rings": 0}
    parts = [state_bytes(child) for child in state]
    return {kind: sum(part[kind] for part in parts) for kind in ("replaced", "rings")}


def limits(device: str, *, size: int = 4096, megabytes: int = 512) -> Limits:
    """The fastest matrix product and the fastest copy of a few."""
    a, b = (torch.randn(size, size, device=device) for _ in range(2))
    product_s = fastest_s(lambda: torch.mm(a, b), device)
    source = torch.zeros(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    copy_s = fastest_s(lambda: target.copy_(source), device)
    return Limits(2 * size**3 / product_s / 1e9, 2 * source.nbytes / copy_s / 1e9)


def fastest_s(function: Callable[[], Any], device: str, runs: int = 5) -> float:
    """Seconds of the fastest of some runs, after one that warms up."""
    times_s = []
    for _ in range(runs + 1):
        begin_s = time.perf_counter()
        function()
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize()
        times_s.append(time.perf_counter() - begin_s)
    return min(times_s[1:])


def shares(done: Work, seconds: float, most: Limits) -> dict[str, float]:
    """Achieved GFLOP/s and GB/s of a step that took so long, and which share of the limits that is."""
    gflops, gb_per_s = done.operations / seconds / 1e9, done.bytes / seconds / 1e9
    return {
        "gflop_per_s": round(gflops, 2),
        "gb_per_s": round(gb_per_s, 2),
        "share_of_operations": round(gflops / most.gflops, 4),
        "share_of_bandwidth": round(gb_per_s / most.gb_per_s, 4),
    }
