"""A small blocking client that speaks the protocol, for tests."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gesturestream.bridge.protocol.frames import unpack_header

TIMEOUT_S = 30.0


def tone(seconds, rate=16000):
    """s16le bytes of a loud tone that swells and fades."""
    t = np.arange(round(seconds * rate)) / rate
    return (12000 * np.sin(2 * np.pi * 220 * t) * np.sin(np.pi * t) ** 2).astype("<i2").tobytes()


class Talk:
    """One connection. Received texts are objects, received frames are bytes."""

    def __init__(self, url, *, receive_buffer=None, **options):
        address = urlsplit(url)
        raw = socket.create_connection((address.hostname, address.port))
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            options["max_queue"] = 1
        stream = url.replace("http", "ws", 1) + "v1/stream"
        self._context = connect(stream, sock=raw, compression=None, max_size=None, ping_interval=None, **options)
        self.socket = self._context.__enter__()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._context.__exit__(*exc)

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def send(self, data):
        self.socket.send(data)

    def start(self, **fields):
        """Sends `start` and returns `ready`."""
        return self.open(type="start", **fields)

    def watch(self, **fields):
        return self.open(type="watch", **fields)

    def open(self, **fields):
        self.say(protocol=1, **fields)
        return self.text("ready")

    def receive(self):
        message = self.socket.recv(timeout=TIMEOUT_S)
        return json.loads(message) if isinstance(message, str) else message

    def text(self, kind, **fields):
        """The next text message of that type (and with these fields); what comes before it is passed over."""
        while True:
            message = self.receive()
            if isinstance(message, dict) and {"type": kind, **fields}.items() <= message.items():
                return message

    def event(self, name):
        return self.text("event", name=name)

    def frame(self, wanted=lambda header: True):
        """The next pose frame whose header is wanted."""
        while True:
            message = self.receive()
            if isinstance(message, bytes) and (h := unpack_header(message)).kind == 1 and wanted(h):
                return message

    def rest(self):
        """Everything until the connection closes, and the close code."""
        messages = []
        try:
            while True:
                messages.append(self.receive())
        except ConnectionClosed as closed:
            return messages, closed.rcvd.code if closed.rcvd else 1006

    def refusal(self):
        """(error code, field, close code) of a connection that is refused."""
        messages, code = self.rest()
        error = next(m for m in messages if isinstance(m, dict) and m["type"] == "error")
        assert error["fatal"] is True
        return error["code"], error.get("field"), code

    def break_off(self):
        """The cable is pulled: no closing handshake."""
        self.socket.socket.shutdown(socket.SHUT_RDWR)
        self.socket.socket.close()


def headers(messages, kind=1):
    """Headers of the binary messages of a kind."""
    found = [unpack_header(m) for m in messages if isinstance(m, bytes)]
    return [header for header in found if header.kind == kind]


def events(messages):
    """Names of the events."""
    return [m["name"] for m in messages if isinstance(m, dict) and m["type"] == "event"]
