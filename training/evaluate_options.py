"""What `gesturestream evaluate` can be told. Light, so that the command line shows its help at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """How a generator moves beside the teacher or a real speaker, in the field's figures, each with a 95 % interval.

    Either CHECKPOINT and --data: held-out clips are streamed in a closed loop. Or --motion files with --reference, and
    --audio where it is there.
    """

    checkpoint: Positional[Path | None] = None
    """Checkpoint to stream."""
    data: Path | None = None
    """Corpus folder whose held-out clips are streamed."""
    split: str = "val"
    clips: int = 12
    """How many clips of the split, evenly spread."""
    seconds: float = 20.0
    """Of each clip."""
    lookahead: tuple[int, ...] = ()
    """Frames the stream may hear ahead; none given: 0, 2, 4 and 8."""
    seeds: int = 3
    """How often each clip is streamed, each time with other noise."""
    heard_emotion: bool = False
    """Another column at look-ahead 0 where the emotion is heard in the voice instead of told."""
    motion: tuple[Path, ...] = ()
    """Motions to judge: npz in BEAT2's layout (EMAGE's output, `gesturestream render -o a.npz`, a corpus)."""
    reference: tuple[Path, ...] = ()
    """What each of them is compared with."""
    audio: tuple[Path, ...] = ()
    """The speech of each of them; without it there is no beat constancy."""
    smplx: Path | None = None
    """Your SMPLX_NEUTRAL.npz: MSE and LVD are taken on face vertices; without it on joints."""
    emage_evaluator: Path | None = None
    """EMAGE's AESKConv_240_100.bin: FGD is measured in its codes instead of our own."""
    output: Path | None = None
    """JSON with every figure, the commit, the machine and the command."""
    draws: int = 1000
    """Resamples of clips behind each interval."""
    threads: int = 2
