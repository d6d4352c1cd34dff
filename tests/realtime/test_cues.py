"""Cues: named gestures that do what their name says, start and end in the generator's pose, and never jerk."""

import numpy as np
import pytest

from gesturestream.models.body import rotations as rot
from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.limits import clamp_to_limits
from gesturestream.models.body.skeleton import INDEX
from gesturestream.realtime.cues import CUE_NAMES, CuePlayer, shipped_cues
from gesturestream.realtime.finishing import Finisher, rest_packed

LEFT, RIGHT, HEAD = INDEX["left_wrist"], INDEX["right_wrist"], INDEX["head"]
MOST_RAD_PER_FRAME = 0.7  # 21 rad/s: a quick clap or wave, never a jump


def shown(name):
    """Rotations [T, 55, 4], positions [T, 55, 3] and palm directions of a body at rest that plays a cue."""
    finish = Finisher(1)
    finish.reset(0, seed=0, leash_m=0.5)
    frames = finish.play_cue(0, name)
    batches = [finish.step(np.array([0]), rest_packed()[None]) for _ in range(frames + 5)]
    assert [bool(b.cue_playing[0]) for b in batches] == [True] * frames + [False] * 5
    quats = np.concatenate([b.quat_xyzw for b in batches]).astype(np.float64)
    positions, world = forward_kinematics(rot.quat_to_matrix(quats), np.concatenate([b.root_m for b in batches]))
    return quats, positions, world @ [0.0, -1.0, 0.0]


@pytest.mark.parametrize("name", CUE_NAMES)
def test_every_cue_is_smooth_legal_and_returns(name):
    quats, positions, _ = shown(name)
    steps = rot.angle_between(quats[1:], quats[:-1])
    assert 0.02 < steps.max() < MOST_RAD_PER_FRAME
    for end in (0, -1):
        np.testing.assert_allclose(rot.angle_between(quats[end], shown_rest()), 0.0, atol=0.01)
    np.testing.assert_allclose(clamp_to_limits(quats), quats, atol=1e-6)
    ankles = positions[:, [INDEX["left_ankle"], INDEX["right_ankle"]]]
    assert np.abs(ankles - ankles[0]).max() < 1e-3
    hands_apart = np.linalg.norm(positions[:, LEFT] - positions[:, RIGHT], axis=-1)
    assert hands_apart.min() > 0.05, "hands do not pass through each other"


def shown_rest():
    return rot.matrix_to_quat(rot.rot6d_to_matrix(rest_packed()[:330].reshape(55, 6).astype(np.float64)))


def turns_of_direction(curve, least):
    """How often a curve changes direction, movements smaller than `least` aside."""
    signs = np.sign(np.diff(curve)[np.abs(np.diff(curve)) > least])
    return int((np.diff(signs) != 0).sum())


def test_cues_mean_what_they_say():
    _, wave, palms = shown("wave")
    assert wave[30, RIGHT, 1] > wave[30, INDEX["right_shoulder"], 1] and palms[30, RIGHT, 2] > 0.7
    assert turns_of_direction(wave[15:50, INDEX["right_middle3"], 0], 5e-3) >= 4
    nod, _, _ = shown("nod")
    assert turns_of_direction(nod[:, HEAD, 0], 1e-4) >= 3
    shake, _, _ = shown("shake_head")
    assert turns_of_direction(shake[:, HEAD, 1], 1e-4) >= 3
    _, point, _ = shown("point")
    index_finger = point[25, INDEX["right_index3"]] - point[25, INDEX["right_index1"]]
    assert index_finger[2] > 0.9 * np.linalg.norm(index_finger)
    _, thumb, _ = shown("thumbs_up")
    up = thumb[25, INDEX["right_thumb3"]] - thumb[25, INDEX["right_thumb1"]]
    assert up[1] > 0.7 * np.linalg.norm(up)
    _, _, palms = shown("palms_up")
    assert palms[25, LEFT, 1] > 0.7 and palms[25, RIGHT, 1] > 0.7
    _, bow, _ = shown("bow")
    assert bow[30, HEAD, 2] > bow[0, HEAD, 2] + 0.2 and bow[30, HEAD, 1] < bow[0, HEAD, 1] - 0.08
    _, clap, _ = shown("clap")
    assert turns_of_direction(clap[10:50, LEFT, 0], 5e-3) >= 6
    _, heart, palms = shown("hand_on_heart")
    assert palms[30, RIGHT, 2] < -0.7 and heart[30, RIGHT, 0] > heart[0, RIGHT, 0] - 0.05


def test_a_cue_leaves_other_joints_to_the_generator():
    table, player = shipped_cues().table, CuePlayer(2)
    frames = player.play(1, "wave")
    generator = np.random.default_rng(0)
    quats = rot.quat_canonical(rot.normalize(generator.normal(size=(frames, 2, 55, 4)))).astype(np.float32)
    touched = np.zeros(55, bool)
    first = table.start[CUE_NAMES.index("wave")]
    for k, frame in enumerate(quats):
        out = frame.copy()
        assert player.apply(np.arange(2), out).tolist() == [False, True]
        assert (out[0] == frame[0]).all()
        untouched = (table.weight[first + k] == 0) & (table.add[first + k] == 0).all(-1)
        assert (out[1, untouched] == frame[1, untouched]).all()
        touched |= ~untouched
    assert touched[[RIGHT, HEAD, INDEX["right_elbow"]]].all() and not touched[[LEFT, INDEX["left_elbow"], 0, 22]].any()
    assert not player.apply(np.arange(2), quats[0].copy()).any(), "it ends by itself"


def test_a_cue_replaced_or_cleared_blends():
    finish = Finisher(1)
    finish.reset(0, seed=0, leash_m=0.5)
    actions = {
        0: lambda: finish.play_cue(0, "wave"),
        25: lambda: finish.play_cue(0, "palms_up"),
        45: lambda: finish.clear_cues(0),
    }
    batches = []
    for k in range(80):
        actions.get(k, lambda: None)()
        batches.append(finish.step(np.array([0]), rest_packed()[None]))
    quats = np.concatenate([b.quat_xyzw for b in batches])
    assert rot.angle_between(quats[1:], quats[:-1]).max() < MOST_RAD_PER_FRAME
    assert not batches[45].cue_playing[0]
    np.testing.assert_allclose(quats[-1], shown_rest(), atol=1e-4)


def test_an_unknown_cue_is_named():
    with pytest.raises(ValueError, match=r"wave.*'dance'"):
        CuePlayer(1).play(0, "dance")
