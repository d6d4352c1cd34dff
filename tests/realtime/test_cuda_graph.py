"""What a CUDA graph is made of, without a card: the code that is captured there is called here, on the same buffers.

The laws hold for it in tests/models/test_laws.py (`graph`); here is what only static buffers and capture can break.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from gesturestream.models import registry
from gesturestream.models.audio2gestures import Audio2Gestures
from gesturestream.models.streaming.state import named_leaves
from gesturestream.realtime.executors.base import neutral_inputs
from gesturestream.realtime.executors.closed_loop import closed_loop
from gesturestream.realtime.executors.cuda_graph import CudaGraphExecutor, Precision
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.packed import Packed
from tests.models.laws import Row, babble, run
from tests.models.small import small_generator

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(scope="module")
def generator() -> Audio2Gestures:
    return small_generator()


def graph(generator: Audio2Gestures, capacity: int, precision: Precision = "fp32") -> CudaGraphExecutor:
    """With weights of its own: on a card they move there."""
    return CudaGraphExecutor(copy.deepcopy(generator), capacity, device=DEVICE, precision=precision)


@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-4), ("bf16", 0.05)])
def test_it_moves_as_eager_does(generator: Audio2Gestures, precision: Precision, apart: float) -> None:
    pcm = babble(4.0)
    eager = closed_loop(EagerExecutor(generator, 1), pcm, 110, lookahead=2)
    motion = closed_loop(graph(generator, 1, precision), pcm, 110, lookahead=2)
    assert eager.std(0).max() > 0.01, "it moves"
    np.testing.assert_allclose(motion, eager, atol=apart, rtol=0)
    assert precision == "fp32" or np.abs(motion - eager).max() > 0, "bfloat16 rounds"


def test_capturing_more_batch_sizes_changes_no_running_row(generator: Audio2Gestures) -> None:
    """A bucket that is captured while sessions run: the runs before its capture have no active row."""
    expected = run(graph(generator, 4), [Row(babble(1.0))], bucket=2)[0]
    executor, row = graph(generator, 4), Row(babble(1.0))
    half = Row(row.pcm[: 16000 // 2])
    run(executor, [half], bucket=2)
    executor.warm_up()
    row.frame, row.emitted, row.motion = half.frame, half.emitted, list(half.motion)
    np.testing.assert_array_equal(run(executor, [row], bucket=2)[0], expected)


def test_warm_up_leaves_the_state_new(generator: Audio2Gestures) -> None:
    executor = graph(generator, 3)
    executor.warm_up()
    assert not any(leaf.any() for _, leaf in named_leaves(executor._state.view(3)))


class NothingFromTheHost(TorchFunctionMode):
    """What a capture would refuse: constants that are copied to the device, values that are read back from it."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        assert name not in ("tensor", "as_tensor", "item", "tolist", "nonzero", "__bool__", "cpu", "numpy"), name
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", registry.GENERATORS)
def test_a_step_can_be_captured(name: str) -> None:
    """Every generator's: from its second run on it neither copies from the host nor waits for the device."""
    executor = graph(registry.generator_class(name).from_config({}).eval(), 2)
    _, _, step = executor.static(2)
    if DEVICE == "cpu":  # on a card the capture itself was the proof
        with torch.inference_mode(), NothingFromTheHost():
            step()


def test_outputs_are_the_callers_own(generator: Audio2Gestures) -> None:
    executor = graph(generator, 1)
    inputs = neutral_inputs(executor.info, 1)
    first = executor.step(inputs).motion
    kept = first.copy()
    inputs.pcm[:] = 0.5
    executor.step(inputs)
    np.testing.assert_array_equal(first, kept)


def test_data_that_stays_on_the_device_goes_round_by_itself(generator: Audio2Gestures) -> None:
    """What benchmarks and other programs on the card use: write static inputs, run, read static outputs."""
    executor, pcm = graph(generator, 2), babble(0.5)
    expected = run(executor, [Row(pcm), Row(pcm, seed=1)], bucket=2)[0]
    executor.restart()
    inputs, outputs, step = executor.static(2)
    row = Row(pcm)
    run(EagerExecutor(generator, 1), [row])
    made = []
    with torch.inference_mode():
        for given in row.steps:
            for name, tensor in inputs.tensors.items():
                tensor.copy_(torch.from_numpy(np.repeat(np.asarray(getattr(given, name))[None], 2, 0)))
            step()
            made.append(outputs.tensors["motion"][0].cpu().numpy().copy())
    np.testing.assert_allclose(np.stack(made), expected, atol=1e-4, rtol=0)


def test_packed_arrays_do_not_touch_each_other() -> None:
    like = {"a": np.zeros((3, 5), np.float32), "b": np.zeros(7, np.bool_), "c": np.zeros((2, 3), np.int64)}
    packed = Packed(like, torch.device(DEVICE))
    for name, array in packed.arrays.items():
        array[...] = np.random.default_rng(0).integers(0, 2, array.shape)
        assert (array.dtype, array.shape) == (like[name].dtype, like[name].shape)
    kept = {name: array.copy() for name, array in packed.arrays.items()}
    packed.send()
    for array in packed.arrays.values():
        array[...] = 0
    packed.fetch()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    for name, array in packed.arrays.items():
        np.testing.assert_array_equal(array, kept[name])
        np.testing.assert_array_equal(packed.tensors[name].cpu().numpy(), kept[name])
