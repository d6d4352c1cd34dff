"""All figures of one way to move, measured on the same clips.

A `Take` is what one generator made of the clips, in several runs that differ in their noise. Every figure is averaged
over runs within a clip before clips are resampled: runs of one clip are no independent witnesses either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.smplx_model import SmplxBody
from gesturestream.models.motion import CONTACTS
from gesturestream.training.metrics import beats, diversity, dynamics, geometry, strokes, word_gestures
from gesturestream.training.metrics.bootstrap import Figure, bootstrap, mean_of, pooled, ratio_of
from gesturestream.training.metrics.emotion import LEAST_INTENSITY, Classifier, hits
from gesturestream.training.metrics.frechet import frechet_gesture_distance
from gesturestream.training.metrics.motion import Array, Floats, central_speed, places
from gesturestream.training.metrics.word_gestures import PlannedStroke

Features = Callable[[Floats], Array]
"""Packed motion [T, 489] -> codes [n, D] that FGD is measured in."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One clip to measure on: what is known beside the motion. What is not known is not measured."""

    name: str
    reference: Floats
    """[T, 489] the real (or the teacher's) motion, undelayed."""
    features: Floats | None = None
    """[T, 68] of the audio."""
    onsets_s: Array | None = None
    emotion: int | None = None
    """None: unknown, or too faintly acted to be asked for."""
    apexes_s: Array | None = None
    """Planned stroke apexes."""
    strokes: tuple[PlannedStroke, ...] = ()
    """The same strokes with the gesture of each."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """Motions runs[r][i] of clip i in run r, and what each of them should have been, frame by frame."""

    runs: list[list[Floats]]
    targets: list[Floats]

    @cached_property
    def places(self) -> list[list[Array]]:
        """runs x clips of [T, 55, 3], pelvis at the origin."""
        return [[places(motion, in_place=True) for motion in run] for run in self.runs]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The clips, and everything that is taken from their reference once."""

    samples: list[Sample]
    features: Features
    classifier: Classifier | None = None
    body: SmplxBody | None = None
    draws: int = 1000
    codes: list[Array] = field(init=False)
    mean_speed_m_s: Array = field(init=False)
    angle_change: Array = field(init=False)

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError("expected at least one clip to measure on, got none")
        bodies = [places(sample.reference, in_place=True) for sample in self.samples]
        weights = np.array([len(body) for body in bodies], np.float64)
        set_ = object.__setattr__  # frozen, but these follow from the rest
        set_(self, "codes", [self.features(sample.reference) for sample in self.samples])
        speeds = [central_speed(body).mean(0) for body in bodies]
        set_(self, "mean_speed_m_s", np.average(speeds, axis=0, weights=weights))
        changes = [beats.mean_angle_change(body) for body in bodies]
        set_(self, "angle_change", np.average(changes, axis=0, weights=weights))

    @cached_property
    def reference(self) -> Take:
        """The reference itself as a take."""
        return Take(runs=[[s.reference for s in self.samples]], targets=[s.reference for s in self.samples])

    def measure(self, take: Take) -> dict[str, Figure]:
        """Every figure that the samples allow, by name; the unit is the name's end."""
        out = {"fgd": self.fgd(take)}
        out |= self._spread(take) | self._dynamics(take) | self._ratios(take) | self._paired(take)
        if all(s.onsets_s is not None for s in self.samples):
            out |= self._beats(take)
        if self.classifier is not None and any(s.emotion is not None for s in self.samples):
            out["emotion_accuracy"] = self._emotion(take, self.classifier)
        if any(s.apexes_s is not None and len(s.apexes_s) for s in self.samples):
            out |= self._strokes(take)
        return out

    def fgd(self, take: Take) -> Figure:
        """Frechet gesture distance from the reference of the same clips; the reference's own: even from odd clips."""
        if take is self.reference:
            even, odd = self.codes[::2], self.codes[1::2]
            if not odd:
                return Figure(value=0.0, low=0.0, high=0.0, clips=1)
            return frechet_gesture_distance(even, odd, paired=False, draws=self.draws // 5)
        return frechet_gesture_distance(self.take_codes(take), self.codes, draws=self.draws // 5)

    def take_codes(self, take: Take) -> list[Array]:
        """Codes of each clip, all runs one after the other."""
        return [np.concatenate([self.features(run[i]) for run in take.runs]) for i in range(len(self.samples))]

    def _mean(self, values: NDArray[np.float64]) -> Figure:
        """[runs, clips] -> figure."""
        return mean_of(_over_runs(values), draws=self.draws)

    def _spread(self, take: Take) -> dict[str, Figure]:
        far = np.mean([diversity.clip_distances(run) for run in take.places], axis=0)
        out = {
            "l1_diversity_m": self._mean(_each(take.places, diversity.l1_diversity)),
            "pairwise_l1_diversity_m": bootstrap(
                lambda index: diversity.pairwise_l1_diversity(far, index), len(far), draws=self.draws
            ),
            "diversity_cm": self._mean(_each(take.places, diversity.diversity)),
        }
        if len(take.runs) > 1:
            by_clip = [diversity.multimodality([run[i] for run in take.places]) for i in range(len(self.samples))]
            apart = dynamics.wrist_spread_cm(take.places[0], take.places[1])
            out["multimodality_cm"] = mean_of(by_clip, draws=self.draws)
            out["wrists_of_two_seeds_cm"] = mean_of(apart, draws=self.draws)
        return out

    def _dynamics(self, take: Take) -> dict[str, Figure]:
        speeds = [[dynamics.wrist_speeds(body) for body in run] for run in take.places]
        by_clip = [np.concatenate([run[i].ravel() for run in speeds]) for i in range(len(self.samples))]
        out = {
            f"wrist_p{q}_m_s": pooled(by_clip, lambda x, q=q: float(np.percentile(x, q)), draws=self.draws // 5)  # type: ignore[misc]
            for q in (50, 90, 99)
        }
        out["held_still"] = self._mean(_each(speeds, dynamics.held_still))
        out["reach_m"] = self._mean(_each(take.places, dynamics.reach_m))
        out["jerk_m_s3"] = self._mean(_each(take.places, dynamics.jerk_m_s3))
        out["foot_sliding_m_s"] = self._mean(
            _each(take.runs, lambda m: dynamics.foot_sliding_m_s(places(m), m[:, CONTACTS]))
        )
        heard = [s.features for s in self.samples]
        if all(x is not None for x in heard):
            both = [[dynamics.speaking_and_idle(x, f) for x, f in zip(run, heard)] for run in speeds]  # type: ignore[arg-type]
            for k, name in enumerate(("speaking_m_s", "idle_m_s")):
                joined = [np.concatenate([run[i][k] for run in both]) for i in range(len(self.samples))]
                out[name] = pooled(joined, lambda x: float(np.median(x)), draws=self.draws // 5)
            bonds = [[dynamics.jaw_loudness(m, f) for m, f in zip(run, heard)] for run in take.runs]  # type: ignore[arg-type]
            out["jaw_loudness"] = self._mean(np.array(bonds))
        return out

    def _ratios(self, take: Take) -> dict[str, Figure]:
        """Beside the reference on the same clips: 1 is as much as it has."""
        out = {}
        for name, value in (
            ("l1_diversity_ratio", diversity.l1_diversity),
            ("diversity_ratio", diversity.diversity),
            ("jerk_ratio", dynamics.jerk_m_s3),
        ):
            ours, theirs = (_over_runs(_each(x.places, value)) for x in (take, self.reference))
            out[name] = ratio_of(ours, theirs, draws=self.draws)
        return out

    def _paired(self, take: Take) -> dict[str, Figure]:
        """Against the target frame by frame, which for a stream is the delayed reference."""
        wanted = [places(motion, in_place=True) for motion in take.targets]
        out = {}
        for name, value in (("l1_cm", geometry.l1_cm), ("pck", geometry.pck)):
            found = [[value(a, b) for a, b in zip(run, wanted)] for run in take.places]
            out[name] = self._mean(np.array(found))
        face = [geometry.face_points(m, p, self.body) for m, p in zip(take.targets, wanted)]
        where = "joints" if self.body is None else "vertices"
        errors: dict[str, list[list[float]]] = {"mse": [], "lvd": []}
        for run, bodies in zip(take.runs, take.places):
            made = [geometry.face_points(m, p, self.body) for m, p in zip(run, bodies)]
            errors["mse"].append([geometry.mse(a, b) for a, b in zip(made, face)])
            errors["lvd"].append([geometry.lvd(a, b) for a, b in zip(made, face)])
        units = {"mse": "m2", "lvd": "m_per_frame"}
        return out | {f"{k}_{where}_{units[k]}": self._mean(np.array(v)) for k, v in errors.items()}

    def _beats(self, take: Take) -> dict[str, Figure]:
        found: dict[str, list[list[float]]] = {}
        for run in take.places:
            for name, values in self._beat_scores(run).items():
                found.setdefault(name, []).append(values)
        return {name: self._mean(np.array(values)) for name, values in found.items()}

    def _beat_scores(self, run: Sequence[Array]) -> dict[str, list[float]]:
        out: dict[str, list[float]] = {}
        for body, sample in zip(run, self.samples):
            assert sample.onsets_s is not None
            emage = beats.emage_motion_beats(body, self.mean_speed_m_s)
            arms = beats.diffgesture_motion_beats(body, self.angle_change)
            scores: dict[str, tuple[beats.Score, float]] = {
                "bc_emage": (lambda t, e=emage: beats.emage_bc(e, t), beats.MARGIN_S),  # type: ignore[misc]
                "bc_emage_eq13": (lambda t, e=emage: beats.emage_bc(e, t, over="beats"), beats.MARGIN_S),  # type: ignore[misc]
                "bc_diffgesture": (lambda t, a=arms: beats.diffgesture_bc(a, t), 0.0),  # type: ignore[misc]
            }
            for name, (score, margin_s) in scores.items():
                stop_s = emage.seconds - margin_s
                out.setdefault(name, []).append(score(sample.onsets_s))
                chance = beats.against_shifted(score, sample.onsets_s, margin_s, stop_s)
                out.setdefault(f"{name}_shifted", []).append(chance)
        return out

    def _emotion(self, take: Take, classifier: Classifier) -> Figure:
        asked = [i for i, s in enumerate(self.samples) if s.emotion is not None]
        emotions = [self.samples[i].emotion or 0 for i in asked]
        return self._mean(np.array([hits(classifier, [run[i] for i in asked], emotions) for run in take.runs]))

    def _strokes(self, take: Take) -> dict[str, Figure]:
        planned = [np.zeros(0) if s.apexes_s is None else s.apexes_s for s in self.samples] * len(take.runs)
        made = [strokes.apexes(body) for run in take.places for body in run]
        seconds = [len(body) / 30 for run in take.places for body in run]
        found = strokes.match(made, planned)
        clips = len(self.samples)
        lags = [np.concatenate(found.lags_s[i::clips]) for i in range(clips)]

        def share(of: strokes.Matches) -> Callable[[NDArray[np.int64]], float]:
            return lambda index: of.share(np.concatenate([index + r * clips for r in range(len(take.runs))]))

        chance = [share(m) for m in strokes.match_shifted(made, planned, seconds)]
        return {
            "stroke_lag_s": pooled(lags, lambda x: float(np.median(x)), draws=self.draws),
            "stroke_iqr_s": pooled(lags, strokes.iqr, draws=self.draws),
            "stroke_matched": bootstrap(share(found), clips, draws=self.draws),
            "stroke_matched_shifted": bootstrap(
                lambda index: float(np.mean([one(index) for one in chance])), clips, draws=self.draws // 2
            ),
        } | self._word_gestures(take, found.lag_s)

    def _word_gestures(self, take: Take, lag_s: float) -> dict[str, Figure]:
        """Needs strokes on words with a gesture of their own."""
        if self._shapes is None:
            return {}
        hit = [
            np.concatenate([word_gestures.hits(self._shapes, run[i], s.strokes, lag_s) for run in take.places])
            for i, s in enumerate(self.samples)
        ]
        return {"word_gestures": pooled(hit, lambda x: float(x.mean()) if len(x) else np.nan, draws=self.draws)}

    @cached_property
    def _shapes(self) -> word_gestures.Shapes | None:
        strokes = [s.strokes for s in self.samples]
        if not any(stroke.gesture != word_gestures.BEAT for planned in strokes for stroke in planned):
            return None
        return word_gestures.fit(self.reference.places[0], strokes)


def asked_emotion(emotion: int, intensity: float) -> int | None:
    """The emotion a clip is judged by; None where it was acted too faintly."""
    return emotion if intensity >= LEAST_INTENSITY else None


def _each(runs: Sequence[Sequence[Array | Floats]], value: Callable[..., float]) -> NDArray[np.float64]:
    """One value for each clip of each run: [runs, clips]."""
    return np.array([[value(one) for one in run] for run in runs])


def _over_runs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[runs, clips] -> [clips]; a clip that is NaN in some runs is the mean of the others."""
    known = np.isfinite(values)
    return np.where(known.any(0), np.where(known, values, 0.0).sum(0) / np.maximum(known.sum(0), 1), np.nan)
