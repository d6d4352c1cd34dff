"""What is EmotionGesture's own: moods, prompts, plans and the emotion listener. Its laws are in test_laws.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gesturestream.models import checkpoint
from gesturestream.models.emotiongesture import EmotionGesture, EmotionGestureConfig
from gesturestream.models.emotiongesture.ear import EmotionEar
from gesturestream.models.emotiongesture.emotion import EmotionVae, blended
from gesturestream.models.emotiongesture.planner import Voice, follow
from gesturestream.models.emotiongesture.pose_space import BODY, FACE, PoseSpace, joined
from gesturestream.models.emotiongesture.prompter import Past
from gesturestream.models.export.to_onnx import export_onnx
from gesturestream.models.motion import EMOTIONS, FPS, MOTION_SIZE, ROT6D
from gesturestream.models.step import StepInputs, neutral_inputs
from gesturestream.realtime.executors.closed_loop import closed_loop
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.onnx import OnnxExecutor
from gesturestream.realtime.finishing.rest import rest_packed
from gesturestream.training.export import stream_apart_from_whole
from tests.models.laws import Row, babble, run

SMALL = EmotionGestureConfig(
    audio_width=16, beat_size=8, memory=8, listener_widths=(8, 8), pose_size=12, size=16, heads=2, layers=1,
    feed_forward=16, seeds=4, horizon=6, transition=4, latent_size=4, face_code_size=6, face_widths=(8,), face_noise=2,
)  # fmt: skip


def model(config: EmotionGestureConfig = SMALL, seed: int = 0) -> EmotionGesture:
    torch.manual_seed(seed)
    return EmotionGesture(config).eval()


def inputs_of(generator: EmotionGesture, rows: int = 1) -> StepInputs:
    return StepInputs(*map(torch.from_numpy, neutral_inputs(generator.info, rows)))


@pytest.mark.parametrize("lookahead", [0, 8])
@pytest.mark.parametrize("encoder", ["convolution", "recurrent", "attention"])
def test_every_encoder_streams_what_it_trains(encoder, lookahead):
    generator = model(replace(SMALL, audio_encoder=encoder))
    assert stream_apart_from_whole(generator, babble(0.6), lookahead) < 1e-9


def test_a_plan_costs_what_a_laptop_can_spend():
    generator = model(EmotionGestureConfig())
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(inputs_of(generator), generator.init_state(1))
    assert counter.get_total_flops() / 2 <= 10e6


def test_body_and_face_are_the_whole_motion():
    assert sorted(BODY + FACE) == list(range(MOTION_SIZE))
    whole = torch.arange(float(MOTION_SIZE))
    assert torch.equal(joined(whole[list(BODY)], whole[list(FACE)]), whole)


def test_a_mixture_of_emotions_lies_between_them():
    torch.manual_seed(0)
    vae = EmotionVae(pose_size=5, latent_size=3, size=7, speakers=2).double()
    latent, speaker = torch.randn(1, 3).double(), torch.tensor([[1.0, 0.0]]).double()
    moods = torch.cat([torch.eye(len(EMOTIONS)), torch.ones(len(EMOTIONS), 1)], 1).double()
    share = torch.tensor([0.2, 0.5, 0.3]).double()
    with torch.inference_mode():
        mixed = vae(latent, (share[:, None] * moods[:3]).sum(0)[None], speaker)
        each = vae(latent.expand(3, -1), moods[:3], speaker.expand(3, -1))
        torch.testing.assert_close(mixed[0], (share[:, None] * each).sum(0))
        assert (each[0] - each[1]).abs().max() > 0.1, "emotions differ"
        assert not torch.equal(vae(latent, moods[:1], speaker), vae(2 * latent, moods[:1], speaker)), "variants differ"


def test_a_change_of_mood_blends_within_half_a_second():
    wanted = torch.zeros(1, 60, 9)
    wanted[:, :20, 0], wanted[:, 20:, 2] = 1.0, 1.0
    shown = blended(wanted)[0]
    assert torch.equal(shown[:20], wanted[0, :20]), "a session begins with what it is told"
    step = shown.diff(dim=0).abs().max()
    assert 0.0 < step < 0.25, "without a jump"
    assert shown[20 + FPS // 2, 2] > 0.95 and shown[20 + FPS // 2, 0] < 0.05
    torch.testing.assert_close(shown.sum(-1), torch.ones(60))


def far_poses() -> dict[str, np.ndarray]:
    """Packed poses that no corpus of talking people has."""
    rest = rest_packed().astype(np.float32)
    turns = rest[ROT6D].reshape(-1, 6).copy()
    generator = np.random.default_rng(0)
    bent = turns.copy()
    for joint in (16, 17, 18, 19):
        a, b = generator.standard_normal((2, 3))
        a /= np.linalg.norm(a)
        b -= (b @ a) * a
        bent[joint] = np.concatenate([a, b / np.linalg.norm(b)])
    crossed = rest.copy()
    crossed[ROT6D] = bent.ravel()
    return {"rest": rest, "bent": crossed}


@pytest.mark.parametrize("pose", ["rest", "bent"])
def test_any_pose_is_continued_without_a_jump(pose):
    """Limits hold in every frame from a pose that the components cannot even hold; and what they lack fades."""
    generator = model()
    generator.poses.limits.fill_(0.05)
    start = far_poses()[pose]
    row = Row(babble(2.0))
    row.emitted = start.copy()
    moved = run(EagerExecutor(generator, 1), [row])[0]
    turns = np.concatenate([start[None], moved])[:, ROT6D].reshape(len(moved) + 1, -1, 6)
    body = np.delete(np.linalg.norm(np.diff(turns, axis=0), axis=-1), (22, 23, 24), axis=1)
    assert 0.02 < body.max() <= 0.05 + 1e-5


def test_what_components_do_not_hold_is_kept_and_fades():
    torch.manual_seed(0)
    space = PoseSpace(12)
    space.fit(torch.randn(200, len(BODY)) * torch.rand(len(BODY)), torch.rand(len(BODY)) + 0.1)
    pose = 3.0 * torch.randn(4, len(BODY))
    code = space.encode(pose)
    torch.testing.assert_close(space.decode(code) + space.rest(pose, code), pose, atol=1e-4, rtol=0)
    torch.testing.assert_close(space.encode(space.decode(code)), code, atol=1e-3, rtol=1e-3)


def test_prompts_depend_on_no_batch_mate():
    generator = model()
    past = Past(torch.randn(3, 4, 12), torch.randn(3, 6, 12), torch.ones(3))
    feature = torch.randn(3, 16)
    with torch.inference_mode():
        together = generator.planner.prompter(past, feature)
        alone = generator.planner.prompter(Past(*(part[1:2] for part in past)), feature[1:2])
    torch.testing.assert_close(together[1:2], alone)


def test_windows_continue_each_other():
    past = Past(torch.zeros(1, 4, 2), torch.zeros(1, 6, 2), torch.zeros(1))
    plan = torch.arange(6.0)[None, :, None].expand(-1, -1, 2)
    after = follow(past, plan, plan[:, :2])
    assert after.poses[0, :, 0].tolist() == [0, 0, 0, 1]
    assert after.plan[0, :, 0].tolist() == [2, 3, 4, 5, 5, 5]
    assert after.planned.item() == 1.0


def test_a_plan_hears_nothing_before_the_session_began():
    generator = model()
    past = generator.start(torch.zeros(1, 12))
    beats, feature = torch.randn(1, 8, 8), torch.randn(1, 16)
    known = torch.zeros(1, 8, dtype=torch.bool)
    known[:, -1] = True
    with torch.inference_mode():
        silent = torch.where(known[..., None], beats, 0.0)
        other = generator.planner.decoder(torch.randn(1, 6, 16), beats, known)
        assert torch.isfinite(other).all()
        plan = generator.planner(past, Voice(silent, known), feature)
        assert torch.equal(plan, generator.planner(past, Voice(silent.clone(), known), feature))


def test_the_ear_needs_no_body(tmp_path):
    """Probabilities from the voice alone are those that the whole generator tells."""
    generator = model()
    path = tmp_path / "small.safetensors"
    checkpoint.save(generator, path, card="")
    pcm = babble(1.0)
    ear = EmotionEar(checkpoint.load(path))
    told = [p for part in np.array_split(pcm, 7) for p in ear.push(part)]
    row = Row(pcm)
    executor, heard = EagerExecutor(generator, 1), []
    step = executor.step
    executor.step = lambda inputs: heard.append(step(inputs)) or heard[-1]
    run(executor, [row])
    np.testing.assert_allclose(np.array(told), [h.heard_emotion[0] for h in heard], atol=1e-5)
    np.testing.assert_allclose(np.array(told).sum(-1), 1.0, atol=1e-5)


def test_the_exported_step_plans_as_torch_does(tmp_path):
    path = tmp_path / "small.safetensors"
    checkpoint.save(model(), path, card="")
    export_onnx(path, tmp_path / "small.onnx")
    eager, onnx = EagerExecutor.load(path, 1), OnnxExecutor.load(tmp_path / "small.onnx", 1)
    pcm = babble(4.0)
    np.testing.assert_allclose(closed_loop(onnx, pcm, 110), closed_loop(eager, pcm, 110), atol=1e-4, rtol=0)


def test_the_reference_sees_ahead_and_does_not_step():
    generator = model(replace(SMALL, causal=False))
    with pytest.raises(ValueError, match="non-causal"):
        generator(inputs_of(generator), generator.init_state(1))
    frames = 40
    whole = StepInputs(*(x[:, None].expand(-1, frames, *x.shape[1:]) for x in inputs_of(generator)))
    pcm = 0.1 * torch.randn(whole.pcm.shape)
    whole = whole._replace(pcm=pcm, lookahead=torch.zeros(1, dtype=torch.int64))
    louder = torch.cat([pcm[:, :22], 3 * pcm[:, 22:]], 1)
    with torch.inference_mode():
        before, after = (generator.forward_sequence(whole._replace(pcm=p)).motion[0] for p in (pcm, louder))
    assert before.shape == (frames, MOTION_SIZE)
    assert (before[12] - after[12]).abs().max() > 0
