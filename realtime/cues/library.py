"""The cues of one engine by name: the built-in ones, those that ship as files, and a user's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gesturestream.models.cues.clip import CueClip, Floats
from gesturestream.models.cues.files import SUFFIX, CueError, read_cue, read_cues

BUILT_IN = (
    "wave", "hello", "nod", "shake_head", "shrug", "point", "thumbs_up", "bow", "clap", "count_one", "count_two",
    "count_three", "palms_up", "think", "hand_on_heart", "stop",
)  # fmt: skip
"""The gestures of gestures.py, which is imported when the first cue's frames are made: it computes every key pose."""
_SHIPPED = Path(__file__).parent.parent / "assets" / "cues"
MAX_USER_CUES = 200


class CueTable(NamedTuple):
    """All cues one after another, one entry per frame."""

    start: NDArray[np.int64]  # [cues + 1] first frame of each; the last entry is the length of the table
    take: Floats  # [frames, 55, 4]
    weight: Floats  # [frames, 55] with the share that is laid over
    add: Floats  # [frames, 55, 3]


class CueLibrary:
    """Immutable. The frames are made on first use: that takes most of a second, knowing the names nothing."""

    def __init__(self, files: Mapping[str, Path], own: Mapping[str, CueClip]) -> None:
        self._files, self._own = dict(files), dict(own)
        self.names: tuple[str, ...] = (*BUILT_IN, *self._files, *self._own)
        """What clients send, in the order of `ready.cues`."""

    def extended(self, paths: Iterable[Path]) -> CueLibrary:
        """With a user's cue files, or folders of them. CueError: a broken file, or a name that is taken."""
        own = dict(self._own)
        for path in paths:
            for name, clip in read_cues(path).items():
                if name in own or name in self.names:
                    raise CueError(f"{path}: expected a name that is not taken yet, got {name!r}; rename the file")
                own[name] = clip
        if len(own) > MAX_USER_CUES:
            raise CueError(f"expected at most {MAX_USER_CUES} cues, got {len(own)}")
        return CueLibrary(self._files, own)

    def index(self, name: str) -> int:
        """ValueError: no such cue."""
        if name not in self.names:
            raise ValueError(f"cue: expected one of {', '.join(self.names)}, got {name!r}")
        return self.names.index(name)

    @cached_property
    def clips(self) -> tuple[CueClip, ...]:
        """In the order of `names`."""
        from gesturestream.realtime.cues.gestures import GESTURES
        from gesturestream.realtime.cues.sampling import sample

        assert tuple(GESTURES) == BUILT_IN, "a gesture has to be named here too"
        shipped = (read_cue(path) for path in self._files.values())
        return (*map(sample, GESTURES.values()), *shipped, *self._own.values())

    @cached_property
    def table(self) -> CueTable:
        start = np.cumsum([0, *map(len, self.clips)])
        take = np.concatenate([clip.take for clip in self.clips])
        weight = np.concatenate([clip.weight * np.float32(clip.overlay) for clip in self.clips])
        add = np.concatenate([clip.add * np.float32(clip.overlay) for clip in self.clips])
        return CueTable(start, take, weight, add)


@lru_cache(maxsize=1)
def shipped_cues() -> CueLibrary:
    """The gestures of gestures.py and the teacher's (training/cues.py made them)."""
    return CueLibrary({path.stem: path for path in sorted(_SHIPPED.glob(f"*{SUFFIX}"))}, {})


CUE_NAMES: tuple[str, ...] = shipped_cues().names
