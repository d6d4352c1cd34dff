"""The pages beside the WebSocket, and who may ask for them."""

import http.client
import json
import shutil
import ssl
import subprocess
import threading

import pytest
from websockets.sync.client import connect

from gesturestream.bridge.http import Viewer
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.bridge.server.guard import Guard
from gesturestream.realtime.engine import Engine
from tests.bridge.talk import Talk
from tests.bridge.toy import LoudnessExecutor


@pytest.fixture(scope="module")
def engine():
    with Engine({"loudness": LoudnessExecutor()}, default="loudness") as engine:
        yield engine


@pytest.fixture
def dist(tmp_path):
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html>viewer")
    (root / "assets" / "index-1a2b.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    return root


@pytest.fixture
def url(engine, dist):
    with running_server(engine, ServerConfig(port=0, web_dist=dist)) as url:
        yield url


def get(url, path, **headers):
    """status, headers, body; the path goes out as it is."""
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=30)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def test_the_viewer_is_served(url):
    status, headers, body = get(url, "/")
    assert (status, body) == (200, "<!doctype html>viewer")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, headers, body = get(url, "/assets/index-1a2b.js?v=1")
    assert (status, body, headers["Content-Type"]) == (200, "export {}", "text/javascript; charset=utf-8")
    assert "immutable" in headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd", "/link.txt", "/assets",
     "/assets/%00", "/..%5csecret.txt", "/" + "a" * 3000, "/nothing", "/%ff"],
)  # fmt: skip
def test_nothing_outside_of_the_viewer_is_served(url, path):
    assert get(url, path)[0] == 404


def test_a_viewer_that_was_not_built_says_how(tmp_path):
    response = Viewer(tmp_path / "missing").response("/", "localhost:1")
    assert response.status_code == 200
    assert b"make viewer" in response.body
    assert Viewer(tmp_path / "missing").response("/index.js", "localhost:1").status_code == 404


def test_health(url):
    with Talk(url) as talk:
        talk.start()
        status, headers, body = get(url, "/healthz")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["status"] == "ready"
    assert json.loads(body)["sessions"] >= 1


def test_metrics_count_frames_and_refusals(url):
    with Talk(url) as talk:
        talk.start()
        talk.frame()
        talk.send("{")
        talk.text("error")
        status, headers, body = get(url, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    values = dict(line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))
    assert float(values["gesturestream_frames_total"]) > 0
    assert float(values["gesturestream_readers"]) == 1
    assert float(values["gesturestream_errors_total"]) == 1
    assert 'gesturestream_duration_seconds{quantile="0.99",what="step"}' in values


def test_the_stream_is_no_page(url):
    assert get(url, "/v1/stream")[0] == 426


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/v1/stream"])
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "a@localhost"}],
)
def test_pages_are_only_for_known_hosts_and_origins(url, path, headers):
    assert get(url, path, **headers)[0] == 403


@pytest.mark.parametrize(
    ("hosts", "origins", "served"),
    [
        (["localhost:8765"], [], True),
        (["127.0.0.1:8765"], ["http://127.0.0.1:8765"], True),
        (["[::1]:8765"], ["http://[::1]:8765"], True),
        (["LOCALHOST:8765"], ["http://localhost:8765"], True),
        (["localhost"], ["http://localhost"], True),
        (["avatar.example:8765"], ["https://avatar.example:8765"], True),
        (["localhost:8765"], ["https://friend.example"], True),
        (["localhost:8765"], ["http://friend.example"], False),
        (["localhost:8765"], ["http://localhost:3000"], False),
        (["localhost:8765"], ["http://localhost:8765", "http://localhost:8765"], False),
        (["localhost:8765"], ["null"], False),
        (["localhost:8765"], [""], False),
        (["localhost:8765"], ["file://"], False),
        (["localhost.evil.example"], [], False),
        (["192.0.2.7:8765"], [], False),
        (["localhost:port"], [], False),
        (["localhost", "localhost"], [], False),
        ([], [], False),
    ],
)
def test_the_guard(hosts, origins, served):
    guard = Guard(ServerConfig(allow_host=("avatar.example",), allow_origin=("https://friend.example",)))
    assert (guard.refusal(hosts, origins, "127.0.0.1") is None) == served


def test_a_server_on_every_address_is_known_by_the_one_that_was_called():
    guard = Guard(ServerConfig(host="0.0.0.0", token="t"))
    assert guard.refusal(["192.0.2.7:8765"], [], "192.0.2.7") is None
    assert guard.refusal(["rebound.example:8765"], [], "192.0.2.7") is not None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_tls(engine, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    subprocess.run([*command, *subject, "-keyout", key, "-out", cert], check=True, capture_output=True)
    with running_server(engine, ServerConfig(port=0, tls_cert=cert, tls_key=key)) as url:
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(cert))
        with connect(url.replace("https", "wss") + "v1/stream", ssl=trusting) as stream:
            stream.send('{"type": "start", "protocol": 1}')
            assert json.loads(stream.recv(timeout=30))["type"] == "ready"
    key.write_text("not a key")
    broken = pytest.raises(ValueError, match="expected a PEM certificate")
    with broken, running_server(engine, ServerConfig(port=0, tls_cert=cert, tls_key=key)):
        pass


def test_no_thread_stays_behind(engine):
    before = threading.active_count()
    with running_server(engine) as url, Talk(url) as talk:
        talk.start()
    assert threading.active_count() <= before + 1  # asyncio's pool may keep one idle for a moment
