"""Plans gesture units over an utterance: preparation, stroke, hold, retraction (Kendon 1980, McNeill 1992).

A unit lasts as long as the speaker speaks on; in a pause the hands retract to rest. The apex of a stroke lies 0-0.2 s
before the onset of the stressed vowel it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gesturestream.training.speech.speech import Speech, Stress
from gesturestream.training.teacher.curves import Move
from gesturestream.training.teacher.gestures import Form, form_of, rest_pose
from gesturestream.training.teacher.hands import CHANNELS, CURLS, ELBOW, POSITION, ROLL
from gesturestream.training.teacher.style import Style

Array = NDArray[np.float64]

SHORTEST_GAP_S = 0.44
"""Two strokes of one speaker are never closer than this."""
PEAK_M_S = 1.32
"""Peak wrist speed of a stroke at tempo 1; sway, steps and livelier moods bring it to the 2 m/s people reach."""
RETRACT_AFTER_S = 0.85
"""The hands go to rest when the next stroke is further away than this past the hold."""


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One planned stroke."""

    apex_s: float
    stress_s: float
    strength: float
    gesture: str
    """A name of gestures.GESTURES."""
    word: str
    """The stressed word; empty where only the audio is known."""
    left: bool
    right: bool
    form: Form


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of a clip: strokes, the curves' first keys [13] and moves of both arms, and shoulder shrugs."""

    strokes: tuple[Stroke, ...]
    start: tuple[Array, Array]
    moves: tuple[tuple[Move, ...], tuple[Move, ...]]


def plan_gestures(speech: Speech, style: Style, rng: np.random.Generator) -> Plan:
    """Plans all strokes and both hands' moves for a clip; deterministic by `rng`."""
    strokes = _strokes(speech, style, rng)
    start = _rest_pair(style, rng)
    rests = _rests(strokes, speech, style, rng)
    left, right = (_Hand(side, style, start[side], list(rests)) for side in (0, 1))
    for i, stroke in enumerate(strokes):
        before_s = strokes[i - 1].apex_s if i else -1.0
        after_s = strokes[i + 1].apex_s if i + 1 < len(strokes) else np.inf
        for hand, acts in ((left, stroke.left), (right, stroke.right)):
            hand.rest_until(stroke.apex_s, rng)
            hand.perform(stroke, acts, before_s, after_s, rng)
    for hand in (left, right):
        hand.rest_until(np.inf, rng)
    return Plan(strokes=strokes, start=start, moves=(tuple(left.moves), tuple(right.moves)))


def _strokes(speech: Speech, style: Style, rng: np.random.Generator) -> tuple[Stroke, ...]:
    """Which stresses get a stroke, of which kind and with which hands."""
    strokes: list[Stroke] = []
    centre, hands = _centre(style, rng), _choose_hands(style, rng)
    for stress in speech.stresses:
        gap = stress.time_s - (strokes[-1].stress_s if strokes else -9.0)
        busy = _busy_until(strokes[-1]) if strokes else -9.0
        lead = float(rng.uniform(0.0, 0.2))
        keep = rng.random() < min(0.97, style.rate * (0.78 + 0.25 * stress.strength))
        if gap > 1.2:  # a new unit: another place, perhaps other hands
            centre, hands = _centre(style, rng), _choose_hands(style, rng)
        elif rng.random() < 0.25:
            centre, hands = centre + rng.normal(0.0, 0.02, 3), _choose_hands(style, rng)
        apex_s = stress.time_s - lead
        if (
            not keep
            or apex_s < 0.3
            or apex_s < busy + 0.12
            or (strokes and apex_s - strokes[-1].apex_s < SHORTEST_GAP_S)
        ):
            continue
        strokes.append(_stroke(stress, apex_s, hands, centre, style, rng))
        if hands == "alternate":
            hands = "left" if strokes[-1].right else "right"
    return tuple(strokes)


def _busy_until(stroke: Stroke) -> float:
    """A gesture with moves after its apex may be cut off by the next stroke, but not before its half."""
    return stroke.apex_s + 0.6 * sum(seconds for seconds, _ in stroke.form.after)


def _centre(style: Style, rng: np.random.Generator) -> Array:
    """Where a unit's beats are made: differs from unit to unit by several centimetres."""
    return np.array(
        [
            0.305 + style.width_m + rng.normal(0.0, 0.045),
            -0.13 + style.height_m + rng.normal(0.0, 0.065),
            0.18 + style.reach_m + rng.normal(0.0, 0.065),
        ]
    )


