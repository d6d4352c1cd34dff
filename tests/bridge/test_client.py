"""The Python client, blocking and asynchronous, against the scripted server and the real one."""

import asyncio
import itertools
import socket
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from gesturestream.bridge.client import ClientError, ConnectionLost, FrameFlag, ServerError
from gesturestream.bridge.client import connect as connect_async
from gesturestream.bridge.client import list_sessions as list_sessions_async
from gesturestream.bridge.client import watch as watch_async
from gesturestream.bridge.client.sync import connect, list_sessions, watch
from gesturestream.bridge.conformance.poses import left_arm_raised
from gesturestream.bridge.conformance.running import running_script
from gesturestream.bridge.conformance.server import ScriptedServerConfig
from gesturestream.bridge.server import ServerConfig, running_server
from gesturestream.models.body.skeleton import INDEX
from gesturestream.realtime.engine import Engine
from tests.bridge.talk import tone
from tests.bridge.toy import LoudnessExecutor

RAISED = left_arm_raised().quat_xyzw[INDEX["left_shoulder"]]
VOICE = np.frombuffer(tone(2.0), np.int16)


def is_raised(frame):
    """The pose of what must never be seen."""
    return abs(float(frame.quat_xyzw[INDEX["left_shoulder"]] @ RAISED)) > 0.95


# -- the scripted server


class Seen:
    """What one run showed."""

    def __init__(self):
        self.frames, self.events, self.failure, self.core = [], [], None, None


def look_blocking(url, enough, options):
    seen = Seen()
    try:
        with connect(url, **options) as avatar:
            seen.core = avatar.core
            for frame in avatar.frames():
                seen.frames.append(frame)
                if enough(avatar.core):
                    break
            seen.events = list(avatar.core.events)
    except ClientError as error:
        seen.failure = error
    return seen


def look_async(url, enough, options):
    async def run():
        seen = Seen()
        try:
            async with connect_async(url, **options) as avatar:
                seen.core = avatar.core
                async for frame in avatar.frames():
                    seen.frames.append(frame)
                    if enough(avatar.core):
                        break
                seen.events = list(avatar.core.events)
        except ClientError as error:
            seen.failure = error
        return seen

    return asyncio.run(run())


SCRIPTS = {
    "golden": ScriptedServerConfig(script="golden"),
    "malformed": ScriptedServerConfig(script="malformed", seconds=3.0),
    "delays": ScriptedServerConfig(script="delays", seconds=4.0),
    "drops": ScriptedServerConfig(script="drops", seconds=3.0, every_s=0.5),
    "interrupt": ScriptedServerConfig(script="interrupt", seconds=3.0, every_s=0.7),
    "restart": ScriptedServerConfig(script="restart", seconds=1.5, every_s=0.3),
    "stall": ScriptedServerConfig(script="stall", every_s=0.4, stall_s=30.0),
    "refuse": ScriptedServerConfig(script="refuse"),
}


def play(look, config):
    def enough(core):
        return config.script == "stall" and core.connections == 2

    with running_script(config) as server:
        seen = look(server.page, enough, {"forward_audio": config.script == "golden"})
        reports = [server.next_report()]
        while reports[-1].get("code") not in (1000, 4401):  # how the last connection ends
            reports.append(server.next_report())
    return seen, reports


@pytest.fixture(scope="module", params=[look_blocking, look_async], ids=["blocking", "async"])
def runs(request):
    """All scripts at once, for they mostly wait: name -> what was seen, and the server's reports."""
    with ThreadPoolExecutor(len(SCRIPTS)) as pool:
        started = {name: pool.submit(play, request.param, config) for name, config in SCRIPTS.items()}
        return {name: run.result() for name, run in started.items()}


def test_everything_golden_is_taken_and_the_end_is_the_end(runs):
    seen, reports = runs["golden"]
    assert seen.failure is None and seen.core.malformed == 0
    assert seen.core.voice or len(seen.frames) >= 8
    names = [event.name for event in seen.events]
    assert {"utterance_start", "interrupted", "credit", "device_lost", "error"} <= set(names) and names[-1] == "end"
    assert reports[-1]["code"] == 1000


def test_what_is_malformed_costs_no_frame(runs):
    seen, _ = runs["malformed"]
    assert seen.failure is None and seen.core.malformed > 20
    assert len(seen.frames) + seen.core.frames.skipped == 91  # a starved machine may take them too late


