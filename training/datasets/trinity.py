"""Trinity Speech-Gesture (and GENEA 2020, BEAT's own BVH): BVH files and waves of the same names.

They may lie side by side or in folders of their own (Motion/ and Audio/); transcripts are not read. The corpora have
no emotion and, Trinity's first part, one speaker.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from gesturestream.training.clips import Clip, cut_clip, pack_body, read_wave
from gesturestream.training.datasets.bvh import read_bvh
from gesturestream.training.datasets.reader import ReaderOptions, newest, split_by_index
from gesturestream.training.datasets.resample import resample_rotations, resample_values
from gesturestream.training.datasets.retarget import retarget
from gesturestream.training.datasets.stance import face_forward, stand


def is_trinity(folder: Path) -> bool:
    """Whether there is a BVH file in it."""
    return bool(_by_stem(folder, ".bvh"))


class Trinity:
    """Motion retargeted to the 55 joints, at 30 fps, standing at the origin and facing +Z on average."""

    kind: ClassVar[str] = "trinity"
    version: ClassVar[int] = 1

    def __init__(self, folder: Path, options: ReaderOptions) -> None:
        """ValueError: no BVH file has a wave of its name."""
        self.folder, self._options = folder, options
        motion, waves = _by_stem(folder, ".bvh"), _by_stem(folder, ".wav")
        self._files = {stem: (motion[stem], waves[stem]) for stem in sorted(motion) if stem in waves}
        if not self._files:
            raise ValueError(
                f"{folder}: expected a .wav for each .bvh, of the same name, found {len(motion)} .bvh "
                f"({', '.join(sorted(motion)[:4])}) and {len(waves)} .wav ({', '.join(sorted(waves)[:4]) or 'none'})"
            )

    def names(self, split: str) -> list[str]:
        """Stems of the files; split by index, since the corpus has no split of its own."""
        return split_by_index(list(self._files), split)

    def load(self, name: str) -> Clip:
        """One recording. ValueError: a file that is no BVH, or whose skeleton lacks limbs."""
        path, wave = self._files[name]
        bvh = read_bvh(path)
        try:
            rotations, place = retarget(bvh)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        rotations, place = resample_rotations(rotations, bvh.fps), resample_values(place, bvh.fps)
        rotations[:, 0], place = face_forward(rotations[:, 0], place)
        motion = pack_body(rotations, stand(rotations, place))
        return cut_clip(name, read_wave(wave), motion, speaker=self._options.first_speaker)

    def stamp(self) -> list[float]:
        """How many files there are, and the newest one's time."""
        return newest(file for pair in self._files.values() for file in pair)


def _by_stem(folder: Path, suffix: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() == suffix}
