"""BEAT2 as it is published, and every corpus in its layout (the teacher's own included).

    beat_english_v2.0.0/
      train_test_split.csv     columns id, type; type is train, val, test or additional
      smplxflame_30/ID.npz     poses, trans, expressions, betas, model, gender, mocap_frame_rate
      wave16k/ID.wav           longer than the motion
      textgrid/ID.TextGrid     tier 0: words
      gesturestream.json       ours alone: what BEAT2 has no place for
      weights/ ...             not read

ID is speaker_name_type_start_end; `start` tells the emotion.
"""

from __future__ import annotations

import csv
import json
import logging
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.motion import EMOTIONS
from gesturestream.training.clips import Clip, cut_clip, emotion_of, pack_motion, read_wave
from gesturestream.training.corpus.textgrid import read_textgrid
from gesturestream.training.datasets.reader import ReaderOptions, check_split
from gesturestream.training.speech.speech import Word

_log = logging.getLogger(__name__)

TABLE, MOTION, WAVE, TEXTGRID, SIDECAR = (
    "train_test_split.csv", "smplxflame_30", "wave16k", "textgrid", "gesturestream.json",
)  # fmt: skip


def find_root(folder: Path) -> Path | None:
    """`folder` or the one folder in it that has BEAT2's layout. ValueError when several have (the languages)."""
    if _is_root(folder):
        return folder
    roots = [child for child in sorted(folder.iterdir()) if child.is_dir() and _is_root(child)]
    if len(roots) > 1:
        raise ValueError(f"expected one corpus at {folder}, found {', '.join(r.name for r in roots)}: name one of them")
    return roots[0] if roots else None


def _is_root(folder: Path) -> bool:
    return (folder / TABLE).is_file() and (folder / MOTION).is_dir()


class Beat2:
    """Reads one corpus in BEAT2's layout."""

    kind: ClassVar[str] = "beat2"
    version: ClassVar[int] = 1

    def __init__(self, root: Path, options: ReaderOptions) -> None:
        """root: what `find_root` gave. ValueError: a table that is not BEAT2's, or a speaker it does not know."""
        self.folder, self._options = root, options
        self._table = _read_table(root / TABLE)
        numbers = sorted({number_of(name) for name, _ in self._table})
        kept = sorted(set(options.speakers)) or numbers
        if unknown := set(kept) - set(numbers):
            raise ValueError(f"speakers: expected some of {numbers} (those of {root / TABLE}), got {sorted(unknown)}")
        self.speakers = {number: options.first_speaker + i for i, number in enumerate(kept)}
        """Index of each kept speaker: by rank of BEAT2's number, so that any subset counts from `first_speaker`."""

    def names(self, split: str) -> list[str]:
        """In the order of the table; clips whose npz or wav is missing are left out and counted in the log."""
        check_split(split)
        listed = [name for name, kind in self._table if kind == split and number_of(name) in self.speakers]
        there = [name for name in listed if self._path(MOTION, name).is_file() and self._path(WAVE, name).is_file()]
        if listed and not there:
            raise ValueError(
                f"expected {self._path(MOTION, listed[0])} and {self._path(WAVE, listed[0])}, found neither them nor "
                f"any other of the {len(listed)} clips of split {split!r}"
            )
        if len(there) < len(listed):
            _log.warning("%s: %d of %d clips lack npz or wav", self.folder, len(listed) - len(there), len(listed))
        return there

    def load(self, name: str) -> Clip:
        """Motion and audio to the shorter one's length, with its emotion, speaker and words."""
        path = self._path(MOTION, name)
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files if file[key].dtype.kind in "fiub"}
        _check(path, arrays)
        details = self._sidecar.get(name, {})
        return cut_clip(
            name,
            read_wave(self._path(WAVE, name)),
            pack_motion(arrays, self._hand_mean),
            emotion=EMOTIONS.index(details["emotion"]) if "emotion" in details else emotion_of(name),
            speaker=int(details["speaker"]) if "speaker" in details else self.speakers[number_of(name)],
            intensity=float(details.get("intensity", 1.0)),
            details=details,
            words=_words(self._path(TEXTGRID, name)),
        )

    def stamp(self) -> list[float]:
        """Times of the table and the sidecar: motion files of a published corpus do not change under it."""
        return [p.stat().st_mtime for p in (self.folder / TABLE, self.folder / SIDECAR) if p.is_file()]

    def _path(self, kind: str, name: str) -> Path:
        suffix = {MOTION: ".npz", WAVE: ".wav", TEXTGRID: ".TextGrid"}[kind]
        return self.folder / kind / f"{name}{suffix}"

    @cached_property
    def _sidecar(self) -> dict[str, Any]:
        path = self.folder / SIDECAR
        table: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        clips: dict[str, Any] = table.get("clips", table)
        return clips

    @cached_property
    def _hand_mean(self) -> NDArray[np.float64] | None:
        return None if self._options.hand_mean is None else read_hand_mean(self._options.hand_mean)


def number_of(name: str) -> int:
    """BEAT2's number of the speaker, the first field of an ID. ValueError: not such an ID."""
    number = name.partition("_")[0]
    if not number.isdigit():
        raise ValueError(f"clip id: expected speaker_name_type_start_end with a number first, got {name!r}")
    return int(number)


def read_hand_mean(path: Path) -> NDArray[np.float64]:
    """[90] radians, left hand then right: SMPL-X's mean hand pose from the user's own model file."""
    if not path.is_file():
        raise ValueError(f"hand_mean: expected an SMPL-X model file (SMPLX_*.npz), found none at {path}")
    with np.load(path, allow_pickle=False) as file:  # reads only the arrays that are asked for
        if missing := {"hands_meanl", "hands_meanr"} - set(file.files):
            raise ValueError(f"{path}: expected an SMPL-X model file, got one without {', '.join(sorted(missing))}")
        return np.concatenate([file["hands_meanl"], file["hands_meanr"]]).astype(np.float64)


def _read_table(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        if not {"id", "type"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{path}: expected columns id and type, got {', '.join(reader.fieldnames or ['none'])}")
        return [(row["id"].strip(), row["type"].strip()) for row in reader if row["id"]]


def _check(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    if missing := {"poses", "expressions"} - set(arrays):
        raise ValueError(f"{path}: expected poses, trans and expressions, got no {' and no '.join(sorted(missing))}")
    if not {"trans", "root_m"} & set(arrays):
        raise ValueError(f"{path}: expected trans (T, 3), got none")
    if arrays["poses"].ndim != 2 or arrays["poses"].shape[1] != 165:
        raise ValueError(f"{path}: expected poses (T, 165), got {arrays['poses'].shape}")


def _words(path: Path) -> tuple[Word, ...]:
    """Words where there are readable ones: no generator needs them."""
    if not path.is_file():
        return ()
    try:
        return read_textgrid(path)
    except (ValueError, IndexError) as error:
        _log.warning("%s: no words (%s)", path, error)
        return ()
