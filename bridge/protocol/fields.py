"""Reading untrusted JSON: strict parsing, and typed access to fields with errors that say expected and got."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from gesturestream.bridge.protocol.codes import ErrorCode

T = TypeVar("T", bound=str | int)
_MISSING: Any = object()
_SHOWN_CHARS = 60


class MessageError(Exception):
    """A message that cannot be used: what the `error` message tells the client."""

    def __init__(self, code: ErrorCode, message: str, *, field: str | None = None, id: str | int | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.field = field
        self.id = id


def parse_object(text: str) -> dict[str, Any]:
    """Strict JSON text -> object. MessageError `bad_json` for anything else, NaN and Infinity included."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise MessageError("bad_json", f"expected strict JSON, got an error: {shown(str(error))}") from None
    if not isinstance(value, dict):
        raise MessageError("bad_json", f"expected a JSON object, got {shown(value)}")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"number out of range: {digits[:_SHOWN_CHARS]}")
    return value


def shown(value: object) -> str:
    """A value as error messages quote it: one line, bounded in length."""
    try:
        text = json.dumps(value) if not isinstance(value, str) else json.dumps(value[: 2 * _SHOWN_CHARS])
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


class Fields:
    """Typed access to one JSON object's fields. Every getter raises MessageError `bad_field` naming the field."""

    def __init__(self, data: Mapping[str, Any], prefix: str = "") -> None:
        self.data = data
        self._prefix = prefix

    def wrong(self, name: str, expected: str, got: object) -> MessageError:
        """The error for field `name`."""
        field = self._prefix + name
        return MessageError("bad_field", f"{field}: expected {expected}, got {shown(got)}", field=field)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.data.get(name) is not None

    def number(self, name: str, low: float = -math.inf, high: float = math.inf, default: float = _MISSING) -> float:
        """A JSON number in low..high."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(name, _range("a number", low, high), value)
        try:
            return float(value)
        except OverflowError:
            raise self.wrong(name, "a number that fits a float64", "a larger integer") from None

    def optional_number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        """A JSON number in low..high, or null or absent."""
        return self.number(name, low, high) if self.has(name) else None

    def integer(self, name: str, low: int, high: int, default: int = _MISSING) -> int:
        """A JSON integer in low..high."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name, _range("an integer", low, high), value)
        return value

    def boolean(self, name: str, default: bool = _MISSING) -> bool:
        """true or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false", value)
        return value

    def string(self, name: str, max_length: int, default: str = _MISSING) -> str:
        """A string of 1..max_length characters."""
        value = self._get(name, default)
        if not isinstance(value, str) or not 1 <= len(value) <= max_length:
            raise self.wrong(name, f"a string of 1 to {max_length} characters", value)
        return value

    def optional_string(self, name: str, max_length: int) -> str | None:
        """A string of 1..max_length characters, or null or absent."""
        return self.string(name, max_length) if self.has(name) else None

    def choice(self, name: str, options: Sequence[T], default: T = _MISSING) -> T:
        """One of `options`, of the same JSON type."""
        value = self._get(name, default)
        for option in options:
            if type(value) is type(option) and value == option:
                return option
        raise self.wrong(name, f"one of {', '.join(str(option) for option in options)}", value)

    def object(self, name: str, default: Mapping[str, Any] = _MISSING) -> Fields:
        """A JSON object, with errors about its fields named `name.field`."""
        value = self._get(name, default)
        if not isinstance(value, Mapping):
            raise self.wrong(name, "an object", value)
        return Fields(value, f"{self._prefix}{name}.")

    def _get(self, name: str, default: Any) -> Any:
        value = self.data.get(name, default)
        if value is _MISSING:
            raise self.wrong(name, "a value", "nothing")
        return value


def _range(kind: str, low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return kind
    if math.isinf(high):
        return f"{kind} >= {low:g}"
    return f"{kind} in {low:g}..{high:g}"
