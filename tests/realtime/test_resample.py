"""The live resampler: chunking changes no bit, phases never drift, tones pass or vanish as its docstring says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesturestream.realtime.resample import DELAY_S, CausalResampler
from gesturestream.realtime.sources.files import resample_file

RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 44101, 48000, 96000, 192000)
ABOVE = tuple(rate for rate in RATES if rate > 16000)
TRANSITION_HZ = 905


def tone(rate: int, hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).standard_normal(samples).astype(np.float32)


@given(rate=st.sampled_from(RATES) | st.integers(8000, 192000), cuts=st.lists(st.integers(0, 4000), max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_chunking_gives_the_same_bits(rate, cuts):
    whole, chunked, pcm = CausalResampler(rate), CausalResampler(rate), noise(4000)
    parts = [chunked.process(part) for part in np.split(pcm, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate([*parts, chunked.flush()]), [*whole.process(pcm), *whole.flush()])


@pytest.mark.parametrize("rate", RATES)
def test_single_samples_give_the_same_bits(rate):
    whole, single, pcm = CausalResampler(rate), CausalResampler(rate), noise(600)
    np.testing.assert_array_equal(
        np.concatenate([single.process(sample) for sample in pcm[:, None]]), whole.process(pcm)
    )


@given(rate=st.integers(8000, 192000), chunk=st.integers(1, 3000))
@settings(max_examples=30, deadline=None)
def test_count_is_exact_after_every_chunk(rate, chunk):
    resampler, out = CausalResampler(rate), 0
    held_back = round(resampler.delay_s * rate)
    for k in range(1, 50):
        out += len(resampler.process(np.zeros(chunk, np.float32)))
        assert out == max(0, -(-(k * chunk - held_back) * 16000 // rate))
    assert out + len(resampler.flush()) == -(-49 * chunk * 16000 // rate)


@pytest.mark.parametrize("rate", RATES)
def test_pass_band_is_flat_and_in_its_place(rate):
    assert CausalResampler(rate).delay_s <= DELAY_S
    for hz in np.linspace(100, min(rate, 16000) / 2 - TRANSITION_HZ, 7):
        out = CausalResampler(rate).process(tone(rate, hz))
        expected = tone(16000, hz)[: len(out)]
        np.testing.assert_allclose(out[100:], expected[100:], atol=0.003)  # 0.02 dB


@pytest.mark.parametrize("rate", ABOVE)
def test_what_would_alias_is_gone(rate):
    for hz in np.linspace(8000, rate / 2, 40):
        assert np.abs(CausalResampler(rate).process(tone(rate, hz, 0.1))[100:]).max() < 10 ** (-60 / 20)


@pytest.mark.parametrize("rate", (8000, 11025))
def test_upsampling_makes_no_images(rate):
    out = CausalResampler(rate).process(tone(rate, 1000, 1.1))[100:16100].astype(float)
    spectrum = np.abs(np.fft.rfft(out * np.blackman(len(out))))
    assert spectrum[rate // 2 :].max() < spectrum.max() * 10 ** (-60 / 20)


def test_level_is_exact_at_0_hz():
    for rate in RATES:
        np.testing.assert_allclose(CausalResampler(rate).process(np.ones(rate, np.float32))[100:], 1, atol=1e-6)


def test_agrees_with_soxr_on_what_both_pass():
    rate, band = 48000, noise(48000)
    spectrum = np.fft.rfft(band)
    spectrum[6500:] = 0
    band = np.fft.irfft(spectrum).astype(np.float32)
    resampler = CausalResampler(rate)
    live = np.concatenate([resampler.process(band), resampler.flush()])
    assert len(live) == 16000
    np.testing.assert_allclose(live[100:15900], resample_file(band, rate)[100:15900], atol=0.01 * band.std())


def test_no_drift_after_a_minute():
    rate = 44101
    resampler = CausalResampler(rate)
    out = np.concatenate([resampler.process(chunk) for chunk in np.array_split(tone(rate, 100, 60), 999)])
    np.testing.assert_allclose(out[-16000:], tone(16000, 100, 60)[: len(out)][-16000:], atol=2e-4)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate != 16000])
def test_nan_leaves_no_trace_after_4_ms(rate):
    clean, pcm = noise(rate // 10), noise(rate // 10)
    pcm[50] = np.nan
    out, expected = CausalResampler(rate).process(pcm), CausalResampler(rate).process(clean)
    heard = ~np.isfinite(out)
    assert 0 < heard.sum() <= 65
    np.testing.assert_array_equal(out[~heard], expected[~heard])


@pytest.mark.parametrize("rate", [8000, 24000, 48000, 96000])
def test_live_sound_is_late_and_never_waits(rate):
    """With `lag` every sample due is there after every chunk, and it is the exact ones' sound `delay_s` later."""
    pcm, lagging = noise(rate // 10), CausalResampler(rate, lag=True)
    out = [lagging.process(chunk) for chunk in np.array_split(pcm, 9)]
    exact = CausalResampler(rate).process(pcm)
    late = round(lagging.delay_s * 16000)
    assert sum(map(len, out)) == 1600 and not len(lagging.flush())
    np.testing.assert_array_equal(np.concatenate(out)[late : late + len(exact)], exact)


def test_flush_brings_the_end_and_starts_afresh():
    resampler, pcm = CausalResampler(48000), noise(4800)
    first = [*resampler.process(pcm), *resampler.flush()]
    assert len(first) == 1600
    np.testing.assert_array_equal([*resampler.process(pcm), *resampler.flush()], first)


def test_equal_rates_pass_through():
    resampler, pcm = CausalResampler(16000), noise(999)
    assert resampler.delay_s == 0
    np.testing.assert_array_equal(resampler.process(pcm), pcm)
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rate", [0, -16000, 7999, 192001])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match=rf"8000\.\.192000 Hz, got {rate}"):
        CausalResampler(rate)


def test_stereo_is_refused():
    with pytest.raises(ValueError, match=r"mono samples \[n\], got shape \[480, 2\]"):
        CausalResampler(48000).process(np.zeros((480, 2), np.float32))
