"""Hints: given joints are followed without a jump, at the times asked for; the generator is told of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gesturestream.models.body.rotations import (
    angle_between,
    axis_angle_to_quat,
    matrix_to_quat,
    quat_slerp,
    rot6d_to_matrix,
)
from gesturestream.models.body.skeleton import INDEX
from gesturestream.models.timing import frame_end, frame_start
from gesturestream.realtime.config import Control, SessionConfig
from gesturestream.realtime.finishing import Finisher, rest_packed
from gesturestream.realtime.hints import HintClip, Placed, hint_clip
from gesturestream.realtime.hints.clip import LEAD_FRAMES
from gesturestream.realtime.session import QueueFull, Session
from tests.realtime.echo import EchoExecutor, Rig, Viewer, babble

ELBOW, WRIST, KNEE, HEAD = (INDEX[name] for name in ("left_elbow", "right_wrist", "left_knee", "head"))
BENT = axis_angle_to_quat(np.array([0.0, -1.5, 0.0]))
TURNED = axis_angle_to_quat(np.array([0.5, 0.0, 0.4]))
RAD_PER_FRAME = 1.875 / LEAD_FRAMES
"""The most a blend turns a joint in a frame, per radian of the whole way."""


class Told(EchoExecutor):
    """Is told hints and words, and does nothing about them: its body rests."""

    def __init__(self, **options) -> None:
        super().__init__(options.pop("capacity", 1), **options)
        self.info = replace(self.info, follows_hints=True, word_ids=16)

    def heard(self, name: str) -> np.ndarray:
        """[T, ...] what the only session's steps were given."""
        return np.concatenate([getattr(call, name)[call.active] for call in self.calls])

    def hinted(self, joint: int) -> list[int]:
        """The audio frames in which a joint was given."""
        return np.flatnonzero(self.heard("hinted")[:, joint]).tolist()


def opened(mode: str = "offline", **fields) -> tuple[Rig, Session, Viewer, Told]:
    executor, viewer = Told(), Viewer()
    rig = Rig.of(executor)
    return rig, rig.engine.open(SessionConfig(mode=mode, seed=1, **fields), viewer), viewer, executor


def rendered(rig: Rig, session: Session, seconds: float) -> None:
    session.push_audio(babble(seconds))
    session.end()
    rig.drain()


def errors(viewer: Viewer, joint: int, target: np.ndarray) -> np.ndarray:
    """[T] radians between what is shown and `target`."""
    return angle_between(viewer.sequence().quat_xyzw[:, joint].astype(np.float64), target)


def steps(viewer: Viewer) -> np.ndarray:
    """[T - 1, 55] radians from frame to frame."""
    quat = viewer.sequence().quat_xyzw.astype(np.float64)
    return angle_between(quat[1:], quat[:-1])


def test_a_joint_is_there_when_it_is_asked_to_be_and_comes_and_goes_without_a_jump():
    rig, session, viewer, executor = opened()
    session.hint({"left_elbow": BENT}, from_s=1.0, to_s=2.0)
    rendered(rig, session, 3.0)
    error = errors(viewer, ELBOW, BENT)
    assert error[30:60].max() < 1e-3
    way = error[0]
    assert (
        way > 0.4 and (error[: 30 - LEAD_FRAMES] > way - 1e-3).all() and (error[60 + LEAD_FRAMES :] > way - 1e-3).all()
    )
    assert steps(viewer)[:, ELBOW].max() < way * RAD_PER_FRAME + 1e-3
    still = [j for j in range(55) if j != ELBOW]
    assert steps(viewer)[:, still].max() < 1e-6, "the rest stays the generator's"
    assert executor.hinted(ELBOW) == list(range(30, 60))
    told = matrix_to_quat(
        rot6d_to_matrix(executor.heard("hint")[30:60].reshape(30, 55, 6)[:, ELBOW].astype(np.float64))
    )
    assert angle_between(told, BENT).max() < 1e-3
    emitted = executor.heard("emitted")[31:61, :330].reshape(30, 55, 6)[:, ELBOW].astype(np.float64)
    assert angle_between(matrix_to_quat(rot6d_to_matrix(emitted)), BENT).max() < 1e-3


