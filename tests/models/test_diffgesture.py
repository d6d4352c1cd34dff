"""What is DiffGesture's own: schedule, guidance, stabiliser, its windowed form. Laws are in test_laws.py."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch.utils.flop_counter import FlopCounterMode

from gesturestream.models import checkpoint
from gesturestream.models.diffgesture import DiffGesture, DiffGestureConfig, windowed
from gesturestream.models.diffgesture.generator import GUIDANCE
from gesturestream.models.diffgesture.schedule import advance, ddim
from gesturestream.models.diffgesture.space import BODY_VALUES, FACE_VALUES, Space
from gesturestream.models.diffgesture.stabiliser import annealed, steady_sequence
from gesturestream.models.export.to_onnx import export_onnx
from gesturestream.models.generator import Generator
from gesturestream.models.motion import MOTION_SIZE, ROOT_M
from gesturestream.models.step import StepInputs, neutral_inputs
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.onnx import OnnxExecutor
from gesturestream.training.export import stream_apart_from_whole
from tests.models.laws import Row, babble, run

SMALL = DiffGestureConfig(
    body_components=12, face_components=6, body_size=16, face_size=8, body_window=6, face_window=4,
    body_widths=(16, 16), face_widths=(8,), steps=3,
)  # fmt: skip


def model(config: DiffGestureConfig = SMALL, seed: int = 0) -> DiffGesture:
    """Untrained, but with weights that matter everywhere: zeros would hide what is not connected."""
    torch.manual_seed(seed)
    generator = DiffGesture(config).eval()
    for weight in generator.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    return generator


def inputs_of(generator: Generator, rows: int = 1) -> StepInputs:
    return StepInputs(*map(torch.from_numpy, neutral_inputs(generator.info, rows)))


def whole_of(generator: Generator, frames: int, seed: int = 0) -> StepInputs:
    """A sequence of noise, both heard and drawn."""
    torch.manual_seed(seed)
    blank = inputs_of(generator)
    whole = StepInputs(*(x[:, None].expand(-1, frames, *x.shape[1:]) for x in blank))
    pcm, noise = 0.1 * torch.randn(whole.pcm.shape), torch.randn(whole.noise.shape)
    return whole._replace(pcm=pcm, noise=noise, lookahead=torch.zeros(1, dtype=torch.int64))


FORMS = {
    "stream": {},
    "eta": {"eta": 0.6},
    "plain": {"stabilise": False, "eta": 1.0},
    "student": {"guided": False, "steps": 1},
}


@pytest.mark.parametrize("lookahead", [0, 2, 8])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_streams_what_it_trains(form, lookahead):
    generator = model(replace(SMALL, **FORMS[form]))
    assert stream_apart_from_whole(generator, babble(1.0), lookahead) < 1e-9


def test_an_exported_step_is_the_same_in_a_closed_loop(tmp_path):
    generator, pcm = model(replace(SMALL, steps=2, layers=1)), babble(2.0)
    checkpoint.save(generator, tmp_path / "small.safetensors", card="")
    export_onnx(tmp_path / "small.safetensors", tmp_path / "small.onnx")
    eager = run(EagerExecutor(generator, 1), [Row(pcm, lookahead=2)])[0]
    onnx = run(OnnxExecutor.load(tmp_path / "small.onnx", 1), [Row(pcm, lookahead=2)])[0]
    np.testing.assert_allclose(onnx, eager, atol=1e-4)


def test_the_step_stays_within_its_budget():
    generator = model(DiffGestureConfig())
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(inputs_of(generator), generator.init_state(1))
    assert counter.get_total_flops() / 2 <= 7e6


@pytest.mark.parametrize("eta", [0.0, 0.7])
@pytest.mark.parametrize("steps", [2, 4, 10])
def test_sampling_is_ddim_as_a_maintained_library_has_it(steps, eta):
    config = DiffGestureConfig(spacing=1.0, eta=eta)
    theirs = DDIMScheduler(
        num_train_timesteps=500, beta_start=1e-4, beta_end=0.02, prediction_type="v_prediction",
        timestep_spacing="trailing", clip_sample=False,
    )  # fmt: skip
    theirs.set_timesteps(steps)
    torch.manual_seed(0)
    x = y = torch.randn(8, 5, dtype=torch.float64)
    for step, time in zip(ddim(config, steps), theirs.timesteps, strict=True):
        said, fresh = (0.3 * torch.randn_like(x) for _ in range(2))
        assert step.time == pytest.approx((int(time) + 1) / 500)
        x, clean = advance(step, x, said, fresh if step.fresh else None)
        out = theirs.step(said, int(time), y, eta=eta if step.fresh else 0.0, variance_noise=fresh)
        y = out.prev_sample
        torch.testing.assert_close(x, y, atol=1e-6, rtol=0)  # theirs keeps its products in float32
        torch.testing.assert_close(clean, out.pred_original_sample, atol=1e-5, rtol=0)


def test_steps_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="denoising steps, got 0"):
        ddim(DiffGestureConfig(steps=0))


def test_the_past_is_not_changed_by_what_is_heard_later():
    """By construction, in the form that trains; the paper's own form sees its whole window."""
    for causal in (True, False):
        generator = model(replace(SMALL, causal=causal))
        whole = whole_of(generator, 40)
        louder = torch.cat([whole.pcm[:, :20], 3 * whole.pcm[:, 20:]], 1)
        with torch.inference_mode():
            before, after = (generator.forward_sequence(whole._replace(pcm=p)).motion[0] for p in (whole.pcm, louder))
        assert torch.equal(before[:20], after[:20]) == causal
        assert not torch.equal(before[20:], after[20:])


