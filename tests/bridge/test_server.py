"""The server over real sockets, with the real engine and a small real executor."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest
from numpy.testing import assert_allclose
from websockets.exceptions import InvalidStatus

from gesturestream.bridge.protocol.codes import Limits
from gesturestream.bridge.protocol.frames import decode_audio, decode_frame, unpack_header
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.server import Local, PortInUse, ServerConfig, running_server
from gesturestream.realtime.config import SessionConfig
from gesturestream.realtime.engine import Engine
from tests.bridge.talk import Talk, events, headers, tone
from tests.bridge.toy import BrokenExecutor, LoudnessExecutor, NullSink


@pytest.fixture(scope="module")
def engine():
    executors = {name: LoudnessExecutor(name, capacity=64) for name in ("loudness", "quiet")}
    with Engine({**executors, "broken": BrokenExecutor("broken")}, default="loudness") as engine:
        yield engine


@pytest.fixture(scope="module")
def url(engine):
    with running_server(engine) as url:
        yield url


def serving(engine, **limits):
    return running_server(engine, ServerConfig(port=0, limits=Limits(**limits)))


def offline(url, pcm, **fields):
    """A whole offline session: ready, everything received after it, close code."""
    with Talk(url) as talk:
        ready = talk.start(mode="offline", seed=1, **fields)
        talk.send(pcm)
        talk.say(type="end")
        return ready, *talk.rest()


def test_a_voice_becomes_frames_in_order(url):
    ready, messages, code = offline(url, tone(2.01))
    frames = headers(messages)
    assert code == 1000
    assert [frame.sequence for frame in frames] == list(range(61))
    assert [frame.media_time_s for frame in frames] == [k / 30 for k in range(61)]
    assert {frame.epoch for frame in frames} == {0}
    assert events(messages)[-1] == "end" and "audio_resumed" in events(messages)
    assert {len(m) for m in messages if isinstance(m, bytes)} == {ready["frame_bytes"]} == {1548}


def test_ready_says_what_a_client_needs(url):
    ready, _, _ = offline(
        url, tone(0.1), name="Ada", lookahead_frames=4, frames={"expressions": 10}, settings={"gain": 2}
    )
    skeleton = ready["skeleton"]
    assert (len(skeleton["names"]), len(skeleton["parents"]), len(skeleton["rest_m"])) == (55, 55, 165)
    assert len(ready["blendshapes"]) == 52 and len(ready["session"]) >= 32 and len(ready["resume_key"]) >= 32
    assert ready["generators"] == ["broken", "loudness", "quiet"]
    assert ready["latency_s"] == pytest.approx(5 / 30)
    assert (ready["name"], ready["mode"], ready["seed"], ready["fps"]) == ("Ada", "offline", 1, 30)
    assert ready["settings"] == {"gain": 2}
    assert [field["name"] for field in ready["layout"]] == [
        "root_m", "quat_xyzw", "expressions", "blendshapes", "contacts",
    ]  # fmt: skip
    assert ready["layout"][2]["count"] == 10


def test_both_encodings_carry_the_same_motion(url):
    streams = []
    for encoding in ("f32", "q16"):
        _, messages, _ = offline(url, tone(0.5), frames={"encoding": encoding})
        layout = FrameFormat(encoding=encoding).layout
        streams.append([decode_frame(m, layout) for m in messages if isinstance(m, bytes)])
    assert len(streams[0]) == len(streams[1]) == 15
    for plain, packed in zip(*streams, strict=True):
        for name in ("root_m", "quat_xyzw", "expressions", "blendshapes", "contacts"):
            assert_allclose(getattr(packed, name), getattr(plain, name), atol=2e-4, err_msg=name)
    assert np.ptp([frame.quat_xyzw for frame in streams[0]], axis=0).max() > 0.05  # the body did move


def test_any_chunking_and_rate_gives_the_same_number_of_frames(url):
    pcm = tone(1.0, rate=44100)
    with Talk(url) as talk:
        talk.start(mode="offline", audio={"rate": 44100})
        for begin in range(0, len(pcm), 3334):
            talk.send(pcm[begin : begin + 3334])
        talk.say(type="end")
        messages, _ = talk.rest()
    assert [frame.sequence for frame in headers(messages)] == list(range(30))


def test_events_only(url):
    ready, messages, code = offline(url, tone(0.5), frames=None)
    assert (ready["layout"], ready["frame_bytes"], code) == ([], 0, 1000)
    assert headers(messages) == [] and events(messages)[-1] == "end"


def test_an_interrupt_raises_the_epoch_and_the_session_goes_on(url):
    with Talk(url) as talk:
        talk.start(mode="agent")
        talk.send(tone(5.0))
        talk.frame(lambda header: header.sequence == 5)
        talk.say(type="ack", sequence=5, played_s=0.125)
        talk.say(type="interrupt", id="i1")
        told = talk.event("interrupted")
        assert (told["id"], told["epoch"], told["played_s"]) == ("i1", 1, 0.125)
        assert told["generated_s"] > 0 and 0 < told["sample"] < 80000
        frame = talk.frame(lambda header: header.epoch == 1)
        assert unpack_header(frame).flags & 4
        talk.send(tone(0.5))
        talk.say(type="end")
        messages, code = talk.rest()
    assert code == 1000
    assert {frame.epoch for frame in headers(messages)} == {1}


def test_requests_ids_come_back_with_their_events_and_errors(url):
    with Talk(url) as talk:
        talk.start()
        talk.say(type="control", intensity=0.5, id=1)
        assert talk.event("control")["id"] == 1
        talk.say(type="control", intensity=5, id=2)
        assert talk.text("error")["id"] == 2
        talk.say(type="cue", name="no such cue", id=3)
        error = talk.text("error")
        assert (error["id"], error["field"], error["fatal"]) == (3, "cue", False)
        talk.say(type="cue", name="nod", id=4)
        assert talk.event("cue_start")["id"] == 4
        talk.say(type="control", speaker=99, id=5)
        assert talk.text("error", id=5)["field"] == "speaker"
        talk.say(type="interrupt", id=6)
        assert talk.event("cue_end")["id"] == 4


def test_another_generator_is_announced_by_ready(url):
    with Talk(url) as talk:
        assert talk.start()["generator"] == "loudness"
        talk.say(type="control", generator="quiet", id="g")
        ready = talk.text("ready")
        told = talk.event("control")
        assert (ready["generator"], told["generator"], told["id"]) == ("quiet", "quiet", "g")


def test_a_ping_is_answered_in_server_time(url):
    with Talk(url) as talk:
        before = talk.start()["server_time_s"]
        talk.say(type="ping", t0=12.5)
        pong = talk.text("pong")
        assert pong["t0"] == 12.5 and before <= pong["t1"] <= pong["t2"]
        assert talk.text("stats").keys() >= {"frames", "dropped", "step_ms_p50", "step_ms_p99", "audio_ahead_s"}


def test_watchers_see_the_same_frames_and_may_not_speak(url):
    with Talk(url) as owner, Talk(url) as watcher:
        owner.start(name="watched", seed=3)
        ready = watcher.watch(session="watched", frames={"encoding": "q16"})
        assert "resume_key" not in ready and ready["name"] == "watched"
        first = unpack_header(watcher.frame())
        assert first.flags & 1
        same = owner.frame(lambda header: header.sequence == first.sequence)
        assert unpack_header(same).server_time_s == first.server_time_s
        watcher.send(tone(0.1))
        assert watcher.text("error")["code"] == "bad_audio"
        watcher.say(type="interrupt")
        assert watcher.text("error")["code"] == "forbidden"
        owner.say(type="end")
        assert watcher.rest()[1] == 1000


def test_a_watcher_with_control_may_interrupt(url):
    with Talk(url) as owner, Talk(url) as watcher:
        session = owner.start()["session"]
        watcher.watch(session=session, control=True)
        watcher.say(type="interrupt")
        assert owner.event("interrupted")["epoch"] == 1


def test_sessions_are_listed(url):
    with Talk(url) as owner, Talk(url) as other:
        session = owner.start(name="listed", mode="agent")["session"]
        other.say(type="list", protocol=1)
        listed = {entry["session"]: entry for entry in other.text("sessions")["sessions"]}
        assert listed[session] == {"session": session, "name": "listed", "generator": "loudness", "mode": "agent"}
        assert other.watch(session="listed")["session"] == session


@pytest.mark.parametrize("microphone", [True, False])
def test_the_servers_own_voice_is_forwarded_unless_it_is_a_microphone(engine, microphone):
    session = engine.open(SessionConfig(name="demo", mode="agent"), NullSink())
    with (
        running_server(engine, ServerConfig(port=0), local=Local(session=session, microphone=microphone)) as url,
        Talk(url) as talk,
    ):
        assert talk.watch(session="local", audio=True)["name"] == "local"
        if microphone:
            assert talk.text("error")["code"] == "forbidden"
        session.push_audio(np.full(8000, 0.5, np.float32))
        session.end()
        messages, code = talk.rest()
    assert code == 1000
    assert len(headers(messages, kind=1)) >= 15
    audio = [decode_audio(m) for m in messages if isinstance(m, bytes) and unpack_header(m).kind == 2]
    assert sum(len(pcm) for _, pcm in audio) == (0 if microphone else 8000)
    assert all(abs(pcm - 0.5).max() < 1e-4 for _, pcm in audio)
    assert [header.sequence for header, _ in audio] == list(range(len(audio)))


def test_nobody_else_is_local(engine):
    with serving(engine) as url, Talk(url) as owner, Talk(url) as other:
        owner.start(name="local")
        other.say(type="watch", protocol=1, session="local")
        assert other.refusal() == ("bad_field", "session", 4404)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("{", ("bad_json", None, 4400)),
        ('{"type": "start", "protocol": 1, "intensity": 3}', ("bad_field", "intensity", 4400)),
        ('{"type": "start", "protocol": 1, "generator": "x"}', ("bad_field", "generator", 4400)),
        ('{"type": "start", "protocol": 1, "settings": {"x": 1}}', ("bad_field", "settings", 4400)),
        ('{"type": "start", "protocol": 2}', ("bad_field", "protocol", 4409)),
        ('{"type": "watch", "protocol": 1, "session": "x"}', ("bad_field", "session", 4404)),
        ('{"type": "start", "protocol": 1, "resume": "x", "resume_key": "y"}', ("bad_field", "resume", 4404)),
        (json.dumps({"type": "start", "protocol": 1, "name": "x" * 65536}), ("bad_json", None, 1009)),
    ],
)
def test_who_does_not_open_well_is_told_and_closed(url, first, expected):
    with Talk(url) as talk:
        talk.send(first)
        assert talk.refusal() == expected


def test_a_message_over_a_mebibyte_closes_with_1009(url):
    with Talk(url) as talk:
        talk.start()
        talk.send(bytes(2**20 + 2))
        assert talk.rest()[1] == 1009


def test_offline_audio_beyond_the_credit_closes_with_4413(url):
    with Talk(url) as talk:
        talk.start(mode="offline")
        assert talk.event("credit")["samples"] >= 160_000
        talk.send(bytes(2**20))  # 32 s
        assert talk.refusal() == ("bad_audio", None, 4413)


def test_silence_at_the_door_closes_with_4408(engine):
    with serving(engine, opening_s=1.0) as url, Talk(url) as talk:
        assert talk.refusal() == ("bad_type", None, 4408)


def test_a_token_is_asked_for(engine):
    with running_server(engine, ServerConfig(port=0, token="s3cret")) as url:
        for token in (None, "wrong"):
            with Talk(url) as talk:
                talk.say(type="start", protocol=1, token=token)
                assert talk.refusal() == ("forbidden", "token", 4401)
        with Talk(url) as talk:
            assert talk.start(token="s3cret")["type"] == "ready"


def test_a_full_server_says_when_to_come_back(engine):
    with running_server(engine, ServerConfig(port=0, max_sessions=1)) as url, Talk(url) as one, Talk(url) as two:
        one.start()
        two.say(type="start", protocol=1)
        messages, code = two.rest()
        assert code == 4429
        assert messages[0]["code"] == "server_full" and messages[0]["retry_after_s"] > 0


def test_too_many_connections_before_their_first_message_are_refused(engine):
    with serving(engine, pending_connections=2, retry_after_s=0.1) as url, Talk(url) as one, Talk(url):
        with pytest.raises(InvalidStatus) as refused:
            Talk(url)
        assert refused.value.response.status_code == 503
        one.start()
        with Talk(url) as three:
            three.start()


def test_a_crowd_that_arrives_at_once_is_let_in(engine):
    with serving(engine, pending_connections=2, retry_after_s=9.0) as url, ThreadPoolExecutor(12) as crowd:
        assert all(crowd.map(lambda _: offline(url, tone(0.1))[2] == 1000, range(12)))


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("null", 403), ("http://127.0.0.1:1", 403), (None, 101), ("own", 101)],
)
def test_only_known_origins_connect(url, origin, status):
    origin = url.rstrip("/") if origin == "own" else origin
    if status == 101:
        with Talk(url, origin=origin) as talk:
            talk.start()
    else:
        with pytest.raises(InvalidStatus) as refused:
            Talk(url, origin=origin)
        assert refused.value.response.status_code == status


def test_the_subprotocol_is_selected_when_offered(url):
    with Talk(url, subprotocols=["gesturestream.v1", "other"]) as talk:
        assert talk.socket.subprotocol == "gesturestream.v1"
    with Talk(url, subprotocols=["other"]) as talk:
        assert talk.socket.subprotocol is None
        talk.start()


def test_a_broken_connection_is_resumed(url):
    with Talk(url) as first:
        ready = first.start(name="lost", seed=5)
        last = unpack_header(first.frame(lambda header: header.sequence == 3)).sequence
        first.break_off()
    with Talk(url) as wrong:
        wrong.say(type="start", protocol=1, resume=ready["session"], resume_key="wrong")
        assert wrong.refusal() == ("bad_field", "resume", 4404)
    with Talk(url) as second:
        again = second.start(resume=ready["session"], resume_key=ready["resume_key"])
        assert (again["session"], again["seed"], again["name"]) == (ready["session"], 5, "lost")
        frame = unpack_header(second.frame())
        assert frame.sequence > last and frame.flags & 1
        second.say(type="end")
        assert second.rest()[1] == 1000


def test_nobody_resumes_after_the_time_for_it(engine):
    with serving(engine, resume_s=0.1) as url:
        with Talk(url) as talk:
            ready = talk.start()
            talk.break_off()
        while session_count(url):
            time.sleep(0.02)
        with Talk(url) as talk:
            talk.say(type="start", protocol=1, resume=ready["session"], resume_key=ready["resume_key"])
            assert talk.refusal()[2] == 4404


def test_a_full_server_gives_up_who_waits_for_an_owner_first(engine):
    with running_server(engine, ServerConfig(port=0, max_sessions=1)) as url:
        with Talk(url) as talk:
            talk.start(name="lost")
        with Talk(url) as talk:
            assert talk.start(name="found")["name"] == "found"
            assert session_count(url) == 1


def session_count(url):
    with Talk(url) as talk:
        talk.say(type="list", protocol=1)
        return len(talk.text("sessions")["sessions"])


def speak_within_credit(talk, seconds):
    """Sends as the server's credit allows and returns all that came, and the close code."""
    left, sent, messages = tone(seconds), 0, []
    while left:
        message = talk.receive()
        messages.append(message)
        if isinstance(message, dict) and message.get("name") == "credit":
            while left and sent + 16000 <= message["samples"]:
                talk.send(left[:32000])
                left, sent = left[32000:], sent + 16000
    talk.say(type="end")
    rest, code = talk.rest()
    return messages + rest, code


