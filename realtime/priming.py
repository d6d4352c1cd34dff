"""A change of generator: the new one is run over the last second on a spare row, then takes over with a cross-fade."""

from __future__ import annotations

import numpy as np

from gesturestream.models.motion import FPS
from gesturestream.models.timing import frame_end
from gesturestream.realtime.executors.base import neutral_inputs
from gesturestream.realtime.finishing import Finisher
from gesturestream.realtime.rows import Lane, LaneInputs
from gesturestream.realtime.seat import Priming, Seat, Slate

PRIME_FRAMES = FPS
STEPS_PER_FRAME = 5
"""The new generator gains four frames on its session with every frame: it is there after 8, 0.27 s."""


class Primer:
    """Begins, carries on and completes changes of generator. Only the model thread calls it."""

    def __init__(self, lanes: dict[str, Lane], slate: Slate, finisher: Finisher) -> None:
        self._lanes, self._slate, self._finisher = lanes, slate, finisher

    def begin(self, seat: Seat, generator: str, frame: int) -> None:
        """Sets off for `generator`, in place of another change under way, at audio frame `frame`."""
        self.cancel(seat)
        lane = self._lanes[generator]
        if lane is seat.lane:
            seat.session.tell("control", seat.session.next_s, generator=generator)
            return
        row = lane.allot()
        if row is None:
            refused = f"all rows of {generator} are taken"
            seat.session.tell("control", seat.session.next_s, generator=seat.lane.info.name, refused=refused)
            return
        seat.priming = Priming(lane=lane, row=row, frame=max(0, frame - PRIME_FRAMES))

    def cancel(self, seat: Seat) -> None:
        """Gives the spare row back, if there is one."""
        if seat.priming is not None:
            seat.priming.lane.release(seat.priming.row)
            seat.priming = None

    def advance(self, seats: list[Seat]) -> None:
        """A few steps for each seat that is being primed and has just emitted a frame."""
        for _ in range(STEPS_PER_FRAME):
            for lane in self._lanes.values():
                self._step(lane, [seat for seat in seats if seat.priming and seat.priming.lane is lane])
            for seat in seats:
                self._complete(seat)

    def _step(self, lane: Lane, seats: list[Seat]) -> None:
        seats = [seat for seat in seats if _behind(seat) > 0]
        if not seats:
            return
        slate = self._slate
        slots = np.array([seat.slot for seat in seats])
        primings = [seat.priming for seat in seats if seat.priming is not None]
        frames = np.array([priming.frame for priming in primings])
        windows = [window(seat, lane.info.window_samples, frame) for seat, frame in zip(seats, frames.tolist())]
        blank = neutral_inputs(lane.info, len(seats))  # of the past second nobody is told what was hinted or said
        rows = np.array([priming.row for priming in primings])
        told = {
            "audio_present": np.ones(len(seats), np.bool_),
            "emitted": slate.shown(slots, frames),
            "noise": lane.noise.at(rows, slate.seeds[slots], frames),
            "emotion": slate.emotion.now(slots),
            "speaker": slate.speakers(slots, lane.info.speakers),
            "intensity": slate.intensity.now(slots)[:, 0],
            "guide": np.zeros((len(seats), lane.info.guide_size + 1), np.float32),
            "lookahead": slate.lookahead[slots],
            "hint": blank.hint,
            "hinted": blank.hinted,
            "words": blank.words,
            "settings": slate.settings.of(slots, lane.info.name),
        }
        lane.step(LaneInputs(rows, windows, told))
        for priming in primings:
            priming.frame += 1

    def _complete(self, seat: Seat) -> None:
        """Changes over once the new generator has seen everything the old one has."""
        priming = seat.priming
        if priming is None or _behind(seat) > 0:
            return
        seat.lane.release(seat.row)
        seat.lane, seat.row, seat.priming = priming.lane, priming.row, None
        seat.session.generator = seat.lane.info.name
        self._finisher.cross_fade(seat.slot)
        self._slate.guide.reset(seat.slot)  # the new generator's codes mean something else: a cue that plays fades in
        seat.session.tell("control", seat.session.next_s, generator=seat.session.generator)


def _behind(seat: Seat) -> int:
    """Audio frames the session has taken and the new generator has not."""
    return 0 if seat.priming is None else seat.stepped - seat.priming.frame


def window(seat: Seat, size: int, frame: int) -> np.ndarray:
    """The `size` samples that end with audio frame `frame`."""
    history = seat.session.voice.history
    return history.window(size, seat.session.voice.timeline.media - frame_end(frame))
