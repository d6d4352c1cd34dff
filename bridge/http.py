"""The few HTTP pages beside the WebSocket: the viewer's files, /healthz and /metrics."""

from __future__ import annotations

import mimetypes
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Response

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".webmanifest": "application/manifest+json",
}
_CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self' blob: data: ws://{host} wss://{host}; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_NO_VIEWER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>gesturestream</title>
<body style="font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem">
<h1>gesturestream is running</h1>
<p>The web viewer has not been built yet. Run <code>make viewer</code> in the project folder and reload this page.</p>
<p>WebSocket clients can connect already: <code>ws://{host}/v1/stream</code>.</p></body></html>
"""


def page(
    status: HTTPStatus, body: str | bytes, content_type: str = "text/plain; charset=utf-8", **headers: str
) -> Response:
    """A complete response; `headers` by name with `_` for `-`."""
    data = body.encode() if isinstance(body, str) else body
    fields = Headers({"Content-Type": content_type, "Content-Length": str(len(data)), "Connection": "close"})
    fields["X-Content-Type-Options"] = "nosniff"
    fields["Referrer-Policy"] = "no-referrer"
    for name, value in {"Cache_Control": "no-store", **headers}.items():
        fields[name.replace("_", "-")] = value
    return Response(status.value, status.phrase, fields, data)


def path_of(target: str) -> str:
    """The decoded path of a request target; empty where it cannot be one."""
    try:
        return unquote(urlsplit(target).path, errors="strict")
    except (ValueError, UnicodeDecodeError):
        return ""


class Viewer:
    """The files under `root`, and a page that says how to build them while there are none."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def response(self, path: str, host: str) -> Response:
        """What is at `path`; `host` is the request's (already checked) Host header."""
        file = self._file(path)
        policy = _CSP.format(host=host)
        if file is not None:
            # Vite puts a hash of the content into the names under assets/: these never change.
            cache = "public, max-age=31536000, immutable" if path.startswith("/assets/") else "no-cache"
            return page(
                HTTPStatus.OK,
                file.read_bytes(),
                content_type(file),
                Cache_Control=cache,
                Content_Security_Policy=policy,
            )
        if path == "/":
            body = _NO_VIEWER.format(host=host)
            return page(HTTPStatus.OK, body, _TYPES[".html"], Content_Security_Policy=policy)
        return page(HTTPStatus.NOT_FOUND, "Not found.\n")

    def _file(self, path: str) -> Path | None:
        """The file itself, never one outside of `root`, whatever `..`, links or odd bytes the path holds."""
        if not path.startswith("/") or "\0" in path or "\\" in path:
            return None
        try:
            file = (self._root / (path.lstrip("/") or "index.html")).resolve()
            return file if file.is_relative_to(self._root) and file.is_file() else None
        except (OSError, RuntimeError):
            return None


def content_type(file: Path) -> str:
    """By the name's ending; not left to the machine's own table, which calls .js text/plain on some."""
    return _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
