"""One pass of the model thread over some sessions: generator step, finishing, delivery. Runs outside the lock."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from gesturestream.models.motion import EMOTIONS, FPS
from gesturestream.models.timing import media_time_s
from gesturestream.realtime.config import Control
from gesturestream.realtime.executors.base import StepOutputs
from gesturestream.realtime.finishing import FinishedBatch, Finisher
from gesturestream.realtime.frame import Event, Frame, FrameFlag
from gesturestream.realtime.hints import Placed
from gesturestream.realtime.priming import Primer, window
from gesturestream.realtime.rows import Lane, LaneInputs
from gesturestream.realtime.seat import Seat, Slate
from gesturestream.realtime.session_state import Command, Cue, Interrupt, Resume, Work
from gesturestream.realtime.statistics import Percentiles

log = logging.getLogger(__name__)

EMOTION_EVERY_FRAMES = FPS // 5
EMOTION_CHANGE = 0.02
"""An `emotion` event is sent when a probability has changed by more than this."""

Job = tuple[Seat, Work]
Fail = Callable[[Seat, Exception], None]


class Stage:
    """Owns the slate and finishing; told what to do with which session, it gives every failure to `fail`."""

    def __init__(self, slate: Slate, finisher: Finisher, primer: Primer, clock: Callable[[], float], fail: Fail):
        self._slate, self._finisher, self._primer = slate, finisher, primer
        self._clock, self._fail = clock, fail
        self.step_s = Percentiles()

    def run(self, jobs: list[Job]) -> None:
        """One frame of each job (no session twice)."""
        lanes: defaultdict[Lane, list[Job]] = defaultdict(list)
        for seat, work in jobs:
            try:
                self._prepare(seat, work)
            except Exception as error:
                self._fail(seat, error)
            else:
                lanes[seat.lane].append((seat, work))
        for lane, group in lanes.items():
            group.sort(key=lambda job: job[0].slot)  # neighbours in memory
            self._run_lane(lane, group)
        self._prime([seat for seat, _ in jobs if seat.priming is not None])

    def _prime(self, seats: list[Seat]) -> None:
        try:
            self._primer.advance(seats)
        except Exception as error:
            for seat in seats:
                self._fail(seat, error)

    def _run_lane(self, lane: Lane, jobs: list[Job]) -> None:
        start = self._clock()
        jobs, outputs = self._step(lane, jobs)
        if not jobs:
            return
        step_s = self._clock() - start
        self.step_s.add(step_s)
        shown = [i for i, (_, work) in enumerate(jobs) if work.motion_frame >= 0]
        finished = self._finish([jobs[i] for i in shown], outputs.motion[shown], outputs.valid[shown]) if shown else {}
        for i, (seat, work) in enumerate(jobs):
            seat.stepped = work.heard.frame + 1
            try:
                self._hear(seat, work, outputs.heard_emotion[i])
                self._deliver(seat, work, finished.get(seat), step_s)
            except Exception as error:
                self._fail(seat, error)

    def _prepare(self, seat: Seat, work: Work) -> None:
        """Carries out what was asked for since the last frame."""
        if seat.fresh:
            config = seat.session.config
            self._slate.reset(seat.slot, seat.session)
            self._finisher.reset(seat.slot, seed=seat.session.seed, leash_m=config.leash_m)
            seat.fresh = False
        for command in work.commands:
            self._obey(seat, work, command)

    def _obey(self, seat: Seat, work: Work, command: Command) -> None:
        match command:
            case Control():
                self._control(seat, work, command)
            case Cue(name):
                self._end_cue(seat, work)
                frames = self._finisher.play_cue(seat.slot, name)
                seat.cue = name
                work.events.append(_event(seat, work, "cue_start", cue=name, duration_s=frames / FPS))
            case Interrupt():
                self._finisher.interrupt(seat.slot)
                self._end_cue(seat, work)
            case Resume():
                self._finisher.resume(seat.slot)
            case Placed():
                self._finisher.hints.start(seat.slot, command, work.motion_frame)

    def _control(self, seat: Seat, work: Work, change: Control) -> None:
        self._slate.control(seat.slot, change)
        if change.posture is not None:
            self._finisher.set_posture(seat.slot, change.posture)
        if change.generator is not None:
            self._primer.begin(seat, change.generator, work.heard.frame)
        fields = {name: getattr(change, name) for name in ("speaker", "emotion", "intensity", "posture", "settings")}
        told = {name: value for name, value in fields.items() if value is not None}
        if change.auto_emotion:
            told["emotion"] = "auto"
        if told:
            work.events.append(_event(seat, work, "control", **told))

    def _step(self, lane: Lane, jobs: list[Job]) -> tuple[list[Job], StepOutputs]:
        """-> the jobs that were stepped, and what came out for them; the others have failed."""
        try:
            inputs = self._inputs(lane, jobs)
        except Exception as error:
            for seat, _ in jobs:
                self._fail(seat, error)
            return [], StepOutputs(*[np.zeros(0)] * 3)
        try:
            outputs = lane.step(inputs)
        except Exception as error:
            if len(jobs) == 1:
                self._fail(jobs[0][0], error)
                return [], StepOutputs(*[np.zeros(0)] * 3)
            log.exception("a step of %d rows failed; each is tried alone", len(jobs))
            jobs, inputs, outputs = self._step_one_by_one(lane, jobs, inputs)
        if jobs:
            outputs = _without_broken_rows(lane, inputs.rows, outputs)
            self._slate.emotion.heard[[seat.slot for seat, _ in jobs]] = outputs.heard_emotion
        return jobs, outputs

    def _step_one_by_one(
        self, lane: Lane, jobs: list[Job], inputs: LaneInputs
    ) -> tuple[list[Job], LaneInputs, StepOutputs]:
        """In the batch size that they had together: what comes out for the others is what would have come out then."""
        stepped, outputs = [], []
        for i, (seat, _) in enumerate(jobs):
            try:
                outputs.append(lane.step(inputs.only([i]), like=inputs.rows))
            except Exception as error:
                self._fail(seat, error)
            else:
                stepped.append(i)
        together = (
            StepOutputs(*(np.concatenate(parts) for parts in zip(*outputs))) if outputs else StepOutputs(*[None] * 3)
        )
        return [jobs[i] for i in stepped], inputs.only(stepped), together

    def _inputs(self, lane: Lane, jobs: list[Job]) -> LaneInputs:
        slate = self._slate
        slots = np.array([seat.slot for seat, _ in jobs])
        frames = np.array([work.heard.frame for _, work in jobs])
        rows = np.array([seat.row for seat, _ in jobs])
        slate.remember(slots, frames)
        slate.speaker.step(slots)
        self._finisher.hints.advance(slots, np.array([work.motion_frame for _, work in jobs]))
        windows = [window(seat, lane.info.window_samples, work.heard.frame) for seat, work in jobs]
        told = {
            "audio_present": np.array([work.heard.present for _, work in jobs]),
            "emitted": slate.emitted[slots],
            "noise": lane.noise.at(rows, slate.seeds[slots], frames),
            "emotion": slate.emotion.step(slots),
            "speaker": slate.speakers(slots, lane.info.speakers),
            "intensity": slate.intensity.step(slots)[:, 0],
            "guide": self._guide(lane, slots),
            "lookahead": slate.lookahead[slots],
            **self._told(lane, slots, jobs),
        }
        return LaneInputs(rows, windows, told)

    def _told(self, lane: Lane, slots: np.ndarray, jobs: list[Job]) -> dict[str, np.ndarray]:
        """The inputs that not every generator knows."""
        out: dict[str, np.ndarray] = {}
        if lane.info.follows_hints:
            out["hint"], out["hinted"] = self._finisher.hints.told(slots)
        if lane.info.word_ids:
            out["words"] = words = np.zeros((len(jobs), 2, lane.info.word_ids), np.int64)
            for i, (_, work) in enumerate(jobs):
                if work.words is not None:
                    words[i] = work.words[:, : lane.info.word_ids]
        if lane.info.settings:
            out["settings"] = self._slate.settings.of(slots, lane.info.name)
        return out

    def _guide(self, lane: Lane, slots: np.ndarray) -> np.ndarray:
        """[n, G + 1] what the generator is told of the cues that play with this frame."""
        if not self._finisher.cues_play and self._slate.guide.quiet:
            return np.zeros((len(slots), lane.info.guide_size + 1), np.float32)
        playing = self._finisher.cue_position(slots)
        return self._slate.guide.step(slots, lane.guides.at(playing), playing.left)

    def _finish(self, jobs: list[Job], motion: np.ndarray, valid: np.ndarray) -> dict[Seat, tuple[FinishedBatch, int]]:
        """-> for every seat the batch that holds its frame, and where. Seats that break are not in it."""
        slots = np.array([seat.slot for seat, _ in jobs], np.int64)
        if not valid.all():
            motion = np.where(valid[:, None], motion, self._slate.emitted[slots])
        try:
            batch = self._finish_slots(slots, motion)
            return {seat: (batch, i) for i, (seat, _) in enumerate(jobs)}
        except Exception:
            log.exception("finishing failed for a batch of %d; each row is tried alone", len(jobs))
        return self._finish_one_by_one(jobs, motion)

    def _finish_one_by_one(self, jobs: list[Job], motion: np.ndarray) -> dict[Seat, tuple[FinishedBatch, int]]:
        out = {}
        for i, (seat, _) in enumerate(jobs):
            try:
                out[seat] = (self._finish_slots(np.array([seat.slot]), motion[i : i + 1]), 0)
            except Exception as error:
                self._fail(seat, error)
        return out

    def _finish_slots(self, slots: np.ndarray, motion: np.ndarray) -> FinishedBatch:
        batch = self._finisher.step(slots, motion)
        self._slate.emitted[slots] = batch.packed
        for array in batch:
            array.flags.writeable = False
        return batch

    def _hear(self, seat: Seat, work: Work, heard: np.ndarray) -> None:
        """Tells what emotion the generator hears, at most five times a second and only while it changes."""
        if work.heard.frame < seat.emotion_told + EMOTION_EVERY_FRAMES or not work.speaking:
            return
        if not np.abs(heard - seat.emotion_heard).max() > EMOTION_CHANGE:
            return
        seat.emotion_told, seat.emotion_heard = work.heard.frame, heard.copy()
        probabilities = {name: round(float(p), 4) for name, p in zip(EMOTIONS, heard)}
        work.events.append(_event(seat, work, "emotion", probabilities=probabilities))

    def _deliver(self, seat: Seat, work: Work, shown: tuple[FinishedBatch, int] | None, step_s: float) -> None:
        if shown is None:
            if work.motion_frame < 0:
                seat.session.deliver(work, None, step_s)
            return
        batch, i = shown
        if not batch.cue_playing[i]:
            self._end_cue(seat, work)
        seat.session.deliver(work, self._frame(work, batch, i), step_s)

    def _frame(self, work: Work, batch: FinishedBatch, i: int) -> Frame:
        flags = FrameFlag(0)
        if work.motion_frame == 0:
            flags |= FrameFlag.DISCONTINUITY
        if not work.speaking:
            flags |= FrameFlag.IDLE
        if batch.retracting[i]:
            flags |= FrameFlag.RETRACTING
        if batch.cue_playing[i]:
            flags |= FrameFlag.CUE
        return Frame(
            index=work.motion_frame,
            epoch=work.epoch,
            flags=flags,
            media_time_s=media_time_s(work.motion_frame),
            server_time_s=self._clock(),
            root_m=batch.root_m[i],
            quat_xyzw=batch.quat_xyzw[i],
            expressions=batch.expressions[i],
            blendshapes=batch.blendshapes[i],
            contacts=batch.contacts[i],
        )

    def _end_cue(self, seat: Seat, work: Work) -> None:
        if seat.cue is not None:
            work.events.append(_event(seat, work, "cue_end", cue=seat.cue))
            seat.cue = None


def _event(seat: Seat, work: Work, name: str, **data: object) -> Event:
    """At the frame that is being made."""
    return seat.session.event(name, media_time_s(max(0, work.motion_frame)), **data)


def _without_broken_rows(lane: Lane, rows: np.ndarray, outputs: StepOutputs) -> StepOutputs:
    """A row that says NaN starts afresh with its next step; until it speaks again its last shown pose is held."""
    fine = np.isfinite(outputs.motion).all(-1) & np.isfinite(outputs.heard_emotion).all(-1)
    if fine.all():
        return outputs
    broken = ~fine & outputs.valid
    if broken.any():
        log.warning("%s: rows %s are not finite and start afresh", lane.info.name, rows[broken].tolist())
        lane.renew(rows[broken])
    heard = np.where(fine[:, None], outputs.heard_emotion, 0.0)
    return StepOutputs(outputs.motion, outputs.valid & fine, heard)
