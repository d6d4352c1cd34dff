"""Every brick: frame by frame from explicit state is what it is over the whole sequence; features are librosa's."""

import librosa
import numpy as np
import pytest
import torch

from gesturestream.models.motion import LOOKAHEADS
from gesturestream.models.streaming import level, lookahead
from gesturestream.models.streaming.attention import RingAttention
from gesturestream.models.streaming.convolution import CausalConv1d, CausalStack, Past
from gesturestream.models.streaming.features import BANDS, HOP, N_FFT, WINDOW_SAMPLES, Heard, LogMel
from gesturestream.models.streaming.mel import mel_filters
from gesturestream.models.streaming.state import (
    Ring,
    StateStore,
    append,
    look_back,
    map_leaves,
    new_ring,
    slot_ages,
)
from tests.models.laws import babble

FRAMES = 75  # longer than every ring below, so that slots are overwritten


def stream(brick, x, rows):
    """Runs `brick.step` over x [B, T, C] through a StateStore, as executors do."""
    state = map_leaves(lambda leaf: leaf.to(x.dtype) if leaf.is_floating_point() else leaf, brick.init_state(rows))
    store, out = StateStore(state), []
    active = torch.ones(rows, dtype=torch.bool)
    for t in range(x.shape[1]):
        y, after = brick.step(x[:, t], store.view(rows))
        store.commit(after, active)
        out.append(y)
    return torch.stack(out, 1)