def test_a_slow_reader_misses_frames_and_disturbs_nobody(engine):
    with (
        serving(engine, stall_s=100.0, ping_s=100.0) as url,
        Talk(url) as owner,
        Talk(url, receive_buffer=32768) as slow,
    ):
        session = owner.start(mode="offline", seed=1)["session"]
        slow.watch(session=session)
        messages, code = speak_within_credit(owner, 12.0)
        assert code == 1000
        assert [frame.sequence for frame in headers(messages)] == list(range(360))
        seen, code = slow.rest()
    frames = headers(seen)
    assert code == 1000 and events(seen)[-1] == "end"
    assert 16 <= len(frames) < 360
    assert frames[-1].sequence == 359
    for before, after in pairwise(frames):
        assert (after.sequence > before.sequence + 1) == bool(after.flags & 16)


def test_an_offline_owner_that_reads_late_still_gets_every_frame(url):
    with Talk(url, receive_buffer=32768) as talk:
        talk.start(mode="offline", seed=1)
        credit = talk.event("credit")["samples"]
        talk.send(tone(credit / 16000))
        talk.say(type="end")
        time.sleep(0.3)
        messages, code = talk.rest()
    assert code == 1000
    assert [frame.sequence for frame in headers(messages)] == list(range(credit * 30 // 16000))


def test_a_reader_whose_socket_takes_nothing_is_closed_with_4430(engine):
    with serving(engine, stall_s=2.0) as url, Talk(url) as owner, Talk(url, receive_buffer=32768) as stuck:
        session = owner.start(mode="offline")["session"]
        stuck.watch(session=session)
        speaking = threading.Thread(target=speak_within_credit, args=(owner, 12.0), daemon=True)
        speaking.start()
        while 'refused_total{code="4430"}' not in urlopen(url + "metrics").read().decode():
            time.sleep(0.1)
        assert stuck.rest()[1] == 4430
        speaking.join()


def test_a_failing_session_closes_with_1011_and_others_go_on(url):
    with Talk(url) as sane, Talk(url) as broken:
        sane.start()
        broken.say(type="start", protocol=1, generator="broken")
        broken.text("ready")
        broken.send(tone(0.2))
        messages, code = broken.rest()
        assert code == 1011
        assert [m["code"] for m in messages if isinstance(m, dict) and m["type"] == "error"] == ["internal"]
        last = unpack_header(sane.frame()).sequence
        sane.frame(lambda header: header.sequence == last + 5)


def test_a_shutdown_is_told(engine):
    server = running_server(engine)
    talk = Talk(server.__enter__())
    talk.start()
    stopping = threading.Thread(target=server.__exit__, args=(None, None, None))
    stopping.start()
    messages, code = talk.rest()
    stopping.join()
    assert code == 1001
    assert messages[-1]["type"] == "error" and messages[-1]["fatal"] is True


def test_a_port_in_use_is_named_with_what_to_do(engine):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        clear = pytest.raises(PortInUse, match=rf"port {port} on 127.0.0.1 is in use: .*--port")
        with clear, running_server(engine, ServerConfig(port=port)):
            pass


def test_what_would_not_be_safe_does_not_start():
    for host in ("0.0.0.0", "", "192.0.2.7", "127.example.org"):
        with pytest.raises(ValueError, match="--token"):
            ServerConfig(host=host)
    assert ServerConfig(host="127.0.0.2").loopback and ServerConfig(host="::1").loopback
    with pytest.raises(ValueError, match="both or none"):
        ServerConfig(tls_cert="x.pem")
    assert "s3cret" not in repr(ServerConfig(token="s3cret"))


def test_when_the_model_thread_dies_clients_are_told_and_so_is_who_asks_for_health():
    broken = threading.Event()

    def clock():
        if broken.is_set() and threading.current_thread().name == "gesturestream-model":
            raise OSError("no clock")
        return time.monotonic()

    mortal = Engine({"loudness": LoudnessExecutor()}, default="loudness", clock=clock)
    with mortal, running_server(mortal) as url, Talk(url) as talk:
        talk.start()
        talk.frame()
        broken.set()
        assert talk.refusal() == ("internal", None, 1011)
        with pytest.raises(HTTPError) as health:
            urlopen(f"{url}healthz")
        assert health.value.code == 503 and json.load(health.value)["status"] == "failed"
        with Talk(url) as late:
            late.say(type="start", protocol=1)
            assert late.refusal() == ("internal", None, 1011)
