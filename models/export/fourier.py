"""The windowed DFT matrix as a handful of nodes: half a thousand cosines instead of a megabyte of constants.

Runtimes fold it back into the matrix when they load the graph.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from gesturestream.models.streaming.features import N_FFT

TOLERANCE = 1e-6
"""float32 rounding of values up to 1."""

Doubles = NDArray[np.float64]


def hann_fourier(n_fft: int) -> Doubles:
    """[N, 2 (N/2 + 1)] cosines, then sines, under a Hann window: what the nodes below compute."""
    window, table, index = _factors(n_fft)
    matrix: Doubles = (window * table[:, index].swapaxes(0, 1).reshape(n_fft, -1)).astype(np.float64)
    return matrix


def compress(graph: ir.Graph, n_fft: int = N_FFT) -> bool:
    """Puts nodes in the place of the initialiser that is this matrix; False where the graph has none."""
    matrix = hann_fourier(n_fft)
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if tensor is None or tuple(tensor.shape.numpy()) != matrix.shape:
            continue
        if np.abs(tensor.numpy() - matrix).max() < TOLERANCE:
            del graph.initializers[name]
            _compute(graph, value, n_fft)
            return True
    return False


def _factors(n_fft: int) -> tuple[Doubles, Doubles, NDArray[np.int64]]:
    """Window [N, 1], one turn of cosine and sine [2, N], and which of them is in each place [N, N/2 + 1]."""
    n, k = np.arange(n_fft), np.arange(n_fft // 2 + 1)
    turn = 2.0 * np.pi * n / n_fft
    window = 0.5 - 0.5 * np.cos(turn)
    return window[:, None], np.stack([np.cos(turn), np.sin(turn)]), np.outer(n, k) % n_fft


def _compute(graph: ir.Graph, matrix: ir.Value, n_fft: int) -> None:
    window, table, _ = _factors(n_fft)
    n, k = np.arange(n_fft)[:, None], np.arange(n_fft // 2 + 1)[None]
    given = {"n": n, "k": k, "turn": np.int64(n_fft), "table": table, "window": window, "shape": np.array([n_fft, -1])}
    values = {name: _constant(graph, f"fourier.{name}", np.asarray(array)) for name, array in given.items()}

    def node(operator: str, inputs: list[ir.Value], attributes: dict[str, int | list[int]] | None = None) -> ir.Value:
        made = ir.node(operator, inputs, attributes)
        nodes.append(made)
        made.outputs[0].name = f"fourier.{len(nodes)}"
        return made.outputs[0]

    nodes: list[ir.Node] = []
    index = node("Mod", [node("Mul", [values["n"], values["k"]]), values["turn"]])
    turned = node("Gather", [values["table"], index], {"axis": 1})
    beside = node("Reshape", [node("Transpose", [turned], {"perm": [1, 0, 2]}), values["shape"]])
    made = node("Cast", [node("Mul", [beside, values["window"]])], {"to": int(ir.DataType.FLOAT)})
    graph.insert_before(graph[0], nodes)
    matrix.replace_all_uses_with(made)


def _constant(graph: ir.Graph, name: str, array: NDArray[np.generic]) -> ir.Value:
    tensor = ir.tensor(array, name=name)
    value = ir.Value(name=name, const_value=tensor, type=ir.TensorType(tensor.dtype), shape=ir.Shape(array.shape))
    graph.register_initializer(value)
    return value
