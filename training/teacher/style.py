"""Who moves and in what mood: four speakers, eight emotions, intensity 0..2, folded into one `Style`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gesturestream.models.motion import EMOTIONS


@dataclass(frozen=True, kw_only=True)
class Style:
    """Every knob of the teacher. Factors are relative to an average speaker; angles in degrees, lengths in metres."""

    amplitude: float = 1.0
    """Size of strokes and of everything that goes with them."""
    rate: float = 1.0
    """Share of stresses that get a stroke, relative."""
    tempo: float = 1.0
    """Speed of strokes and preparations."""
    right_handed: float = 0.6
    """Chance that a one-handed gesture is made by the right hand."""
    two_handed: float = 0.5
    alternating: float = 0.15
    height_m: float = 0.0
    """Shift of the gesture space, up."""
    width_m: float = 0.0
    """Shift of the hands, outwards."""
    reach_m: float = 0.0
    """Shift of the hands, forwards."""
    elbow_out: float = 0.0
    """0 elbows down, 1 elbows far out."""
    palm_deg: float = 0.0
    """Added pronation: positive palms down, negative palms up."""
    curl: float = 0.0
    """Added finger curl: positive towards a fist."""
    spine_deg: float = 0.0
    """Added bend of the whole spine, forwards."""
    head_deg: float = 0.0
    """Added pitch of the head, down positive."""
    tilt_deg: float = 0.0
    """Standing tilt of the head to one side."""
    shoulders_deg: float = 0.0
    """Raised shoulders."""
    hunch_deg: float = 0.0
    """Shoulders brought forwards."""
    nod_deg: float = 6.0
    shake: float = 0.1
    """Chance that a stress turns the head instead of nodding it."""
    sway: float = 1.0
    tremor: float = 0.0
    """Fast small trembling of hands and head (fear)."""
    blinks_per_min: float = 17.0
    gaze_away: float = 0.3
    """Share of time the gaze is away from the listener."""
    stance_m: float = 0.10
    """Half the distance between the ankles."""
    turn_deg: float = 0.0
    """The trunk is turned aside by this much."""
    crouch_m: float = 0.0
    """The pelvis hangs this much lower, knees bent."""
    beats: tuple[float, ...] = (0.42, 0.22, 0.2, 0.1, 0.06)
    """Shares of beats that go down, out, forward, in and up."""
    shapes: tuple[float, ...] = (0.34, 0.28, 0.16, 0.12, 0.10)
    """Shares of beats made with a relaxed, open, cupped, pinching and flat hand."""
    rests: tuple[float, ...] = (0.45, 0.25, 0.18, 0.12, 0.0, 0.0)
    """Shares of the rest poses of gestures.py: before the belly, joined, low, one up, hand on hip, joined high."""
    face: tuple[tuple[str, float], ...] = ()
    """Blendshapes of the mood at intensity 1; names without Left/Right hold for both sides."""


SPEAKERS: tuple[Style, ...] = (
    Style(),
    Style(amplitude=1.2, rate=1.1, tempo=1.08, two_handed=0.65, height_m=0.05, width_m=0.03, nod_deg=7.5, sway=1.3,
          elbow_out=0.2, stance_m=0.125, curl=-0.08),
    Style(amplitude=0.78, rate=0.85, tempo=0.92, right_handed=0.8, two_handed=0.35, height_m=0.03, width_m=-0.05,
          nod_deg=4.5, sway=0.7, elbow_out=-0.15, palm_deg=-15, stance_m=0.08, head_deg=2, curl=0.05),
    Style(amplitude=1.0, rate=1.0, tempo=1.0, right_handed=0.25, two_handed=0.4, alternating=0.3, height_m=-0.02,
          reach_m=0.03, spine_deg=4, nod_deg=6.5, tilt_deg=4, palm_deg=15, elbow_out=0.1, curl=0.02),
)  # fmt: skip
"""Style of speaker 0..3: balanced; expansive; reserved and right-handed; left-handed, leaning, alternating."""

_EMOTIONS: dict[str, Style] = {
    "neutral": Style(),
    "happiness": Style(
        amplitude=1.25, rate=1.12, tempo=1.12, two_handed=0.62, height_m=0.1, width_m=0.04, elbow_out=0.15,
        palm_deg=-28, curl=-0.14, spine_deg=-3, head_deg=-4, tilt_deg=3, nod_deg=7.5, sway=1.3,
        beats=(0.16, 0.44, 0.14, 0.06, 0.20), shapes=(0.18, 0.52, 0.22, 0.04, 0.04),
        rests=(0.34, 0.26, 0.12, 0.28, 0.0, 0.0),
        face=(("mouthSmile", 0.62), ("cheekSquint", 0.42), ("browOuterUp", 0.18), ("browInnerUp", 0.1),
              ("eyeSquint", 0.18), ("mouthDimple", 0.2)),
    ),
    "anger": Style(
        amplitude=1.35, rate=1.25, tempo=1.38, two_handed=0.5, width_m=-0.05, height_m=0.13, reach_m=0.1, elbow_out=0.1,
        palm_deg=24, curl=0.46, spine_deg=9, head_deg=5, shoulders_deg=3, hunch_deg=3, nod_deg=9, sway=1.0,
        stance_m=0.13, crouch_m=0.004, beats=(0.58, 0.06, 0.32, 0.04, 0.0), shapes=(0.40, 0.02, 0.22, 0.16, 0.20),
        rests=(0.42, 0.0, 0.34, 0.08, 0.16, 0.0),
        blinks_per_min=10, gaze_away=0.1,
        face=(("browDown", 0.75), ("eyeSquint", 0.35), ("noseSneer", 0.35), ("mouthFrown", 0.3), ("mouthPress", 0.35),
              ("mouthUpperUp", 0.12), ("jawForward", 0.2)),
    ),
    "sadness": Style(
        amplitude=0.55, rate=0.62, tempo=0.7, two_handed=0.45, height_m=-0.03, width_m=-0.05, elbow_out=-0.1,
        palm_deg=5, curl=0.1, spine_deg=11, head_deg=13, tilt_deg=5, shoulders_deg=-3, hunch_deg=8, nod_deg=3.5,
        sway=0.6, blinks_per_min=22, gaze_away=0.65, stance_m=0.085, crouch_m=0.006,
        beats=(0.62, 0.06, 0.10, 0.20, 0.02), shapes=(0.78, 0.04, 0.16, 0.02, 0.0),
        rests=(0.10, 0.36, 0.54, 0.0, 0.0, 0.0),
        face=(("browInnerUp", 0.65), ("mouthFrown", 0.5), ("mouthShrugLower", 0.25), ("eyeSquint", 0.1),
              ("eyeBlink", 0.14), ("eyeLookDown", 0.2)),
    ),
    "contempt": Style(
        amplitude=0.72, rate=0.75, tempo=0.88, two_handed=0.25, height_m=0.0, width_m=0.03, palm_deg=-12, curl=0.0,
        spine_deg=-6, head_deg=-9, tilt_deg=8, nod_deg=3.5, shake=0.3, sway=0.8, blinks_per_min=12, gaze_away=0.4,
        turn_deg=9, beats=(0.12, 0.62, 0.14, 0.0, 0.12), shapes=(0.46, 0.14, 0.08, 0.22, 0.10),
        rests=(0.10, 0.0, 0.22, 0.06, 0.62, 0.0),
        face=(("mouthSmileLeft", 0.42), ("mouthDimpleLeft", 0.4), ("browOuterUpLeft", 0.35), ("eyeBlink", 0.22),
              ("mouthPress", 0.2), ("noseSneerLeft", 0.2)),
    ),
    "surprise": Style(
        amplitude=1.2, rate=1.05, tempo=1.2, two_handed=0.72, height_m=0.17, width_m=0.05, elbow_out=0.2, palm_deg=-20,
        curl=-0.24, spine_deg=-8, head_deg=-6, shoulders_deg=4, nod_deg=6, sway=1.1, blinks_per_min=12, gaze_away=0.15,
        beats=(0.04, 0.26, 0.10, 0.02, 0.58), shapes=(0.06, 0.72, 0.18, 0.0, 0.04),
        rests=(0.30, 0.0, 0.10, 0.48, 0.0, 0.12),
        face=(("browInnerUp", 0.75), ("browOuterUp", 0.75), ("eyeWide", 0.65), ("jawOpen", 0.14),
              ("mouthFunnel", 0.12)),
    ),
    "fear": Style(
        amplitude=0.78, rate=0.9, tempo=1.2, two_handed=0.7, height_m=0.18, width_m=-0.12, reach_m=-0.05,
        elbow_out=-0.25, palm_deg=12, curl=0.2, spine_deg=4, head_deg=-2, shoulders_deg=9, hunch_deg=7, nod_deg=3.5,
        shake=0.35, sway=1.1, tremor=1.0, blinks_per_min=28, gaze_away=0.55, stance_m=0.075, crouch_m=0.018,
        beats=(0.14, 0.06, 0.22, 0.44, 0.14), shapes=(0.30, 0.14, 0.34, 0.14, 0.08),
        rests=(0.14, 0.10, 0.0, 0.04, 0.0, 0.72),
        face=(("browInnerUp", 0.8), ("eyeWide", 0.55), ("mouthStretch", 0.45), ("browDown", 0.15),
              ("mouthFrown", 0.15)),
    ),
    "disgust": Style(
        amplitude=0.85, rate=0.85, tempo=0.98, two_handed=0.4, width_m=-0.04, height_m=0.09, reach_m=0.07, palm_deg=30,
        curl=-0.05, spine_deg=-9, head_deg=3, tilt_deg=7, shoulders_deg=3, hunch_deg=2, nod_deg=4, shake=0.4, sway=0.8,
        gaze_away=0.5, turn_deg=-13, beats=(0.10, 0.26, 0.62, 0.0, 0.02), shapes=(0.10, 0.14, 0.04, 0.04, 0.68),
        rests=(0.38, 0.0, 0.28, 0.26, 0.0, 0.08),
        face=(("noseSneer", 0.7), ("browDown", 0.4), ("mouthUpperUp", 0.35), ("eyeSquint", 0.4), ("mouthFrown", 0.35),
              ("mouthShrugLower", 0.25)),
    ),
}  # fmt: skip
assert tuple(_EMOTIONS) == EMOTIONS

_PRODUCTS = ("amplitude", "rate", "tempo", "sway")
_SUMS = (
    "height_m", "width_m", "reach_m", "elbow_out", "palm_deg", "curl", "spine_deg", "head_deg", "tilt_deg",
    "shoulders_deg", "hunch_deg", "turn_deg", "crouch_m",
)  # fmt: skip


_SHARES = ("beats", "shapes", "rests")


def style_of(speaker: int, emotion: str, intensity: float = 1.0, rng: np.random.Generator | None = None) -> Style:
    """The style of one clip. speaker 0..3, intensity 0..2 (1 natural); `rng` adds the day's variation of a person."""
    if not 0 <= speaker < len(SPEAKERS):
        raise ValueError(f"speaker: expected 0..{len(SPEAKERS) - 1}, got {speaker}")
    if emotion not in _EMOTIONS:
        raise ValueError(f"emotion: expected one of {', '.join(EMOTIONS)}, got {emotion!r}")
    if not 0.0 <= intensity <= 2.0:
        raise ValueError(f"intensity: expected 0..2, got {intensity}")
    person, mood = SPEAKERS[speaker], _EMOTIONS[emotion]
    # The mood is there at intensity 0 too, only faintly.
    share = 0.35 + 0.65 * intensity
    changes: dict[str, object] = {
        name: getattr(person, name) * getattr(mood, name) ** min(share, 1.3) for name in _PRODUCTS
    }
    changes |= {name: getattr(person, name) + share * getattr(mood, name) for name in _SUMS}
    changes["amplitude"] = person.amplitude * mood.amplitude * (0.4 + 0.6 * intensity) ** 0.8
    changes["rate"] = person.rate * mood.rate * (0.7 + 0.3 * intensity)
    changes["nod_deg"] = person.nod_deg * mood.nod_deg / 6.0 * (0.5 + 0.5 * intensity)
    changes["two_handed"] = 0.5 * (person.two_handed + mood.two_handed)
    changes["stance_m"] = person.stance_m + share * (mood.stance_m - Style.stance_m)
    changes |= {name: getattr(mood, name) for name in ("shake", "blinks_per_min", "gaze_away")}
    changes |= {name: _blend(getattr(person, name), getattr(mood, name), share) for name in _SHARES}
    changes["tremor"] = mood.tremor * share
    changes["face"] = tuple((name, weight * min(share, 1.5)) for name, weight in mood.face)
    style = replace(person, **changes)  # type: ignore[arg-type]
    return style if rng is None else _vary(style, rng)


def _blend(person: tuple[float, ...], mood: tuple[float, ...], share: float) -> tuple[float, ...]:
    """Shares between a person's and a mood's, the mood's own from intensity 1 on; they add up to 1."""
    part = min(share, 1.0)
    return tuple((1.0 - part) * a + part * b for a, b in zip(person, mood))


def _vary(style: Style, rng: np.random.Generator) -> Style:
    return replace(
        style,
        amplitude=style.amplitude * rng.normal(1.0, 0.06),
        height_m=style.height_m + rng.normal(0.0, 0.012),
        width_m=style.width_m + rng.normal(0.0, 0.012),
        tilt_deg=style.tilt_deg * rng.choice([-1.0, 1.0]) if style.tilt_deg > 4.5 else style.tilt_deg,
    )
