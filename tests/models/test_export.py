"""What `gesturestream export` writes: small, without weights of its own, right for other weights than ours too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from gesturestream.cli import main
from gesturestream.models import checkpoint, registry
from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.models.export.artefact import artefact_path, guide_path
from gesturestream.models.export.flat import FlatStep, example_inputs, rebuilt, state_leaves
from gesturestream.models.export.fourier import hann_fourier
from gesturestream.models.export.weights import places
from gesturestream.models.streaming.features import N_FFT, LogMel
from gesturestream.models.streaming.state import named_leaves
from gesturestream.realtime.executors.closed_loop import closed_loop
from gesturestream.realtime.executors.eager import EagerExecutor
from gesturestream.realtime.executors.onnx import OnnxExecutor
from tests.models.laws import babble
from tests.models.small import small_generator


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator of other sizes and random weights, by the command, in another folder than its checkpoint."""
    folder = tmp_path_factory.mktemp("exported")
    checkpoint.save(small_generator(), folder / "small.safetensors", card="")
    assert main(["export", str(folder / "small.safetensors"), "-o", str(folder / "elsewhere" / "other.onnx")]) == 0
    return folder / "elsewhere" / "other.onnx"


def test_other_generators_stream_too(exported):
    eager = EagerExecutor.load(exported.parent / "small.safetensors", 1)
    executor = OnnxExecutor.load(exported, 5)
    assert executor.info == eager.info
    pcm = babble(4.0)
    np.testing.assert_allclose(closed_loop(executor, pcm, 110), closed_loop(eager, pcm, 110), atol=1e-4, rtol=0)


def test_weights_are_not_copied(exported):
    """Every tensor of the step points to its own bytes in the checkpoint; what is left is a fraction of it."""
    for artefact in (exported, artefact_path(registry.checkpoint_path(registry.DEFAULT))):
        assert artefact.stat().st_size < 300_000
        graph = onnx.load(artefact, load_external_data=False).graph
        outside = [tensor for tensor in graph.initializer if tensor.external_data]
        assert len(outside) > 10
        for tensor in outside:
            entry = {field.key: field.value for field in tensor.external_data}
            spans = {(p.offset, p.length) for p in places(artefact.parent / entry["location"])}
            assert (int(entry["offset"]), int(entry["length"])) in spans
        assert Path(entry["location"]).name == entry["location"], "runtimes follow no path out of the folder"
        weights = sum(np.prod(t.dims) * 4 for t in graph.initializer if not t.external_data)
        assert weights < 120_000


def test_no_path_of_the_maker_is_in_it(exported):
    for artefact in (exported, guide_path(exported)):
        assert str(Path(torch.__file__).parent).encode() not in artefact.read_bytes()
        assert str(exported.parents[1]).encode() not in artefact.read_bytes()


def test_fourier_nodes_are_the_generators_matrix():
    np.testing.assert_allclose(hann_fourier(N_FFT), LogMel().fourier.numpy(), atol=1e-7, rtol=0)


def test_flat_step_is_the_step():
    generator = checkpoint.load(registry.checkpoint_path(registry.DEFAULT))
    examples, state = example_inputs(generator, 2), generator.init_state(2)
    assert [leaf.name for leaf in state_leaves(state)] == [name for name, _ in named_leaves(state)]
    leaves = [leaf for _, leaf in named_leaves(state)]
    again = [leaf for _, leaf in named_leaves(rebuilt(state, iter(leaves)))]
    assert all(a is b for a, b in zip(leaves, again, strict=True))
    with torch.inference_mode():
        assert len(FlatStep(generator)(*examples)) == 3 + len(leaves)


def test_what_cannot_be_exported_is_said(tmp_path, capsys):
    missing = tmp_path / "none.safetensors"
    assert main(["export", str(missing)]) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert main(["export", str(registry.checkpoint_path(registry.DEFAULT)), "-o", str(tmp_path / "x.pt")]) == 2
    assert ".onnx" in capsys.readouterr().err
    paper = Audio2Gestures(Audio2GesturesConfig(causal=False))
    checkpoint.save(paper, tmp_path / "paper.safetensors", card="")
    assert main(["export", str(tmp_path / "paper.safetensors")]) == 2
    assert "non-causal" in capsys.readouterr().err
