"""Linear layers over windows of frames."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class TokenLinear(nn.Linear):
    """[..., D] -> [..., E] as one product of two matrices, which exports without a turned copy of the weights."""

    def forward(self, input: Tensor) -> Tensor:
        flat = functional.linear(input.reshape(-1, input.shape[-1]), self.weight, self.bias)
        return flat.view(*input.shape[:-1], flat.shape[-1])
