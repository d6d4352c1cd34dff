"""A checkpoint's step, from PCM window to motion, as an ONNX graph that reads its weights from the checkpoint."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from torch import Tensor, nn

from gesturestream.models.export import fourier, weights
from gesturestream.models.export.artefact import (
    DESCRIPTION_KEY,
    DIGEST_KEY,
    FORMAT,
    NEXT,
    Array,
    Description,
    Weights,
    digest,
    file_digest,
    guide_path,
)
from gesturestream.models.export.compiled import NotExportable, streaming
from gesturestream.models.export.flat import FlatGuide, FlatStep, dtype_name, example_inputs, state_leaves
from gesturestream.models.generator import Generator
from gesturestream.models.motion import MOTION_SIZE
from gesturestream.models.step import StepOutputs, input_names

EXAMPLE_ROWS = 3
EXAMPLE_FRAMES = 61
OPSET = 20

__all__ = ["NotExportable", "export_onnx"]


def export_onnx(source: Path, output: Path) -> list[Path]:
    """Writes the artefacts of the checkpoint `source`: `output`, and its clip encoder if the generator has one.

    Runtimes look for weights in the artefact's own folder only: where the checkpoint is in another one it is copied.
    CheckpointError: no usable checkpoint. NotExportable: a reference that cannot stream.
    """
    generator = streaming(source)
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.parent / source.name
    if beside.resolve() != source.resolve():
        shutil.copyfile(source, beside)
    shared = Weights(file=beside.name, bytes=beside.stat().st_size, sha256=file_digest(beside))
    written = [_export_step(generator, beside, shared, output)]
    if generator.info.guide_size:
        written.append(_export_guide(generator, beside, shared, guide_path(output)))
    return written


def _export_step(generator: Generator, source: Path, shared: Weights, output: Path) -> Path:
    leaves = tuple(state_leaves(generator.init_state(1)))
    names, inputs = [leaf.name for leaf in leaves], input_names(generator.info)
    results = [*StepOutputs._fields, *(NEXT + name for name in names)]
    examples = example_inputs(generator, EXAMPLE_ROWS)
    graph, outputs = _traced(FlatStep(generator), examples, [*inputs, *names], results, "rows")
    description = Description(
        format=FORMAT,
        generator=generator.info,
        weights=shared,
        graph_bytes=0,
        inputs=_arrays(inputs, examples[: len(inputs)], "rows"),
        outputs=_arrays(StepOutputs._fields, outputs[: len(StepOutputs._fields)], "rows"),
        state=leaves,
        guide=guide_path(output).name if generator.info.guide_size else None,
    )
    return _write(graph, source, description, output)


def _export_guide(generator: Generator, source: Path, shared: Weights, output: Path) -> Path:
    motion = torch.zeros(EXAMPLE_FRAMES, MOTION_SIZE)
    graph, codes = _traced(FlatGuide(generator), (motion,), ["motion"], ["codes"], "frames")
    description = Description(
        format=FORMAT,
        generator=generator.info,
        weights=shared,
        graph_bytes=0,
        inputs=_arrays(("motion",), (motion,), "frames"),
        outputs=_arrays(("codes",), codes, "frames"),
    )
    return _write(graph, source, description, output)


def _traced(
    module: nn.Module, examples: tuple[Tensor, ...], inputs: list[str], outputs: list[str], axis: str
) -> tuple[ir.Model, tuple[Tensor, ...]]:
    """The graph of `module` with its first axis open, and what the module made of the examples."""
    dynamic = tuple({0: torch.export.Dim.DYNAMIC} for _ in examples)
    by_name = (dynamic,) if isinstance(module, FlatStep) else dynamic
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about itself
        made = module(*examples)
        program = torch.export.export(module.eval(), examples, dynamic_shapes=by_name, strict=False)
        exported = torch.onnx.export(
            program, input_names=inputs, output_names=outputs, dynamo=True, opset_version=OPSET, verbose=False
        )
    assert exported is not None
    _tidy(exported.model.graph, axis)
    return exported.model, made if isinstance(made, tuple) else (made,)


def _tidy(graph: ir.Graph, axis: str) -> None:
    """Names the open axis and drops what no runtime reads: shapes in between, and the exporter's file names."""
    ends = {*graph.inputs, *graph.outputs}
    for value in ends:
        assert value.shape is not None
        value.shape = ir.Shape([axis, *value.shape[1:]])
    for node in graph:
        node.metadata_props.clear()
        node.doc_string = None
        for value in set(node.outputs) - ends:
            value.shape, value.type = None, None
    for value in (*ends, *graph.initializers.values(), *(value for node in graph for value in node.outputs)):
        value.metadata_props.clear()
        value.doc_string = None
    graph.metadata_props.clear()


def _write(model: ir.Model, source: Path, description: Description, output: Path) -> Path:
    """The graph and, after it, what it says of itself: concatenated protocol buffers are one message."""
    fourier.compress(model.graph)
    weights.link(model.graph, source)
    model.metadata_props.clear()
    model.producer_name, model.producer_version = "gesturestream", None
    graph = ir.to_proto(model).SerializeToString(deterministic=True)
    text = replace(description, graph_bytes=len(graph)).to_json()
    tail = onnx.ModelProto()
    onnx.helper.set_model_props(tail, {DESCRIPTION_KEY: text, DIGEST_KEY: digest(graph, text)})
    partial = output.with_suffix(".partial")
    partial.write_bytes(graph + tail.SerializeToString())
    partial.replace(output)
    return output


def _arrays(names: tuple[str, ...], tensors: tuple[Tensor, ...], axis: str) -> tuple[Array, ...]:
    pairs = zip(names, tensors, strict=True)
    return tuple(Array(name=n, dtype=dtype_name(t), axis=axis, shape=tuple(t.shape[1:])) for n, t in pairs)