class Alone(torch.nn.Module):
    """A convolution with a ring of its own."""

    def __init__(self, convolution):
        super().__init__()
        self.convolution, self.past = convolution, Past([convolution])
        self.init_state, self.forward = self.past.init_state, convolution.forward

    def step(self, x, state):
        return self.convolution.step(x, self.past.taps(state)[0]), append(state, x)


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (3, 1), (3, 8), (5, 2)])
def test_convolution_streams(kernel, dilation):
    brick = Alone(CausalConv1d(3, 5, kernel, dilation)).double()
    x = torch.randn(2, FRAMES, 3, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(stream(brick, x, 2), brick(x.transpose(1, 2)).transpose(1, 2))


def test_stack_streams():
    brick = CausalStack(3, (4, 4, 6)).double()
    x = torch.randn(2, FRAMES, 3, dtype=torch.float64)
    with torch.inference_mode():
        torch.testing.assert_close(stream(brick, x, 2), brick(x.transpose(1, 2)).transpose(1, 2))


def test_convolutions_with_gaps_between_their_ages_share_a_past():
    convolutions = [CausalConv1d(3, 3, 3, 4), CausalConv1d(3, 3, 4, 3), CausalConv1d(3, 3, 2, 1)]
    past = Past(convolutions)
    ring = StateStore(past.init_state(1))
    x = torch.randn(20, 9)
    for row in x:
        ring.commit(append(ring.view(1), row[None]), torch.ones(1, dtype=torch.bool))
    for i, (convolution, taps) in enumerate(zip(convolutions, past.taps(ring.view(1)))):
        expected = torch.stack([x[20 - age, 3 * i : 3 * i + 3] for age in convolution.ages])
        assert torch.equal(taps[0], expected)


@pytest.mark.parametrize("window", [2, 16, 100])
def test_attention_streams_and_sees_its_window_only(window):
    brick = RingAttention(8, 2, window).double()
    torch.nn.init.normal_(brick.age_bias)
    x = torch.randn(2, FRAMES, 8, dtype=torch.float64)
    with torch.inference_mode():
        whole = brick(x)
        torch.testing.assert_close(stream(brick, x, 2), whole)
        x[:, : max(0, FRAMES - window)] += 1.0
        torch.testing.assert_close(brick(x)[:, -1], whole[:, -1])


def test_ring_forgets_what_is_too_old_and_never_had():
    ring = new_ring(1, 4, 1)
    store = StateStore(ring)
    for value in range(6):
        store.commit(append(store.view(1), torch.full((1, 1), float(value))), torch.tensor([True]))
    assert look_back(store.view(1), torch.tensor([1, 4]))[0, :, 0].tolist() == [5.0, 2.0]
    store.reset(torch.tensor([True]))
    store.commit(append(store.view(1), torch.full((1, 1), 7.0)), torch.tensor([True]))
    assert look_back(store.view(1), torch.tensor([1, 4]))[0, :, 0].tolist() == [7.0, 0.0]
    ages = slot_ages(store.view(1), torch.arange(4))
    assert (ages <= store.view(1).written[:, None])[0].tolist() == [True, False, False, False]


def test_store_leaves_idle_rows_alone_and_resets_others():
    store = StateStore((new_ring(3, 2, 1), torch.zeros(3, 1)))
    everyone = torch.tensor([True, True, True])
    for value in range(4):
        ring, plain = store.view(3)
        store.commit((append(ring, torch.full((3, 1), float(value))), plain + 1), everyone)
    before = [leaf.clone() for leaf in (store.view(3)[0].rows[:, :2], store.view(3)[0].written, store.view(3)[1])]
    ring, plain = store.view(3)
    store.commit((append(ring, torch.full((3, 1), torch.nan)), plain + torch.nan), torch.tensor([True, False, False]))
    store.reset(torch.tensor([True, False, False]))
    ring, plain = store.view(3)
    for leaf, old in zip((ring.rows[:, :2], ring.written, plain), before):
        assert torch.equal(leaf[1:], old[1:])
        assert not leaf[0].any()


def test_mel_filters_are_librosas():
    np.testing.assert_allclose(
        mel_filters(16000, N_FFT, BANDS), librosa.filters.mel(sr=16000, n_fft=N_FFT, n_mels=BANDS), atol=1e-8
    )


def test_log_mel_and_onset_strength_are_librosas():
    """center=False, a fixed reference and no top_db: librosa's defaults look ahead, or change the past."""
    pcm = babble(2.0)
    power = librosa.feature.melspectrogram(
        y=pcm, sr=16000, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS, center=False, window="hann"
    )
    decibels = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    onsets = librosa.onset.onset_strength(S=decibels, center=False, detrend=False, lag=1)
    for last in (2, 40, decibels.shape[1] - 1):
        end = last * HOP + N_FFT
        heard = LogMel()(torch.from_numpy(pcm[None, end - WINDOW_SAMPLES : end]))
        np.testing.assert_allclose(heard.mel_db[0], decibels[:, last], atol=2e-3)
        np.testing.assert_allclose(heard.onset[0], onsets[last - 1 : last + 1].sum(), atol=2e-3)
        newest = pcm[end - 534 : end]
        np.testing.assert_allclose(heard.peak[0], np.abs(newest).max())
        np.testing.assert_allclose(heard.level_db[0], 10 * np.log10(np.mean(newest**2)), atol=1e-3)


@pytest.mark.parametrize("gain_db", [-20.0, 10.0])
def test_level_normaliser_forgets_the_gain(gain_db):
    """After three seconds of speech the features of a quieter voice are those of the louder one."""
    expected, got = (_normalized(0.3 * babble(8.0) * 10 ** (db / 20)) for db in (0.0, gain_db))
    difference = np.abs(expected - got)[90:]
    assert np.median(difference) < 0.1
    assert np.quantile(difference, 0.99) < 0.35


def test_silence_is_not_speech():
    features = _normalized(np.zeros(32000, np.float32))
    assert features[:, -1].max() < 0.01, "presence"
    hiss = 0.0005 * np.random.default_rng(0).standard_normal(64000).astype(np.float32)
    assert _normalized(hiss)[60:, -1].max() < 0.1, "steady background is not speech"


def _normalized(pcm):
    mel, state, out = LogMel(), level.init_state(1), []
    for end in range(WINDOW_SAMPLES, len(pcm), 533):
        features, state = level.normalize(mel(torch.from_numpy(pcm[None, end - WINDOW_SAMPLES : end])), state)
        out.append(features[0].numpy())
    return np.stack(out)


@pytest.mark.parametrize("ahead", LOOKAHEADS)
def test_lookahead_gather_is_the_training_window(ahead):
    codes, frames = torch.randn(2, 20, 3), 20
    whole, known = lookahead.windows(codes, torch.full((2,), ahead))
    state, steps = lookahead.init_state(2, 3), []
    for t in range(frames + ahead):
        present = torch.full((2,), t < frames)
        code = codes[:, min(t, frames - 1)]
        window, seen, valid, state = lookahead.gather(code, present, torch.full((2,), ahead), state)
        if valid.all():
            steps.append((window, seen))
    assert len(steps) == frames
    torch.testing.assert_close(torch.stack([w for w, _ in steps], 1), whole)
    torch.testing.assert_close(torch.stack([k for _, k in steps], 1), known)


def test_heard_is_per_row():
    pcm = torch.from_numpy(np.stack([babble(0.2)[:WINDOW_SAMPLES], np.full(WINDOW_SAMPLES, np.nan, np.float32)]))
    both, alone = LogMel()(pcm), LogMel()(pcm[:1])
    assert isinstance(both, Heard) and isinstance(new_ring(1, 1, 1), Ring)
    torch.testing.assert_close(both.mel_db[:1], alone.mel_db)
    assert torch.isfinite(both.mel_db).all()
