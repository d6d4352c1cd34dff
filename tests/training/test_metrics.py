"""The metrics against values computed by hand, against published code's own building blocks, and against bad motion."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.signal import argrelextrema

from gesturestream.models.body.rotations import axis_angle_to_matrix, matrix_to_rot6d
from gesturestream.models.body.skeleton import INDEX, JOINT_COUNT, PARENTS
from gesturestream.models.motion import BLENDSHAPES, CONTACTS, EMOTIONS, FPS, MOTION_SIZE, ROT6D
from gesturestream.training.evaluate import evaluate
from gesturestream.training.evaluate_options import EvaluateOptions
from gesturestream.training.metrics import (
    autoencoder,
    beats,
    diversity,
    dynamics,
    emage,
    emotion,
    geometry,
    strokes,
    word_gestures,
)
from gesturestream.training.metrics.bootstrap import bootstrap, mean_of, pooled, ratio_of
from gesturestream.training.metrics.frechet import (
    Gaussian,
    frechet_distance,
    frechet_gesture_distance,
    frechet_ratio,
    gaussian,
    moments,
    sums,
)
from gesturestream.training.metrics.motion import places, read_motion
from gesturestream.training.metrics.skeleton_conv import JOINTS, REGIONS, SEGMENTS, SkeletonConv, connections
from gesturestream.training.metrics.suite import Sample, Suite, Take, asked_emotion
from gesturestream.training.speech.synthetic import synthetic_clip
from gesturestream.training.teacher.perform import perform
from tests.models.laws import babble

WRIST = INDEX["left_wrist"]


def _normals(seed: int, rows: int, size: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, size)) @ generator.normal(size=(size, size)) + generator.normal(size=size)


# --- intervals ---


def test_interval_of_a_mean_is_the_normal_theory_s():
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    figure = mean_of(values)
    assert figure.value == pytest.approx(values.mean()) and figure.clips == 400
    half = 1.96 * values.std() / 20
    assert figure.low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert figure.high == pytest.approx(values.mean() + half, abs=0.2 * half)


def test_unknown_clips_do_not_count_and_nothing_is_nothing():
    assert mean_of([1.0, np.nan, 3.0]).value == 2.0
    assert mean_of([1.0, 4.0], weights=[3.0, 1.0]).value == pytest.approx(1.75)
    assert np.isnan(mean_of([np.nan]).value) and mean_of([np.nan]).json()["value"] is None
    one = mean_of([2.0])
    assert one.value == 2.0 and np.isnan(one.low), "one clip has no interval"
    assert pooled([np.array([1.0, 2.0]), np.zeros(0), np.array([9.0])], np.median).value == 2.0
    with pytest.raises(ValueError, match="at least one clip"):
        bootstrap(lambda index: 0.0, 0)


def test_ratio_resamples_both_together():
    noise = np.random.default_rng(1).lognormal(0.0, 1.0, 40)
    figure = ratio_of(0.5 * noise, noise)
    assert (figure.value, figure.low, figure.high) == pytest.approx((0.5, 0.5, 0.5))


# --- Frechet distance ---


def test_frechet_distance_of_known_gaussians():
    one = Gaussian(np.zeros(3), np.diag([1.0, 4.0, 9.0]))
    other = Gaussian(np.array([1.0, 2.0, 2.0]), np.diag([4.0, 4.0, 1.0]))
    # |m|^2 = 9; commuting covariances: sum of (s - s')^2 = (1 - 2)^2 + 0 + (3 - 1)^2 = 5
    assert frechet_distance(one, other) == pytest.approx(14.0)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-9)
    line = Gaussian(np.zeros(2), np.array([[1.0, 1.0], [1.0, 1.0]]))
    point = Gaussian(np.zeros(2), np.zeros((2, 2)))
    assert frechet_distance(line, point) == pytest.approx(2.0), "singular covariances need no epsilon"
    with pytest.raises(ValueError, match="one size"):
        frechet_distance(one, line)


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_frechet_distance_agrees_with_the_published_formula_and_is_symmetric(seed):
    a, b = gaussian(_normals(seed, 60, 5)), gaussian(_normals(seed + 1, 60, 5))
    root = sqrtm(a.covariance @ b.covariance).real
    published = np.square(a.mean - b.mean).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(published, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-6)


def test_clips_pool_to_the_moments_of_all_their_features():
    clips = [_normals(0, 7, 3), _normals(1, 20, 3) + 4.0, _normals(2, 11, 3)]
    whole = gaussian(np.concatenate([clips[0], clips[2], clips[2]]))
    found = moments(sums(clips), np.array([0, 2, 2]))
    np.testing.assert_allclose(found.mean, whole.mean, atol=1e-12)
    np.testing.assert_allclose(found.covariance, whole.covariance, atol=1e-10)


def test_fgd_interval_holds_the_distance_and_ratio_of_itself_is_one():
    reference = [_normals(0, 30, 4)[:30] for _ in range(12)]
    moved = [x + np.random.default_rng(i).normal(2.0, 0.1, 4) for i, x in enumerate(reference)]
    figure = frechet_gesture_distance(moved, reference)
    assert figure.low < figure.value < figure.high and figure.value == pytest.approx(16.0, rel=0.1)
    same = frechet_ratio(moved, moved, reference)
    assert (same.low, same.high) == pytest.approx((1.0, 1.0))
    with pytest.raises(ValueError, match="as many"):
        frechet_gesture_distance(moved[:3], reference)


# --- beats ---


@given(st.integers(0, 10**6), st.integers(1, 9))
@settings(max_examples=25)
def test_local_minima_are_scipy_s(seed, order):
    x = np.round(np.random.default_rng(seed).normal(size=60), 1)  # ties too
    np.testing.assert_array_equal(beats.local_minima(x, order), argrelextrema(x, np.less, order=order)[0])


def _stopping(stops_s: list[float], seconds: float) -> np.ndarray:
    """A body whose every joint moves at 1 m/s and almost stands for a moment at the given times: [T, 55, 3]."""
    times = np.arange(int(seconds * FPS)) / FPS
    speed = np.ones_like(times)
    for stop in stops_s:
        speed -= 0.8 * np.exp(-(((times - stop) / 0.05) ** 2))
    out = np.zeros((len(times), JOINT_COUNT, 3))
    out[..., 0] = np.cumsum(speed)[:, None] / FPS
    return out


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 0.3])
def test_emage_beat_constancy_of_beats_a_known_time_from_the_onsets(offset_s):
    stops = [3.01, 4.51, 6.01, 7.51]
    found = beats.emage_motion_beats(_stopping(stops, 12.0), np.ones(JOINT_COUNT))
    assert all(np.allclose(times, stops, atol=0.04) for times in found.times_s)
    onsets = np.array([0.5, *found.times_s[0] + offset_s, 11.5])  # the outer two lie in the margins
    expected = np.exp(-(offset_s**2) / (2 * 0.3**2))
    assert beats.emage_bc(found, onsets) == pytest.approx(expected)
    assert beats.emage_bc(found, onsets, over="beats") == pytest.approx(expected)


def test_the_two_readings_of_beat_constancy_differ_where_beats_are_missing():
    found = beats.MotionBeats(tuple(np.array([3.0]) for _ in range(13)), 12.0)
    onsets = np.array([3.0, 8.0])  # one of two onsets is met; the only motion beat has its onset
    assert beats.emage_bc(found, onsets) == pytest.approx(0.5)
    assert beats.emage_bc(found, onsets, over="beats") == pytest.approx(1.0)
    nothing = beats.MotionBeats(tuple(np.zeros(0) for _ in range(13)), 12.0)
    assert beats.emage_bc(nothing, onsets) == 0.0 and np.isnan(beats.emage_bc(found, np.array([1.0])))


def test_slow_minima_are_no_beats():
    body = _stopping([5.01], 12.0)
    assert len(beats.emage_motion_beats(body, np.ones(JOINT_COUNT)).times_s[0]) == 1
    assert len(beats.emage_motion_beats(body, np.full(JOINT_COUNT, 4.0)).times_s[0]) == 0, "0.2 of a mean of 4: 0.05"


def test_diffgesture_beats_are_pauses_of_the_elbow():
    times = np.arange(300) / FPS
    # the change of angle, 15 times a second, is least where the sine turns: every half second
    motion = _packed(300, {"left_elbow": (0.0, 1.0, 0.0)}, 0.8 + 0.6 * np.sin(2 * np.pi * times))
    body = places(motion, in_place=True)
    change = beats.mean_angle_change(body)
    assert change[1] > 1e-3 and change[[0, 2, 3]].max() < 1e-9, "only the left elbow bends"
    found = beats.diffgesture_motion_beats(body, np.maximum(change, 1e-3))
    turns = found.times_s[0]
    np.testing.assert_allclose(turns, 0.25 + 0.5 * np.arange(len(turns)), atol=0.06)
    assert len(turns) == 20 and beats.diffgesture_bc(found, turns + 0.1) == pytest.approx(np.exp(-0.5))
    assert np.isnan(beats.diffgesture_bc(beats.MotionBeats((np.zeros(0),), 10.0), turns))


def test_shifted_audio_scores_what_chance_would():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(2.0, 58.0, 40))
    found = beats.MotionBeats(tuple(times for _ in range(13)), 60.0)
    true = beats.emage_bc(found, times, sigma_s=0.1)
    chance = beats.against_shifted(lambda t: beats.emage_bc(found, t, sigma_s=0.1), times, 2.0, 58.0)
    assert true == pytest.approx(1.0) and chance < 0.5


def test_onsets_of_clicks_are_where_the_clicks_are():
    pcm = 1e-4 * np.random.default_rng(0).standard_normal(5 * 16000)
    clicks = np.array([1.0, 2.0, 2.6, 4.0])
    for click in clicks:
        start = int(click * 16000)
        pcm[start : start + 800] += np.sin(np.arange(800)) * np.exp(-np.arange(800) / 200)
    found = beats.audio_onsets(pcm.astype(np.float32))
    apart = np.abs(found[:, None] - clicks)
    assert apart.min(0).max() < 0.035, "every click is heard, to a hop of 32 ms"
    assert apart.min(1).max() < 0.07, "and nothing else"


# --- diversity and distances ---


def test_l1_diversity_by_hand():
    body = np.zeros((4, JOINT_COUNT, 3))
    body[:, WRIST, 0] = [0.0, 1.0, 0.0, 1.0]
    body[:, WRIST, 1] = [2.0, 2.0, 2.0, 6.0]
    assert diversity.l1_diversity(body) == pytest.approx(0.5 + (1 + 1 + 1 + 3) / 4)


def test_pairwise_l1_diversity_is_half_the_mean_distance_of_two_clips():
    clips = [np.full((3, JOINT_COUNT, 3), x) for x in (0.0, 1.0, 3.0)]
    far = diversity.clip_distances(clips)
    size = 3 * JOINT_COUNT
    np.testing.assert_allclose(far, size * np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]]))
    assert diversity.pairwise_l1_diversity(far) == pytest.approx(0.5 * size * 2.0)
    assert diversity.pairwise_l1_diversity(far, np.array([0, 0, 1])) == pytest.approx(0.5 * size), "no clip with itself"
    assert np.isnan(diversity.pairwise_l1_diversity(far, np.array([2, 2, 2])))


def test_audio2gestures_diversity_and_multimodality_by_hand():
    body = np.zeros((160, JOINT_COUNT, 3))  # 3 pieces of 50 frames, the rest is cut
    body[50:100] = 0.01
    body[100:] = 0.03
    # |differences|_1 of 3 axes: 3, 9, 6 cm; the equation divides by N ceil(N / 2) = 6
    assert diversity.diversity(body) == pytest.approx(18.0 / 6)
    assert np.isnan(diversity.diversity(body[:99]))
    assert diversity.multimodality([body, body + 0.02]) == pytest.approx(6.0 / 2)
    assert np.isnan(diversity.multimodality([body]))


def test_distances_by_hand():
    a = np.zeros((5, JOINT_COUNT, 3))
    b = a.copy()
    b[:, WRIST] = (0.3, 0.0, 0.4)  # half a metre off
    b[:, 0] = (0.0, 0.19, 0.0)
    assert geometry.pck(a, b) == pytest.approx(21 / 22)
    assert geometry.l1_cm(a, b) == pytest.approx(100 * (0.7 + 0.19) / 22)
    assert geometry.mse(a, b) == pytest.approx((0.25 + 0.19**2) / (3 * JOINT_COUNT))
    assert geometry.lvd(a, b) == pytest.approx(0.0), "a constant offset has no velocity: not the published bug"
    moving = a + 0.01 * np.arange(5)[:, None, None]
    assert geometry.lvd(a, moving) == pytest.approx(0.01)
    with pytest.raises(ValueError, match="same points"):
        geometry.mse(a, b[:, :22])


# --- how it moves ---


def _packed(frames: int, turns: dict[str, tuple[float, float, float]], angles: np.ndarray | float = 0.0) -> np.ndarray:
    """Packed motion: each named joint turned about its axis by `angles` [T] radians."""
    vectors = np.zeros((frames, JOINT_COUNT, 3))
    for name, axis in turns.items():
        vectors[:, INDEX[name]] = np.asarray(angles)[..., None] * np.array(axis)
    motion = np.zeros((frames, MOTION_SIZE), np.float32)
    motion[:, ROT6D] = matrix_to_rot6d(axis_angle_to_matrix(vectors)).reshape(frames, -1)
    return motion


def test_jerk_speed_and_sliding_of_known_movements():
    times = np.arange(90) / FPS
    body = np.zeros((90, JOINT_COUNT, 3))
    body[..., 0] = times[:, None] ** 3  # jerk 6 m/s^3 everywhere
    assert dynamics.jerk_m_s3(body) == pytest.approx(6.0)
    body = np.zeros((90, JOINT_COUNT, 3))
    body[:, WRIST, 1] = 0.6 * times
    speeds = dynamics.wrist_speeds(body)
    np.testing.assert_allclose(speeds, np.tile([0.6, 0.0], (89, 1)), atol=1e-9)
    assert dynamics.held_still(speeds) == pytest.approx(0.5)
    body[:, INDEX["left_foot"], 2] = 0.2 * times
    contacts = np.zeros((90, 4))
    contacts[:, 2] = 1.0
    assert dynamics.foot_sliding_m_s(body, contacts) == pytest.approx(0.2)
    assert np.isnan(dynamics.foot_sliding_m_s(body, 0 * contacts))


# --- strokes ---


def _strokes(apexes_s: np.ndarray, seconds: float) -> np.ndarray:
    """A left wrist that beats: minimum-jerk strokes of 0.2 m that end at the apexes, slow ways back between them."""
    times = (np.arange(int(seconds * FPS)) + 0.5) / FPS
    height = np.zeros_like(times)
    for apex in apexes_s:
        for start, stop, size in ((apex - 0.25, apex, -0.2), (apex, apex + 0.7, 0.2)):
            u = np.clip((times - start) / (stop - start), 0.0, 1.0)
            height += size * u**3 * (10 - 15 * u + 6 * u**2)
    body = np.zeros((len(times), JOINT_COUNT, 3))
    body[:, WRIST, 1] = height
    return body


@pytest.mark.parametrize("delay_s", [0.0, 0.1333, 0.4])
def test_stroke_lag_of_delayed_motion_is_the_delay(delay_s):
    rng = np.random.default_rng(5)
    planned = [np.cumsum(rng.uniform(1.1, 2.6, 12)) for _ in range(4)]
    made = [strokes.apexes(_strokes(apexes + delay_s, 35.0)) for apexes in planned]
    found = strokes.match(made, planned)
    lags = np.concatenate(found.lags_s)
    assert np.median(lags) == pytest.approx(delay_s, abs=0.034)
    assert strokes.iqr(lags) < 0.07 and found.share(np.arange(4)) > 0.95
    chance = strokes.match_shifted(made, planned, [35.0] * 4)
    assert np.mean([m.share(np.arange(4)) for m in chance]) < 0.75


def test_matching_is_one_to_one_and_tolerant_to_a_limit():
    found = strokes.match([np.array([1.0, 1.05, 5.0])], [np.array([1.0, 3.0, 4.9])])
    assert sorted(np.round(found.lags_s[0] - 0.0, 3)) == pytest.approx([0.0, 0.1], abs=0.06)
    assert found.share(np.array([0])) == pytest.approx(2 / 3)
    assert strokes.match([np.zeros(0)], [np.array([1.0])]).share(np.array([0])) == 0.0


# --- networks ---


def test_skeleton_convolution_sees_only_its_neighbourhood():
    assert (
        sorted(j for node in SEGMENTS for j in node) == sorted(j for node in REGIONS for j in node) == list(range(55))
    )
    seen = connections(JOINTS, JOINTS, 1)
    for joint, parent in enumerate(PARENTS[1:], start=1):
        assert seen[joint, parent] and seen[joint, joint]
    assert not seen[INDEX["left_wrist"], INDEX["right_wrist"]]
    layer = SkeletonConv((JOINTS, SEGMENTS), (2, 3), reach=1)
    x = torch.randn(1, 110, 8, requires_grad=True)
    head = SEGMENTS.index((INDEX["neck"], INDEX["head"]))
    layer(x)[0, 3 * head : 3 * head + 3].square().sum().backward()
    touched = {j for j in range(55) if x.grad[0, 2 * j : 2 * j + 2].abs().sum() > 0}
    expected = {"spine3", "neck", "head", "jaw", "left_eye_smplhf", "right_eye_smplhf"}
    assert touched == {INDEX[name] for name in expected}


@pytest.fixture(scope="module")
def performances() -> list[list[np.ndarray]]:
    """Two takes of six clips that no evaluator was trained on: 12 s each, emotions at full intensity."""
    speech = [synthetic_clip(12.0, EMOTIONS[k + 1], np.random.default_rng(900 + k)) for k in range(6)]
    return [
        [perform(s, speaker=k % 4, seed=seed + k).packed()[: 12 * FPS] for k, s in enumerate(speech)]
        for seed in (900, 950)
    ]


@pytest.fixture(scope="module")
def teacher(performances) -> list[np.ndarray]:
    return performances[0]


def _bad(motion: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    out = motion.copy()
    if kind == "frozen":
        out[:] = motion[:1]
    elif kind == "average pose":
        out[:] = motion.mean(0)
    elif kind == "jittery":
        out[:, ROT6D] += rng.normal(0.0, 0.01, out[:, ROT6D].shape)
    elif kind == "time-shuffled":
        out = out[rng.permutation(len(out))]
    return out


def test_fgd_tells_bad_motion_from_good(performances):
    features = autoencoder.load().features
    codes, other = ([features(motion) for motion in take] for take in performances)
    again = frechet_gesture_distance(other, codes, draws=2).value
    rng = np.random.default_rng(0)
    for kind in ("frozen", "average pose", "jittery", "time-shuffled"):
        spoilt = [features(_bad(motion, kind, rng)) for motion in performances[1]]
        found = frechet_gesture_distance(spoilt, codes, draws=2).value
        assert found > 1.5 * again, f"{kind}: {found:.2f}, the teacher once more: {again:.2f}"


def test_classifier_knows_the_teacher_s_emotions_and_not_a_frozen_body(teacher):
    found = emotion.hits(emotion.load(), teacher, [k + 1 for k in range(6)])
    assert np.mean(found) > 0.6
    with pytest.raises(ValueError, match="packed motion"):
        emotion.load().probabilities(teacher[0][:, :100])


def test_weights_of_another_kind_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected format gesturestream\.fgd"):
        autoencoder.load(emotion.SHIPPED)
    (tmp_path / "cut.safetensors").write_bytes(autoencoder.SHIPPED.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot be read"):
        autoencoder.load(tmp_path / "cut.safetensors")


def _emage_file(grow: tuple[int, ...] = (1, 1, 2, 1), nodes: tuple[int, ...] = (55, 55, 40, 30, 20)) -> dict:
    """Random tensors under the names of EMAGE's published evaluator."""
    generator, state, per_node = torch.Generator().manual_seed(0), {}, 6
    for k, factor in enumerate(grow):
        name, into, wide = f"module.encoder.layers.{k}.0.", per_node * nodes[k], per_node * factor * nodes[k]
        for part, kernel in (("residual.0", 4), ("shortcut", 1)):
            state[f"{name}{part}.weight"] = 0.1 * torch.randn(wide, into, kernel, generator=generator)
            state[f"{name}{part}.mask"] = torch.ones(wide, into, kernel)
            state[f"{name}{part}.bias"] = torch.zeros(wide)
        state |= {f"{name}residual.1.weight": torch.ones(wide), f"{name}residual.1.bias": torch.zeros(wide)}
        per_node *= factor
        if nodes[k + 1] != nodes[k]:
            state[f"{name}common.0.weight"] = torch.ones(per_node * nodes[k + 1], wide) / wide
    return {"model_state": state}