@pytest.mark.parametrize("lookahead", [0, 4])
@pytest.mark.parametrize("mode", ["live", "agent", "offline"])
def test_times_are_media_times_whatever_the_mode_and_the_lookahead(mode, lookahead):
    rig, session, viewer, executor = opened(mode, lookahead_frames=lookahead)
    session.hint({"left_elbow": BENT}, from_s=0.5, to_s=0.8)
    voice = babble(1.5)
    if mode == "live":
        for k in range(150):
            session.push_audio(voice[160 * k : 160 * (k + 1)])
            rig.run(0.01)
    else:
        session.push_audio(voice)
        rig.run(2.0)
    session.end()
    rig.run(1.0)
    assert executor.hinted(ELBOW) == [k + lookahead for k in range(15, 24)]
    assert errors(viewer, ELBOW, BENT)[15:24].max() < 1e-3


def test_now_is_the_next_frame_and_stays_until_it_is_replaced_or_let_go():
    rig, session, viewer, executor = opened()
    session.push_audio(babble(1.0))
    rig.drain()
    session.hint({"left_elbow": BENT, "right_wrist": TURNED})
    session.push_audio(babble(1.0))
    rig.drain()
    session.hint({"left_elbow": TURNED})
    session.push_audio(babble(1.0))
    rig.drain()
    session.hint({"right_wrist": None})
    rendered(rig, session, 1.0)
    assert executor.hinted(WRIST) == list(range(30, 90)) and executor.hinted(ELBOW) == list(range(30, 120))
    assert errors(viewer, ELBOW, BENT)[30 + LEAD_FRAMES : 60].max() < 1e-3
    assert errors(viewer, ELBOW, TURNED)[60 + LEAD_FRAMES :].max() < 1e-3
    assert steps(viewer).max() < 2.5 * RAD_PER_FRAME
    rest = viewer.sequence().quat_xyzw[0, WRIST]
    assert errors(viewer, WRIST, rest)[[29, 90 + LEAD_FRAMES, -1]].max() < 1e-3


def test_from_one_hint_to_the_next_half_the_way_lies_in_each():
    rig, session, viewer, _ = opened()
    session.hint({"left_elbow": BENT}, from_s=1.0, to_s=2.0)
    session.hint({"left_elbow": TURNED}, from_s=2.0, to_s=3.0)
    rendered(rig, session, 4.0)
    first, second = errors(viewer, ELBOW, BENT)[30:60], errors(viewer, ELBOW, TURNED)[60:90]
    assert first[:-3].max() < 1e-3 and second[4:].max() < 1e-3
    assert max(first.mean(), second.mean()) < np.radians(2.0)


def test_a_hint_is_timed_against_its_utterance_even_one_that_is_yet_to_come():
    rig, session, viewer, executor = opened("agent")
    session.begin_utterance("u1")
    session.push_audio(babble(1.0))
    session.end_utterance("u1")
    session.hint({"left_elbow": BENT}, from_s=0.2, to_s=0.4, utterance="u2")
    rig.run(3.0)
    assert not executor.hinted(ELBOW)
    session.begin_utterance("u2")
    session.push_audio(babble(1.0))
    rig.run(1.5)
    begins = next(e.media_time_s for e in viewer.named("utterance_start") if e.data["id"] == "u2")
    first = round((begins + 0.2) * 30)
    assert abs(len(executor.hinted(ELBOW)) - 6) <= 1 and executor.hinted(ELBOW)[0] == pytest.approx(first, abs=1)
    assert errors(viewer, ELBOW, BENT)[first + 1 : first + 5].max() < 1e-3


@pytest.mark.parametrize("mode", ["agent", "offline"])
def test_a_cue_is_timed_against_its_utterance(mode):
    rig, session, viewer, _ = opened(mode)
    session.cue("nod", at_s=0.3, utterance="u2")
    session.cue("wave", at_s=0.3, utterance="u3")
    session.begin_utterance("u1")
    session.push_audio(babble(1.0))
    session.begin_utterance("u2")
    session.cue("shrug", at_s=0.9, utterance="u2")
    session.push_audio(babble(1.0))
    rig.run(3.0)
    starts = {e.data["cue"]: round(e.media_time_s * 30) for e in viewer.named("cue_start")}
    assert starts == {"nod": 39, "shrug": 57}
    assert session.plans.cues == 1
    session.interrupt()
    session.push_audio(babble(0.5))
    rig.run(1.0)
    assert session.plans.cues == 0


