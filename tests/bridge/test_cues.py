"""A user's own cue over a real socket: made from a recording by the command, offered, asked for, seen."""

from __future__ import annotations

import numpy as np

from gesturestream.bridge.protocol.frames import decode_frame
from gesturestream.bridge.protocol.layout import FrameFormat
from gesturestream.bridge.server import running_server
from gesturestream.cli import main
from gesturestream.models.body.rotations import angle_between, axis_angle_to_quat
from gesturestream.models.body.skeleton import INDEX
from gesturestream.realtime.cues import CUE_NAMES, shipped_cues
from gesturestream.realtime.engine import Engine
from gesturestream.realtime.frame import FrameFlag
from tests.bridge.talk import Talk, tone
from tests.bridge.toy import LoudnessExecutor

ELBOW = INDEX["left_elbow"]


def recorded(path, turn):
    poses = np.zeros((61, 55, 3), np.float32)
    poses[:, ELBOW] = turn
    np.savez(path, poses=poses.reshape(61, -1), mocap_frame_rate=np.array(30))


def test_a_cue_of_ones_own_plays_over_a_socket(tmp_path, capsys):
    turn, clip, cue = np.array([0.0, -1.2, 0.0]), str(tmp_path / "clip.npz"), tmp_path / "my_bend.safetensors"
    recorded(clip, turn)
    assert main(["cue", "make", clip, "-o", str(cue), "--joints", "arms", "--start", "0.2", "--end", "1.7"]) == 0
    assert "my_bend" in capsys.readouterr().out
    library = shipped_cues().extended([cue])
    engine = Engine({"loudness": LoudnessExecutor()}, default="loudness", cues=library)
    with engine, running_server(engine) as url, Talk(url) as talk:
        ready = talk.start(mode="offline", seed=1)
        assert ready["cues"] == [*CUE_NAMES, "my_bend"]
        talk.say(type="cue", name="my_bend", at_s=0.5, id=1)
        talk.send(tone(3.0))
        talk.say(type="end")
        messages, _ = talk.rest()
    events = {m["name"]: m for m in messages if isinstance(m, dict) and m["type"] == "event"}
    assert events["cue_start"]["cue"] == events["cue_end"]["cue"] == "my_bend"
    assert abs(events["cue_start"]["duration_s"] - 46 / 30) < 1e-6
    frames = [decode_frame(m, FrameFormat().layout) for m in messages if isinstance(m, bytes)]
    flags = np.array([bool(frame.flags & FrameFlag.CUE) for frame in frames])
    assert flags.sum() == 46 and flags[15:61].all()
    elbow = np.array([frame.quat_xyzw[ELBOW] for frame in frames])
    assert angle_between(elbow[30:46], axis_angle_to_quat(turn)).max() < 0.02
    assert angle_between(elbow[1:], elbow[:-1]).max() < 0.3
    assert angle_between(elbow[[10, 70]], axis_angle_to_quat(0 * turn)).max() < 0.02


def test_a_broken_cue_is_one_sentence_and_code_2(tmp_path, capsys):
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    assert main(["serve", "--port", "0", "--cues", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "broken.safetensors" in error and "Traceback" not in error
    assert main(["cue", "make", str(tmp_path / "none.npz"), "-o", str(tmp_path / "x.safetensors")]) == 2
    assert "none.npz" in capsys.readouterr().err