def test_emage_evaluator_is_read_and_refused_by_name_and_shape(tmp_path, teacher):
    path = tmp_path / "AESKConv_240_100.bin"
    torch.save(_emage_file(), path)
    codes = emage.load(path)(teacher[0][:100])
    assert codes.shape == (6, 240) and np.abs(codes).max() <= 1.0, "96 frames at stride 16, tanh at the end"
    torch.save(_emage_file(nodes=(54, 54, 40, 30, 20)), path)
    with pytest.raises(ValueError, match=r"layer 0: expected residual\.0\.weight \[out, 330, kernel\]"):
        emage.load(path)
    torch.save({"model_state": {"encoder.weight": torch.zeros(3)}}, path)
    with pytest.raises(ValueError, match=r"expected encoder\.layers\.0\.0\.residual\.0\.weight"):
        emage.load(path)
    path.write_bytes(b"no PyTorch file")
    with pytest.raises(ValueError, match="file of tensors"):
        emage.load(path)


# --- all together ---


def test_suite_ranks_the_reference_above_a_frozen_body(teacher):
    samples = [
        Sample(name=str(k), reference=m, emotion=k + 1, onsets_s=np.arange(2.1, 10.0, 0.5))
        for k, m in enumerate(teacher[:3])
    ]
    suite = Suite(samples=samples, features=autoencoder.load().features, classifier=emotion.load(), draws=5)
    frozen = Take(runs=[[np.tile(m[:1], (len(m), 1)) for m in teacher[:3]]] * 2, targets=teacher[:3])
    good, bad = suite.measure(suite.reference), suite.measure(frozen)
    assert good["pck"].value == 1.0 and good["mse_joints_m2"].value == 0.0 and good["jerk_ratio"].value == 1.0
    assert bad["l1_diversity_ratio"].value < 0.01 and bad["bc_emage"].value == 0.0 and bad["held_still"].value == 1.0
    assert bad["multimodality_cm"].value == 0.0 and "multimodality_cm" not in good
    assert {"stroke_lag_s", "jaw_loudness"}.isdisjoint(good), "what is not known is not measured"
    assert asked_emotion(3, 0.1) is None and asked_emotion(3, 1.0) == 3


