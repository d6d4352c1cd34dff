"""What every reader of a corpus is, its options, and what readers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from gesturestream.training.clips import Clip

SPLITS = ("train", "val", "test", "additional")


@dataclass(frozen=True, kw_only=True)
class ReaderOptions:
    """How a corpus is read; part of the cache's key."""

    speakers: tuple[int, ...] = ()
    """BEAT2 only: the speakers (numbers as in the file names) to keep; empty: all. EMAGE's own subset is (2,)."""
    first_speaker: int = 0
    """Index of the corpus's first speaker: tells joined corpora's speakers apart. Not for the teacher's own."""
    hand_mean: Path | None = None
    """BEAT2 and other SMPL-X files only: your `SMPLX_*.npz`. Their fingers are relative to the mean hand pose in it,
    which is under SMPL-X's licence; without it fingers are read as they are, straighter than they were."""


class Reader(Protocol):
    """A corpus folder of one kind."""

    kind: ClassVar[str]
    """What is told and cached under: "beat2", "trinity", "ted" or "amass"."""
    version: ClassVar[int]
    """Rises whenever the same files give other clips: caches of before are then made anew."""
    folder: Path
    """The folder that really holds the corpus, which may lie within the one that was named."""

    def names(self, split: str) -> list[str]:
        """Clips of `split`, in a fixed order. ValueError: not one of SPLITS."""
        ...

    def load(self, name: str) -> Clip:
        """One clip. ValueError names the file and what is wrong with it."""
        ...

    def stamp(self) -> list[float]:
        """What changes when the corpus does: times of its files."""
        ...


def check_split(split: str) -> None:
    """ValueError unless `split` is one of SPLITS."""
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")


def split_by_index(names: Sequence[str], split: str) -> list[str]:
    """For corpora without a split of their own: of every ten sorted names the 9th is val, the 10th test (as TED)."""
    check_split(split)
    part = {8: "val", 9: "test"}
    return [name for i, name in enumerate(sorted(names)) if part.get(i % 10, "train") == split]


def newest(files: Iterable[Path]) -> list[float]:
    """How many files there are and when the last was changed."""
    times = [file.stat().st_mtime for file in files]
    return [float(len(times)), max(times, default=0.0)]