def test_a_bad_network_loses_nothing(runs):
    seen, reports = runs["delays"]
    assert len(seen.frames) + seen.core.frames.skipped == seen.frames[-1].index + 1 > 110
    assert [frame.index for frame in seen.frames] == sorted(frame.index for frame in seen.frames)
    closed = reports[-1]
    assert closed["said"]["ack"] >= 10 and closed["acknowledged"] >= 100 and closed["played_s"] > 3


def test_frames_after_a_gap_say_so(runs):
    seen, _ = runs["drops"]
    gaps = [b for a, b in zip(seen.frames, seen.frames[1:]) if b.index != a.index + 1]
    assert len(gaps) > 2 and all(frame.flags & FrameFlag.DROPPED for frame in gaps)


def test_after_an_interrupt_no_old_frame_is_given_out(runs):
    seen, _ = runs["interrupt"]
    epochs = [frame.epoch for frame in seen.frames]
    assert len(set(epochs)) >= 2 and seen.core.frames.late >= 18
    assert not any(is_raised(frame) for frame in seen.frames)
    changes = [a != b for a, b in itertools.pairwise(epochs)]
    assert sum(changes) == len(set(epochs)) - 1  # none of them ever comes back


def test_it_comes_back_and_resumes_by_itself(runs):
    seen, reports = runs["restart"]
    openings = [report["message"] for report in reports if report["event"] == "opened"]
    assert len(openings) == 4 and "resume" not in openings[0]
    assert all(message["resume_key"] is True for message in openings[1:])  # the right key
    assert seen.failure is None and seen.frames[-1].media_time_s > 1.4
    assert [event.data["resumed"] for event in seen.events if event.name == "reconnected"] == [True, True]


def test_a_silent_server_is_left_after_five_seconds(runs):
    seen, reports = runs["stall"]
    assert sum(report["event"] == "opened" for report in reports) == 2
    assert seen.failure is None and [event.data["resumed"] for event in seen.events] == [True]


def test_a_refused_token_is_an_exception_that_names_it(runs):
    seen, reports = runs["refuse"]
    assert isinstance(seen.failure, ServerError)
    assert (seen.failure.code, seen.failure.field) == ("forbidden", "token")
    assert sum(report["event"] == "opened" for report in reports) == 1


def test_the_pose_is_smooth_through_drops():
    with running_script(ScriptedServerConfig(script="drops", every_s=0.5)) as server, watch(server.page) as avatar:
        speeds = np.array(avatar.ready.message["script"]["max_speed_rad_s"])
        poses, deadline = [], time.monotonic() + 2.5
        while time.monotonic() < deadline:
            if (pose := avatar.pose()) is not None:
                poses.append(pose)
            time.sleep(0.01)
    assert len(poses) > 10
    since_jump = 30
    for a, b in itertools.pairwise(poses):
        step_s = b.media_time_s - a.media_time_s
        assert step_s >= 0
        since_jump = 0 if step_s > 0.3 else since_jump + 1  # a starved machine jumps, and cross-fades for a while
        angle = 2 * np.arccos(np.clip(abs((a.quat_xyzw * b.quat_xyzw).sum(-1)), 0, 1))
        assert since_jump < 30 or (angle <= 1.01 * speeds * step_s + 2e-3).all()


def test_nobody_there_is_said_at_once_and_how_to_help():
    with pytest.raises(ConnectionLost, match="is `gesturestream serve` running"):
        connect("ws://127.0.0.1:9").__enter__()
    with pytest.raises(ConnectionLost, match="is `gesturestream serve` running"):
        list_sessions("ws://127.0.0.1:9")


def test_what_breaks_the_client_itself_is_told_to_who_waits():
    wrong = ssl.create_default_context()  # for ws:// there is none
    with pytest.raises(ClientError, match=r"the client failed.*ssl"):
        connect("ws://127.0.0.1:9", ssl=wrong).__enter__()
    with pytest.raises(ClientError, match=r"the client failed.*ssl"):
        asyncio.run(connect_async("ws://127.0.0.1:9", ssl=wrong).__aenter__())