def test_evaluates_anybody_s_files(tmp_path, teacher):
    frames = 150
    turn = np.zeros((frames, JOINT_COUNT, 3))
    turn[:, INDEX["left_elbow"], 1] = np.sin(np.arange(frames) / 6)
    for name, scale in (("a", 1.0), ("b", 0.5)):
        np.savez(
            tmp_path / f"{name}.npz", poses=(scale * turn).reshape(frames, -1), trans=np.zeros((frames, 3)),
            expressions=np.zeros((frames, 100)), betas=np.zeros(300), model="smplx2020", gender="neutral",
            mocap_frame_rate=30,
        )  # fmt: skip
    soundfile.write(tmp_path / "a.wav", babble(5.2, 0), 16000)
    options = EvaluateOptions(
        motion=(tmp_path / "a.npz",), reference=(tmp_path / "b.npz",), audio=(tmp_path / "a.wav",),
        output=tmp_path / "out.json", draws=20,
    )  # fmt: skip
    columns = evaluate(options)
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["figures"]["motion"]["pck"]["value"] == pytest.approx(columns["motion"]["pck"].value)
    assert {"commit", "machine", "command", "date"} <= set(written)
    assert columns["motion"]["l1_diversity_ratio"].value > 1.5, "twice the swing"
    assert "bc_emage_shifted" in columns["motion"]
    with pytest.raises(ValueError, match="as many --reference"):
        evaluate(replace(options, reference=()))
    with pytest.raises(ValueError, match="got neither"):
        evaluate(EvaluateOptions())


