"""Which fields a frame carries on the wire, how each is encoded and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import BLENDSHAPE_COUNT, CONTACT_COUNT

HEADER_BYTES = 32
Encoding = Literal["f32", "q16"]
ENCODINGS: tuple[Encoding, ...] = ("f32", "q16")
EXPRESSION_COUNTS = (0, 10, 100)
ELEMENT_BYTES: dict[str, int] = {"f32": 4, "q16quat": 8, "i16x4096": 2, "u16n": 2}
"""Bytes of one element of each dtype."""


@dataclass(frozen=True, kw_only=True)
class LayoutField:
    """One field of a frame message."""

    name: str
    dtype: str
    count: int
    """Elements: floats for `f32`, whole quaternions for `q16quat`."""
    offset: int
    """Bytes from byte 0 of the message."""

    @property
    def end(self) -> int:
        """One past the field's last byte."""
        return self.offset + self.count * ELEMENT_BYTES[self.dtype]

    def as_json(self) -> dict[str, Any]:
        """The field as `ready.layout` shows it."""
        return {"name": self.name, "dtype": self.dtype, "count": self.count, "offset": self.offset}


@dataclass(frozen=True, kw_only=True)
class FrameFormat:
    """What a reader asked for under `frames`; fixed for its connection."""

    expressions: int = 100
    """0, 10 or 100 coefficients."""
    blendshapes: bool = True
    encoding: Encoding = "f32"

    @cached_property
    def layout(self) -> tuple[LayoutField, ...]:
        """The fields in wire order; one that was not asked for is absent."""
        quantised = self.encoding == "q16"
        wanted = [
            ("root_m", "f32", 3),
            ("quat_xyzw", "q16quat" if quantised else "f32", JOINT_COUNT * (1 if quantised else 4)),
            ("expressions", "i16x4096" if quantised else "f32", self.expressions),
            ("blendshapes", "u16n" if quantised else "f32", BLENDSHAPE_COUNT if self.blendshapes else 0),
            ("contacts", "u16n" if quantised else "f32", CONTACT_COUNT),
        ]
        fields: list[LayoutField] = []
        for name, dtype, count in wanted:
            if count:
                offset = fields[-1].end if fields else HEADER_BYTES
                fields.append(LayoutField(name=name, dtype=dtype, count=count, offset=offset))
        return tuple(fields)

    @cached_property
    def frame_bytes(self) -> int:
        """Length of one frame message."""
        return self.layout[-1].end


_COUNTS: dict[str, tuple[int, ...]] = {
    "root_m": (3,),
    "quat_xyzw": (JOINT_COUNT, JOINT_COUNT * 4),
    "expressions": EXPRESSION_COUNTS,
    "blendshapes": (BLENDSHAPE_COUNT,),
    "contacts": (CONTACT_COUNT,),
}
_NEEDED = {"root_m", "quat_xyzw", "contacts"}
_MAX_BYTES = 1 << 20


def parse_layout(value: object) -> tuple[LayoutField, ...]:
    """`ready.layout` as a client reads it; empty where no frames were asked for.

    Fields and dtypes that version 1 does not know are left out. ValueError for a layout that cannot be read by.
    """
    if not isinstance(value, list):
        raise ValueError(f"layout: expected a list, got {type(value).__name__}")
    known = [entry for entry in value if isinstance(entry, Mapping) and entry.get("name") in _COUNTS]
    fields = tuple(_parse_field(entry) for entry in known if entry.get("dtype") in ELEMENT_BYTES)
    if value and (missing := _NEEDED - {field.name for field in fields}):
        raise ValueError(f"layout: expected {', '.join(sorted(_NEEDED))}, got no {', '.join(sorted(missing))}")
    return fields


def _parse_field(entry: Mapping[str, Any]) -> LayoutField:
    name, dtype, count, offset = (entry.get(key) for key in ("name", "dtype", "count", "offset"))
    values = JOINT_COUNT * 4 // (4 if dtype == "q16quat" else 1) if name == "quat_xyzw" else count
    if not isinstance(count, int) or count not in _COUNTS[str(name)] or count != values:
        raise ValueError(f"layout: expected {name} of a known size, got {count!r}")
    if (dtype == "q16quat") != (name == "quat_xyzw" and count == JOINT_COUNT):
        raise ValueError(f"layout: expected another dtype for {name}, got {dtype}")
    field = LayoutField(name=str(name), dtype=str(dtype), count=count, offset=offset if isinstance(offset, int) else -1)
    if not HEADER_BYTES <= field.offset <= field.end <= _MAX_BYTES:
        raise ValueError(f"layout: expected {name} inside a message, got offset {offset!r}")
    return field
