"""The Python client without a socket: the conformance kit's bytes in, what is shown and said out."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from gesturestream.bridge.client.audio import Encoder, open_source
from gesturestream.bridge.client.buffers import FrameBuffer
from gesturestream.bridge.client.clocks import ArrivalClock, ServerClock
from gesturestream.bridge.client.errors import ClientError, ConnectionLost, ServerError
from gesturestream.bridge.client.player import Player, blend
from gesturestream.bridge.client.requests import StartOptions, WatchOptions, as_text, stream_url
from gesturestream.bridge.client.session import Session
from gesturestream.bridge.client.speech import AudioTimeline
from gesturestream.bridge.conformance.make import golden_files, golden_messages
from gesturestream.bridge.conformance.poses import make_frame, swaying, turn
from gesturestream.bridge.conformance.readies import FORMATS, RESUME_KEY, SESSION, ScriptedSession, scripted_ready
from gesturestream.bridge.conformance.streams import decode_records
from gesturestream.bridge.protocol.frames import decode_frame, encode_frame
from gesturestream.bridge.protocol.parsing import parse_greeting, parse_opening, parse_running
from gesturestream.bridge.protocol.replies import error_text, event_text, pong_text, to_json
from gesturestream.models.body.rotations import angle_between
from gesturestream.realtime.frame import Event, FrameFlag

FILES = golden_files()
MESSAGES = {message.name: message for message in golden_messages()}
TEXTS = json.loads(FILES["texts.json"])["texts"]
STREAMS = [name.removesuffix(".stream") for name in FILES if name.endswith(".stream")]


def client(mode="live", *, ready="f32", now_s=0.0, **options):
    """A session that has been opened and told `ready`; its outbox is empty."""
    options = {"chance": lambda: 0.5, **options}
    session = Session(StartOptions(mode=mode), now_s=now_s, **options)
    session.opened(now_s)
    if ready is not None:
        session.receive(FILES[f"ready/{ready}.json"].decode(), now_s)
        session.outbox.clear()
    return session


def said(session):
    """Types of the texts that wait, audio as `audio`; takes them."""
    out = [json.loads(item)["type"] if isinstance(item, str) else "audio" for item in session.outbox]
    session.outbox.clear()
    return out


def event(name, media_s=0.0, audio_s=0.0, id=None, **data):
    return event_text(Event(name=name, media_time_s=media_s, audio_time_s=audio_s, data=data), id)


# -- decoding


@pytest.mark.parametrize("name", [m.name for m in MESSAGES.values() if m.expect == "decode"])
def test_golden_messages_are_read_as_written_down(name):
    message, expected = MESSAGES[name], json.loads(FILES[f"messages/{name}.json"])
    session = client(ready=message.ready)
    session.receive(message.data, 1.0)
    assert session.malformed == 0
    if "pcm_s16" in expected:
        (chunk,) = session.voice
        assert_allclose(chunk.pcm * 32767, expected["pcm_s16"], atol=1e-2)
        return
    (frame,) = [session.frames.pop()]
    header = expected["header"]
    assert (frame.index, frame.epoch, frame.media_time_s) == (
        header["sequence"], header["epoch"], header["media_time_s"],
    )  # fmt: skip
    assert int(frame.flags) == header["flags"]
    for field, values in expected["values"].items():
        got = getattr(frame, field).ravel()[: len(values)]
        assert_array_equal(got, np.array(values, np.float32), err_msg=field)


@pytest.mark.parametrize("name", [m.name for m in MESSAGES.values() if m.expect != "decode"])
def test_malformed_messages_are_counted_and_never_shown(name):
    message = MESSAGES[name]
    session = client(ready=message.ready)
    session.receive(message.data, 1.0)
    pose = session.pose(1.0)
    if message.expect == "survive":
        assert pose is None or np.isfinite(pose.quat_xyzw).all()
        return
    assert pose is None and not session.voice
    assert session.malformed == (message.expect == "refuse")
    good = encode_frame(swaying(1), FORMATS[message.ready])
    session.receive(good, 1.1)
    assert len(session.frames) == 1


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry["name"])
def test_golden_texts_are_read_counted_or_passed_over(entry):
    session = client()
    session.receive(entry["text"], 1.0)
    if entry["expect"] == "survive":
        assert session.connected and session.ready.session == SESSION
    else:
        assert session.malformed == (entry["expect"] == "refuse")
    message = entry.get("message", {})
    if entry["expect"] == "decode" and message["type"] == "event":
        assert session.events[-1].name == message["name"]
        assert session.events[-1].data.items() <= message.items()


@given(st.one_of(st.binary(max_size=2000), st.text(max_size=200)))
def test_nothing_that_arrives_breaks_a_client(message):
    session = client()
    session.receive(message, 1.0)
    assert session.connected and not session.over


ODD = (None, True, -1, 10**400, 1e308, "x", [], {}, [[]], {"a": []})


@pytest.mark.parametrize("entry", [entry for entry in TEXTS if "message" in entry], ids=lambda entry: entry["name"])
def test_fields_of_any_kind_break_nothing(entry):
    for name in entry["message"]:
        for odd in ODD:
            session = client()
            session.begin_speech("u7", None, None)
            session.receive(json.dumps({**entry["message"], name: odd}), 1.0)
            session.receive(encode_frame(swaying(1), FORMATS["f32"]), 1.1)
            assert session.tick(1.2) is False and session.pose(1.3) is not None


@pytest.mark.parametrize("name", json.loads(FILES["ready/f32.json"]))
def test_a_ready_with_fields_of_any_kind_is_taken_or_counted(name):
    for odd in ODD:
        session = client(ready=None)
        session.receive(json.dumps({**json.loads(FILES["ready/f32.json"]), name: odd}), 0.1)
        session.receive(encode_frame(swaying(1), FORMATS["f32"]), 0.2)
        assert session.connected or session.malformed
        if session.pose(0.3) is not None:
            assert np.isfinite(session.pose(0.4).quat_xyzw).all()


@pytest.mark.parametrize("name", STREAMS)
def test_streams_show_what_the_kit_says(name):
    records = json.loads(FILES[f"{name}.json"])["records"]
    session = Session(StartOptions(), now_s=0.0)
    session.opened(0.0)
    shown = []
    for (arrival_s, payload), record in zip(decode_records(FILES[f"{name}.stream"]), records, strict=True):
        session.receive(payload, arrival_s)
        frame, voice = session.frames.pop(), list(session.voice)
        session.voice.clear()
        if record.get("kind") == 1:
            assert (frame is None) == record["old"]
            shown += [] if frame is None else [frame]
        elif record.get("kind") == 2:
            assert (not voice) == record["old"]
    expected = json.loads(FILES[f"{name}.json"])
    assert session.malformed == 0
    assert (session.frames.epoch, max(frame.index for frame in shown)) == (
        expected["epoch"], expected["newest_sequence"],
    )  # fmt: skip


# -- the jitter buffer and what is drawn


def test_frames_come_out_ordered_by_media_time_and_only_once():
    buffer = FrameBuffer(0.5)
    for index in (3, 1, 2, 2, 5):
        buffer.push(swaying(index))
    assert [buffer.pop().index for _ in range(4)] == [1, 2, 3, 5]
    buffer.push(swaying(4))
    assert buffer.pop() is None and buffer.late == 2


def test_half_a_second_waits_and_beyond_it_only_the_newest():
    buffer = FrameBuffer(0.5)
    for index in range(16):
        buffer.push(swaying(index, flags=FrameFlag.DISCONTINUITY if index == 2 else FrameFlag(0)))
    assert len(buffer) == 16  # 0.5 s from the first to the last
    buffer.push(swaying(16))
    frame = buffer.pop()
    assert (frame.index, buffer.pop(), buffer.skipped) == (16, None, 16)
    assert frame.flags == FrameFlag.DROPPED | FrameFlag.DISCONTINUITY


def test_the_pose_between_two_frames_is_on_the_shorter_arc():
    told = json.loads(FILES["interpolation.json"])
    layout = FORMATS["f32_body"].layout
    before, after = (decode_frame(MESSAGES[told[key]].data, layout) for key in ("before", "after"))
    for case in told["cases"]:
        want = np.array(case["quat_xyzw"]).reshape(55, 4)
        got = blend(before, after, case["t"]).quat_xyzw
        assert_allclose(abs((got * want).sum(-1)), 1.0, atol=told["tolerance"])


def through_a_bad_network():
    """The kit's delays, played at 60 pictures a second: (time, angle, delay behind what was sent) per picture."""
    told = json.loads(FILES["delays.json"])
    motion, player = told["motion"], Player(ArrivalClock())
    arrivals = list(enumerate(told["arrival_s"]))
    pictures = []
    for picture in range(60, 60 * 60):
        now_s = picture / 60
        while arrivals and arrivals[0][1] <= now_s:
            k, arrival_s = arrivals.pop(0)
            angle = motion["amplitude_rad"] * np.sin(2 * np.pi * motion["frequency_hz"] * k / 30)
            quats = np.tile(np.array(turn(tuple(motion["axis"]), angle), np.float32), (55, 1))
            player.push(make_frame(k, quat_xyzw=quats), arrival_s)
        pose = player.pose(now_s)
        pictures.append((now_s, pose.quat_xyzw[0].astype(float), now_s - pose.media_time_s))
    return told, [picture for picture in pictures if picture[0] >= 2]


