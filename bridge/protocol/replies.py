"""Server messages as strict JSON text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gesturestream.bridge.protocol.codes import ErrorCode
from gesturestream.bridge.protocol.fields import MessageError
from gesturestream.realtime.frame import Event


def to_json(message: Mapping[str, Any]) -> str:
    """Strict JSON: numpy scalars become numbers, what is not finite becomes null."""
    return json.dumps(_plain(message), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def error_text(
    code: ErrorCode,
    message: str,
    *,
    field: str | None = None,
    id: str | int | None = None,
    fatal: bool = False,
    retry_after_s: float | None = None,
) -> str:
    """The message `error`."""
    extra = {"field": field, "id": id, "retry_after_s": retry_after_s}
    given = {key: value for key, value in extra.items() if value is not None}
    return to_json({"type": "error", "code": code, "message": message, "fatal": fatal, **given})


def refusal_text(error: MessageError, *, fatal: bool = False) -> str:
    """The message `error` for a message that could not be used."""
    return error_text(error.code, error.message, field=error.field, id=error.id, fatal=fatal)


def event_text(event: Event, id: str | int | None = None) -> str:
    """The message `event`; `id` is that of the request which caused it."""
    times = {"media_time_s": event.media_time_s, "audio_time_s": event.audio_time_s}
    echoed = {} if id is None else {"id": id}
    return to_json({"type": "event", "name": event.name, **times, **event.data, **echoed})


def pong_text(t0: float, t1: float, t2: float) -> str:
    """The message `pong`: t0 unchanged, server time received, server time sent."""
    return to_json({"type": "pong", "t0": t0, "t1": t1, "t2": t2})