def test_importing_the_client_is_light():
    code = """
import sys
import gesturestream.bridge.client, gesturestream.bridge.client.sync
heavy = {"torch", "onnxruntime", "scipy", "soxr", "soundfile", "sounddevice", "tyro", "prometheus_client"}
print(*sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# -- the real server


@pytest.fixture(scope="module")
def engine():
    with Engine({"loudness": LoudnessExecutor(capacity=64)}, default="loudness") as engine:
        yield engine


@pytest.fixture(scope="module")
def url(engine):
    with running_server(engine) as url:
        yield url


def speak_blocking(url, audio, **options):
    """A whole offline session: (frames, events, speech)."""
    with connect(url, mode="offline", seed=1, **options) as avatar, ThreadPoolExecutor(1) as pool:
        speech = pool.submit(lambda: (avatar.speak(audio, text="hello"), avatar.end())[0])
        frames = list(avatar.frames())
        return frames, list(avatar.events()), speech.result()


def speak_async(url, audio, **options):
    async def run():
        async with connect_async(url, mode="offline", seed=1, **options) as avatar:

            async def talk():
                speech = await avatar.speak(audio, text="hello")
                await avatar.end()
                return speech

            talking = asyncio.create_task(talk())
            frames = [frame async for frame in avatar.frames()]
            return frames, [event async for event in avatar.events()], await talking

    return asyncio.run(run())


@pytest.mark.parametrize("speak", [speak_blocking, speak_async])
def test_a_recording_becomes_every_frame_in_order(url, speak):
    frames, events, speech = speak(url, VOICE)
    assert [frame.index for frame in frames] == list(range(60))
    assert max(frame.expressions[0] for frame in frames) > 0.1  # it was heard
    names = [event.name for event in events]
    assert names[-1] == "end" and {"utterance_start", "utterance_end", "audio_resumed"} <= set(names)
    assert (speech.begin_s, speech.sent_s, speech.interrupted) == (0.0, 2.0, False)


async def in_pieces(data):
    for begin in range(0, len(data), 4001):  # TTS over HTTP cuts where it likes
        yield data[begin : begin + 4001]


def test_every_kind_of_voice_is_the_same_motion(url, tmp_path):
    soundfile.write(tmp_path / "voice.wav", VOICE, 16000)
    data = VOICE.tobytes()
    kinds = [VOICE, data, tmp_path / "voice.wav", iter([data[:9999], data[9999:]]), in_pieces(data)]
    motions = [[frame.quat_xyzw for frame in speak_async(url, audio)[0]] for audio in kinds]
    assert len(motions[0]) == 60
    for motion in motions[1:]:
        np.testing.assert_allclose(motion, motions[0], atol=2e-4)


def test_a_recording_longer_than_every_buffer_comes_whole(url):
    frames, _, _ = speak_blocking(url, np.tile(VOICE, 13))
    assert [frame.index for frame in frames] == list(range(780))


def test_speaking_offline_without_anybody_who_reads_says_what_to_do(url):
    with connect(url, mode="offline") as avatar, pytest.raises(ClientError, match="iterate over frames"):
        avatar.speak(np.tile(VOICE, 20))


def test_wrong_fields_are_exceptions_that_name_them(url):
    with pytest.raises(ServerError, match="emotion: expected one of") as wrong:
        connect(url, emotion="joy").__enter__()
    assert wrong.value.field == "emotion"
    with connect(url) as avatar:
        for call, field in (
            (lambda: avatar.cue("juggle"), "cue"),
            (lambda: avatar.control(intensity=3.0), "intensity"),
            (lambda: avatar.cue("me", at_s=-1.0), "at_s"),
            (lambda: avatar.hint({"left_wrong": [0, 0, 0, 1]}), "joints"),
            (lambda: avatar.words([("hello", 2.0, 1.0)]), "words.0.end_s"),
        ):
            with pytest.raises(ServerError) as wrong:
                call()
            assert wrong.value.field == field and wrong.value.code == "bad_field"
        avatar.control(emotion={"happiness": 0.5, "surprise": 0.5}, posture="seated")
        avatar.hint({"left_wrist": np.array([0, 0, 0, 1]), "head": None}, to_s=2.0)
    with pytest.raises(TypeError, match="moood"):
        connect(url, moood="good")


def test_an_interrupt_tells_what_was_heard_and_cuts_the_speech_short(url):
    """An agent speaks 20 s faster than real time; somebody interrupts after about a second."""

    def chunks():
        for begin in range(0, 20 * 16000, 1600):
            time.sleep(0.01)
            yield np.tile(VOICE, 10)[begin : begin + 1600]

    async def run():
        async with connect_async(url, mode="agent") as avatar:
            spoke_s = time.monotonic()
            talking = asyncio.create_task(avatar.speak(chunks(), id="u1"))
            async for event in avatar.events():
                if event.name == "audio_resumed":
                    began_s = time.monotonic()
                    break
            await asyncio.sleep(0.8)
            before_s = time.monotonic() - began_s
            heard_s = await avatar.interrupt()
            after_s = time.monotonic() - spoke_s
            speech = await talking
            interrupted = [event async for event in take(avatar.events(), "interrupted")][-1]
            first = [frame async for frame in take_epoch(avatar.frames(), 1)][-1]
            again = await avatar.speak(VOICE, id="u2")
            return before_s, heard_s, after_s, speech, interrupted, first, again

    before_s, heard_s, after_s, speech, interrupted, first, again = asyncio.run(run())
    assert before_s - 1e-3 <= heard_s <= after_s  # what the clock says was heard, not what was sent or generated
    assert speech.interrupted and heard_s < interrupted.audio_time_s < speech.sent_s < 20.0
    assert interrupted.data["played_s"] == pytest.approx(heard_s, abs=1e-6)  # nothing but this voice in media time
    assert first.flags & FrameFlag.RETRACTING
    assert again.begin_s == pytest.approx(speech.sent_s, abs=1e-3) and not again.interrupted


async def take(items, name):
    """Up to and with the first of that name."""
    async for item in items:
        yield item
        if item.name == name:
            return


async def take_epoch(frames, epoch):
    async for frame in frames:
        if frame.epoch == epoch:
            yield frame
            return


def test_watchers_see_and_hear_a_session_and_may_steer_it(url):
    with connect(url, name="star", mode="agent") as star, ThreadPoolExecutor(1) as pool:
        assert ("star", "agent") in [(entry.name, entry.mode) for entry in list_sessions(url)]
        with watch(url, "star", audio=True, control=True) as watcher:
            pool.submit(star.speak, VOICE)
            first = next(watcher.frames())
            assert first.flags & FrameFlag.DISCONTINUITY
            chunk = next(watcher.voice())
            assert abs(chunk.pcm).max() > 0.0
            watcher.control(intensity=0.5)
            assert watcher.interrupt() >= 0.0
            with pytest.raises(ClientError, match="use connect"):
                watcher.speak(VOICE)
        assert next(frame for frame in star.frames() if frame.epoch == 1)


def test_a_live_voice_is_spoken_in_real_time(url):
    with connect(url) as avatar:
        began_s = time.monotonic()
        avatar.speak(VOICE[:16000])
        assert time.monotonic() - began_s > 0.9  # a recording at once would be latency


def test_a_session_that_is_left_is_over(url, engine):
    async def run():
        async with connect_async(url, name="brief", mode="agent") as avatar:
            await avatar.speak(np.tile(VOICE, 10))
            assert len(await list_sessions_async(url)) == 1
            async with watch_async(url, "brief") as watcher:
                assert await anext(watcher.frames())

    asyncio.run(run())
    deadline = time.monotonic() + 20
    while engine.sessions and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not engine.sessions


def test_a_broken_connection_is_resumed_in_the_midst_of_speech(url):
    with connect(url, mode="agent", seed=1) as avatar, ThreadPoolExecutor(1) as pool:
        talking = pool.submit(avatar.speak, np.tile(VOICE, 3))
        assert next(avatar.frames())
        session = avatar.ready.session
        avatar._socket.socket.shutdown(socket.SHUT_RDWR)  # the cable is pulled
        back = next(event for event in avatar.events() if event.name == "reconnected")
        assert back.data == {"resumed": True, "session": session}
        assert not talking.result().interrupted
        avatar.end()
        assert [frame.epoch for frame in avatar.frames()][-1] == 0
        assert list(avatar.events())[-1].name == "end"


def test_a_server_that_restarts_is_found_again(engine):
    def restart():
        with running_server(engine, ServerConfig(port=port)):
            stop.wait(30)

    stop = threading.Event()
    with running_server(engine) as url:
        port = int(url.rsplit(":", 1)[1].strip("/"))
        avatar = connect(url, reconnect_s=30).__enter__()
        assert next(avatar.frames())
    server = threading.Thread(target=restart)
    server.start()
    try:
        back = next(event for event in avatar.events() if event.name == "reconnected")
        assert back.data["resumed"] is False  # sessions do not outlive their server
        assert next(avatar.frames()).index < 60
        avatar.close()
    finally:
        stop.set()
        server.join()


def test_a_token_is_sent(engine):
    with running_server(engine, ServerConfig(port=0, token="secret")) as url:
        with pytest.raises(ServerError, match="token"):
            connect(url).__enter__()
        with pytest.raises(ServerError, match="token"):
            list_sessions(url, token="wrong")
        with connect(url, token="secret") as avatar:
            assert next(avatar.frames()).index >= 0