def settings(row: Row, generator: Generator, **changed: float) -> list[np.ndarray]:
    """Streams `row` with settings other than their defaults."""

    class Told(EagerExecutor):
        def step(self, inputs):
            values = [*(self.info.settings | changed).values()]
            return super().step(inputs._replace(settings=np.full_like(inputs.settings, 0) + np.float32(values)))

    return run(Told(generator, 1), [row])[0]


def test_guidance_0_ignores_the_voice_and_1_does_not():
    """Bit for bit, whatever is said and whichever emotion is heard; the noise still leads to motion."""
    generator, voices = model(), (babble(1.5), np.zeros(24000, np.float32))
    deaf = [settings(Row(pcm), generator, voice=0.0) for pcm in voices]
    np.testing.assert_array_equal(*deaf)
    assert deaf[0].std(0).max() > 0.01
    hearing = [settings(Row(pcm), generator, voice=1.0) for pcm in voices]
    assert np.abs(hearing[0] - hearing[1]).max() > 0.01


def test_continuation_0_forgets_what_was_shown_unless_it_hears():
    generator = model()
    blank, state = inputs_of(generator), generator.init_state(1)
    poses = [blank._replace(emitted=torch.randn(1, MOTION_SIZE), noise=torch.ones_like(blank.noise)) for _ in range(2)]
    names = list(generator.info.settings)

    def moved(**scales: float) -> torch.Tensor:
        told = torch.tensor([[{**GUIDANCE, "temperature": 1.0, **scales}[name] for name in names]])
        with torch.inference_mode():
            motions = [generator(pose._replace(settings=told), state)[0].motion for pose in poses]
        apart = motions[0] - motions[1]
        return torch.cat([apart[:, : ROOT_M.start], apart[:, ROOT_M.stop :]], -1).abs().max()

    assert moved(voice=0.0, continuation=0.0) == 0.0
    assert moved(voice=0.0, continuation=1.0) > 1e-3


def test_a_student_needs_one_branch_and_no_scales():
    generator = model(replace(SMALL, guided=False))
    assert list(generator.info.settings) == ["temperature"]
    with torch.inference_mode(), FlopCounterMode(display=False) as one:
        generator(inputs_of(generator), generator.init_state(1))
    guided = model()
    with torch.inference_mode(), FlopCounterMode(display=False) as three:
        guided(inputs_of(guided), guided.init_state(1))
    assert one.get_total_flops() < three.get_total_flops()


def jerk(motion: np.ndarray) -> float:
    return float(np.abs(np.diff(motion, n=3, axis=0)).mean())


def test_the_stabiliser_lowers_jitter():
    """Where the voice is not followed all that moves is the noise."""
    with_it, without = (
        settings(Row(babble(2.0)), model(replace(SMALL, stabilise=stabilise)), voice=0.0) for stabilise in (True, False)
    )
    assert 0.0 < jerk(with_it) < 0.3 * jerk(without)