def test_a_bad_network_neither_jerks_nor_freezes_nor_stays_late():
    told, pictures = through_a_bad_network()
    turned = np.array([angle_between(a[1], b[1]) for a, b in pairwise(pictures)])
    limits = told["limits"]
    assert turned.max() * 60 <= limits["speed_ratio"] * told["max_speed_rad_s"]
    assert np.mean(turned < 1e-6) <= limits["frozen_share"]
    delays = np.array([(now_s, delay_s) for now_s, _, delay_s in pictures])
    for begin, end in told["stalls_s"]:
        if begin > 3 and end + limits["recovery_s"] < 59:
            before = np.median(delays[(delays[:, 0] > begin - 1) & (delays[:, 0] < begin), 1])
            after = delays[delays[:, 0] >= end + limits["recovery_s"], 1][0]
            assert after <= before + 0.02


def test_a_new_epoch_is_shown_at_once_and_cross_faded():
    player, raised = Player(ArrivalClock()), np.tile(np.array(turn((0, 0, 1), 1.0), np.float32), (55, 1))
    for k in range(10):
        player.push(make_frame(k), k / 30)
        player.pose(k / 30 + 0.001)
    player.push(make_frame(12, epoch=1, quat_xyzw=raised), 0.4)
    angles = []
    for step in range(20):
        pose = player.pose(0.401 + step * 0.01)
        assert pose.epoch == 1 and pose.media_time_s == pytest.approx(12 / 30)
        angles.append(angle_between(pose.quat_xyzw[0].astype(float), np.array([0, 0, 0, 1.0])))
    assert angles[0] < 0.01 and angles[-1] == pytest.approx(1.0, abs=1e-5)
    assert (np.diff(angles) >= -1e-6).all() and np.diff(angles).max() < 0.2


