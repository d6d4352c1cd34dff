"""The Motion-Smooth Loss (EmotionGesture section 3.4): offsets from frame to frame as soft as the temperature says."""

from __future__ import annotations

from torch import Tensor

UNIT = 0.1
"""Deviations per frame that count as one: what a component changes by in a brisk gesture."""


def motion_smooth_loss(made: Tensor, true: Tensor, temperature: float) -> Tensor:
    """KL divergence, nats, of the made offsets from the true ones. Poses [..., T, P] in whitened components.

    Over time, per component: P = softmax(true offsets / temperature), Q = softmax(made offsets). Jitter makes single
    offsets stand out; a temperature above 1 flattens those of the ground truth, so that what is made is drawn to
    offsets that hardly change from one frame to the next, whatever the capture trembled.
    """
    wanted = (true.diff(dim=-2) / (UNIT * temperature)).log_softmax(-2)
    own = (made.diff(dim=-2) / UNIT).log_softmax(-2)
    return (wanted.exp() * (wanted - own)).sum(-2).mean()
