"""Checkpoints without the package that defines their format: for machines that have torch and nothing else."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesturestream.models.generator import Generator
from gesturestream.models.registry import generator_class

_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


def load(path: Path) -> Generator:
    """The generator of a safetensors checkpoint, on the CPU, in eval mode."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header: dict[str, Any] = json.loads(data[8 : 8 + size])
    about, body = header.pop("__metadata__"), bytearray(data[8 + size :])
    generator = generator_class(about["generator"]).from_config(json.loads(about["config"]))
    generator.load_state_dict({name: _tensor(entry, body) for name, entry in header.items()})
    return generator.eval()


def _tensor(entry: dict[str, Any], body: bytearray) -> Tensor:
    begin, end = entry["data_offsets"]
    dtype = torch.bool if entry["dtype"] == "BOOL" else _TYPES[entry["dtype"]]
    if begin == end:
        return torch.zeros(entry["shape"], dtype=dtype)
    return torch.frombuffer(body, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=begin).view(entry["shape"])
