"""A client of the wire protocol: a voice goes in, frames of the whole body come out. docs/python-client.md shows it.

`connect`, `watch` and `list_sessions` here are for asyncio; the module `sync` has blocking ones of the same names. The
core (`session`) does no I/O and is what both wrap. Imports numpy and websockets, never torch.
"""

from gesturestream.bridge.client.aio import Avatar, connect, list_sessions, watch
from gesturestream.bridge.client.errors import ClientError, ConnectionLost, ServerError
from gesturestream.bridge.client.requests import SessionEntry, Word
from gesturestream.bridge.client.speech import Speech
from gesturestream.realtime.frame import AudioChunk, Event, Frame, FrameFlag

__all__ = [
    "AudioChunk",
    "Avatar",
    "ClientError",
    "ConnectionLost",
    "Event",
    "Frame",
    "FrameFlag",
    "ServerError",
    "SessionEntry",
    "Speech",
    "Word",
    "connect",
    "list_sessions",
    "watch",
]
