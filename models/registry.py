"""Which generators there are and where their checkpoints lie. Torch-free: classes are imported when asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gesturestream.models.generator import Generator

ASSETS = Path(__file__).parent / "assets"

_CLASSES = {
    "audio2gestures": "gesturestream.models.audio2gestures:Audio2Gestures",
    "emage": "gesturestream.models.emage:Emage",
    "diffgesture": "gesturestream.models.diffgesture:DiffGesture",
    "emotiongesture": "gesturestream.models.emotiongesture:EmotionGesture",
}
"""Name -> module:class; a new generator joins here."""

GENERATORS: tuple[str, ...] = tuple(_CLASSES)
DEFAULT = "emage"


def generator_class(name: str) -> type[Generator]:
    """The class of generator `name`; ValueError lists the known ones."""
    if name not in _CLASSES:
        raise ValueError(f"expected one of {', '.join(GENERATORS)}, got {name!r}")
    module, _, attribute = _CLASSES[name].partition(":")
    found: type[Generator] = getattr(import_module(module), attribute)
    return found


def checkpoint_path(name: str) -> Path:
    """Where the shipped checkpoint of generator `name` lies (whether or not it exists)."""
    return ASSETS / f"{name}.safetensors"


def available() -> tuple[str, ...]:
    """Generators whose checkpoint ships with this installation."""
    return tuple(name for name in GENERATORS if checkpoint_path(name).is_file())