# -- clocks, acknowledgements, requests


def test_the_servers_clock_is_that_of_the_shortest_round_trip():
    clock = ServerClock()
    assert clock.offset_s is None
    clock.observe(10.0, 1010.4, 1010.4, 10.5)  # 0.4 s there, 0.1 s back
    clock.observe(11.0, 1011.01, 1011.02, 11.03)
    clock.observe(12.0, 1012.3, 1012.3, 12.4)
    assert clock.offset_s == pytest.approx(1000.0) and clock.round_trip_s == pytest.approx(0.02)


def test_acknowledgements_name_the_highest_frame_and_what_is_shown():
    session = client(ready="f32")
    for k in (0, 1, 2):
        session.receive(encode_frame(swaying(k), FORMATS["f32"]), 0.1)
    session.frames.pop()
    session.frames.pop()
    session.tick(0.2)
    assert said(session) == []
    session.tick(0.3)
    ack = json.loads(session.outbox[0])
    assert (ack["type"], ack["sequence"], ack["played_s"]) == ("ack", 2, pytest.approx(1 / 30))
    assert parse_running(session.outbox[0]).sequence == 2  # the server's own reader takes it


def test_a_server_that_says_nothing_for_five_seconds_is_lost():
    session = client()
    assert session.tick(4.9) is False and session.tick(5.1) is True
    session.paused(5.1)  # it is we who do not read
    assert session.tick(5.2) is False


