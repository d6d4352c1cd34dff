"""Weights stay where they are: an exported graph points into the checkpoint's safetensors file."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import NamedTuple

import onnx_ir as ir

SMALL_BYTES = 256
"""Constants below this may stay in the graph: pointing to them would take as much room."""


class Place(NamedTuple):
    """Where one tensor lies in a safetensors file."""

    name: str
    offset: int
    length: int


def places(path: Path) -> list[Place]:
    """Every tensor of the safetensors file `path`, from its header."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    spans = {name: entry["data_offsets"] for name, entry in header.items()}
    return [Place(name, 8 + size + begin, end - begin) for name, (begin, end) in spans.items()]


def link(graph: ir.Graph, checkpoint: Path) -> None:
    """Has the initialisers of `graph` that are in `checkpoint`, byte for byte, point into it instead of copying it.

    Exporters rename and fold constants, so that tensors are known by what is in them.
    """
    data = checkpoint.read_bytes()
    known = {_key(data[p.offset : p.offset + p.length]): p for p in places(checkpoint)}
    for name, value in graph.initializers.items():
        tensor = value.const_value
        if tensor is None or tensor.nbytes < SMALL_BYTES:
            continue
        place = known.get(_key(tensor.tobytes()))
        if place is not None:
            value.const_value = ir.ExternalTensor(
                location=checkpoint.name,
                offset=place.offset,
                length=place.length,
                dtype=tensor.dtype,
                shape=ir.Shape(tensor.shape.numpy()),
                name=name,
                base_dir=checkpoint.parent,
            )


def _key(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
