"""Implicit classifier-free guidance (DiffGesture section 3.4), with a scale each for the voice and for the past.

Three branches side by side: one that knows nothing, one that knows what was shown, one that hears, too. From the first
to the second is what continuing the motion asks for, from the second to the third what the voice asks for.
"""

from __future__ import annotations

import torch
from torch import Tensor

HEARS: tuple[bool, ...] = (False, False, True)
REMEMBERS: tuple[bool, ...] = (False, True, True)


def combine(said: Tensor, voice: Tensor, continuation: Tensor) -> Tensor:
    """What the branches say [..., 3, C] and the scales [...] -> [..., C].

    Scales 1 are the network as it is; voice 0 does not hear, more than 1 exaggerates. Linear, so that v, noise and
    clean components are guided alike.
    """
    nothing, past, both = said.unbind(-2)
    return nothing + continuation[..., None] * (past - nothing) + voice[..., None] * (both - past)


def hearing(heard: Tensor, deaf: Tensor) -> Tensor:
    """What is heard [..., D], and what stands for it where it is not [D] -> [..., 3, D]."""
    return torch.stack([heard if hears else deaf.expand_as(heard) for hears in HEARS], -2)
