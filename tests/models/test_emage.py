"""What is EMAGE's own: its parts, codebooks, sampling, hints and words. The laws it keeps are in test_laws.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gesturestream.models.emage import LARGE, Emage, EmageConfig
from gesturestream.models.emage.heads import Sampler
from gesturestream.models.emage.parts import FOUR, PARTS, SINGLE
from gesturestream.models.emage.vq import Codebooks
from gesturestream.models.motion import MOTION_SIZE, ROOT_M
from gesturestream.models.step import StepInputs, neutral_inputs
from gesturestream.models.streaming import wandering
from gesturestream.models.words import BUCKETS, WORD_IDS, word_ids
from gesturestream.training.export import stream_apart_from_whole

SMALL = EmageConfig(
    size=32, heads=2, layers=1, window=6, feed_forward=32, body_widths=(16, 16), face_widths=(16,), word_size=4,
    codebook_size=8, group_size=4, encoder_widths=(16,), decoder_widths=(16,), motion_width=8, noise_rank=4,
)  # fmt: skip


def model(config: EmageConfig = SMALL, seed: int = 0) -> Emage:
    torch.manual_seed(seed)
    return Emage(config).eval()


def inputs_of(generator: Emage, rows: int = 1) -> StepInputs:
    return StepInputs(*map(torch.from_numpy, neutral_inputs(generator.info, rows)))


@pytest.mark.parametrize("parts", [FOUR, SINGLE])
def test_parts_and_root_are_the_whole_motion(parts):
    values = [i for part in parts for i in part.values] + list(range(ROOT_M.start, ROOT_M.stop))
    assert sorted(values) == list(range(MOTION_SIZE)), "every value is decoded once"
    for part in parts:
        assert all(set(code.values) <= set(part.values) for code in part.codes)


@pytest.mark.parametrize("parts", PARTS)
def test_every_value_comes_from_its_own_part(parts):
    generator = model(EmageConfig(parts=parts))
    values = [torch.tensor(part.values, dtype=torch.float32)[None] for part in generator.parts]
    assembled = generator.assemble(values)[0]
    expected = torch.arange(MOTION_SIZE, dtype=torch.float32)
    expected[ROOT_M] = 0.0
    torch.testing.assert_close(assembled, expected)


def test_the_step_is_cheap_enough_for_64_avatars():
    generator = model(EmageConfig())
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(inputs_of(generator), generator.init_state(1))
    assert counter.get_total_flops() / 2 <= 3e6


def test_the_large_preset_builds():
    assert sum(p.numel() for p in Emage(LARGE).parameters()) > 10e6


@pytest.mark.parametrize("lookahead", [0, 2, 8])
@pytest.mark.parametrize("change", [{}, {"parts": "single"}, {"content_rhythm": False}, {"masked_hints": False}])
def test_every_ablation_streams_what_it_trains(change, lookahead):
    generator = model(EmageConfig(**{**SMALL.__dict__, **change}))
    pcm = (0.1 * np.random.default_rng(0).standard_normal(16000)).astype(np.float32)
    assert stream_apart_from_whole(generator, pcm, lookahead) < 1e-9


def test_the_reference_sees_ahead_and_does_not_step():
    generator = model(EmageConfig(**{**SMALL.__dict__, "causal": False}))
    with pytest.raises(ValueError, match="non-causal"):
        generator(inputs_of(generator), generator.init_state(1))
    frames = 20
    whole = StepInputs(*(x[:, None].expand(-1, frames, *x.shape[1:]) for x in inputs_of(generator)))
    pcm = 0.1 * torch.randn(whole.pcm.shape)
    whole = whole._replace(pcm=pcm, lookahead=torch.zeros(1, dtype=torch.int64))
    louder = torch.cat([pcm[:, :12], 3 * pcm[:, 12:]], 1)
    with torch.inference_mode():
        before, after = (generator.forward_sequence(whole._replace(pcm=p)).motion[0] for p in (pcm, louder))
    assert (before[11] - after[11]).abs().max() > 0


def test_codebooks_find_the_nearest_entry_and_follow_what_they_stand_for():
    torch.manual_seed(0)
    books = Codebooks(groups=2, size=12, channels=3)
    latent = torch.randn(50, 6)
    apart = (latent.view(50, 2, 1, 3) - books.entries).square().sum(-1)
    assert torch.equal(books.nearest(latent), apart.argmin(-1))
    centres = 5 * torch.randn(4, 6)
    for _ in range(300):
        latent = centres[torch.randint(4, (64,))] + 0.01 * torch.randn(64, 6)
        books.follow(latent, books.nearest(latent))
    error = (books.look_up(books.nearest(centres)) - centres).abs().max()
    assert error < 0.05, "an entry lies in every cluster: none stays dead"


def test_sampling_draws_as_likely_as_the_logits_say():
    """Over independent noise an entry is drawn as often as softmax says; at temperature 0 the likeliest, always."""
    torch.manual_seed(1)
    sampler = Sampler(FOUR[0], rank=64, codebook_size=4, softness=1e-3)
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(20000, FOUR[0].groups, 4)
    noise = torch.randn(20000, 64)
    drawn = sampler(logits, noise, torch.ones(20000, 1)).argmax(-1)
    share = torch.nn.functional.one_hot(drawn, 4).float().mean((0, 1))
    torch.testing.assert_close(share, logits[0, 0].softmax(-1), atol=0.04, rtol=0)
    assert (sampler(logits, noise, torch.zeros(20000, 1)).argmax(-1) == 2).all()


def test_the_noise_stays_where_it_is_until_the_voice_moves_it():
    torch.manual_seed(0)
    e, still = torch.randn(1, 60, 3), torch.zeros(1, 60, 1)
    start = wandering.somewhere(torch.zeros(1, 3))
    stays = wandering.wandered(e, still, start)
    torch.testing.assert_close(stays, stays[:, :1].expand_as(stays), atol=1e-4, rtol=0)
    slow, fast = (wandering.wandered(e, still + pace, start).diff(dim=1).abs().mean() for pace in (0.3, 3.0))
    assert fast > 3 * slow
    anywhere = wandering.somewhere(torch.zeros(4000, 1))
    many = wandering.wandered(torch.randn(4000, 30, 1), torch.ones(4000, 30, 1), anywhere)
    torch.testing.assert_close(many.std(0), torch.ones(30, 1), atol=0.06, rtol=0)


def test_hints_of_masked_joints_are_not_looked_at():
    generator = model()
    blank, state = inputs_of(generator), generator.init_state(1)
    garbage = blank._replace(hint=torch.full_like(blank.hint, 3.0))
    given = garbage._replace(hinted=torch.ones_like(blank.hinted))
    with torch.inference_mode():
        free, masked, hinted = (generator(i, state)[0].motion for i in (blank, garbage, given))
    assert torch.equal(free, masked)
    assert not torch.equal(free, hinted)


def test_words_are_heard_now_and_ahead():
    generator = model()
    blank, state = inputs_of(generator), generator.init_state(1)
    hello = torch.from_numpy(word_ids("hello"))
    with torch.inference_mode():
        said = [blank.words.clone() for _ in range(3)]
        said[1][0, 0], said[2][0, 1] = hello, hello
        none, now, ahead = (generator(blank._replace(words=w), state)[0].motion for w in said)
    assert not torch.equal(none, now) and not torch.equal(none, ahead) and not torch.equal(now, ahead)


def test_words_are_hashed_n_grams():
    ids = word_ids("Großes")
    assert ids.shape == (WORD_IDS,) and ids.max() < BUCKETS and (ids >= 0).all() and ids[0] > 0
    np.testing.assert_array_equal(ids, word_ids(" grosses! "))
    assert len(set(word_ids("teach")) & set(word_ids("teacher")) - {0}) >= 4, "kin share n-grams"
    assert not word_ids("...").any()


def test_alpha_tells_rhythm_from_content():
    generator = model()
    inputs = StepInputs(*(x[:, None].expand(-1, 10, *x.shape[1:]) for x in inputs_of(generator)))
    shares = generator.inspect(inputs)
    for share in shares.values():
        assert share.shape == (1, 10) and (share > 0).all() and (share < 1).all()
