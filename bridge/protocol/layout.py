"""Which fields a frame carries on the wire, how each is encoded and where it lies."""

from __future__ import annotations

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