def test_an_interrupt_drops_what_is_pending_and_lets_go_smoothly_of_what_is_held():
    rig, session, viewer, executor = opened("live")
    session.hint({"left_elbow": BENT, "left_knee": TURNED})
    session.hint({"right_wrist": TURNED}, from_s=2.0)
    voice = babble(4.0)
    for k in range(400):
        if k == 100:
            session.interrupt()
        session.push_audio(voice[160 * k : 160 * (k + 1)])
        rig.run(0.01)
    held, joints = executor.hinted(ELBOW), [ELBOW, KNEE]
    assert not executor.hinted(WRIST) and held == list(range(len(held))) and 28 <= len(held) <= 31
    assert steps(viewer)[:, joints].max() < 1.5 * RAD_PER_FRAME
    quat = viewer.sequence().quat_xyzw
    assert angle_between(quat[-1, joints].astype(float), quat[0, joints].astype(float)).max() < 0.1
    assert angle_between(quat[20, joints].astype(float), quat[0, joints].astype(float)).min() > 0.4


def test_an_interrupt_offline_drops_what_came_before_it_and_nothing_else():
    rig, session, _, executor = opened()
    session.push_audio(babble(1.0))
    session.hint({"left_elbow": BENT}, from_s=2.5)
    session.interrupt()
    session.hint({"right_wrist": TURNED}, from_s=2.0, to_s=2.5)
    rendered(rig, session, 2.0)
    assert not executor.hinted(ELBOW) and executor.hinted(WRIST) == list(range(60, 75))


def test_a_hint_goes_on_through_a_change_of_generator():
    first, second, viewer = Told(capacity=2, name="first"), Told(capacity=2, name="second"), Viewer()
    rig = Rig.of(first, second)
    session = rig.engine.open(SessionConfig(mode="live", seed=1), viewer)
    swing = 0.9 + 0.5 * np.sin(2 * np.pi * np.arange(75) / 30)
    clip = axis_angle_to_quat(swing[:, None] * [0.0, -1.0, 0.0])
    session.hint({"left_elbow": clip}, from_s=0.5)
    voice = babble(3.0)
    for k in range(300):
        if k == 150:
            session.control(Control(generator="second"))
        session.push_audio(voice[160 * k : 160 * (k + 1)])
        rig.run(0.01)
    assert session.generator == "second"
    shown = viewer.sequence().quat_xyzw[15:90, ELBOW].astype(np.float64)
    assert angle_between(shown, clip[: len(shown)]).max() < 1e-3, "what follows is not blended"
    assert second.hinted(ELBOW)[-1] == len(second.heard("hinted")) - 1


def test_a_new_tenant_of_the_row_is_told_nothing_of_the_former_ones_hints():
    rig, former, _, executor = opened()
    former.hint({"left_elbow": BENT})
    former.hint({"right_wrist": TURNED}, from_s=1.2)
    former.push_audio(babble(1.0))
    rig.drain()
    former.close()
    rig.drain()
    assert executor.hinted(ELBOW)
    executor.calls.clear()
    session = rig.engine.open(SessionConfig(mode="offline", seed=2), viewer := Viewer())
    rendered(rig, session, 1.5)
    assert not executor.heard("hinted").any() and steps(viewer).max() < 1e-6


def test_a_clip_with_gaps_is_followed_where_it_is_given():
    rng = np.random.default_rng(0)
    path = np.cumsum(rng.normal(0, 0.02, (60, 3)), 0)
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (60, 55, 1))
    quats[:, ELBOW] = axis_angle_to_quat(path + [0.0, -1.0, 0.0])
    mask = np.zeros((60, 55), bool)
    mask[10:20, ELBOW] = mask[23:30, ELBOW] = mask[50:, ELBOW] = True
    rig, session, viewer, executor = opened()
    session.hint(HintClip.of(quats, mask), from_s=1.0, to_s=3.0)
    rendered(rig, session, 4.0)
    given = 30 + np.flatnonzero(mask[:, ELBOW])
    assert executor.hinted(ELBOW) == given.tolist()
    shown = viewer.sequence().quat_xyzw[given, ELBOW].astype(float)
    assert angle_between(shown, quats[given - 30, ELBOW]).max() < 1e-3
    assert steps(viewer)[:, ELBOW].max() < 2.0 * RAD_PER_FRAME
    assert angle_between(viewer.sequence().quat_xyzw[[0, 70], ELBOW].astype(float), quats[0, 0])[1] < 2.0


