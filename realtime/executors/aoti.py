"""AOTInductor: a step that `gesturestream export --to pt2` has compiled for this machine."""

from __future__ import annotations

from pathlib import Path

import torch

from gesturestream.models.export.artefact import ArtefactError
from gesturestream.models.export.compiled import read
from gesturestream.models.export.to_pt2 import FORMAT
from gesturestream.realtime.executors.flat_step import FlatStepExecutor


class AotExecutor(FlatStepExecutor):
    """See `executors/base.py`.

    `threads`: intra-op threads of torch (process-wide). One has the best tails; two pay off from about 16 rows.
    """

    @classmethod
    def load(cls, path: Path, capacity: int, *, threads: int | None = 1) -> AotExecutor:
        """From a .pt2; ArtefactError: it is none, is damaged, or belongs to another checkpoint, machine or torch."""
        remedy = f"make it again: gesturestream export {path.with_suffix('.safetensors')} --to pt2 --rows {capacity}"
        description = read(path, FORMAT, remedy)
        build = description.build
        assert build is not None, "`read` refuses what was not compiled"
        if build.rows < capacity:
            raise ArtefactError(f"{path}: expected a step of at least {capacity} rows, got {build.rows}; {remedy}")
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            step = torch._inductor.aoti_load_package(str(path), run_single_threaded=True)
        except Exception as error:  # torch has no narrower class for what its loader does
            reason = str(error).strip().partition("\n")[0]
            raise ArtefactError(f"torch cannot load {path} ({reason}); {remedy}") from error
        return cls(step, description, path.parent / description.weights.file, capacity)
