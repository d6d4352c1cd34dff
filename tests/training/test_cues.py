"""The teacher's cues: single gestures that show what they mean, the same each time."""

import numpy as np

from gesturestream.models.body.kinematics import forward_kinematics
from gesturestream.models.body.rotations import quat_to_matrix
from gesturestream.models.body.skeleton import INDEX, REST_M
from gesturestream.realtime.cues import shipped_cues
from gesturestream.realtime.finishing import Finisher, rest_packed
from gesturestream.training.cues import CUES, teach

LEFT, RIGHT = INDEX["left_wrist"], INDEX["right_wrist"]


def wrists(name):
    """[T, 2, 3] both wrists from the pelvis while a body at rest plays a cue."""
    finish = Finisher(1)
    finish.reset(0, seed=0, leash_m=0.5)
    batches = [finish.step(np.array([0]), rest_packed()[None]) for _ in range(finish.play_cue(0, name))]
    quats = np.concatenate([b.quat_xyzw for b in batches]).astype(np.float64)
    positions, _ = forward_kinematics(quat_to_matrix(quats), np.tile(REST_M[0], (len(quats), 1)))
    return positions[:, [LEFT, RIGHT]] - positions[:, :1]


def test_a_gesture_is_taught_the_same_each_time():
    (once, seed), (again, same) = teach("big"), teach("big")
    assert seed == same and np.array_equal(once.take, again.take) and np.array_equal(once.weight, again.weight)
    assert once.weight[:, LEFT].max() == once.weight[:, RIGHT].max() == 1.0, "both hands"


def test_what_ships_shows_what_it_means():
    assert set(CUES) <= set(shipped_cues().names)
    apart = {n: np.linalg.norm(np.diff(wrists(n), axis=1)[:, 0], axis=-1).max() for n in ("this_big", "this_small")}
    assert apart["this_big"] > 0.5
    up, down, you, me = (wrists(n)[:, 1] for n in ("up", "down", "you", "me"))
    assert up[:, 1].max() > down[:, 1].max() + 0.1
    assert you[:, 2].max() > me[:, 2].max() + 0.08, "you is in front, me is at the chest"
    middle = me[len(me) // 3 : 2 * len(me) // 3]
    assert np.abs(middle[:, 0]).min() < 0.16 and middle[:, 1].max() > 0.15
    there = wrists("there")[:, 1]
    assert there[:, 0].min() < -0.35, "there is out to the side"