def test_hints_sent_for_every_frame_are_followed_without_lag():
    rig, session, viewer, _ = opened("live")
    voice, wanted = babble(3.0), {}
    for k in range(90):
        turn = 0.8 + 0.5 * np.sin(2 * np.pi * k / 45)
        wanted[k] = axis_angle_to_quat(np.array([0.0, -turn, 0.0]))
        session.hint({"left_elbow": wanted[k]})
        session.push_audio(voice[frame_start(k) : frame_end(k)])
        rig.run(1 / 30, every_s=1 / 30)
    shown = viewer.sequence().quat_xyzw[:, ELBOW].astype(float)
    lag = np.array([angle_between(shown[k], wanted[k]) for k in range(20, 88)])
    assert np.degrees(lag).max() < 1.0


def test_a_leg_that_is_hinted_is_lifted_and_put_down_again():
    rig, session, viewer, _ = opened()
    raised = {
        "left_hip": axis_angle_to_quat(np.array([-0.9, 0.0, 0.0])),
        "left_knee": axis_angle_to_quat(np.array([1.2, 0, 0])),
    }
    session.hint(raised, from_s=1.0, to_s=2.0)
    rendered(rig, session, 3.0)
    assert errors(viewer, KNEE, raised["left_knee"])[32:60].max() < np.radians(5.0)
    contacts = viewer.sequence().contacts
    assert not contacts[30:60, [0, 2]].any() and contacts[30:60, [1, 3]].all() and contacts[[0, -1]].all()


QUAT = [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"joints": {}}, "joints"),
        ({"joints": {"left_wirst": QUAT}}, "joints.left_wirst"),
        ({"joints": {"left_wrist": [0, 0, 0, 0]}}, "joints.left_wrist"),
        ({"joints": {"left_wrist": [0, 0, 0, np.nan]}}, "joints.left_wrist"),
        ({"joints": {"left_wrist": [0, 0, 1]}}, "joints.left_wrist"),
        ({"joints": {"left_wrist": "up"}}, "joints.left_wrist"),
        ({"joints": {"head": QUAT}, "from_s": 2.0, "to_s": 1.0}, "to_s"),
        ({"joints": {"head": QUAT}, "from_s": -1.0}, "from_s"),
        ({"joints": {"head": QUAT}, "to_s": np.inf}, "to_s"),
    ],
)
def test_a_bad_hint_is_named(request_, field):
    _, session, _, _ = opened()
    with pytest.raises(ValueError, match=f"^{field}: expected .*got"):
        session.hint(**request_)


@pytest.mark.parametrize("mode", ["live", "offline"])
def test_at_most_64_cues_and_hints_wait(mode):
    rig, session, _, _ = opened(mode)
    for k in range(32):
        session.cue("wave", at_s=100.0)
        session.hint({"head": QUAT}, from_s=100.0 + k)
    with pytest.raises(QueueFull, match="64"):
        session.hint({"head": QUAT})
    with pytest.raises(QueueFull, match="64"):
        session.cue("wave")
    session.interrupt()
    session.push_audio(babble(0.1))
    rig.run(0.2)
    session.hint({"head": QUAT})


@given(
    mask=arrays(np.bool_, st.tuples(st.integers(1, 60), st.just(3))),
    seed=st.integers(0, 1000),
)
def test_a_clip_is_never_far_from_what_it_gives(mask, seed):
    """Given frames are taken as they are; what is taken besides is near them in time and between them in angle."""
    rng = np.random.default_rng(seed)
    quat = axis_angle_to_quat(rng.normal(0, 0.5, (*mask.shape, 3))).astype(np.float32)
    clip = HintClip(joints=np.array([4, 5, 6]), quat_xyzw=quat, given=mask)
    laid, taken, told = clip.laid
    assert (told[LEAD_FRAMES:] == mask).all() and not told[:LEAD_FRAMES].any() and (taken >= told).all()
    assert (laid[LEAD_FRAMES:][mask] == quat[mask]).all()
    for joint in range(3):
        frames = np.flatnonzero(told[:, joint])
        for t in np.flatnonzero(taken[:, joint] & ~told[:, joint]):
            after = frames[frames > t]
            assert len(after) and after[0] - t <= LEAD_FRAMES
            before = frames[frames < t]
            if len(before) and after[0] - before[-1] <= LEAD_FRAMES:
                share = (t - before[-1]) / (after[0] - before[-1])
                expected = quat_slerp(laid[before[-1], joint], laid[after[0], joint], float(share))
                assert angle_between(laid[t, joint], expected) < 1e-3
            else:
                assert (laid[t, joint] == laid[after[0], joint]).all()


