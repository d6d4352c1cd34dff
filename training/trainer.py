"""The training loop: steps, an average of the weights, checkpoints that a killed run resumes from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from gesturestream.training.dataset import Batch

Objective = Callable[[Batch], dict[str, Tensor]]
Report = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """How long and how fast."""

    steps: int = 5000
    rows: int = 32
    """Windows per step."""
    frames: int = 128
    """Frames per window: the reach of encoder and decoder together."""
    learning_rate: float = 1.5e-3
    warm_up_steps: int = 200
    clip_norm: float = 1.0
    average: float = 0.998
    """Share of the averaged weights that each step keeps."""
    checkpoint_every: int = 250
    seed: int = 1
    max_minutes: float | None = None
    """Stops (and anneals the learning rate) by the clock when this comes before `steps`."""


class Trainer:
    """Optimises `model` by `objective`; `average` holds the averaged weights that are evaluated and shipped."""

    def __init__(self, model: nn.Module, objective: Objective, config: TrainerConfig, folder: Path) -> None:
        self.model, self.objective, self.config, self.folder = model, objective, config, folder
        self.average = deepcopy(model)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=1e-4)
        self.step, self._spent_s = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def state_path(self) -> Path:
        return self.folder / "training.safetensors"

    def run(self, batches: Callable[[int], Iterator[Batch]], report: Report) -> None:
        """Trains from where the last checkpoint in the folder left off; `report` gets (step, terms) every step."""
        if self.state_path.is_file():
            self.resume()
        torch.manual_seed(self.config.seed + self.step)
        writer, began = SummaryWriter(str(self.folder)), time.monotonic() - self._spent_s
        for batch in batches(self.step):
            self._spent_s = time.monotonic() - began
            if self.progress >= 1.0:
                break
            terms = self._one(batch)
            report(self.step, terms)
            if self.step % 20 == 0:
                for name, value in terms.items():
                    writer.add_scalar(name, value, self.step)
            if self.step % self.config.checkpoint_every == 0:
                self.save()
        self.save()
        writer.close()

    @property
    def progress(self) -> float:
        """Share of the run that is done, by steps or by the clock, whichever is farther."""
        by_clock = self._spent_s / 60 / self.config.max_minutes if self.config.max_minutes else 0.0
        return max(self.step / self.config.steps, by_clock)

    def _one(self, batch: Batch) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._schedule()
        terms = self.objective(batch)
        self.optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        if torch.isfinite(norm):  # one bad batch must not end a run of an hour
            self.optimizer.step()
        self.step += 1
        self._update_average()
        return {name: float(value.detach()) for name, value in terms.items()} | {"gradient_norm": float(norm)}

    def _schedule(self) -> float:
        """Linear warm-up, then a cosine down to a fiftieth."""
        warm = min(1.0, (self.step + 1) / self.config.warm_up_steps)
        return warm * (0.02 + 0.49 * (1 + torch.cos(torch.tensor(self.progress * torch.pi)).item()))

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.config.average, self.step / (self.step + 10))
        for mean, value in zip(self.average.state_dict().values(), self.model.state_dict().values()):
            mean.lerp_(value, 1 - keep) if mean.is_floating_point() else mean.copy_(value)

    def save(self) -> None:
        """Weights, average, moments and step in one safetensors file, atomically."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{k}": v for k, v in moments.items()}
        partial = self.state_path.with_suffix(".partial")
        metadata = {"step": str(self.step), "spent_s": str(self._spent_s)}
        save_file({k: v.contiguous() for k, v in tensors.items()}, partial, metadata=metadata)
        partial.replace(self.state_path)

    def resume(self) -> None:
        """Takes up the folder's last checkpoint."""
        with safe_open(self.state_path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        self.model.load_state_dict(_under("model.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        state = self.optimizer.state_dict()
        for name, value in _under("optimizer.", tensors).items():
            index, _, key = name.partition(".")
            state["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(state)
        self.step, self._spent_s = int(metadata["step"]), float(metadata["spent_s"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
