"""What is DiffGesture's own: schedule, guidance, stabiliser, its windowed form. Laws are in test_laws.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch.utils.flop_counter import FlopCounterMode

from gesturestream.models.diffgesture import DiffGesture, DiffGestureConfig
from gesturestream.models.diffgesture.generator import GUIDANCE
from gesturestream.models.diffgesture.schedule import advance, ddim
from gesturestream.models.generator import Generator
from gesturestream.models.motion import MOTION_SIZE, ROOT_M
from gesturestream.models.step import StepInputs, neutral_inputs
from gesturestream.realtime.executors.eager import EagerExecutor
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