def test_joints_of_different_lengths_share_a_clip():
    clip = hint_clip({"head": [QUAT, QUAT, list(BENT)], "neck": QUAT, "jaw": None})
    assert clip.given.all(0).tolist() == [True, True, False] and len(clip) == 3
    assert (clip.quat_xyzw[:, 1] == QUAT).all()


HINTS = st.lists(
    st.tuples(
        st.integers(0, 60),  # asked for with this frame
        st.integers(-10, LEAD_FRAMES),  # frames until it begins
        st.none() | st.integers(1, 30),  # how long
        st.integers(0, 12),  # frames of a clip; 0: the joint is let go
        st.sets(st.sampled_from([HEAD, WRIST]), min_size=1),
    ),
    max_size=6,
)


def moved(frames: int, joints: set[int], seed: int) -> HintClip:
    """A clip that wanders slowly near the rest pose; of no frames: lets go."""
    rng = np.random.default_rng(seed)
    turns = rng.normal(0, 0.2, (1, len(joints), 3)) + np.cumsum(
        rng.normal(0, 0.02, (max(frames, 1), len(joints), 3)), 0
    )
    given = np.full(turns.shape[:2], frames > 0)
    return HintClip(
        joints=np.array(sorted(joints)), quat_xyzw=axis_angle_to_quat(turns).astype(np.float32), given=given
    )


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(HINTS)
def test_whatever_is_hinted_the_last_word_counts_and_nothing_jumps(hints):
    """Against a plain account of who gives which joint; the lead of a hint may cut the one before it short."""
    finisher, slot = Finisher(1), np.zeros(1, np.int64)
    finisher.reset(0, seed=0, leash_m=0.5)
    placed = [
        (asked, Placed(clip=moved(t, joints, i), first=asked + to_go, last=None if n is None else asked + to_go + n))
        for i, (asked, to_go, n, t, joints) in enumerate(hints)
    ]
    shown, taken = [], []
    for k in range(100):
        for asked, hint in placed:
            if asked == k:
                finisher.hints.start(0, hint, k)
        finisher.hints.advance(slot, np.array([k]))
        _, hinted = finisher.hints.told(slot)
        for joint in (HEAD, WRIST):
            if not any(k < hint.first <= k + LEAD_FRAMES and asked <= k for asked, hint in placed):
                assert hinted[0, joint] == (giver(placed, joint, k) is not None)
        shown.append(finisher.step(slot, rest_packed()[None]).quat_xyzw[0].astype(np.float64))
        taken.append([giver(placed, joint, k) for joint in (HEAD, WRIST)])
    turned = angle_between(np.stack(shown[1:]), np.stack(shown[:-1]))
    assert turned.max() < 0.75
    for i, joint in enumerate((HEAD, WRIST)):
        for k in range(LEAD_FRAMES, 100):
            held = {id(taken[j][i]) for j in range(k - LEAD_FRAMES, k + 1)}
            if len(held) == 1 and (hint := taken[k][i]) is not None:
                target = hint.clip.quat_xyzw[min(k - hint.first, len(hint.clip) - 1)]
                coming = any(k < other.first <= k + LEAD_FRAMES and asked <= k for asked, other in placed)
                error = angle_between(shown[k][joint], target[hint.clip.joints.tolist().index(joint)].astype(float))
                assert coming or error < 1e-3


def giver(placed: list[tuple[int, Placed]], joint: int, k: int) -> Placed | None:
    """Who gives a joint at frame k: the last one to have begun (of several, the last asked for), unless it is over or
    lets go."""
    begun = [(max(asked, hint.first), asked, i) for i, (asked, hint) in enumerate(placed) if joint in hint.clip.joints]
    begun = [one for one in sorted(begun) if one[0] <= k]
    if not begun:
        return None
    hint = placed[begun[-1][-1]][1]
    return hint if hint.clip.given.any() and (hint.last is None or k < hint.last) else None
