"""A checkpoint's step compiled ahead of time by AOTInductor: machine code in a .pt2 archive, weights inside."""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path

import torch

from gesturestream.models.export.artefact import DESCRIPTION_KEY
from gesturestream.models.export.compiled import NotExportable, traced

FORMAT = "gesturestream.pt2.1"
ROWS = 64


def pt2_path(checkpoint: Path) -> Path:
    """Where the compiled step of a checkpoint lies, whether or not it is there."""
    return checkpoint.with_suffix(".pt2")


def export_pt2(source: Path, output: Path, *, rows: int = ROWS, device: str = "cpu", quick: bool = False) -> list[Path]:
    """Compiles the step of checkpoint `source` into `output`, for this machine, this torch and 1..`rows` rows.

    `quick`: the launching code is compiled without optimisation, which takes a fraction of the time. CheckpointError;
    NotExportable: a reference that cannot stream, or no C++ compiler.
    """
    found = traced(source, FORMAT, rows=rows, device=device)
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.parent / source.name
    if beside.resolve() != source.resolve():
        shutil.copyfile(source, beside)
    partial = output.with_suffix(".partial.pt2")
    settings = {
        "aot_inductor.metadata": {DESCRIPTION_KEY: found.description.to_json()},
        "aot_inductor.compile_wrapper_opt_level": "O0" if quick else "O1",
    }
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about itself
            torch._inductor.aoti_compile_and_package(
                found.program, package_path=str(partial), inductor_configs=settings
            )
    except Exception as error:  # torch has no narrower class for what its compilers do
        partial.unlink(missing_ok=True)
        logging.getLogger(__name__).debug("AOTInductor failed", exc_info=True)
        reason = str(error).strip().partition("\n")[0]
        raise NotExportable(f"AOTInductor cannot compile {source} here (is g++ installed?): {reason}") from error
    partial.replace(output)
    return [output]
