"""OSC 1.0 bundles whose bytes never change but for their floats: packed once, then filled in place.

A library that builds messages one by one needs a millisecond for each frame of a body.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

DATAGRAM_BYTES = 1400
"""Under one Ethernet MTU together with the IP and UDP headers: a fragment that is lost loses the whole datagram."""

_HEAD = b"#bundle\0" + struct.pack(">Q", 1)  # time tag 1: immediately


@dataclass(frozen=True, kw_only=True)
class Message:
    """An OSC message: constant arguments, then float32 slots that `Datagrams.fill` writes."""

    address: str
    constants: tuple[str | int, ...] = ()
    floats: int = 0

    def encode(self) -> bytes:
        """The message with zeros in its slots, which are its last 4 * `floats` bytes."""
        tags = "," + "".join("s" if isinstance(value, str) else "i" for value in self.constants) + "f" * self.floats
        constants = b"".join(_text(v) if isinstance(v, str) else struct.pack(">i", v) for v in self.constants)
        return _text(self.address) + _text(tags) + constants + bytes(4 * self.floats)


def _text(text: str) -> bytes:
    """Zero-terminated, padded to whole words."""
    data = text.encode()
    return data + bytes(4 - len(data) % 4)


class Datagrams:
    """Messages in order, split into bundles of at most `limit` bytes."""

    def __init__(self, messages: Sequence[Message], limit: int = DATAGRAM_BYTES) -> None:
        """ValueError when one message alone is longer than a datagram."""
        slots: list[int] = []
        data, starts = bytearray(), [0]
        for message in messages:
            body = message.encode()
            if len(_HEAD) + 4 + len(body) > limit:
                raise ValueError(f"expected a message of at most {limit} bytes, got {len(body)} for {message.address}")
            if len(data) > starts[-1] and len(data) - starts[-1] + 4 + len(body) > limit:
                starts.append(len(data))
            if len(data) == starts[-1]:
                data += _HEAD
            data += struct.pack(">i", len(body)) + body
            slots += range(len(data) // 4 - message.floats, len(data) // 4)
        self._words = np.frombuffer(data, ">f4")
        self._slots = np.array(slots, np.intp)
        view = memoryview(data)
        self._parts = [view[start:stop] for start, stop in zip(starts, [*starts[1:], len(data)], strict=True)]

    @property
    def floats(self) -> int:
        """How many values `fill` takes."""
        return len(self._slots)

    def fill(self, values: ArrayLike) -> list[memoryview]:
        """Writes all slots, in the order of the messages; the datagrams are valid until the next call."""
        self._words[self._slots] = values
        return self._parts
