"""Frames on the wire may be cut, glued and broken up in any way: the short way in changes nothing."""

from __future__ import annotations

import base64
import json
import os
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from gesturestream.bridge.server.config import ServerConfig
from gesturestream.bridge.server.thread import running_server
from gesturestream.realtime.engine import Engine
from tests.bridge.talk import tone
from tests.bridge.toy import LoudnessExecutor

TEXT, BINARY, CONT, PING, CLOSE = Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.CLOSE
START = {"type": "start", "protocol": 1, "mode": "offline", "seed": 3}


@pytest.fixture(scope="module")
def url():
    with (
        Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine,
        running_server(engine, ServerConfig(port=0)) as url,
    ):
        yield url


class Raw:
    """A TCP connection after the WebSocket handshake."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.tcp = socket.create_connection((address.hostname, address.port), timeout=20)
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.tcp.sendall(
            f"GET /v1/stream HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.tcp.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")
        self._received = answer.partition(b"\r\n\r\n")[2]

    def frames(self) -> list[Frame]:
        """Everything until the server closes the connection."""
        out: list[Frame] = []
        while not (out and out[-1].opcode is CLOSE):
            frame, used = unpacked(self._received)
            self._received = self._received[used:]
            if frame is not None:
                out.append(frame)
            elif data := self.tcp.recv(65536):
                self._received += data
            else:
                break
        self.tcp.close()
        return out


def unpacked(data: bytes) -> tuple[Frame | None, int]:
    """The first frame of a server's bytes and how many it takes; None: it is not all there."""
    reader = StreamReader()
    reader.feed_data(data)
    try:
        next(Frame.parse(reader.read_exact, mask=False))
    except StopIteration as parsed:
        return parsed.value, len(data) - len(reader.buffer)
    return None, 0


def wire(opcode: Opcode, data: bytes | dict, *, fin: bool = True) -> bytes:
    payload = json.dumps(data).encode() if isinstance(data, dict) else data
    return Frame(opcode, payload, fin=fin).serialize(mask=True)


def spoken(*, pieces: bool) -> bytes:
    """Audio of many sizes with texts, pings and broken up messages in between; `end` last."""
    voice = tone(0.4)
    parts = [wire(TEXT, START), wire(BINARY, voice[:2]), wire(BINARY, voice[2:320])]
    parts += [wire(TEXT, {"type": "utterance", "id": "u"}), wire(BINARY, voice[320:2000]), wire(PING, b"still there?")]
    if pieces:
        parts += [wire(BINARY, voice[2000:2001], fin=False), wire(PING, b""), wire(CONT, voice[2001:6000])]
        parts += [wire(TEXT, b'{"type": "utterance_end", ', fin=False), wire(CONT, b'"id": "u"}')]
    else:
        parts += [wire(BINARY, voice[2000:6000]), wire(TEXT, {"type": "utterance_end", "id": "u"})]
    return b"".join([*parts, wire(BINARY, voice[6000:]), wire(TEXT, {"type": "end"})])


def shown(frames: list[Frame]) -> tuple[list[bytes], list[tuple[str, float]], list[bytes], int]:
    """Pose frames without the server's clock, events, pongs, and the close code."""
    poses = [frame.data[:24] + frame.data[32:] for frame in frames if frame.opcode is BINARY]
    texts = [json.loads(frame.data) for frame in frames if frame.opcode is TEXT]
    assert not [text for text in texts if text["type"] == "error"]
    events = [(text["name"], text["media_time_s"]) for text in texts if text["type"] == "event"]
    pongs = [bytes(frame.data) for frame in frames if frame.opcode is Opcode.PONG]
    (closed,) = (Close.parse(frame.data).code for frame in frames if frame.opcode is CLOSE)
    return poses, events, pongs, closed


@settings(max_examples=12, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 13500), max_size=8),
    drip=st.integers(0, 40),
    pieces=st.booleans(),
)
def test_any_cut_of_the_bytes_gives_the_same_session(url: str, cuts: list[int], drip: int, pieces: bool) -> None:
    """`drip`: so many bytes in the middle come one by one."""
    whole, some = spoken(pieces=False), spoken(pieces=pieces)
    places = sorted({*cuts, *range(900, 900 + drip)})
    got = []
    for data, ends in ((whole, [len(whole)]), (some, [*(p for p in places if p < len(some)), len(some)])):
        raw, start = Raw(url), 0
        for end in ends:
            raw.tcp.sendall(data[start:end])
            start = end
        got.append(shown(raw.frames()))
    (poses, events, pongs, closed), expected = got[1], got[0]
    assert len(poses) == 13, "the end of the utterance pads its last frame"
    assert poses == expected[0]
    assert events == expected[1]
    assert pongs == [b"still there?", b""][: 1 + pieces]
    assert closed == expected[3] == 1000


def test_a_message_that_is_too_long_is_refused_whatever_way_it_comes(url: str) -> None:
    for cut in (3, 20, 70000):
        raw = Raw(url)
        data = wire(TEXT, START) + wire(BINARY, bytes(2)) + wire(BINARY, bytes(1024 * 1024 + 2))[:200_000]
        raw.tcp.sendall(data[:cut])
        raw.tcp.sendall(data[cut:])
        closes = [Close.parse(frame.data).code for frame in raw.frames() if frame.opcode is CLOSE]
        assert closes == [1009]


def test_audio_without_a_mask_is_a_protocol_error(url: str) -> None:
    raw = Raw(url)
    raw.tcp.sendall(wire(TEXT, START) + Frame(BINARY, bytes(320)).serialize(mask=False))
    assert [Close.parse(frame.data).code for frame in raw.frames() if frame.opcode is CLOSE] == [1002]