def test_shared_noise_keeps_its_variance_and_is_shared_at_the_end():
    torch.manual_seed(0)
    own, shared = torch.randn(2, 100_000)
    alike = []
    for time in (1.0, 0.5, 0.05):
        noise = annealed(own, shared, time)
        assert noise.var() == pytest.approx(1.0, abs=0.02)
        alike.append(float((noise * shared).mean()))
    assert alike[0] == pytest.approx(0.0, abs=0.02) and alike[2] > 0.85
    assert all(a < b for a, b in pairwise(alike))


def test_no_component_changes_faster_than_its_limit():
    torch.manual_seed(0)
    jumping, limit = 3.0 * torch.randn(2, 50, 4), torch.tensor([0.1, 0.5, 1.0, 100.0])
    bounded = steady_sequence(jumping, limit, order=0)
    assert (bounded.diff(dim=1).abs().amax((0, 1)) <= limit + 1e-5).all()
    torch.testing.assert_close(bounded[..., 3], jumping[..., 3])
    assert torch.equal(bounded[:, 0], jumping[:, 0])


@pytest.mark.parametrize("order", [1, 2])
def test_smoothing_takes_the_trembling_and_half_a_frame_for_each_order(order):
    ramp = torch.arange(20.0)[None, :, None]
    trembling = ramp + 0.3 * (-1.0) ** ramp
    limit = torch.full((1,), 100.0)
    torch.testing.assert_close(steady_sequence(trembling, limit, order)[:, 3:], (ramp - order / 2)[:, 3:])


def test_components_and_root_are_the_whole_motion():
    assert sorted([*BODY_VALUES, *FACE_VALUES, *range(ROOT_M.start, ROOT_M.stop)]) == list(range(MOTION_SIZE))
    torch.manual_seed(0)
    generator = model(replace(SMALL, body_components=len(BODY_VALUES), face_components=len(FACE_VALUES)))
    motion = torch.randn(1, 600, MOTION_SIZE)
    for part in generator.parts:
        part.space.fit(generator.normalize(motion[0]), torch.rand(MOTION_SIZE) + 0.5)
    body, face = generator.components(motion)
    before = torch.cat([motion[:, :1], motion[:, :-1]], 1)
    made = generator.pose(body, face, before[..., ROOT_M])[:, 1:]
    torch.testing.assert_close(made, motion[:, 1:], atol=1e-3, rtol=0)


def test_components_are_white_and_the_first_ones_hold_most():
    torch.manual_seed(0)
    mixed = torch.randn(2000, 3) @ torch.randn(3, MOTION_SIZE) + 0.05 * torch.randn(2000, MOTION_SIZE)
    space = Space(BODY_VALUES, 5)
    space.fit(mixed, torch.ones(MOTION_SIZE))
    components = space.encode(mixed)
    torch.testing.assert_close(components.square().mean(0), torch.ones(5), atol=0.01, rtol=0)
    lost = space.decode(components) - mixed[:, list(BODY_VALUES)]
    assert lost.square().mean() < 0.01 * mixed.square().mean()


def test_the_reference_does_not_step():
    generator = model(replace(SMALL, causal=False))
    with pytest.raises(ValueError, match="non-causal"):
        generator(inputs_of(generator), generator.init_state(1))


@pytest.mark.parametrize("frames", [3, 34, 35, 100])
def test_windows_cover_a_clip_of_any_length(frames):
    generator = model(replace(SMALL, causal=False))
    with torch.inference_mode():
        motion = generator.forward_sequence(whole_of(generator, frames)).motion
    assert motion.shape == (1, frames, MOTION_SIZE) and motion.isfinite().all()


def test_windows_are_blended_where_they_overlap():
    before, after = torch.zeros(1, 4, 1), torch.full((1, 4, 1), 5.0)
    assert windowed.blended(before, after)[0, :, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
    shown, known = windowed.seed_poses(torch.ones(1, 4, 3), 34, unseen=1)
    assert known.sum() == 4 and shown[0, :4, :2].all() and not shown[0, :, 2].any() and not shown[0, 4:].any()
