"""Checkpoints: one safetensors file with weights, configuration and model card. Nothing is ever unpickled.

Torch and safetensors are imported only by what needs them: a server without torch reads metadata too, and a generator
with weights of its own runs without either file format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesturestream.models.registry import generator_class

if TYPE_CHECKING:
    from gesturestream.models.generator import Generator

FORMAT = "gesturestream.checkpoint.1"
_REMEDY = "take the one that ships with gesturestream, or make one with `gesturestream train`"


class CheckpointError(ValueError):
    """A file that is no usable checkpoint; the message names the file, what is wrong and the remedy."""


def save(generator: Generator, path: Path, *, card: str, details: dict[str, Any] | None = None) -> None:
    """Writes weights, config and model card (Markdown) to `path`, atomically: a killed run leaves the old file."""
    from safetensors.torch import save_file

    metadata = {
        "format": FORMAT,
        "generator": generator.info.name,
        "config": json.dumps(generator.config_dict()),
        "card": card,
        "details": json.dumps(details or {}),
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in generator.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".partial")
    save_file(tensors, partial, metadata=metadata)
    partial.chmod(0o644)  # safetensors makes it private; a shipped file is for everybody
    partial.replace(path)


def read_metadata(path: Path) -> dict[str, str]:
    """Format, generator, config (JSON), card (Markdown) and details (JSON). CheckpointError if it is no checkpoint."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise CheckpointError(f"expected a checkpoint at {path}, found no such file; {_REMEDY}")
    try:
        with safe_open(path, framework="np") as file:
            metadata: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no safetensors file or is cut off ({error}); {_REMEDY}") from error
    if metadata.get("format") != FORMAT:
        got = metadata.get("format", "a safetensors file of another program")
        raise CheckpointError(f"{path}: expected format {FORMAT}, got {got}; {_REMEDY}")
    return metadata


def load(path: Path) -> Generator:
    """Rebuilds the generator of `path` on the CPU, in eval mode. CheckpointError if it cannot be."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    metadata = read_metadata(path)
    try:
        generator = generator_class(metadata["generator"]).from_config(json.loads(metadata["config"]))
        generator.load_state_dict(load_file(path))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this version of gesturestream: {error}; {_REMEDY}") from error
    return generator.eval()
