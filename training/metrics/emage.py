"""EMAGE's own evaluator (`AESKConv_240_100.bin`), for a user who has the file: figures comparable with its table.

The file holds, beside the weights, every mask and pooling matrix of its skeleton convolutions, so that the network is
read off it layer by layer; no SMPL-X model file is needed, as the published loader needs one for the joint tree.
Nothing is unpickled but tensors (`weights_only=True`).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.motion import ROT6D
from gesturestream.training.metrics.motion import Array, Floats, checked

POSE_SIZE, CODE_SIZE, LAYERS = 330, 240, 4
CLIP_FRAMES = 32
"""Clips are cut to a multiple of this."""
_LAYER = "encoder.layers.{}.0."
_PARTS = (
    "residual.0.weight", "residual.0.mask", "residual.0.bias", "residual.1.weight", "residual.1.bias",
    "shortcut.weight", "shortcut.mask", "shortcut.bias",
)  # fmt: skip
_POOL = "common.0.weight"
_GROUPS = 10


class EmageEvaluator:
    """The encoder of EMAGE's VAESKConv: four layers of stride 2, each

    tanh(pool(group_norm(conv4(x)) + conv1(x))), convolutions masked by the joint tree; no activation is left out.
    """

    def __init__(self, layers: list[dict[str, Tensor]]) -> None:
        self.layers = layers

    @torch.inference_mode()
    def __call__(self, motion: Floats) -> Array:
        """Packed motion [T, 489] -> codes [n, 240], 2 a 32 frames; ValueError for fewer than 32 frames."""
        frames = len(checked(motion)) // CLIP_FRAMES * CLIP_FRAMES
        if not frames:
            raise ValueError(f"expected at least {CLIP_FRAMES} frames of motion, got {len(motion)}")
        x = torch.from_numpy(np.ascontiguousarray(motion[:frames, ROT6D].T, np.float32))[None]
        for layer in self.layers:
            x = _layer(x, layer)
        found: Array = x[0].T.double().numpy()
        return found


def load(path: Path) -> EmageEvaluator:
    """Reads the published file. ValueError names what is missing or of another shape."""
    if not path.is_file():
        raise ValueError(f"expected EMAGE's AESKConv_240_100.bin at {path}, found no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"{path}: expected a PyTorch file of tensors, got one that is not: {error}") from error
    state = content.get("model_state", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise ValueError(f"{path}: expected a table of tensors under `model_state`, got {type(content).__name__}")
    tensors = {str(k).replace("module.", ""): v for k, v in state.items() if isinstance(v, Tensor)}
    layers = [_read_layer(tensors, k, path) for k in range(LAYERS)]
    _check_sizes(layers, path)
    return EmageEvaluator(layers)


def _read_layer(tensors: Mapping[str, Tensor], k: int, path: Path) -> dict[str, Tensor]:
    names = {part: _LAYER.format(k) + part for part in _PARTS}
    missing = [name for name in names.values() if name not in tensors]
    if missing:
        some = ", ".join(sorted(tensors)[:6]) or "no tensors"
        raise ValueError(f"{path}: expected {', '.join(missing)}, got {some}, ...")
    layer = {part: tensors[name].float() for part, name in names.items()}
    pool = tensors.get(_LAYER.format(k) + _POOL)
    return layer if pool is None else layer | {_POOL: pool.float()}


def _check_sizes(layers: list[dict[str, Tensor]], path: Path) -> None:
    """Each layer takes what the one before it gives: 330 at first, 240 at last."""
    size = POSE_SIZE
    for k, layer in enumerate(layers):
        for part in ("residual.0", "shortcut"):
            weight, mask = layer[f"{part}.weight"], layer[f"{part}.mask"]
            if weight.ndim != 3 or weight.shape[1] != size or weight.shape != mask.shape:
                got = f"{list(weight.shape)} and a mask {list(mask.shape)}"
                raise ValueError(f"{path}: layer {k}: expected {part}.weight [out, {size}, kernel], got {got}")
        size = len(layer["residual.0.weight"])
        if _POOL in layer:
            if layer[_POOL].shape[1:] != (size,):
                raise ValueError(f"{path}: layer {k}: expected {_POOL} [out, {size}], got {list(layer[_POOL].shape)}")
            size = len(layer[_POOL])
    if size != CODE_SIZE:
        raise ValueError(f"{path}: expected codes of {CODE_SIZE} values, got {size}")


def _layer(x: Tensor, layer: Mapping[str, Tensor]) -> Tensor:
    weight = layer["residual.0.weight"] * layer["residual.0.mask"]
    padded = functional.pad(x, ((weight.shape[2] - 1) // 2,) * 2)
    long = functional.conv1d(padded, weight, layer["residual.0.bias"], stride=2)
    long = functional.group_norm(long, _GROUPS, layer["residual.1.weight"], layer["residual.1.bias"])
    short = functional.conv1d(x, layer["shortcut.weight"] * layer["shortcut.mask"], layer["shortcut.bias"], stride=2)
    total = long + short
    return torch.tanh(layer[_POOL] @ total if _POOL in layer else total)
