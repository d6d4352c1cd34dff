"""f_M: motion to its shared code S_M and its motion-specific code I_M. Training and authored clips only."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from gesturestream.models.motion import MOTION_SIZE

SMOOTHING_FRAMES = 15
"""I_M is averaged over half a second: it says which variant of a gesture, the shared code says when."""


class _Block(nn.Module):
    """A residual block that sees both ways: the encoder knows the whole clip."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, outputs, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv1d(outputs, outputs, 3, padding=dilation, dilation=dilation)
        self.skip = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(self.first(x), 0.2)
        return functional.leaky_relu(self.second(hidden) + self.skip(x), 0.2)


class MotionEncoder(nn.Module):
    """Normalised motion [B, T, 489] -> S_M [B, T, S], and mean and log variance of I_M [B, T, I]."""

    def __init__(self, widths: tuple[int, ...], shared_size: int, specific_size: int) -> None:
        super().__init__()
        sizes = (MOTION_SIZE, *widths)
        self.blocks = nn.Sequential(*(_Block(a, b, 2**i) for i, (a, b) in enumerate(zip(sizes, widths))))
        self.shared = nn.Linear(widths[-1], shared_size)
        self.specific = nn.Linear(widths[-1], 2 * specific_size)

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.blocks(motion.transpose(1, 2))
        slow = functional.avg_pool1d(
            hidden, SMOOTHING_FRAMES, 1, padding=SMOOTHING_FRAMES // 2, count_include_pad=False
        )
        mean, log_variance = self.specific(slow.transpose(1, 2)).chunk(2, -1)
        return self.shared(hidden.transpose(1, 2)), mean, log_variance.clamp(-8.0, 4.0)
