"""The network whose code FGD is measured in: a skeleton-convolution autoencoder of 330 rot6d values a frame.

After EMAGE's evaluator (VAESKConv, supp. A: "Skeleton CNN based encoder and a Full CNN-based decoder"): four
stride-2 skeleton convolutions, joints pooled along the tree to segments and then regions. Differences, all measured:
inputs are normalised and come with their speed, so that trembling, which a pose alone hides in 0.1 degrees, is seen;
64 values a code instead of 240, so that a covariance needs minutes of motion, not hours.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from gesturestream.models.body.skeleton import JOINT_COUNT
from gesturestream.models.motion import ROT6D
from gesturestream.training.metrics.motion import Array, Floats, checked
from gesturestream.training.metrics.skeleton_conv import JOINTS, REGIONS, SEGMENTS, SkeletonConv

POSE_SIZE = ROT6D.stop
STRIDE = 16
"""Frames per code: 0.53 s."""
CODE_SIZE = 8 * len(REGIONS)
ASSETS = Path(__file__).resolve().parents[1] / "assets"
SHIPPED = ASSETS / "fgd.safetensors"
FORMAT = "gesturestream.fgd.1"


class PoseInput(nn.Module):
    """Normalised rotations and their normalised speed: [B, T, 330] -> [B, 55 * 12, T], joint-major."""

    mean: Tensor
    std: Tensor
    speed_std: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("mean", "std", "speed_std"):
            self.register_buffer(name, torch.zeros(POSE_SIZE) if name == "mean" else torch.ones(POSE_SIZE))

    def fit(self, poses: Tensor, speeds: Tensor) -> None:
        """Takes over the spread of poses [n, 330] and of their differences; floors keep still values still."""
        self.mean.copy_(poses.mean(0))
        self.std.copy_(poses.std(0).clamp_min(0.02))
        self.speed_std.copy_(speeds.std(0).clamp_min(0.002))

    def pose(self, rot6d: Tensor) -> Tensor:
        return (rot6d - self.mean) / self.std

    def speed(self, rot6d: Tensor) -> Tensor:
        """The first frame's speed is the second's: a clip does not start with a stop."""
        difference = torch.diff(rot6d, dim=1)
        return torch.cat([difference[:, :1], difference], 1) / self.speed_std

    def forward(self, rot6d: Tensor) -> Tensor:
        both = torch.stack([self.pose(rot6d), self.speed(rot6d)], -1)  # [B, T, 330, 2]
        return both.reshape(*both.shape[:2], JOINT_COUNT * 12).transpose(1, 2)


class PoseEncoder(nn.Module):
    """[B, T, 330] -> code [B, 64, T / 16]; T a multiple of 16. All that FGD needs of the autoencoder."""

    def __init__(self) -> None:
        super().__init__()
        self.input = PoseInput()
        self.layers = nn.Sequential(
            SkeletonConv((JOINTS, JOINTS), (12, 6), reach=0), nn.Tanh(),
            SkeletonConv((JOINTS, SEGMENTS), (6, 16), reach=2), nn.Tanh(),
            SkeletonConv((SEGMENTS, SEGMENTS), (16, 16), reach=2), nn.Tanh(),
            SkeletonConv((SEGMENTS, REGIONS), (16, 8), reach=1),
        )  # fmt: skip

    def forward(self, rot6d: Tensor) -> Tensor:
        code: Tensor = self.layers(self.input(rot6d))
        return code

    @torch.inference_mode()
    def features(self, motion: Floats) -> Array:
        """Packed motion [T, 489] -> codes [T // 16, 64]; what is over a multiple of 16 frames is cut (EMAGE: of 32).

        ValueError for less than 16 frames.
        """
        frames = len(checked(motion)) // STRIDE * STRIDE
        if not frames:
            raise ValueError(f"expected at least {STRIDE} frames of motion, got {len(motion)}")
        rot6d = torch.from_numpy(np.ascontiguousarray(motion[None, :frames, ROT6D], np.float32))
        found: NDArray[np.float64] = self(rot6d)[0].T.numpy().astype(np.float64)
        return found


class Autoencoder(nn.Module):
    """The encoder and, for training only, a convolutional decoder: [B, T, 330] -> [B, T, 330]."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = PoseEncoder()
        widths = (CODE_SIZE, 192, 160, 128, 96)
        ups = [_up(a, b) for a, b in pairwise(widths)]
        self.decoder = nn.Sequential(*ups, nn.Conv1d(widths[-1], POSE_SIZE, 3, padding=1))

    def loss(self, rot6d: Tensor) -> dict[str, Tensor]:
        """Mean squared errors of the normalised pose and of the normalised speed."""
        shape = self.encoder.input
        rebuilt = self.decoder(self.encoder(rot6d)).transpose(1, 2) * shape.std + shape.mean
        pose = nn.functional.mse_loss(shape.pose(rebuilt), shape.pose(rot6d))
        speed = nn.functional.mse_loss(shape.speed(rebuilt), shape.speed(rot6d))
        return {"total": pose + 0.5 * speed, "pose": pose, "speed": speed}


def _up(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv1d(into, out, 3, padding=1), nn.LeakyReLU(0.2))


def load(path: Path = SHIPPED) -> PoseEncoder:
    """The shipped encoder, or one that `training.metrics.train` made. ValueError when it is none."""
    model = PoseEncoder()
    load_weights(model, path, FORMAT)
    return model.eval()


def load_weights(model: nn.Module, path: Path, expected: str) -> dict[str, Any]:
    """Fills `model` from a safetensors file of format `expected`; returns its metadata. ValueError: what is off."""
    if not path.is_file():
        raise ValueError(
            f"expected weights at {path}, found no such file: python -m gesturestream.training.metrics.train"
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: expected a safetensors file, got one that cannot be read: {error}") from error
    if metadata.get("format") != expected:
        raise ValueError(f"{path}: expected format {expected}, got {metadata.get('format')}")
    model.load_state_dict(tensors)
    return metadata
