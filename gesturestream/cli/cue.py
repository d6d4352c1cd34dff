"""`gesturestream cue make`: a recorded motion becomes a cue that clients can ask for by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gesturestream.cli.command import EXIT_OK, Command, asked_for
from gesturestream.models.motion import FPS


@dataclass(frozen=True, kw_only=True)
class Cue(Command):
    """Makes a cue of a recorded motion: `gesturestream cue make bow.npz -o deep_bow.safetensors --joints upper`."""

    action: tyro.conf.Positional[Literal["make"]]
    """What to do."""
    clip: tyro.conf.Positional[Path]
    """Motion in BEAT2's or SMPL-X's npz layout, such as `gesturestream render -o clip.npz` writes."""
    output: Annotated[Path, tyro.conf.arg(aliases=("-o",))]
    """File to write, NAME.safetensors: NAME (a-z 0-9 _ -) is what clients send."""
    joints: Literal["arms", "upper", "all"] = "upper"
    """What the cue takes over: the arms, the trunk and the head too, or the legs too."""
    start_s: Annotated[float, tyro.conf.arg(aliases=("--start",))] = 0.0
    """Where in the motion it begins, seconds."""
    end_s: Annotated[float | None, tyro.conf.arg(aliases=("--end",))] = None
    """Where it ends (default: the motion's end); a cue lasts 0.3 to 20 s."""
    overlay: float = 1.0
    """How much of the motion is laid over the generator's, 0 to 1; at 0 it only guides the generator."""

    def run(self) -> int:
        from gesturestream.models.cues.files import cue_name, write_cue
        from gesturestream.models.cues.making import joints_of, make_clip, read_rotations

        with asked_for():
            name = cue_name(self.output)
            quats = read_rotations(self.clip, self.start_s, self.end_s)
            made = make_clip(quats, joints_of(self.joints), overlay=self.overlay)
            write_cue(self.output, made, source=f"gesturestream cue make {self.clip.name}")
        print(f"{self.output}: cue {name!r}, {len(made) / FPS:.1f} s")
        print(f"gesturestream serve --cues {self.output} offers it to clients")
        return EXIT_OK
