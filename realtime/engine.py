"""The engine: one model thread that owns executors, rows and finishing, and steps whatever session is due.

Per tick: snapshot under the lock, at most one frame of audio per row and pass; step outside the lock; hand each output
to the session in the snapshot. Up to four live sessions are stepped the moment they are due; more share a 33.3 ms grid.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from types import TracebackType
from typing import Self

import numpy as np

from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.realtime.capacity import Load, carried
from gesturestream.realtime.checks import check_config, check_generator
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.cues import CueLibrary, shipped_cues
from gesturestream.realtime.executors.base import Executor, GeneratorInfo
from gesturestream.realtime.finishing import Finisher, rest_packed
from gesturestream.realtime.frame import Event, Sink
from gesturestream.realtime.grid import Grid
from gesturestream.realtime.priming import Primer
from gesturestream.realtime.rows import Lane
from gesturestream.realtime.seat import SHOWN_FRAMES, Seat, Slate
from gesturestream.realtime.session import AudioTooFarAhead, QueueFull, Session
from gesturestream.realtime.settings import Settings
from gesturestream.realtime.stage import Job, Stage
from gesturestream.realtime.statistics import EngineStats, Percentiles

__all__ = ["AudioTooFarAhead", "Engine", "QueueFull", "ServerFull"]

log = logging.getLogger(__name__)

IMMEDIATE_SESSIONS = 4
"""Up to so many live and agent sessions are stepped when due; more wait for the grid."""
PASSES_PER_TICK = 2
"""Frames a session may make up per tick."""
RETRY_AFTER_S = 2.0
BUSY_RETRY_AFTER_S = 10.0

News = tuple[Seat, list[Event], bool]
"""Events of a session that has no frame just now; True: they are its last."""


class ServerFull(Exception):
    """No room for another session."""

    def __init__(self, message: str, retry_after_s: float = RETRY_AFTER_S) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Engine:
    """Runs sessions on executors, one per generator. Thread-safe. A context manager: starts and closes."""

    def __init__(
        self,
        executors: Mapping[str, Executor],
        *,
        default: str,
        max_sessions: int | None = None,
        cues: CueLibrary | None = None,
        self_test: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """cues: what clients may ask for; None: those that ship. `self_test`: `start` lowers `max_sessions` to what the
        machine carries of the default generator."""
        self._cues = cues or shipped_cues()
        self.cues = self._cues.names
        self._lanes = {name: Lane(executor, self._cues) for name, executor in executors.items()}
        self._infos = {name: executor.info for name, executor in executors.items()}
        check_generator(default, self._infos)
        self.generators = tuple(sorted(self._lanes))
        self.default = default
        self.max_sessions = max_sessions or max(executor.capacity for executor in executors.values())
        self._self_test = self_test
        self._clock = clock
        self._load = Load(clock)
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._cue_thread: threading.Thread | None = None
        self._closing = self._failed = False
        self._seats: dict[str, Seat] = {}
        self._slots = list(range(self.max_sessions))
        heapify(self._slots)
        self._grid, self._gridded = Grid(), False
        speakers, guide_size = (max(getattr(i, n) for i in self._infos.values()) for n in ("speakers", "guide_size"))
        settings = Settings(self.max_sessions, self._infos.values())
        slate = Slate(self.max_sessions, speakers, guide_size, settings=settings, keep_shown=len(self._lanes) > 1)
        finisher = Finisher(self.max_sessions, self._cues)
        self._primer = Primer(self._lanes, slate, finisher)
        self._stage = Stage(slate, finisher, self._primer, clock, self._fail)
        window = max(info.window_samples for info in self._infos.values())
        self._keep_samples = window + SHOWN_FRAMES * SAMPLE_RATE // FPS
        self._frames = self._steps = self._failures = self._overruns = 0
        self._tick_s = Percentiles()

    # -- for every thread

    @property
    def failed(self) -> bool:
        """The model thread has died of an internal error: nothing runs any more."""
        return self._failed

    @property
    def sessions(self) -> Mapping[str, Session]:
        with self._lock:
            return {id: seat.session for id, seat in self._seats.items()}

    def info(self, generator: str) -> GeneratorInfo:
        check_generator(generator, self._infos)
        return self._infos[generator]

    def open(self, config: SessionConfig, sink: Sink) -> Session:
        """Starts a session. ServerFull; ValueError names a bad field; RuntimeError when the engine has failed."""
        generator = self.default if config.generator is None else config.generator
        check_config(config, self.info(generator))
        session = Session(
            config,
            sink,
            generator=generator,
            generators=self._infos,
            cues=self.cues,
            keep_samples=self._keep_samples,
            lock=self._lock,
            listens=self._listens,
            wake=self._wake,
            clock=self._clock,
        )
        with self._lock:
            if self._failed:
                raise RuntimeError("the model thread has died")
            if self._closing:
                raise ServerFull("the engine is closed")
            self._seat(session, self._lanes[generator])
            self._lock.notify_all()
        return session

    def stats(self) -> EngineStats:
        step_p50, step_p99 = self._stage.step_s.p50_p99_ms()
        tick_p50, tick_p99 = self._tick_s.p50_p99_ms()
        return EngineStats(
            sessions=len(self._seats),
            frames=self._frames,
            steps=self._steps,
            step_ms_p50=step_p50,
            step_ms_p99=step_p99,
            tick_ms_p50=tick_p50,
            tick_ms_p99=tick_p99,
            live_share=self._load.share,
            overruns=self._overruns + self._grid.overruns,
            failures=self._failures,
        )

    def start(self) -> None:
        """Warms the executors up and starts the model thread."""
        assert self._thread is None, "an engine starts once"
        if self._self_test:
            self.max_sessions = carried(self._lanes[self.default].executor, self.max_sessions)
        for lane in self._lanes.values():
            lane.executor.warm_up()
        _warm_up_finishing()
        self._cue_thread = threading.Thread(target=self._warm_up_cues, name="gesturestream-cues", daemon=True)
        self._cue_thread.start()
        self._thread = threading.Thread(target=self._loop, name="gesturestream-model", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the model thread; sessions that still run are discarded."""
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._cue_thread is not None:  # an interpreter that ends while a runtime computes is aborted
            self._cue_thread.join()
        with self._lock:
            for seat in list(self._seats.values()):
                self._leave(seat)
                seat.session.finish()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _warm_up_cues(self) -> None:
        """The first cue takes most of a second: nobody's model thread should wait for that."""
        _ = self._cues.table
        for lane in self._lanes.values():
            lane.guides.warm_up(stop=lambda: self._closing)

    # -- the model thread

    def tick(self) -> bool:
        """Does what is due now; False if there was nothing.

        The model thread calls it; whoever drives an engine by hand, offline or on a virtual clock, calls it instead of
        `start`.
        """
        with self._lock:
            passes, news = self._snapshot()
        self._carry_out(passes, news)
        return bool(passes or news)

    def _loop(self) -> None:
        try:
            self._serve()
        except Exception as error:
            log.exception("the model thread has died: every session is discarded")
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        with self._lock:
            self._closing = self._failed = True
            seats = list(self._seats.values())
        for seat in seats:
            self._fail(seat, error)
            seat.session.finish()

    def _serve(self) -> None:
        while True:
            with self._lock:
                if self._closing:
                    return
                passes, news = self._snapshot()
                if not (passes or news):
                    self._lock.wait(self._idle_s())
                    continue
            self._carry_out(passes, news)

    def _carry_out(self, passes: list[list[Job]], news: list[News]) -> None:
        start = self._clock()
        for seat, events, last in news:
            self._hand_over(seat, events, last)
        for jobs in passes:
            self._stage.run([(seat, work) for seat, work in jobs if not seat.session.closed])
            self._steps += 1
            self._frames += len(jobs)
        if passes:
            took = self._clock() - start
            self._tick_s.add(took)
            self._note_load(passes, took)
            self._overruns += took > 1 / FPS and not self._gridded

    def _note_load(self, passes: list[list[Job]], took_s: float) -> None:
        if not self._gridded:
            self._load.rest()
        elif passes[0][0][0].session.config.mode != "offline":
            self._load.add(took_s)

    def _hand_over(self, seat: Seat, events: list[Event], last: bool) -> None:
        try:
            seat.session.hand_over(events)
        except Exception as error:
            self._fail(seat, error)
        if last:
            seat.session.finish()

    def _fail(self, seat: Seat, error: Exception) -> None:
        """Discards one session; the others go on."""
        log.error("session %s is discarded", seat.session.id, exc_info=error)
        self._failures += 1
        seat.session.close()
        session, message = seat.session, f"{type(error).__name__}: {error}"
        try:
            session.hand_over([session.event("internal_error", session.next_s, message=message)])
        except Exception:
            log.exception("its sink takes no event either")

    # -- under the lock

    def _snapshot(self) -> tuple[list[list[Job]], list[News]]:
        now = self._clock()
        news = self._sweep()
        passes = self._gather(now)
        busy = {seat for jobs in passes for seat, _ in jobs}
        waiting = [seat for seat in self._seats.values() if seat not in busy and seat.session.has_events]
        return passes, news + [(seat, seat.session.take_events(), False) for seat in waiting]

    def _sweep(self) -> list[News]:
        """Lets go of the sessions that are over."""
        news: list[News] = []
        for seat in list(self._seats.values()):
            if seat.session.closed:
                self._leave(seat)
                seat.session.finish()
            elif seat.session.finished:
                news.append((seat, seat.session.last_events(), True))
                self._leave(seat)
        return news

    def _gather(self, now: float) -> list[list[Job]]:
        live = [seat for seat in self._seats.values() if seat.session.config.mode != "offline"]
        self._set_grid(len(live) > IMMEDIATE_SESSIONS, now)
        passes: list[list[Job]] = []
        if not self._gridded or now >= self._grid.next:
            if self._load.overloaded:
                for seat in live:
                    seat.session.shed(now)
            passes = _begin_passes(live, now)
            if self._gridded:
                self._grid.advance(now)
        if not passes and self._time_for_offline(now):
            offline = [seat for seat in self._seats.values() if seat.session.config.mode == "offline"]
            passes = [jobs] if (jobs := _begin_due(offline, now)) else []
        return passes

    def _set_grid(self, gridded: bool, now: float) -> None:
        if gridded and not self._gridded:
            self._grid.start(now)
        self._gridded = gridded

    def _time_for_offline(self, now: float) -> bool:
        """A step fits in before the next deadline, as far as one can tell."""
        if not self._gridded:
            return True
        tick_s, _ = self._tick_s.p50_p99() or (0.0, 0.0)
        return now + tick_s < self._grid.next

    def _idle_s(self) -> float | None:
        """Seconds until something is due; None: not before somebody wakes the thread."""
        if self._gridded:
            return max(0.0, self._grid.next - self._clock())
        due = [at for seat in self._seats.values() if (at := seat.session.due_at()) is not None]
        return max(0.0, min(due) - self._clock()) if due else None

    def _listens(self, session: Session) -> bool:
        """Whether it makes a difference when something changes for `session`: on the grid nothing is done before the
        next deadline anyway."""
        return not self._gridded or session.config.mode == "offline"

    def _wake(self, session: Session) -> None:
        """Something has changed for `session`."""
        if self._listens(session):
            self._lock.notify_all()

    def _seat(self, session: Session, lane: Lane) -> None:
        if len(self._seats) >= self.max_sessions:
            raise ServerFull(f"expected at most {self.max_sessions} sessions")
        if self._load.overloaded and session.config.mode != "offline":
            raise ServerFull("the sessions that run take all the time there is", BUSY_RETRY_AFTER_S)
        row = lane.allot()
        if row is None:
            raise ServerFull(f"all {lane.executor.capacity} rows of {lane.info.name} are taken")
        self._seats[session.id] = Seat(session=session, slot=heappop(self._slots), lane=lane, row=row)

    def _leave(self, seat: Seat) -> None:
        self._primer.cancel(seat)
        seat.lane.release(seat.row)
        heappush(self._slots, seat.slot)
        del self._seats[seat.session.id]


def _begin_due(seats: list[Seat], now: float) -> list[Job]:
    return [(seat, seat.session.begin(now)) for seat in seats if seat.session.is_due(now)]


def _begin_passes(seats: list[Seat], now: float) -> list[list[Job]]:
    """What is due now, and then again of those that have more behind it."""
    passes: list[list[Job]] = []
    while len(passes) < PASSES_PER_TICK and (jobs := _begin_due(seats, now)):
        passes.append(jobs)
        seats = [seat for seat, _ in jobs]
    return passes


def _warm_up_finishing() -> None:
    """Has finishing compute, once a process, what it keeps."""
    Finisher(1).step(np.zeros(1, np.int64), rest_packed()[None])
