"""What is looked at while training goes on, and told in the model card: losses and motion of clips never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from accelerate.utils import send_to_device
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from gesturestream.models.generator import Generator
from gesturestream.models.motion import FPS, SAMPLE_RATE
from gesturestream.training.clips import Clip
from gesturestream.training.clips_video import add_clip
from gesturestream.training.dataset import Batch, Corpus
from gesturestream.training.datasets.reader import ReaderOptions
from gesturestream.training.datasets.recognise import open_reader
from gesturestream.training.streaming import stream
from gesturestream.training.trainer import Objective, TrainerConfig

SPLITS = ("val", "test", "train")
SHOWN_S = 4.0
BATCHES = 4


def clip(folders: Sequence[Path], options: ReaderOptions | None = None) -> Clip:
    """The first seconds of the first clip that is not trained on; of a training clip where nothing is held out."""
    for split in SPLITS:
        for folder in folders:
            reader = open_reader(folder, options)
            if names := reader.names(split):
                found = reader.load(names[0])
                return replace(
                    found, pcm=found.pcm[: int(SHOWN_S * SAMPLE_RATE)], motion=found.motion[: int(SHOWN_S * FPS)]
                )
    raise ValueError(f"expected clips of a split among {SPLITS} in {', '.join(map(str, folders))}, found none")


def batches(
    folders: Sequence[Path], config: TrainerConfig, lookaheads: tuple[int, ...], options: ReaderOptions | None = None
) -> list[Batch]:
    """The same few batches of the validation split at every look; none where a folder holds nothing out."""
    if not all(open_reader(folder, options).names("val") for folder in folders):
        return []
    corpus = Corpus.open(folders, "val", options=options)
    corpus.lookaheads = lookaheads
    drawn = corpus.batches(config.rows, config.frames, seed=0)
    return [next(drawn) for _ in range(BATCHES)]


@torch.no_grad()
def losses(objective: Objective, held: list[Batch], device: torch.device) -> dict[str, float]:
    """Means of the objective's terms over the batches; its own noise is the same at every look."""
    if not held:
        return {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        terms = [objective(send_to_device(batch, device)) for batch in held]
    return {name: float(torch.stack([t[name] for t in terms]).mean()) for name in terms[0]}


class Watcher:
    """Logs the averaged model's held-out losses and a clip: the corpus's motion left, the streamed one right."""

    def __init__(
        self, objective: Objective, held: list[Batch], shown: Clip, device: torch.device, *, streamable: bool
    ) -> None:
        """`objective`: of the averaged model, which lies on `device`."""
        self.objective, self.held, self.device = objective, held, device
        self.shown, self.streamable = shown, streamable
        self._heard = False

    def __call__(self, writer: SummaryWriter, step: int, average: nn.Module) -> None:
        for name, value in losses(self.objective, self.held, self.device).items():
            writer.add_scalar(f"held_out/{name}", value, step)
        if self.streamable:
            assert isinstance(average, Generator)
            motion = stream(deepcopy(average).cpu(), [self.shown])[0]
            add_clip(writer, "clip/corpus_and_streamed", [self.shown.motion, motion], step)
        if not self._heard:
            writer.add_audio("clip/voice", torch.from_numpy(self.shown.pcm)[None], step, SAMPLE_RATE)
            self._heard = True
