"""The training loop of every generator: steps, an average of the weights, checkpoints that a killed run resumes from.

Everything random in step i comes from (seed, number of the batch): the windows, and torch's generator, which is seeded
anew before every step. So a run that was killed and resumed has the loss curve it would have had, bit for bit, on the
same machine with as many threads and processes, as long as its length is given in steps and not in minutes.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, send_to_device
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from gesturestream.training import training_state
from gesturestream.training.dataset import Batch
from gesturestream.training.stopping import Stopped, StopSignals
from gesturestream.training.training_state import StateError

Objective = Callable[[Batch], dict[str, Tensor]]
"""Batch -> terms by name; `total` is what is minimised."""
Draw = Callable[[int], Batch]
"""Number of a batch -> the batch, always the same."""
Report = Callable[[int, dict[str, float]], None]
Watch = Callable[[SummaryWriter, int, nn.Module], None]
"""Looks at the averaged model now and then: (TensorBoard writer, step, average)."""


@dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """How long, how fast and on what."""

    steps: int = 2500
    rows: int = 32
    """Windows per step and process."""
    frames: int = 128
    """Frames per window: the reach of encoder and decoder together."""
    learning_rate: float = 1.5e-3
    warm_up_steps: int = 200
    clip_norm: float = 1.0
    average: float = 0.998
    """Share of the averaged weights that each step keeps."""
    checkpoint_every: int = 250
    """Steps: as much as a killed run loses at most."""
    watch_every: int = 1000
    """Steps between two looks at held-out clips: losses, and a rendered clip in TensorBoard."""
    seed: int = 1
    max_minutes: float | None = None
    """Stops (and anneals the learning rate) by the clock when this comes before `steps`."""
    device: Literal["auto", "cpu"] = "auto"
    """`auto`: a GPU where there is one."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """Of the networks; losses, kinematics, weights and their average are float32. `auto`: bf16 where it is fast."""


def accelerator_for(config: TrainerConfig) -> Accelerator:
    """Devices and processes: one process, or those that torchrun started."""
    # What a window has no use for (an encoder, in an ablation) gets no gradient: DDP has to be told to expect that.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(cpu=config.device == "cpu", kwargs_handlers=[unused])


class _Forward(nn.Module):
    """Model and objective as one module: DDP averages gradients of what runs inside a `forward`, nothing else."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        terms = self.objective(batch)
        return {name: value if name == "total" else value.detach() for name, value in terms.items()}


