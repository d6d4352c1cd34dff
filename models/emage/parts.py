"""Which values of the motion vector each VQ-VAE has: face, upper body, hands, lower body (EMAGE section 4.1).

The face has two codes, one for the mouth and one for eyes and brows: blinks and glances come by themselves, the mouth
by the voice, and one codebook for both would have to hold every pair. The root is nobody's: see `global_motion.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gesturestream.models.body.skeleton import HAND_JOINTS, LOWER_JOINTS, UPPER_JOINTS
from gesturestream.models.motion import ARKIT_NAMES, BLENDSHAPES, CONTACTS, EXPRESSIONS

Trunk = Literal["body", "face"]

JAW, EYES = (22,), (23, 24)
_EYE_SHAPES = ("eye", "brow", "cheekSquint", "noseSneer")


@dataclass(frozen=True, kw_only=True)
class Code:
    """What one encoder sees, and into how many codebooks' indices it goes."""

    name: str
    values: tuple[int, ...]
    groups: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """One VQ-VAE: its codes, and what its decoder makes of them together."""

    name: str
    trunk: Trunk
    """Which branch of the transformer chooses its codes."""
    codes: tuple[Code, ...]
    values: tuple[int, ...]

    @property
    def groups(self) -> int:
        return sum(code.groups for code in self.codes)


def _joints(joints: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(6 * joint + i for joint in joints for i in range(6))


def _range(part: slice) -> tuple[int, ...]:
    return tuple(range(part.start, part.stop))


def _shapes(eyes: bool) -> tuple[int, ...]:
    return tuple(BLENDSHAPES.start + i for i, name in enumerate(ARKIT_NAMES) if name.startswith(_EYE_SHAPES) == eyes)


_UPPER, _HANDS = _joints(UPPER_JOINTS), _joints(HAND_JOINTS)
LOWER = _joints(LOWER_JOINTS) + _range(CONTACTS)
"""What the global motion predictor is told."""
_MOUTH = _joints(JAW) + _shapes(eyes=False)
_LOOK = _joints(EYES) + _shapes(eyes=True)
_FACE = _joints(JAW + EYES) + _range(BLENDSHAPES) + _range(EXPRESSIONS)

FOUR: tuple[Part, ...] = (
    Part(name="upper", trunk="body", codes=(Code(name="upper", values=_UPPER, groups=8),), values=_UPPER),
    Part(name="hands", trunk="body", codes=(Code(name="hands", values=_HANDS, groups=5),), values=_HANDS),
    Part(name="lower", trunk="body", codes=(Code(name="lower", values=LOWER, groups=4),), values=LOWER),
    Part(
        name="face",
        trunk="face",
        codes=(Code(name="mouth", values=_MOUTH, groups=4), Code(name="look", values=_LOOK, groups=2)),
        values=_FACE,
    ),
)
"""Four compositional VQ-VAEs."""

_WHOLE = _UPPER + _HANDS + LOWER + _FACE
SINGLE: tuple[Part, ...] = (
    Part(name="whole", trunk="body", codes=(Code(name="whole", values=_WHOLE, groups=8),), values=_WHOLE),
)
"""One for all, an ablation (Table 6)."""

PARTS: dict[str, tuple[Part, ...]] = {"four": FOUR, "single": SINGLE}
