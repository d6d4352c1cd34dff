"""What one golden message is, and how its decoded values are written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gesturestream.bridge.protocol.frames import decode_frame, unpack_header
from gesturestream.bridge.protocol.layout import HEADER_BYTES, FrameFormat, LayoutField
from gesturestream.realtime.frame import FrameFlag

Expect = Literal["decode", "ignore", "refuse", "survive"]
Q16_TOLERANCE = 1e-6
"""Between two correct decoders of the same q16 bytes: one float32 rounding of the reconstructed component."""


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One binary message and what a client has to make of it."""

    name: str
    ready: str
    """The `ready` that it belongs to: a name of `readies`."""
    data: bytes
    expect: Expect = "decode"
    """`refuse`: an error to count, never shown; `ignore`: not for this client, no error; `survive`: either, but no
    crash and nothing that is not finite is shown."""
    note: str = ""
    source: str | None = None
    """The exact message of the same frame; the two agree within the quantisation."""

    @property
    def entry(self) -> dict[str, Any]:
        """Its line in `index.json`."""
        decoded = {"values": f"messages/{self.name}.json"} if self.expect == "decode" else {}
        source = {} if self.source is None else {"source": self.source}
        file = f"messages/{self.name}.bin"
        return {"name": self.name, "file": file, "ready": self.ready, "expect": self.expect, **decoded, **source} | (
            {"note": self.note} if self.note else {}
        )


def exact(values: NDArray[Any]) -> list[float]:
    """float32 -> the shortest decimals that give the same float32 again."""
    return [float(str(x)) for x in np.asarray(values, np.float32).ravel()]


def header_values(message: bytes) -> dict[str, Any]:
    """The header's fields by name."""
    header = unpack_header(message)
    return {
        "kind": header.kind,
        "flags": header.flags,
        "flag_names": [str(flag.name).lower() for flag in FrameFlag if flag & header.flags],
        "header_bytes": int.from_bytes(message[6:8], "little"),
        "sequence": header.sequence,
        "skeleton_revision": header.skeleton_revision,
        "epoch": header.epoch,
        "media_time_s": header.media_time_s,
        "server_time_s": header.server_time_s,
    }


def pose_values(message: bytes, form: FrameFormat | tuple[LayoutField, ...]) -> dict[str, Any]:
    """The decoded fields of a pose frame, those of its layout only."""
    layout = form.layout if isinstance(form, FrameFormat) else form
    frame = decode_frame(message, layout)
    fields = {}
    for field in layout:
        size = field.count * (4 if field.dtype == "q16quat" else 1)
        fields[field.name] = exact(getattr(frame, field.name).ravel()[:size])
    return fields


def audio_values(message: bytes) -> dict[str, Any]:
    """The samples of a kind-2 message as the integers they are."""
    start = int.from_bytes(message[6:8], "little")
    assert start >= HEADER_BYTES
    return {"pcm_s16": np.frombuffer(message[start:], "<i2").tolist()}
