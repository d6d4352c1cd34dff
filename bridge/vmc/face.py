"""The 52 ARKit weights as what an avatar's face has: the same ones, or the dozen presets that every VRM has.

Folding 52 into a dozen is an approximation; the weights were chosen so that the vowels this project's voices are
trained with come out as their letters.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPE_COUNT

Floats = NDArray[np.floating]
FaceKind = Literal["auto", "arkit", "vrm0", "vrm1", "none"]

VRM1_NAMES = {
    "A": "aa", "I": "ih", "U": "ou", "E": "ee", "O": "oh", "Blink_L": "blinkLeft", "Blink_R": "blinkRight",
    "Joy": "happy", "Angry": "angry", "Sorrow": "sad",
}  # fmt: skip

_VOWELS = ("A", "I", "U", "E", "O")
# Per preset: weights of ARKit shapes; `Left` and `Right` of a name count half each. Clipped to 0..1 afterwards.
_PRESETS: dict[str, dict[str, float]] = {
    "A": {"jawOpen": 1.5, "mouthFunnel": -1.6, "mouthPucker": -1.6, "mouthStretch": -1.4, "mouthSmile": -0.9},
    "I": {"mouthStretch": 1.9, "mouthSmile": 0.8, "jawOpen": -0.6, "cheekSquint": -1.6},
    "U": {"mouthPucker": 1.6, "mouthFunnel": 0.4, "jawOpen": -0.9},
    "E": {"mouthStretch": 2.0, "jawOpen": 0.62, "mouthSmile": -0.9, "mouthFunnel": -1.5, "mouthPucker": -1.0},
    "O": {"mouthFunnel": 1.1, "jawOpen": 0.5, "mouthPucker": -0.7, "mouthStretch": -1.5, "mouthLowerDown": -1.2},
    "Blink_L": {"eyeBlinkLeft": 1.0},
    "Blink_R": {"eyeBlinkRight": 1.0},
    "Joy": {"mouthSmile": 0.8, "cheekSquint": 0.8, "mouthStretch": -0.9},
    "Angry": {"browDown": 0.9, "noseSneer": 0.4},
    "Sorrow": {"mouthFrown": 0.7, "browInnerUp": 0.5, "browOuterUp": -0.5},
}


class Face:
    """Names of the blend shapes to send, and their values."""

    def __init__(self, names: tuple[str, ...], weights: Floats) -> None:
        """`weights` [names, 52]."""
        self.names = names
        self._weights = weights
        self._mouth = np.array([name in _VOWELS or name in map(VRM1_NAMES.get, _VOWELS) for name in names], bool)

    @property
    def moves_eyes(self) -> bool:
        """Whether it holds the gaze: then the eyes' bones must not turn as well."""
        return any(name.lower().startswith("eyelook") for name in self.names)

    def values(self, blendshapes: Floats) -> Floats:
        """[names] 0..1 from the ARKit weights [52]; the vowels together open the mouth no wider than one of them."""
        out: Floats = np.clip(self._weights @ blendshapes, 0.0, 1.0)
        open_by = out[self._mouth].sum()
        if open_by > 1.0:
            out[self._mouth] /= open_by
        return out


def make_face(kind: FaceKind, shapes: tuple[str, ...] | None) -> Face:
    """The face of an avatar that has these `shapes` (None: not known). `auto` takes ARKit names where it has them.

    Names follow the avatar's spelling. VRM 0's names are what senders have to use, whatever the avatar's version;
    `vrm1` is for receivers that want the new ones.
    """
    own = {name.lower(): name for name in shapes or ()}
    if kind == "auto":
        kind = "arkit" if {"jawopen", "eyeblinkleft", "eyeblinkright"} <= own.keys() else "vrm0"
    if kind == "none":
        return Face((), np.zeros((0, BLENDSHAPE_COUNT)))
    if kind == "arkit":
        return _arkit(own)
    names = tuple(_PRESETS if kind == "vrm0" else (VRM1_NAMES[name] for name in _PRESETS))
    return Face(names, np.stack([_row(weights) for weights in _PRESETS.values()]))


def _arkit(own: dict[str, str]) -> Face:
    """All that the avatar has; all 52, spelled as perfect-sync avatars are, where nothing is known of it."""
    kept = [i for i, name in enumerate(ARKIT_NAMES) if not own or name.lower() in own]
    names = tuple(own.get(ARKIT_NAMES[i].lower(), ARKIT_NAMES[i][:1].upper() + ARKIT_NAMES[i][1:]) for i in kept)
    return Face(names, np.eye(BLENDSHAPE_COUNT)[kept])


def _row(weights: dict[str, float]) -> Floats:
    row = np.zeros(BLENDSHAPE_COUNT)
    for name, weight in weights.items():
        if name in ARKIT_NAMES:
            row[ARKIT_NAMES.index(name)] += weight
        else:
            for side in ("Left", "Right"):
                row[ARKIT_NAMES.index(name + side)] += weight / 2
    return row