def test_motion_of_another_frame_rate_is_resampled_and_rubbish_is_refused(tmp_path):
    frames = 121
    poses = np.zeros((frames, 165))
    poses[:, 3 * WRIST] = np.arange(frames) / 120  # a radian a second, at 120 frames a second
    np.savez(tmp_path / "fast.npz", poses=poses, trans=np.zeros((frames, 3)), mocap_frame_rate=120)
    motion = read_motion(tmp_path / "fast.npz")
    assert len(motion) == 31
    expected = matrix_to_rot6d(axis_angle_to_matrix(np.array([[15 / 30, 0.0, 0.0]])))[0]
    np.testing.assert_allclose(motion[15, 6 * WRIST : 6 * WRIST + 6], expected, atol=1e-5)
    assert motion[:, BLENDSHAPES].shape == (31, 52) and motion[:, CONTACTS].all()
    np.savez(tmp_path / "none.npz", position=poses)
    with pytest.raises(ValueError, match=r"expected `poses` \[T, 165\]"):
        read_motion(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="no such file"):
        read_motion(tmp_path / "nowhere.npz")


def test_word_gestures_are_told_by_their_shape():
    """Three gestures at known places: each stroke made in its own place counts, one made elsewhere does not."""
    rng = np.random.default_rng(0)
    names = ("big", "small", word_gestures.BEAT)
    centres = {name: rng.normal(0, 0.3, (55, 3)) for name in names}
    planned = [word_gestures.PlannedStroke(0.5 + k, names[k % 3]) for k in range(12)]
    body = np.zeros((400, 55, 3))
    for stroke in planned:
        body[round(stroke.apex_s * 30)] = centres[stroke.gesture] + rng.normal(0, 0.01, (55, 3))
    shapes = word_gestures.fit([body], [planned])
    assert set(shapes.names) == set(names)
    assert word_gestures.hits(shapes, body, planned, 0.0).tolist() == [1.0] * 8, "beats are not asked for"
    late = np.roll(body, 9, 0)
    assert word_gestures.hits(shapes, late, planned, 0.3).all(), "at the lag of the strokes"
    swapped = body.copy()
    swapped[15] = centres["small"]
    assert word_gestures.hits(shapes, swapped, planned, 0.0).tolist() == [0.0] + [1.0] * 7
