"""TED gesture and TED Expressive, converted to npz (docs/datasets.md has the script that does it).

The published LMDBs hold `pyarrow.serialize` data, which current pyarrow cannot read. Converted, each clip is

    {train,val,test}/VIDEO_INDEX.npz
      skeletons_3d (T, 10 | 43, 3)   camera space, as published; frames of zeros: nobody was found
      audio (n,)                     16 kHz mono
      start_time, end_time           seconds of the video
      words (W,) str, word_times (W, 2) seconds of the video
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.body.skeleton import REST_M
from gesturestream.models.motion import FPS
from gesturestream.training.clips import Clip, cut_clip, pack_body
from gesturestream.training.datasets.directions import PAIRS, to_directions, to_rotations
from gesturestream.training.datasets.reader import ReaderOptions, check_split, newest
from gesturestream.training.speech.speech import Word

Array = NDArray[Any]

_SPLITS = ("train", "val", "test")
_KEYS = ("skeletons_3d", "audio", "start_time", "end_time")


def is_ted(folder: Path) -> bool:
    """Whether it holds converted TED clips. ValueError: it holds the LMDBs, which must be converted first."""
    if databases := sorted(folder.rglob("data.mdb"))[:3]:
        raise ValueError(
            f"expected TED as npz at {folder}, found the published LMDB ({', '.join(map(str, databases))}), whose "
            "values are pyarrow.serialize data that no current pyarrow reads: convert it once with the script in "
            "docs/datasets.md (Python 3.7, pyarrow 0.14) and give the folder that it writes"
        )
    first = next((path for split in _SPLITS for path in islice((folder / split).glob("*.npz"), 1)), None)
    if first is None:
        return False
    with np.load(first, allow_pickle=False) as file:
        return _KEYS[0] in file.files


class Ted:
    """Directions as they are (`Clip.directions`) and as rotations of our skeleton, which stands."""

    kind: ClassVar[str] = "ted"
    version: ClassVar[int] = 1

    def __init__(self, folder: Path, options: ReaderOptions) -> None:
        self.folder, self._options = folder, options

    def names(self, split: str) -> list[str]:
        """`split`/stem, sorted; TED has no `additional`."""
        check_split(split)
        return [f"{split}/{path.stem}" for path in sorted((self.folder / split).glob("*.npz"))]

    def load(self, name: str) -> Clip:
        """One clip at 30 fps. ValueError: a key is missing, or nobody was found in any frame."""
        path = self.folder / f"{name}.npz"
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        if missing := [key for key in _KEYS if key not in arrays]:
            raise ValueError(f"{path}: expected {', '.join(_KEYS)}, got no {', '.join(missing)}")
        start, stop = float(arrays["start_time"]), float(arrays["end_time"])
        directions = to_directions(_at_30_fps(path, arrays["skeletons_3d"].astype(np.float64), stop - start))
        rotations = to_rotations(directions)
        return cut_clip(
            name,
            np.asarray(arrays["audio"], np.float32),
            pack_body(rotations, np.tile(REST_M[0], (len(rotations), 1))),
            speaker=self._options.first_speaker,
            directions=directions.astype(np.float32),
            words=_words(arrays, start),
        )

    def stamp(self) -> list[float]:
        """How many clips there are, and the newest one's time."""
        return newest(path for split in _SPLITS for path in (self.folder / split).glob("*.npz"))


def _at_30_fps(path: Path, skeletons: Array, seconds: float) -> Array:
    """[T, J, 3] spread over `seconds` -> [T', J, 3] at 30 fps; frames without a person are bridged."""
    if skeletons.ndim != 3 or skeletons.shape[1] not in PAIRS or skeletons.shape[2] != 3:
        raise ValueError(f"{path}: expected skeletons_3d (T, 10, 3) or (T, 43, 3), got {skeletons.shape}")
    seen = np.flatnonzero(np.ptp(skeletons, axis=1).max(-1) > 1e-6)
    if len(seen) < 2 or seconds <= 0:
        raise ValueError(f"{path}: expected a person in the clip, found {len(seen)} frames with one in {seconds} s")
    was = seen * (seconds / len(skeletons))
    times = np.arange(int(seconds * FPS + 1e-6)) / FPS
    flat = skeletons[seen].reshape(len(seen), -1)
    return np.stack([np.interp(times, was, column) for column in flat.T], -1).reshape(len(times), -1, 3)


def _words(arrays: dict[str, Array], start_s: float) -> tuple[Word, ...]:
    if "words" not in arrays or "word_times" not in arrays:
        return ()
    times = np.asarray(arrays["word_times"], float).reshape(-1, 2) - start_s
    return tuple(Word(text=str(w), start_s=float(a), stop_s=float(b)) for w, (a, b) in zip(arrays["words"], times))
