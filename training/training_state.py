"""The state of a run on disk: two generations, each whole or refused. Safetensors, never pickle.

`training.safetensors` is the newest, `training.previous.safetensors` the one before. A file that was cut off or changed
is told by a SHA-256 over names, shapes, values and facts, and the other one is taken.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

log = logging.getLogger(__name__)

NEWEST, PREVIOUS = "training.safetensors", "training.previous.safetensors"

Tensors = dict[str, Tensor]
Facts = dict[str, str]


class StateError(ValueError):
    """A file that holds no whole state of a run, or the state of another run; the message names file and remedy."""


def save(folder: Path, tensors: Tensors, facts: Facts) -> None:
    """Writes a state into `folder`; whenever this is killed, `load` finds a whole one.

    The newest becomes the previous one; the new one takes its name only when all of it is on the disk.
    """
    newest, partial = folder / NEWEST, folder / f"{NEWEST}.partial"
    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(held, partial, metadata={**facts, "digest": _digest(held, facts)})
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    if newest.is_file():
        newest.replace(folder / PREVIOUS)
    partial.replace(newest)


def load(folder: Path) -> tuple[Tensors, Facts] | None:
    """The newest whole state in `folder`; None where no run has saved one yet.

    A broken file is told as a warning and passed over. StateError when there are files and none is whole.
    """
    found = [path for path in (folder / NEWEST, folder / PREVIOUS) if path.is_file()]
    errors = []
    for path in found:
        try:
            return read(path)
        except StateError as error:
            log.warning("%s", error)
            errors.append(str(error))
    if errors:
        raise StateError(f"{'; '.join(errors)}. Delete {folder} or train into another folder (--out)")
    return None


def read(path: Path) -> tuple[Tensors, Facts]:
    """Tensors and facts of one file. StateError when it is cut off, changed or none of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            facts: Facts = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise StateError(f"{path} is cut off or no safetensors file ({error})") from error
    expected, got = facts.pop("digest", "no digest"), _digest(tensors, facts)
    if expected != got:
        raise StateError(f"{path} has changed since it was written: expected digest {expected[:12]}, got {got[:12]}")
    return tensors, facts


def _digest(tensors: Tensors, facts: Facts) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {list(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
