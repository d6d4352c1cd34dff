"""What /metrics shows: Prometheus text, made of the engine's own counts and the server's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from gesturestream.realtime.engine import Engine

_QUANTILES = (
    ("step_ms_p50", "step", "0.5"),
    ("step_ms_p99", "step", "0.99"),
    ("tick_ms_p50", "tick", "0.5"),
    ("tick_ms_p99", "tick", "0.99"),
)


class Counters:
    """One server's counts; each server has its own registry, so that several can live in one process."""

    def __init__(self, engine: Engine, *, readers: Callable[[], int], dropped: Callable[[], int]) -> None:
        """`readers`: connections that read a session now; `dropped`: frames dropped for slow readers so far."""
        self._registry = CollectorRegistry(auto_describe=False)
        prefix = "gesturestream"
        self.connections = Counter(f"{prefix}_connections", "WebSocket connections accepted.", registry=self._registry)
        self.errors = Counter(f"{prefix}_errors", "Error messages sent to clients.", registry=self._registry)
        self.refused = Counter(
            f"{prefix}_refused", "Connections the server closed for a reason.", ["code"], registry=self._registry
        )
        self._registry.register(_EngineCollector(engine, readers, dropped))

    def text(self) -> bytes:
        """The page."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    """Reads the engine's counts at the moment somebody asks."""

    def __init__(self, engine: Engine, readers: Callable[[], int], dropped: Callable[[], int]) -> None:
        self._engine = engine
        self._readers = readers
        self._dropped = dropped

    def collect(self) -> Iterable[Metric]:
        stats = self._engine.stats()
        yield _gauge("sessions", "Sessions that run.", stats.sessions)
        yield _gauge("readers", "Connections that read a session.", self._readers())
        yield _counter("frames", "Frames generated.", stats.frames)
        yield _counter("frames_dropped", "Frames dropped for slow readers.", self._dropped())
        yield _gauge("live_share", "Share of the last second taken by live sessions.", stats.live_share)
        yield _counter("overruns", "Ticks that took longer than a frame.", stats.overruns)
        yield _counter("failures", "Sessions discarded after an internal error.", stats.failures)
        family = GaugeMetricFamily(
            "gesturestream_duration_seconds", "Recent durations of the model thread.", labels=["what", "quantile"]
        )
        for field, what, quantile in _QUANTILES:
            value = getattr(stats, field)
            if value is not None:
                family.add_metric([what, quantile], value / 1000.0)
        yield family


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"gesturestream_{name}", what, value=value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"gesturestream_{name}", what, value=value)
