"""Numbers and names that the protocol fixes: version, close codes, error codes, limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

PROTOCOL_VERSION = 1
SUBPROTOCOL = "gesturestream.v1"
STREAM_PATH = "/v1/stream"

ErrorCode = Literal[
    "bad_json", "bad_type", "bad_field", "bad_audio", "forbidden", "unavailable", "server_full", "internal"
]


class CloseCode(IntEnum):
    """Why a connection is closed; clients retry on SHUTDOWN, INTERNAL, BUSY and STALLED only."""

    NORMAL = 1000
    SHUTDOWN = 1001
    TOO_LARGE = 1009
    INTERNAL = 1011
    INVALID = 4400
    TOKEN = 4401
    NO_SESSION = 4404
    TOO_LATE = 4408
    VERSION = 4409
    AUDIO_AHEAD = 4413
    BUSY = 4429
    STALLED = 4430


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The protocol's limits. Only tests change them."""

    opening_s: float = 10.0
    """Time for the first message, and after each `list` for the next one."""
    opening_total_s: float = 60.0
    """Time for `start` or `watch`, however often a client asks for the list."""
    opening_text_bytes: int = 64 * 1024
    message_bytes: int = 1024 * 1024
    texts_per_s: int = 100
    errors: int = 20
    errors_span_s: float = 10.0
    queue_frames: int = 16
    """Frames queued per reader; the oldest is dropped."""
    unacknowledged_frames: int = 30
    queue_texts: int = 4096
    """Texts queued per reader; none is dropped, so one more closes the connection."""
    queue_audio_s: float = 2.0
    """Forwarded audio queued per reader; the oldest goes."""
    stall_s: float = 10.0
    """A reader whose socket takes nothing for this long is closed."""
    resume_s: float = 10.0
    """A session whose owner's connection broke waits this long for a resume."""
    ping_s: float = 20.0
    pending_connections: int = 32
    """Connections that have not sent their first message yet."""
    backlog_frames: int = 256
    """Offline: the session pauses while its owner's queue holds this many frames."""
    retry_after_s: float = 2.0
    """What a client that sent too many messages is told to wait."""
