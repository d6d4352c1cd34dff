"""What hand-overs are measured with: the poses that are given, and what counts as a jump."""

from __future__ import annotations

import numpy as np

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import rot6d_to_matrix
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT
from gesturestream.models.motion import FPS, MOTION_SIZE, ROT6D
from gesturestream.training.clips import Clip
from gesturestream.training.emotiongesture.questions import groups, rows
from gesturestream.training.hand_over import Corpus, given_poses
from gesturestream.training.metrics.motion import places
from gesturestream.training.speech.speech import Word


def test_given_poses_are_what_they_are_called():
    at = {name: places(np.stack([pose, pose]), in_place=True)[0] for name, pose in given_poses().items()}
    left, right = INDEX["left_wrist"], INDEX["right_wrist"]
    assert at["t_pose"][left, 0] > 0.6 and at["t_pose"][right, 0] < -0.6
    assert at["wave"][right, 1] > at["wave"][INDEX["right_shoulder"], 1] > at["wave"][left, 1]
    crossed = at["arms_crossed"]
    assert crossed[left, 0] < crossed[right, 0] and crossed[left, 2] > 0.1, "each wrist on the other side, in front"


def test_a_jump_is_told_from_a_gesture():
    """A body that sways as the corpus does is natural and jumps nowhere; one that is put aside at once jumps."""
    motions = [_swaying(200, phase) for phase in np.linspace(0.0, 3.0, 6)]
    corpus = Corpus.of(motions)
    calm, thrown = _swaying(60, 1.3), _swaying(60, 1.3)
    thrown[:1] = given_poses()["t_pose"]
    for motion, jumps in ((calm, False), (thrown, True)):
        figures = corpus.judge([motion])
        assert (figures["fastest_over_limit"] > 1.5) == jumps
        assert (figures["natural_after_s_worst"] > 0.0) == jumps
    assert figures["natural_after_s_worst"] == 1 / FPS


def _swaying(frames: int, phase: float) -> np.ndarray:
    """Packed motion of a body in its rest pose whose arm swings."""
    angle = 0.5 * np.sin(np.arange(frames) / 10 + phase)
    rotations = np.tile(np.eye(3), (frames, JOINT_COUNT, 1, 1))
    cosine, sine = np.cos(angle - 1.0), np.sin(angle - 1.0)
    arm = np.stack([np.stack([cosine, -sine, 0 * sine], -1), np.stack([sine, cosine, 0 * sine], -1)], 1)
    motion = np.zeros((frames, MOTION_SIZE), np.float32)
    rot6d = rotations[:, :, :2].reshape(frames, JOINT_COUNT, 6)
    rot6d[:, INDEX["left_shoulder"]] = arm.reshape(frames, 6)
    motion[:, ROT6D] = rot6d.reshape(frames, -1)
    assert np.isfinite(forward_kinematics(rot6d_to_matrix(rot6d), np.zeros((frames, 3)))[0]).all()
    return motion


def test_every_question_has_its_rows_and_the_first_is_what_ships():
    for question in ("encoders", "transition", "temperature", "checks"):
        found = list(rows(question).values())
        assert len(found) >= 3 and len(set(map(str, found))) == len(found), "no two rows are alike"
        assert found[0] == type(found[0])(), question


def test_clips_are_grouped_by_emotion_and_by_speaking_rate():
    frames = np.zeros((90, MOTION_SIZE), np.float32)
    clips = [
        Clip(
            name=str(i), pcm=np.zeros(48000, np.float32), motion=frames, emotion=i // 3, speaker=0, intensity=1.0,
            details={}, words=(Word(text="a", start_s=0.0, stop_s=0.1),) * (i + 1),
        )
        for i in range(7)
    ]  # fmt: skip
    found = {name: [clip.name for clip in members] for name, members in groups(clips).items()}
    assert found == {
        "all": list("0123456"),
        "neutral": list("012"),
        "happiness": list("345"),
        "slow": list("0123"),
        "fast": list("456"),
    }, "one clip of anger is too few"
