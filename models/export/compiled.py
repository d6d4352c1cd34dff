"""Artefacts that hold machine code: zip archives with a description inside, good for one machine and one torch."""

from __future__ import annotations

import hashlib
import json
import platform
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gesturestream import __version__
from gesturestream.models import checkpoint
from gesturestream.models.export.artefact import (
    DESCRIPTION_KEY,
    Array,
    ArtefactError,
    Build,
    Description,
    Weights,
    check_weights,
    file_digest,
)
from gesturestream.models.export.flat import FlatStep, dtype_name, example_inputs, state_leaves
from gesturestream.models.generator import Generator
from gesturestream.models.step import StepOutputs, input_names

EXAMPLE_ROWS = 3


class NotExportable(ValueError):
    """A checkpoint that has no step, or a format that cannot be made here; the message says why."""


class Traced(NamedTuple):
    """A generator's step as a graph of aten operators, any number of rows up to `rows`."""

    program: torch.export.ExportedProgram
    examples: tuple[Tensor, ...]
    description: Description


def streaming(source: Path) -> Generator:
    """The generator of a checkpoint. CheckpointError; NotExportable: a reference that cannot stream."""
    generator = checkpoint.load(source)
    if not generator.causal:
        raise NotExportable(f"expected a checkpoint that streams, got the paper's non-causal form in {source}")
    return generator


def traced(
    source: Path, form: str, *, rows: int, device: str = "cpu", versions: Mapping[str, str] | None = None
) -> Traced:
    """The step of checkpoint `source`, and the description of what will be made of it."""
    generator = streaming(source).to(device)
    examples = tuple(tensor.to(device) for tensor in example_inputs(generator, min(EXAMPLE_ROWS, rows)))
    axis = {0: torch.export.Dim("rows", min=1, max=rows)} if rows > 1 else None
    with torch.no_grad():
        step = FlatStep(generator).eval()
        outputs = step(*examples)
        shapes = (tuple(axis for _ in examples),)
        program = torch.export.export(step, examples, dynamic_shapes=shapes, strict=False)
    names = input_names(generator.info)
    description = Description(
        format=form,
        generator=generator.info,
        weights=Weights(file=source.name, bytes=source.stat().st_size, sha256=file_digest(source)),
        graph_bytes=0,
        inputs=arrays(names, examples),
        outputs=arrays(StepOutputs._fields, outputs),
        state=tuple(state_leaves(generator.init_state(1))),
        build=build_here(device, rows, versions),
    )
    return Traced(program, examples, description)


def arrays(names: Sequence[str], tensors: Sequence[Tensor]) -> tuple[Array, ...]:
    """What a graph's inputs or outputs are called and look like; further tensors are the state's."""
    return tuple(
        Array(name=n, dtype=dtype_name(t), axis="rows", shape=tuple(t.shape[1:])) for n, t in zip(names, tensors)
    )


def build_here(device: str, rows: int, versions: Mapping[str, str] | None = None) -> Build:
    """What machine code made here is good for; `versions`: of further packages that make and run it."""
    known = {"gesturestream": __version__, "torch": torch.__version__, **(versions or {})}
    return Build(device=device, machine=machine(device), versions=known, rows=rows)


def machine(device: str) -> str:
    """Processor with its instruction set, or the graphics card with its architecture."""
    if torch.device(device).type == "cuda":
        major, minor = torch.cuda.get_device_capability()
        return f"{torch.cuda.get_device_name()}, sm_{major}{minor}"
    cpuinfo = Path("/proc/cpuinfo")
    flags = [line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")] if cpuinfo.exists() else []
    known = hashlib.sha256(flags[0].encode()).hexdigest()[:8] if flags else platform.processor()
    return f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()} {known}"


def read(
    path: Path, form: str, remedy: str, *, beside: Path | None = None, versions: Mapping[str, str] | None = None
) -> Description:
    """The description in the archive `path`, without running anything of it.

    `beside`: where the checkpoint lies; None: in the archive's own folder. `versions`: as for `build_here`.
    ArtefactError: no archive, cut off, changed, of another format or another checkpoint, or made for another machine.
    """
    if not path.is_file():
        raise ArtefactError(f"expected a compiled step at {path}, found no such file; {remedy}")
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            text = _description(archive)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise ArtefactError(f"{path} is no compiled step or is cut off ({error}); {remedy}") from error
    if broken is not None:
        raise ArtefactError(f"{path} was changed after it was made ({broken}); {remedy}")
    try:
        description = Description.from_json(text)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(f"{path} is no artefact of this version of gesturestream; {remedy}") from error
    if description.format != form or description.build is None:
        raise ArtefactError(f"{path}: expected format {form}, got {description.format}; {remedy}")
    check_weights(path if beside is None else beside / path.name, description.weights)
    _check_build(path, description.build, remedy, versions)
    return description


def _check_build(path: Path, build: Build, remedy: str, versions: Mapping[str, str] | None) -> None:
    if not _exists(build.device):
        raise ArtefactError(f"{path} was compiled for {build.device}, which torch {torch.__version__} does not find")
    here = build_here(build.device, build.rows, versions)
    if here.machine != build.machine:
        raise ArtefactError(f"{path} was compiled for {build.machine}, this is {here.machine}; {remedy}")
    for name, version in here.versions.items():
        if build.versions.get(name) != version:
            got = build.versions.get(name)
            raise ArtefactError(f"{path} was compiled by {name} {got}, this is {name} {version}; {remedy}")


def _exists(device: str) -> bool:
    return device == "cpu" or torch.cuda.is_available()


def _description(archive: zipfile.ZipFile) -> str:
    """Wherever the packager has put what it was given: an entry of that name, or a field of a `metadata` entry."""
    for name in archive.namelist():
        if name.endswith(f"/{DESCRIPTION_KEY}.json"):
            return archive.read(name).decode()
    for name in archive.namelist():
        if name.endswith("metadata.json"):
            fields: dict[str, Any] = json.loads(archive.read(name))
            if DESCRIPTION_KEY in fields:
                return str(fields[DESCRIPTION_KEY])
    return ""
