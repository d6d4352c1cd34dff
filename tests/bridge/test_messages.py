"""What clients send: every field checked, every error naming the field, what was expected and what was given."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesturestream.bridge.protocol import messages
from gesturestream.bridge.protocol.audio import AudioFormat, decode_pcm
from gesturestream.bridge.protocol.fields import MessageError, parse_object
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.protocol.parsing import parse_greeting, parse_opening, parse_running
from gesturestream.bridge.protocol.replies import to_json
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.hints import Word


def opening(**fields):
    return parse_opening(parse_greeting(json.dumps({"type": "start", "protocol": 1, **fields})))


def running(**fields):
    return parse_running(json.dumps(fields))


def test_a_bare_start_means_the_protocols_defaults():
    assert opening() == messages.Start(
        session=SessionConfig(), audio=AudioFormat(), frames=FrameFormat(), forward_audio=False
    )


def test_a_full_start():
    start = opening(
        id=3, name="Ada", mode="agent", audio={"rate": 48000, "format": "f32le", "channels": 2}, generator="emage",
        speaker=2, emotion={"anger": 1, "fear": 3}, intensity=2, seed=0, lookahead_frames=8, leash_m=0.25,
        settings={"steps": 4}, frames={"expressions": 10, "blendshapes": False, "encoding": "q16"}, forward_audio=True,
        unknown="ignored",
    )  # fmt: skip
    assert start.session == SessionConfig(
        name="Ada", mode="agent", audio_rate=48000, generator="emage", speaker=2,
        emotion={"anger": 0.25, "fear": 0.75}, intensity=2.0, seed=0, lookahead_frames=8, leash_m=0.25,
        settings={"steps": 4.0},
    )  # fmt: skip
    assert start.audio == AudioFormat(rate=48000, format="f32le", channels=2)
    assert start.frames == FrameFormat(expressions=10, blendshapes=False, encoding="q16")
    assert start.id == 3
    assert opening(frames=None).frames is None


@pytest.mark.parametrize(
    ("fields", "field", "expected", "got"),
    [
        ({"emotion": "joy"}, "emotion", "auto, neutral", '"joy"'),
        ({"emotion": {"joy": 1}}, "emotion", "neutral, happiness", '"joy"'),
        ({"emotion": {"anger": -1}}, "emotion.anger", "0..1e+06", "-1"),
        ({"emotion": {"anger": 0}}, "emotion", "a sum above 0", '{"anger": 0}'),
        ({"intensity": 2.5}, "intensity", "0..2", "2.5"),
        ({"intensity": True}, "intensity", "a number", "true"),
        ({"mode": "fast"}, "mode", "live, agent, offline", '"fast"'),
        ({"audio": {"rate": 7999}}, "audio.rate", "8000..192000", "7999"),
        ({"audio": {"rate": 16000.5}}, "audio.rate", "an integer", "16000.5"),
        ({"audio": {"format": "mp3"}}, "audio.format", "s16le, f32le", '"mp3"'),
        ({"audio": {"channels": 3}}, "audio.channels", "1, 2", "3"),
        ({"audio": []}, "audio", "an object", "[]"),
        ({"lookahead_frames": 3}, "lookahead_frames", "0, 2, 4, 8", "3"),
        ({"lookahead_frames": True}, "lookahead_frames", "0, 2, 4, 8", "true"),
        ({"frames": {"expressions": 50}}, "frames.expressions", "0, 10, 100", "50"),
        ({"frames": {"blendshapes": 1}}, "frames.blendshapes", "true or false", "1"),
        ({"frames": {"encoding": "f16"}}, "frames.encoding", "f32, q16", '"f16"'),
        ({"name": ""}, "name", "1 to 128", '""'),
        ({"seed": -1}, "seed", "an integer", "-1"),
        ({"speaker": "a"}, "speaker", "an integer", '"a"'),
        ({"leash_m": 10**400}, "leash_m", "0..100", "1000"),
        ({"settings": {"steps": "x"}}, "settings.steps", "a number", '"x"'),
    ],
)
def test_a_bad_field_is_named_with_expected_and_got(fields, field, expected, got):
    with pytest.raises(MessageError) as error:
        opening(id="r1", **fields)
    assert (error.value.code, error.value.field, error.value.id) == ("bad_field", field, "r1")
    before, _, after = error.value.message.partition(", got ")
    assert expected in before
    assert after.startswith(got)


def test_messages_while_it_runs():
    assert running(type="ping", t0=1.5) == messages.Ping(t0=1.5)
    assert running(type="ack", sequence=7) == messages.Ack(sequence=7, played_s=None)
    assert running(type="utterance", id="u7", text=None) == messages.Utterance(name="u7", text=None, id="u7")
    assert running(type="cue", name="wave", at_s=None) == messages.Cue(name="wave", at_s=None)
    assert running(type="interrupt", id=4, played_s=2) == messages.Interrupt(played_s=2.0, id=4)
    assert running(type="end") == messages.End()
    hint = running(type="hint", id=1, joints={"jaw": None, "head": [0, 0, 0, 1], "neck": [[0, 0, 0, 1]] * 2}, to_s=2)
    quat = (0.0, 0.0, 0.0, 1.0)
    assert hint == messages.Hint(
        joints={"jaw": None, "head": quat, "neck": (quat, quat)}, from_s=None, to_s=2.0, utterance=None, id=1
    )
    words = [{"text": "hello", "start_s": 1.25, "end_s": 1.5}]
    assert running(type="words", words=words, utterance="u7") == messages.Words(
        words=(Word("hello", 1.25, 1.5),), utterance="u7"
    )


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({}, Control()),
        ({"emotion": "auto"}, Control(auto_emotion=True)),
        ({"emotion": "anger", "intensity": 0}, Control(emotion={"anger": 1.0}, intensity=0.0)),
        ({"speaker": 1, "posture": "seated"}, Control(speaker=1, posture="seated")),
        ({"generator": "emage"}, Control(generator="emage")),
    ],
)
def test_controls(fields, change):
    assert running(type="control", **fields) == messages.Change(control=change)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", '{"type": "ping", "t0": NaN}', '{"t0": Infinity}', '{"t0": 1e999}', "[" * 100_000, "\ud800"],
)
def test_what_is_not_a_json_object_is_bad_json(text):
    with pytest.raises(MessageError) as error:
        parse_running(text)
    assert error.value.code == "bad_json"
    assert len(error.value.message) < 200


@pytest.mark.parametrize("text", ["{}", '{"type": 1}', '{"type": "nope"}', '{"type": "start", "protocol": 1}'])
def test_a_wrong_type_is_bad_type(text):
    with pytest.raises(MessageError) as error:
        parse_running(text)
    assert error.value.code == "bad_type"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TYPES = ["start", "watch", "list", "ping", "ack", "utterance", "utterance_end", "end", "control", "cue", "interrupt"]
TYPES += ["hint", "words"]
FIELDS = [
    *("id", "name", "mode", "audio", "generator", "speaker", "emotion", "intensity", "seed", "lookahead_frames"),
    *("leash_m", "frames", "forward_audio", "settings", "session", "control", "t0", "sequence", "played_s", "text"),
    *("posture", "at_s", "resume", "resume_key", "token", "joints", "from_s", "to_s", "utterance", "words"),
]


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5))
def test_any_json_is_understood_or_refused_with_a_reason(kind, fields):
    text = json.dumps({**fields, "type": kind, "protocol": 1})
    try:
        if kind in ("start", "watch", "list"):
            parse_opening(parse_greeting(text))
        else:
            parse_running(text)
    except MessageError as error:
        assert error.code == "bad_field"
        assert error.field is not None and error.field in error.message


JOINTS = st.dictionaries(st.sampled_from(["head", "left_wrist", "left_wirst", ""]), st.lists(json_values, max_size=5))
WORDS = st.lists(st.dictionaries(st.sampled_from(["text", "start_s", "end_s"]), json_values), max_size=3)


@given(JOINTS, WORDS, json_values)
def test_hints_and_words_are_understood_or_the_part_that_is_wrong_is_named(joints, words, from_s):
    for fields in ({"type": "hint", "joints": joints, "from_s": from_s}, {"type": "words", "words": words}):
        try:
            parsed = running(**fields)
        except MessageError as error:
            assert error.code == "bad_field" and error.field is not None
            assert error.field.partition(".")[0] in fields and error.message.startswith(f"{error.field}: expected")
        else:
            assert len(parsed.joints if isinstance(parsed, messages.Hint) else parsed.words) == len(
                joints if isinstance(parsed, messages.Hint) else words
            )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"joints": {"left_wirst": [0, 0, 0, 1]}}, "joints"),
        ({"joints": {}}, "joints"),
        ({"joints": {"head": [0, 0, 1]}}, "joints.head"),
        ({"joints": {"head": [[0, 0, 0, 1]] * 601}}, "joints.head"),
        ({"joints": {"head": [0, 0, 0, True]}}, "joints.head"),
        ({"joints": {"head": None}, "from_s": -1}, "from_s"),
        ({"words": "hello"}, "words"),
        ({"words": [{"text": "a", "start_s": 0, "end_s": 1}] * 1025}, "words"),
        (
            {"words": [{"text": "a", "start_s": 0, "end_s": 1}, {"text": "b", "start_s": 2, "end_s": 1}]},
            "words.1.end_s",
        ),
        ({"words": [{"text": "", "start_s": 0, "end_s": 1}]}, "words.0.text"),
    ],
)
def test_what_is_wrong_with_a_hint_or_a_word_is_named(fields, field):
    with pytest.raises(MessageError) as error:
        running(type="hint" if "joints" in fields else "words", **fields)
    assert (error.value.code, error.value.field) == ("bad_field", field)


@given(st.text())
def test_any_text_is_an_object_or_bad_json(text):
    try:
        assert isinstance(parse_object(text), dict)
    except MessageError as error:
        assert error.code == "bad_json"


def test_a_token_and_a_key_show_up_in_no_repr():
    greeting = parse_greeting(json.dumps({"type": "start", "protocol": 1, "token": "s3cret", "resume_key": "k3y"}))
    assert "s3cret" not in repr(greeting)
    assert "k3y" not in repr(parse_opening(greeting)) + repr(greeting)


def test_pcm_is_decoded_and_its_first_channel_kept():
    assert decode_pcm(b"\x00\x80\xff\x7f", AudioFormat()).tolist() == [-1.0, 32767 / 32768]
    assert decode_pcm(b"\x00\x80\xff\x7f", AudioFormat(channels=2)).tolist() == [-1.0]
    assert decode_pcm(b"\x00\x00\x00\x3f\x00\x00\xc0\x7f", AudioFormat(format="f32le")).tolist() == [0.5, 0.0]
    with pytest.raises(ValueError, match="2-byte samples, got 3 bytes"):
        decode_pcm(b"abc", AudioFormat())


def test_what_is_sent_is_strict_json():
    assert to_json({"x": float("nan"), "y": (1, float("inf"))}) == '{"x":null,"y":[1,null]}'