class Trainer:
    """Optimises `model` by `objective`; `average` holds the averaged weights that are evaluated and shipped."""

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        config: TrainerConfig,
        folder: Path,
        *,
        accelerator: Accelerator | None = None,
        identity: dict[str, Any] | None = None,
    ) -> None:
        """`identity`: what a run must share with the one it resumes (name, sizes); JSON values."""
        self.model, self.config, self.folder = model, config, folder
        self.accelerator = accelerator or accelerator_for(config)
        self.identity = json.dumps(identity or {}, sort_keys=True)
        model.to(self.accelerator.device)
        self.average = deepcopy(model).eval()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=1e-4)
        self._objective = objective
        self._forward: nn.Module = self.accelerator.prepare_model(_Forward(model, objective))
        self.step, self.spent_s, self._stop = 0, 0.0, False
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, draw: Draw, report: Report, watch: Watch | None = None) -> None:
        """Trains from where the folder's last checkpoint left off; `report` gets (step, terms) after every step.

        Raises Stopped after SIGTERM or Ctrl-C (the state is saved then), StateError if the folder holds another run.
        """
        self.resume()
        began = time.monotonic() - self.spent_s
        writer = SummaryWriter(str(self.folder), purge_step=self.step + 1) if self.accelerator.is_main_process else None
        with StopSignals() as signals:
            while self.progress < 1.0:
                terms = self._one(draw)
                report(self.step, terms)
                self._agree(time.monotonic() - began, signals.asked)
                if writer:
                    self._look(writer, terms, watch)
                if self._stop or self.step % self.config.checkpoint_every == 0:
                    self.save()
                if self._stop:
                    raise Stopped(self.step, self.folder)
        self.save()
        if writer:
            writer.close()

    @property
    def progress(self) -> float:
        """Share of the run that is done, by steps or by the clock, whichever is farther."""
        by_clock = self.spent_s / 60 / self.config.max_minutes if self.config.max_minutes else 0.0
        return max(self.step / self.config.steps, by_clock)

    def _one(self, draw: Draw) -> dict[str, float]:
        number = self.step * self.accelerator.num_processes + self.accelerator.process_index
        torch.manual_seed(int(np.random.SeedSequence([self.config.seed, number]).generate_state(1, np.uint64)[0] >> 1))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._schedule()
        if hasattr(self._objective, "progress"):
            self._objective.progress = self.progress
        terms = self._forward(send_to_device(draw(number), self.accelerator.device))
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(terms["total"])
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        if torch.isfinite(norm):  # one bad batch must not end a run of an hour
            self.optimizer.step()
        self.step += 1
        self._update_average()
        values = torch.stack([value.detach().float() for value in (*terms.values(), norm)]).tolist()
        return dict(zip((*terms, "gradient_norm"), values))

    def _agree(self, spent_s: float, stop: bool) -> None:
        """Every process takes the first one's clock, and stops when one is asked to: they must not part ways."""
        if self.accelerator.num_processes > 1:
            mine = [spent_s if self.accelerator.is_main_process else 0.0, float(stop)]
            told = torch.tensor(mine, dtype=torch.float64, device=self.accelerator.device)
            spent_s, stop = (float(value) for value in self.accelerator.reduce(told, "sum"))  # type: ignore[assignment]
        self.spent_s, self._stop = spent_s, bool(stop)

    def _look(self, writer: SummaryWriter, terms: dict[str, float], watch: Watch | None) -> None:
        if self.step % 20 == 0:
            for name, value in terms.items():
                writer.add_scalar(f"train/{name}", value, self.step)
            writer.add_scalar("train/learning_rate", self.optimizer.param_groups[0]["lr"], self.step)
        if watch and self.step % self.config.watch_every == 0:
            watch(writer, self.step, self.average)

    def _schedule(self) -> float:
        """Linear warm-up, then a cosine down to a fiftieth."""
        warm = min(1.0, (self.step + 1) / self.config.warm_up_steps)
        return warm * (0.02 + 0.49 * (1 + math.cos(self.progress * math.pi)))

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.config.average, self.step / (self.step + 10))
        for mean, value in zip(self.average.state_dict().values(), self.model.state_dict().values()):
            mean.lerp_(value, 1 - keep) if mean.is_floating_point() else mean.copy_(value)

    def save(self) -> None:
        """Weights, average, moments, step and clock, by the first process."""
        if not self.accelerator.is_main_process:
            return
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{k}": v for k, v in moments.items()}
        facts = {"step": str(self.step), "spent_s": repr(self.spent_s), "identity": self.identity}
        training_state.save(self.folder, tensors, facts)

    def resume(self) -> None:
        """Takes up the folder's last whole checkpoint, if there is one. StateError: it is of another run."""
        found = training_state.load(self.folder)
        if found is None:
            return
        tensors, facts = found
        if facts["identity"] != self.identity:
            raise StateError(
                f"{self.folder} holds a run of another model: expected {self.identity}, got {facts['identity']}. "
                "Train into another folder (--out), or delete this one"
            )
        self.model.load_state_dict(_under("model.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        state = self.optimizer.state_dict()
        for name, value in _under("optimizer.", tensors).items():
            index, _, key = name.partition(".")
            state["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(state)
        self.step, self.spent_s = int(facts["step"]), float(facts["spent_s"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
