"""One process of test_two_processes_...: trains three steps under torchrun and writes what it saw and ended with."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from gesturestream.models.audio2gestures import Audio2Gestures, Audio2GesturesConfig
from gesturestream.training.audio2gestures import LossWeights, Objective
from gesturestream.training.dataset import Batch, Corpus
from gesturestream.training.trainer import Trainer, TrainerConfig


def main(corpus: Path, out: Path) -> None:
    torch.manual_seed(0)
    sizes = {"audio_widths": (8, 8), "decoder_widths": (8, 8), "motion_widths": (8, 8)}
    model = Audio2Gestures(Audio2GesturesConfig(**sizes, mapping_width=8, styles=4, condition_size=8))
    start = {name: value.clone() for name, value in model.state_dict().items()}
    config = TrainerConfig(steps=3, rows=4, frames=40, warm_up_steps=1, device="cpu")
    trainer = Trainer(model, Objective(model, LossWeights(), bf16=False), config, out / "run")
    windows, numbers, seen = Corpus.open([corpus], "train"), [], []

    def draw(number: int) -> Batch:
        numbers.append(number)
        batch = next(windows.batches(config.rows, config.frames, config.seed, number))
        seen.append(batch.motion)
        return batch

    trainer.run(draw, lambda *_: None)
    ended = {"model": model.state_dict(), "average": trainer.average.state_dict(), "start": start}
    rank = trainer.accelerator.process_index
    torch.save({"numbers": numbers, "windows": torch.stack(seen), **ended}, out / f"rank{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
