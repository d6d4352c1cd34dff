"""What an artefact says of itself, and whether it is whole and belongs to its weights. Torch-free, onnx-free.

An ONNX file is a serialised graph, and after it two metadata entries: the description below as JSON, and the SHA-256 of
the graph's bytes and that JSON. The weights stay in the checkpoint beside it, which is known by its own SHA-256.
Compiled artefacts (`compiled.py`) are zip archives that hold the same description.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from gesturestream.models.step import GeneratorInfo

FORMAT = "gesturestream.onnx.1"
DESCRIPTION_KEY = "gesturestream"
DIGEST_KEY = "gesturestream.sha256"
NEXT = "next_"
"""Prefix of what the step leaves of a state leaf: input `state.x` comes out as `next_state.x`."""

Kind = Literal["replaced", "count", "appended"]


class ArtefactError(ValueError):
    """An artefact that cannot be used; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Array:
    """One input or output of the graph."""

    name: str
    dtype: str
    """numpy's name: float32, int64, bool."""
    axis: str
    """What its first axis counts, of any number: `rows`, `frames`."""
    shape: tuple[int, ...]
    """Of one row or frame."""


@dataclass(frozen=True, kw_only=True)
class StateLeaf:
    """One tensor of the state; it starts as zeros [rows, *shape] and comes out of the step as `next_` + name.

    `replaced`: what comes out [rows, *shape] takes its place.
    `count`: likewise; the number of frames a ring has been given.
    `appended`: a ring [rows, C + 1, D]; what comes out is [rows, 1, D] and belongs into slot (count before) mod C where
    the count rose, else nowhere. Slot C stays zero.
    """

    name: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    """Of one row."""
    count: str | None = None
    """Of an appended leaf: the name of its count."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The checkpoint that holds the weights, in the artefact's own folder."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Build:
    """For what an artefact that holds machine code was compiled; it runs nowhere else."""

    device: str
    """torch's name: cpu, cuda."""
    machine: str
    """Processor and instruction set, or graphics card."""
    versions: dict[str, str]
    """Of the packages that made it."""
    rows: int
    """Most rows of a step."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that a foreign runtime has to know; see docs/executors.md."""

    format: str
    generator: GeneratorInfo
    weights: Weights
    graph_bytes: int
    """Length of the graph that the digest covers."""
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    state: tuple[StateLeaf, ...] = ()
    guide: str | None = None
    """File beside this one that makes codes of an authored clip; None: the generator follows no clips."""
    build: Build | None = None
    """None: a graph that any runtime compiles for itself."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Description:
        """KeyError, TypeError or ValueError for what this version does not know."""
        fields: dict[str, Any] = json.loads(text)
        arrays = {name: tuple(_with_shape(Array, array) for array in fields[name]) for name in ("inputs", "outputs")}
        state = tuple(_with_shape(StateLeaf, leaf) for leaf in fields["state"])
        parts = {"generator": GeneratorInfo(**fields["generator"]), "weights": Weights(**fields["weights"])}
        build = Build(**fields["build"]) if fields.get("build") else None
        return cls(**{**fields, **arrays, **parts, "state": state, "build": build})


def artefact_path(checkpoint: Path) -> Path:
    """Where the ONNX artefact of a checkpoint lies, whether or not it is there: beside it, under the same name."""
    return checkpoint.with_suffix(".onnx")


def guide_path(artefact: Path) -> Path:
    """Where the graph that encodes authored clips lies."""
    return artefact.with_suffix(".guide.onnx")


def digest(graph: bytes, description: str) -> str:
    """SHA-256 over the graph and its description, hexadecimal."""
    return hashlib.sha256(graph + description.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path, metadata: Mapping[str, str]) -> Description:
    """The description of `path`, given its metadata entries. ArtefactError: changed, of another format, or cut off."""
    text = metadata.get(DESCRIPTION_KEY, "")
    try:
        description = Description.from_json(text)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"{path} is no ONNX artefact of this version of gesturestream; {remedy(path)}") from error
    if description.format != FORMAT:
        raise ArtefactError(f"{path}: expected format {FORMAT}, got {description.format}; {remedy(path)}")
    graph = path.read_bytes()[: description.graph_bytes]
    if digest(graph, text) != metadata.get(DIGEST_KEY):
        raise ArtefactError(f"{path} was changed or cut off after it was made; {remedy(path)}")
    return description


def check_weights(path: Path, weights: Weights) -> None:
    """ArtefactError where the checkpoint beside the artefact `path` is not the one that it was made from."""
    file = path.parent / weights.file
    if not file.is_file():
        raise ArtefactError(f"{path} needs its weights {weights.file} in the same folder, which is not there")
    if file.stat().st_size != weights.bytes or file_digest(file) != weights.sha256:
        raise ArtefactError(f"{file} is not the checkpoint that {path.name} was made from; {remedy(path)}")


def remedy(path: Path) -> str:
    return f"make it again: gesturestream export {path.with_suffix('.safetensors')}"


def _with_shape(kind: type[Any], fields: dict[str, Any]) -> Any:
    return kind(**{**fields, "shape": tuple(fields["shape"])})
