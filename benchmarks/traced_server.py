"""`gesturestream` that notes when each part of the way of a frame begins and ends.

    python -m benchmarks.traced_server SPANS.json serve ...

The parts are wrapped from outside, so that a server that is not traced knows nothing of it. Written when it ends.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gesturestream.bridge.protocol.reader_queue import SharedFrame
from gesturestream.bridge.server.socket import Socket
from gesturestream.cli import main
from gesturestream.realtime.finishing import Finisher
from gesturestream.realtime.rows import Lane
from gesturestream.realtime.session import Session
from gesturestream.realtime.stage import Stage

Span = tuple[str, float, float, int | None]
"""Name, begin and end on `time.monotonic`, and the audio frame or (of audio that arrives) samples so far."""


def wrap(spans: list[Span], owner: type, method: str, name: str, number: Callable[..., int | None]) -> None:
    """Has every call of `owner.method` noted; `number` is given what the method is given, after the call."""
    original = getattr(owner, method)

    def spanned(*given: Any, **named: Any) -> Any:
        begin_s = time.monotonic()
        result = original(*given, **named)
        spans.append((name, begin_s, time.monotonic(), number(*given)))
        return result

    setattr(owner, method, spanned)


def run(output: Path, arguments: list[str]) -> int:
    spans: list[Span] = []
    wrap(spans, Session, "push_audio", "receive", lambda session, pcm: session._client_samples)
    wrap(spans, Stage, "run", "tick", lambda stage, jobs: jobs[0][1].heard.frame if jobs else None)
    wrap(spans, Lane, "step", "step", lambda *_: None)
    wrap(spans, Finisher, "step", "finish", lambda *_: None)
    wrap(spans, SharedFrame, "message", "encode", lambda frame, *_: frame.frame.index)
    wrap(spans, Socket, "write", "write", lambda *_: None)
    try:
        return main(arguments)
    finally:
        output.write_text(json.dumps(spans))


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
