"""Which corpus a folder is."""

from __future__ import annotations

from pathlib import Path

from gesturestream.training.datasets import amass, beat2, ted, trinity
from gesturestream.training.datasets.reader import Reader, ReaderOptions


def open_reader(folder: Path, options: ReaderOptions | None = None) -> Reader:
    """The reader of the corpus at `folder`. ValueError tells which kinds were expected and what was found."""
    options = options or ReaderOptions()
    if not folder.is_dir():
        raise ValueError(_expected(folder, "no such folder"))
    if (root := beat2.find_root(folder)) is not None:
        return beat2.Beat2(root, options)
    if ted.is_ted(folder):
        return ted.Ted(folder, options)
    if trinity.is_trinity(folder):
        return trinity.Trinity(folder, options)
    if amass.is_amass(folder):
        return amass.Amass(folder, options)
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "an empty folder"
    raise ValueError(_expected(folder, found))


def _expected(folder: Path, found: str) -> str:
    return (
        f"expected a corpus in BEAT2's layout at {folder} (train_test_split.csv, smplxflame_30/, wave16k/), or "
        f"Trinity's (*.bvh and *.wav of the same names), TED's converted to npz (see docs/datasets.md) or "
        f"AMASS's (*.npz with poses, trans and mocap_framerate), found: "
        f"{found}. `gesturestream corpus build {folder}` makes one."
    )