def _choose_hands(style: Style, rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < style.two_handed:
        return "both"
    if draw < style.two_handed + style.alternating:
        return "alternate"
    return "right" if rng.random() < style.right_handed else "left"


def _stroke(stress: Stress, apex_s: float, hands: str, centre: Array, style: Style, rng: np.random.Generator) -> Stroke:
    gesture = stress.gesture if stress.gesture and rng.random() < 0.7 else "beat"
    size = style.amplitude * (0.75 + 0.4 * stress.strength) * float(rng.lognormal(0.0, 0.18))
    # An angry beat is a fist, but two fingers stay two fingers
    form = _styled_form(form_of(gesture, rng, size, centre, style), style, curl=1.0 if gesture == "beat" else 0.25)
    if form.hands == "both":
        hands = "both"
    elif form.hands == "one" and hands == "both":
        hands = "right" if rng.random() < style.right_handed else "left"
    first = "right" if rng.random() < style.right_handed else "left"
    acting = first if hands == "alternate" else hands
    return Stroke(
        apex_s=apex_s,
        stress_s=stress.time_s,
        strength=stress.strength,
        gesture=gesture,
        word=stress.word,
        left=acting in ("left", "both"),
        right=acting in ("right", "both"),
        form=form,
    )


def _styled(key: Array, style: Style, shift: float, curl: float = 1.0) -> Array:
    out = key.copy()
    out[POSITION] += shift * np.array([style.width_m, style.height_m, style.reach_m])
    out[ROLL] += style.palm_deg
    out[CURLS] = np.clip(out[CURLS] + curl * style.curl, 0.0, 1.0)
    out[ELBOW] += 0.6 * style.elbow_out
    return out


def _styled_form(form: Form, style: Style, curl: float) -> Form:
    """A form in a speaker's and mood's manner; `curl` is how far the mood may change the hand shape."""
    return Form(
        prepare=_styled(form.prepare, style, 0.4, curl),
        apex=_styled(form.apex, style, 0.4, curl),
        after=tuple((seconds, _styled(key, style, 0.4, curl)) for seconds, key in form.after),
        hands=form.hands,
        hold_s=form.hold_s,
        shrug_deg=form.shrug_deg,
    )


def _styled_pair(pair: tuple[Array, Array], style: Style) -> tuple[Array, Array]:
    return _styled(pair[0], style, 0.7), _styled(pair[1], style, 0.7)


def _arc(rng: np.random.Generator, size_m: float) -> Array:
    arc = np.zeros(CHANNELS)
    arc[POSITION] = rng.normal(0.0, size_m, 3) + (0.5 * size_m, 0.0, 0.5 * size_m)
    return arc


_Rest = tuple[float, float, tuple[Array, Array]]


class _Hand:
    """Collects the moves of one hand. side 0 left, 1 right."""

    def __init__(self, side: int, style: Style, at: Array, rests: list[_Rest]) -> None:
        self.side, self.style, self.at = side, style, at
        self.moves: list[Move] = []
        self.rests = rests

    def perform(self, stroke: Stroke, acts: bool, before_s: float, after_s: float, rng: np.random.Generator) -> None:
        """Preparation, stroke and what follows of one stroke; a hand that does not act goes along a little."""
        form = stroke.form
        lag = float(rng.uniform(-0.015, 0.035)) if stroke.left and stroke.right else 0.0
        # Also the later hand is there when the syllable sounds
        apex_s = float(np.clip(stroke.apex_s + lag * self.side, stroke.stress_s - 0.2, stroke.stress_s))
        prepare, apex = (form.prepare, form.apex) if acts else self._along(form, rng)
        prepare_s = float(rng.uniform(0.40, 0.60)) / self.style.tempo
        stroke_s = max(float(rng.normal(0.27, 0.03)) / self.style.tempo, self._least_s(prepare, apex))
        start_s = max(apex_s - min(stroke_s, 0.42), before_s + 0.14)
        begin_s = max(start_s - max(prepare_s, self._least_s(self.at, prepare)), before_s + 0.02, 0.0)
        if start_s - begin_s > 0.1:
            prepare = self._within(prepare, start_s + 0.06 - begin_s)
            self._move(begin_s, start_s + 0.06, prepare, _arc(rng, 0.025 * self.style.amplitude))
        self._move(start_s, apex_s, self._within(apex, apex_s - start_s), _arc(rng, 0.012 * self.style.amplitude))
        if acts:
            self._follow(form, self.at, apex_s, after_s, rng)

    def _least_s(self, here: Array, there: Array) -> float:
        """Shortest time for a move whose peak speed (15/8 of its mean) stays within a speaker's."""
        return 1.875 * float(np.linalg.norm((there - here)[POSITION])) / (PEAK_M_S * self.style.tempo)

    def _within(self, target: Array, seconds: float) -> Array:
        """`target`, or a point on the way that can be reached in time: hurried gestures are smaller."""
        share = min(1.0, max(seconds, 0.05) / max(self._least_s(self.at, target), 1e-6))
        out = target.copy()
        out[POSITION] = self.at[POSITION] + share * (target - self.at)[POSITION]
        return out

    def _along(self, form: Form, rng: np.random.Generator) -> tuple[Array, Array]:
        """The idle hand follows with a fifth to a third of the movement, low and relaxed."""
        rest = _styled(rest_pose(0, rng)[self.side], self.style, 0.7)
        share = float(rng.uniform(0.12, 0.34))
        keys = []
        for key in (form.prepare, form.apex):
            out = rest.copy()
            out[POSITION] += share * (key - form.apex)[POSITION] + share * 0.3 * (form.apex - rest)[POSITION]
            keys.append(out)
        return keys[0], keys[1]

    def _follow(self, form: Form, apex: Array, apex_s: float, after_s: float, rng: np.random.Generator) -> None:
        at_s = apex_s
        for seconds, key in form.after:
            if at_s + 0.5 * seconds > after_s - 0.3:
                return
            self._move(at_s - 0.03, at_s + seconds, key, None)
            at_s += seconds
        if after_s - at_s > 0.3 and not form.after:  # recoil
            back = apex.copy()
            back[POSITION] += 0.14 * (form.prepare - apex)[POSITION] + rng.normal(0.0, 0.008, 3)
            self._move(at_s + 0.02, at_s + form.hold_s + 0.24, back, None)

    def _move(self, start_s: float, stop_s: float, target: Array, arc: Array | None) -> None:
        self.moves.append(Move(start_s=start_s, stop_s=stop_s, target=target, arc=arc))
        self.at = target

    def rest_until(self, time_s: float, rng: np.random.Generator) -> None:
        """Makes the retractions that are due before a time."""
        while self.rests and self.rests[0][0] < time_s:
            at_s, seconds, pair = self.rests.pop(0)
            self._move(at_s, at_s + seconds, pair[self.side], _arc(rng, 0.02))


def _rests(strokes: tuple[Stroke, ...], speech: Speech, style: Style, rng: np.random.Generator) -> list[_Rest]:
    """Retractions after the last stroke of each unit, and a shift of the rest pose now and then in long silence."""
    rests: list[_Rest] = []
    for i, stroke in enumerate(strokes):
        free_s = stroke.apex_s + stroke.form.hold_s + 0.2 + sum(seconds for seconds, _ in stroke.form.after)
        next_s = strokes[i + 1].apex_s - 0.65 if i + 1 < len(strokes) else speech.seconds
        if next_s - free_s < RETRACT_AFTER_S - 0.45:
            continue
        seconds = float(rng.uniform(0.6, 0.9)) / max(0.7, style.tempo)
        rests.append((free_s, seconds, _rest_pair(style, rng)))
        rests += _fidgets(free_s + seconds, next_s, style, rng)
    return rests


def _fidgets(start_s: float, stop_s: float, style: Style, rng: np.random.Generator) -> list[_Rest]:
    """Slow changes of the rest pose in a silence."""
    out: list[_Rest] = []
    at_s = start_s + float(rng.uniform(1.2, 4.0))
    while at_s < stop_s - 1.2:
        out.append((at_s, float(rng.uniform(1.0, 1.6)), _rest_pair(style, rng)))
        at_s += float(rng.uniform(2.5, 6.0))
    return out


def _rest_pair(style: Style, rng: np.random.Generator) -> tuple[Array, Array]:
    kind = int(rng.choice(len(style.rests), p=style.rests))
    return _styled_pair(rest_pose(kind, rng), style)
