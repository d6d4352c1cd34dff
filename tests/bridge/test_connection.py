"""The state machine of one connection, fed with text and bytes and a clock that is a number."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.bridge.protocol.audio import AudioFormat
from gesturestream.bridge.protocol.codes import Limits
from gesturestream.bridge.protocol.connection import Command, Connection, Hangup, Join, Open, Pong, Push, Report, Send
from gesturestream.bridge.protocol.messages import Ack, Cue, End, Hint, Interrupt

START = json.dumps({"type": "start", "protocol": 1})


def fresh(token=None):
    return Connection(token=token, limits=Limits(), now_s=100.0)


def owner():
    connection = fresh()
    (action,) = connection.receive_text(START, 100.0)
    assert isinstance(action, Open)
    connection.accept_owner(AudioFormat())
    return connection


def watcher(control=False):
    connection = fresh()
    (action,) = connection.receive_text('{"type": "watch", "protocol": 1, "session": "local"}', 100.0)
    assert isinstance(action, Join)
    connection.accept_watcher(control=control)
    return connection


def say(connection, now_s=100.0, **fields):
    return connection.receive_text(json.dumps(fields), now_s)


def refusal(actions):
    """(error code, field, close code) of a fatal error."""
    send, hangup = actions
    error = json.loads(send.text)
    assert error["type"] == "error" and error["fatal"] is True
    assert len(hangup.reason.encode()) <= 123
    return error["code"], error.get("field"), hangup.code


def complaint(actions):
    """The error message of a non-fatal error."""
    (send,) = actions
    error = json.loads(send.text)
    assert error["type"] == "error" and error["fatal"] is False
    return error


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("{", ("bad_json", None, 4400)),
        ('{"type": "ping", "t0": 0}', ("bad_type", "type", 4400)),
        ('{"type": "start"}', ("bad_field", "protocol", 4400)),
        ('{"type": "start", "protocol": true}', ("bad_field", "protocol", 4400)),
        ('{"type": "start", "protocol": 2}', ("bad_field", "protocol", 4409)),
        ('{"type": "start", "protocol": 1, "emotion": "joy"}', ("bad_field", "emotion", 4400)),
        ('{"type": "watch", "protocol": 1}', ("bad_field", "session", 4400)),
        (b"\0\0", ("bad_type", None, 4400)),
        (json.dumps({"type": "start", "protocol": 1, "name": "x" * 65536}), ("bad_json", None, 1009)),
    ],
)
def test_a_first_message_that_is_not_valid_closes(first, expected):
    connection = fresh()
    receive = connection.receive_text if isinstance(first, str) else connection.receive_bytes
    assert refusal(receive(first, 100.0)) == expected
    assert connection.receive_text(START, 100.1) == []


@pytest.mark.parametrize("given", [None, "", "wrong", "s3cre", "s3cret ", 7, "\ud800"])
@pytest.mark.parametrize("kind", ["start", "watch", "list"])
def test_a_wrong_token_closes_before_anything_else_is_looked_at(kind, given):
    actions = say(fresh("s3cret"), type=kind, protocol=1, token=given, emotion="joy")
    assert refusal(actions) == ("forbidden", "token", 4401)
    assert "s3cret" not in actions[0].text


def test_the_right_token_opens():
    (action,) = say(fresh("s3cret"), type="start", protocol=1, token="s3cret")
    assert isinstance(action, Open)


def test_who_says_nothing_for_ten_seconds_is_closed():
    connection = fresh()
    assert connection.tick(109.9) == []
    assert refusal(connection.tick(110.0)) == ("bad_type", None, 4408)
    assert owner().tick(1000.0) == []


def test_a_list_leaves_room_for_a_start():
    connection = fresh()
    (report,) = say(connection, 105.0, type="list", protocol=1, id="l")
    assert isinstance(report, Report) and report.request.id == "l"
    assert connection.tick(114.0) == []
    assert isinstance(connection.receive_text(START, 114.0)[0], Open)


def test_lists_hold_a_place_for_a_minute_at_most():
    connection = fresh()
    for now_s in np.arange(100.0, 160.0, 8.0):
        assert connection.tick(now_s) == []
        say(connection, now_s, type="list", protocol=1)
    assert connection.tick(159.9) == []
    assert refusal(connection.tick(160.0)) == ("bad_type", None, 4408)


def test_the_owner_speaks_and_steers():
    connection = owner()
    (push,) = connection.receive_bytes(b"\x00\x40", 100.0)
    assert isinstance(push, Push) and push.pcm.tolist() == [0.5]
    assert say(connection, type="cue", name="wave") == [Command(Cue(name="wave", at_s=None))]
    assert say(connection, 101.0, type="ping", t0=5) == [Pong(5.0, 101.0)]
    assert say(connection, type="ack", sequence=1) == [Command(Ack(sequence=1, played_s=None))]
    assert connection.receive_bytes(b"", 100.0) == []


def test_audio_that_is_no_whole_number_of_samples_is_ignored():
    error = complaint(owner().receive_bytes(b"abc", 100.0))
    assert error["code"] == "bad_audio"
    assert "got 3 bytes" in error["message"]


def test_after_end_only_ping_and_ack_are_heard():
    connection = owner()
    assert say(connection, type="end") == [Command(End())]
    assert complaint(connection.receive_bytes(b"\0\0", 100.0))["code"] == "bad_audio"
    assert complaint(say(connection, type="cue", name="wave", id=9)) == {
        "type": "error", "code": "unavailable", "message": "the session is ending", "fatal": False, "id": 9,
    }  # fmt: skip
    assert say(connection, type="ack", sequence=1) == [Command(Ack(sequence=1, played_s=None))]


HINT = {"type": "hint", "joints": {"head": [0, 0, 0, 1]}}


def test_a_watcher_may_ping_and_ack_only():
    connection = watcher()
    assert say(connection, type="ping", t0=0) == [Pong(0.0, 100.0)]
    assert say(connection, type="ack", sequence=1) == [Command(Ack(sequence=1, played_s=None))]
    for message in ({"type": "interrupt"}, {"type": "cue", "name": "wave"}, HINT, {"type": "end"}):
        assert complaint(say(connection, **message))["code"] == "forbidden"
    assert complaint(connection.receive_bytes(b"\0\0", 100.0))["code"] == "bad_audio"


def test_a_watcher_with_control_may_steer_but_not_speak():
    connection = watcher(control=True)
    assert say(connection, type="interrupt") == [Command(Interrupt(played_s=None))]
    (hint,) = say(connection, **HINT)
    assert isinstance(hint, Command) and isinstance(hint.message, Hint)
    for message in ({"type": "end"}, {"type": "utterance", "id": "u"}, {"type": "words", "words": []}):
        assert complaint(say(connection, **message))["code"] == "forbidden"


def test_an_error_leaves_the_session_usable():
    connection = owner()
    assert complaint(connection.receive_text("{", 100.0))["code"] == "bad_json"
    error = complaint(say(connection, type="control", intensity=3, id="c1"))
    assert (error["code"], error["field"], error["id"]) == ("bad_field", "intensity", "c1")
    assert error["message"] == "intensity: expected a number in 0..2, got 3"
    assert say(connection, type="cue", name="wave") == [Command(Cue(name="wave", at_s=None))]


def test_more_than_100_texts_within_a_second_close():
    connection = owner()
    for k in range(100):
        assert say(connection, 200 + k / 200, type="ping", t0=0) != []
    actions = say(connection, 200.9, type="ping", t0=0)
    assert refusal(actions) == ("server_full", None, 4429)
    assert json.loads(actions[0].text)["retry_after_s"] > 0


def test_100_texts_a_second_go_on_forever():
    connection = owner()
    for k in range(1000):
        assert isinstance(say(connection, 200 + k / 100, type="ping", t0=0)[0], Pong)


def test_more_than_20_errors_in_ten_seconds_close():
    connection = owner()
    for k in range(20):
        assert complaint(connection.receive_text("{", 200 + k / 10))["code"] == "bad_json"
    assert refusal(connection.receive_text("{", 209.9)) == ("server_full", None, 4429)


received = st.one_of(st.text(max_size=30), st.binary(max_size=9), st.just(START), st.just('{"type":"ping","t0":1}'))


@given(st.lists(received, max_size=40))
def test_nothing_received_crashes_it_and_nothing_follows_a_hangup(things):
    connection = fresh()
    closed = False
    for k, thing in enumerate(things):
        receive = connection.receive_text if isinstance(thing, str) else connection.receive_bytes
        actions = receive(thing, 100.0 + k)
        assert not (closed and actions)
        for action in actions:
            if isinstance(action, Open):
                connection.accept_owner(AudioFormat(format="f32le"))
            elif isinstance(action, Push):
                assert np.isfinite(action.pcm).all()
            elif isinstance(action, Send):
                json.loads(action.text)
        closed = closed or any(isinstance(action, Hangup) for action in actions)