def test_a_request_is_done_when_the_server_has_passed_it_without_an_error():
    session = client()
    good = session.ask("cue", 1.0, name="wave", at_s=None)
    bad = session.ask("cue", 1.0, name="nod", at_s=None)
    pings = [json.loads(text)["t0"] for text in session.outbox if '"ping"' in text]
    assert len(set(pings)) == 2
    session.receive(pong_text(pings[0], 5.0, 5.0), 1.1)
    session.receive(error_text("bad_field", "cue: expected wave", field="cue", id=bad.id), 1.1)
    session.receive(pong_text(pings[1], 5.0, 5.0), 1.1)
    assert good.done and good.error is None
    assert bad.done and isinstance(bad.error, ServerError)
    assert (bad.error.field, bad.error.code) == ("cue", "bad_field") and "cue" in str(bad.error)


def test_requests_are_answered_when_the_connection_breaks():
    session = client()
    request = session.ask("control", 1.0, emotion="anger")
    session.closed(1006, "", 1.1)
    assert request.done and isinstance(request.error, ConnectionLost)


@pytest.mark.parametrize("options", [StartOptions(mode="agent", emotion={"anger": 1.0}, frames=False), WatchOptions()])
def test_the_servers_own_parser_reads_what_opens_a_connection(options):
    opening = parse_opening(parse_greeting(options.message("secret", {})))
    assert opening.frames == (None if options.frames is False else FORMATS["f32"])


def test_what_is_not_finite_is_not_sent():
    with pytest.raises(ValueError, match="control: expected finite"):
        as_text("control", intensity=float("nan"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8765/", "ws://127.0.0.1:8765/v1/stream"),
        ("localhost:80", "ws://localhost:80/v1/stream"),
        ("wss://example.org/proxied/v1/stream", "wss://example.org/proxied/v1/stream"),
    ],
)
def test_addresses(given, expected):
    assert stream_url(given) == expected


# -- coming back


@pytest.mark.parametrize("code", [1001, 1006, 1011, 4429, 4430])
def test_it_comes_back_and_resumes_on_these_codes(code):
    session = client(now_s=0.0)
    session.closed(code, "", 10.0)
    assert not session.over and session.connect_at_s == pytest.approx(10.375)  # 0.5 s, and half of its half by chance
    session.opened(10.4)
    start = json.loads(session.outbox[0])
    assert (start["resume"], start["resume_key"]) == (SESSION, RESUME_KEY)
    session.receive(to_json(scripted_ready(FORMATS["f32"])), 10.5)
    assert session.connected and session.events[-1].name == "reconnected" and session.events[-1].data["resumed"]


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4404, 4409, 4413])
def test_it_gives_up_on_these_codes_and_says_which_field_was_wrong(code):
    session = client(ready=None)
    session.receive(error_text("bad_field", "expected another", field="audio.rate", fatal=True), 0.1)
    session.closed(code, "reason", 0.2)
    assert session.over and session.connect_at_s is None
    assert isinstance(session.failure, ServerError) and session.failure.field == "audio.rate"


def test_a_full_server_is_given_the_time_it_asks_for():
    session = client()
    session.closed(1006, "", 1.0)
    session.opened(2.0)
    session.receive(error_text("server_full", "full", fatal=True, retry_after_s=7.5), 2.1)
    session.closed(4429, "", 2.1)
    assert session.connect_at_s == pytest.approx(9.6)


def test_attempts_double_up_to_eight_seconds_until_patience_is_over():
    session = client(reconnect_s=30.0)
    session.closed(1006, "gone", 100.0)
    waits, at_s = [session.connect_at_s - 100.0], session.connect_at_s
    while not session.over:
        session.closed(1006, "gone", at_s)
        if not session.over:
            waits.append(session.connect_at_s - at_s)
            at_s = session.connect_at_s
    assert_allclose(waits, [0.375, 0.75, 1.5, 3.0, 6.0, 6.0, 6.0, 6.0])
    assert at_s <= 130.0 and isinstance(session.failure, ConnectionLost)


def test_a_session_that_cannot_be_resumed_is_opened_anew():
    session = client()
    session.receive(encode_frame(swaying(90, epoch=4), FORMATS["f32"]), 0.1)
    session.closed(1006, "", 1.0)
    session.opened(2.0)
    session.receive(error_text("bad_field", "resume: expected a running session", field="resume", fatal=True), 2.0)
    session.closed(4404, "", 2.0)
    assert not session.over
    session.opened(3.0)
    assert "resume" not in json.loads(session.outbox[0])
    session.receive(to_json(scripted_ready(FORMATS["f32"], ScriptedSession(id="another"))), 3.1)
    assert session.events[-1].data == {"resumed": False, "session": "another"}
    session.receive(encode_frame(swaying(0), FORMATS["f32"]), 3.2)  # an older epoch and media time, of another session
    assert session.frames.pop().index == 0


def test_an_end_that_may_have_been_lost_is_said_again():
    session = client()
    session.end()
    assert said(session) == ["end"]
    session.closed(1006, "", 1.0)
    session.opened(2.0)
    session.receive(to_json(scripted_ready(FORMATS["f32"])), 2.1)
    assert "end" in said(session)


def test_a_recording_is_not_taken_up_again_after_a_loss():
    session = client("offline")
    speech = session.begin_speech(None, None, None)
    session.send_audio(speech, bytes(3200))
    session.closed(1006, "", 1.0)
    assert session.over and "speak the recording again" in str(session.failure)


# -- speech


def test_an_agent_is_never_more_than_a_minute_ahead():
    session = client("agent")
    speech = session.begin_speech("u1", "hello", None)
    assert session.room() == 60 * 16000
    session.send_audio(speech, bytes(2 * 16000 * 50))
    assert session.room() == 10 * 16000
    session.receive(to_json({"type": "stats", "frames": 1, "dropped": 0, "audio_ahead_s": 20.0}), 1.0)
    assert session.room() == 40 * 16000
    assert said(session) == ["utterance", "audio"]


def test_a_recording_is_sent_as_it_is_granted():
    session = client("offline")
    assert session.room() == 0
    session.receive(event("credit", samples=160000), 0.1)
    speech = session.begin_speech(None, None, None)
    session.send_audio(speech, bytes(2 * 100000))
    assert session.room() == 60000


def test_what_was_heard_is_counted_in_the_samples_that_were_sent():
    timeline = AudioTimeline(16000)
    for media_s, sample in ((1.0, 0), (6.0, 48000)):  # 3 s of voice, a pause of 2 s, voice again
        data = {"sample": sample}
        timeline.observe(Event(name="audio_resumed", media_time_s=media_s, audio_time_s=sample / 16000, data=data))
    heard = [timeline.audio_s(media_s, 5.0) for media_s in (0.5, 1.0, 2.5, 4.0, 5.9, 6.5, 9.0)]
    assert_allclose(heard, [0.0, 0.0, 1.5, 3.0, 3.0, 3.5, 5.0])
    assert_allclose([timeline.media_s(s) for s in (0.0, 1.5, 3.5)], [1.0, 2.5, 6.5])


def test_an_interrupt_stops_what_is_said_and_tells_what_was_heard():
    session = client("agent", ready="f32", now_s=0.0)
    speech = session.begin_speech("u1", None, None)
    session.send_audio(speech, bytes(2 * 16000 * 4))
    said(session)
    session.receive(event("audio_resumed", 0.5, 0.0, sample=0), 10.0)  # the play clock starts: 0.5 s is heard at 10.0
    session.send_audio(speech, bytes(2 * 16000 * 2))  # waits in the outbox: never sent
    request, played_s = session.interrupt(None, 11.25)
    assert played_s == pytest.approx(1.75)
    assert (speech.interrupted, speech.sent_s) == (True, 4.0)
    assert said(session) == ["interrupt", "ping"]
    told = {"epoch": 1, "generated_s": 2.0, "played_s": played_s, "sample": 24000}
    session.receive(event("interrupted", 2.0, 1.5, id=request.id, **told), 11.3)
    assert request.done and session.heard_s(request.event) == pytest.approx(1.25)
    assert speech.heard_s(1.25) == pytest.approx(1.25)
    session.send_audio(speech, bytes(2))
    assert said(session) == []


def test_a_loudspeaker_may_know_better_what_was_heard():
    session = client("agent")
    session.receive(event("audio_resumed", 0.5, 0.0, sample=0), 10.0)
    request, played_s = session.interrupt(0.75, 11.25)
    assert played_s == pytest.approx(1.25)
    session.receive(event("interrupted", 2.0, 1.5, id=request.id, epoch=1, played_s=played_s, sample=24000), 11.3)
    assert session.heard_s(request.event) == pytest.approx(0.75)


def test_watchers_do_not_speak():
    session = Session(WatchOptions(), now_s=0.0)
    with pytest.raises(ClientError, match="use connect"):
        session.begin_speech(None, None, None)


def test_bytes_may_be_cut_within_a_sample():
    pcm = np.arange(-50, 50, dtype=np.int16)
    data, encoder = pcm.tobytes(), Encoder(16000, 16000)
    assert b"".join(encoder.encode(data[i : i + 3]) for i in range(0, len(data), 3)) == data


def test_arrays_of_all_kinds_become_the_same_samples():
    pcm = np.array([0, 16384, -32768, 32767], np.int16)
    encoder = Encoder(16000, 16000)
    assert encoder.encode(pcm) == encoder.encode(pcm[:, None]) == pcm.tobytes()
    floats = np.array([0.0, 0.5, -1.0, 1.0, np.nan, 2.0])
    assert_array_equal(np.frombuffer(encoder.encode(floats), "<i2"), [0, 16384, -32767, 32767, 0, 32767])
    stereo = np.stack([floats[:4], -floats[:4]], 1)
    assert_array_equal(np.frombuffer(encoder.encode(stereo), "<i2"), np.zeros(4))
    with pytest.raises(TypeError, match="int32"):
        encoder.encode(np.zeros(3, np.int32))
    with pytest.raises(TypeError, match="got int"):
        open_source(3, 16000, 0.1)


def test_another_rate_is_resampled_in_one_piece():
    t = np.arange(48000) / 48000
    tone = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    encoder = Encoder(48000, 16000)
    data = b"".join(encoder.encode(tone[i : i + 997]) for i in range(0, len(tone), 997)) + encoder.flush()
    got = np.frombuffer(data, "<i2") / 32767
    assert abs(len(got) - 16000) <= 1
    want = np.sin(2 * np.pi * 440 * np.arange(len(got)) / 16000)
    assert abs(got - want)[200:-200].max() < 2e-3
