"""Losses over normalised motion and over the bodies it makes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gesturestream.models.body.skeleton import (
    FACE_JOINTS,
    HAND_JOINTS,
    LOWER_JOINTS,
    PARENTS,
    REST_OFFSETS_M,
    UPPER_JOINTS,
)
from gesturestream.models.motion import BLENDSHAPES, CONTACTS, EXPRESSIONS, FPS, MOTION_SIZE, ROOT_M, ROT6D

ENVELOPE_FRAMES = 9
_ENVELOPE_WEIGHTS = (1.0, 1.0, 1.0, 3.0, 1.0)
"""Of speed, acceleration, jerk, distance and top speed: a body that must not err stays near its mean place."""
SLICES = 96
SLICE_SHARE = 0.1
SLICE_LAGS = (0, 1, 6, 20)
"""Frames: poses, and what they change within one frame, a stroke and a gesture."""

BODY_JOINT_COUNT = 22
"""The joints whose positions are compared: the body without face and fingers, as in Audio2Gestures."""

_GROUP_WEIGHTS: tuple[tuple[tuple[int, ...] | slice, float], ...] = (
    (UPPER_JOINTS, 4.0),
    (LOWER_JOINTS, 1.0),
    (HAND_JOINTS, 1.0),
    (FACE_JOINTS, 1.0),
    (ROOT_M, 0.5),
    (CONTACTS, 0.25),
    (BLENDSHAPES, 2.0),
    (EXPRESSIONS, 0.5),
)


@lru_cache(maxsize=1)
def value_weights() -> Tensor:
    """[489] weights with mean one: every group counts by its weight, however many values it has."""
    weights: Tensor = torch.zeros(MOTION_SIZE)
    for group, weight in _GROUP_WEIGHTS:
        if isinstance(group, slice):
            weights[group] = weight / (group.stop - group.start)
        else:
            for joint in group:
                weights[6 * joint : 6 * joint + 6] = weight / (6 * len(group))
    scale = MOTION_SIZE / sum(weight for _, weight in _GROUP_WEIGHTS)
    return weights.mul_(scale)


def value_losses(predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Weighted L1 of normalised motion [B, T, 489], and of its changes from frame to frame.

    Fingers, face, root and contacts are in it, which the paper has not.
    """
    weights = value_weights().to(predicted.device)
    apart = (predicted - target) * (weights if mask is None else weights * mask)
    return apart.abs().mean(), apart.diff(dim=1).abs().mean()


class Body(NamedTuple):
    """The 22 body joints: parent-local rotations [..., 22, 3, 3], positions from the pelvis [..., 22, 3] metres."""

    rotations: Tensor
    positions: Tensor

    def rows(self, which: slice) -> Body:
        return Body(self.rotations[which], self.positions[which])


def body(motion: Tensor) -> Body:
    """Packed motion [..., 489] -> the body it makes (Audio2Gestures eq. 8).

    What `models/body/kinematics.py` computes, with frames as the last axis and without care for degenerate rows, which
    training never meets: a third of the time, and this is most of what a training step costs beside the networks.
    """
    rot6d = motion[..., ROT6D][..., : 6 * BODY_JOINT_COUNT].reshape(-1, BODY_JOINT_COUNT, 6).permute(1, 2, 0)
    rotations = _gram_schmidt(rot6d.contiguous())
    shape = (*motion.shape[:-1], BODY_JOINT_COUNT)
    return Body(
        rotations.permute(3, 0, 1, 2).reshape(*shape, 3, 3), _positions(rotations).permute(2, 0, 1).reshape(*shape, 3)
    )


def _gram_schmidt(rot6d: Tensor) -> Tensor:
    """[J, 6, N] -> rotation matrices [J, 3, 3, N]."""
    a, b = rot6d[:, :3], rot6d[:, 3:]
    x = a / _size(a)
    b = b - (x * b).sum(1, keepdim=True) * x
    y = b / _size(b)
    return torch.stack([x, y, torch.linalg.cross(x, y, dim=1)], 1)


def _size(x: Tensor) -> Tensor:
    return (x.square().sum(1, keepdim=True) + 1e-8).sqrt()


def _positions(rotations: Tensor) -> Tensor:
    """Parent-local rotations [J, 3, 3, N] -> positions from the pelvis [J, 3, N], metres."""
    local = rotations.unbind(0)
    world, place = [local[0]], [torch.zeros_like(local[0][0])]
    for joint in range(1, len(local)):
        up, offset = world[PARENTS[joint]], REST_OFFSETS_M[joint]
        place.append(place[PARENTS[joint]] + sum(up[:, i] * float(offset[i]) for i in range(3)))
        world.append(sum(up[:, i : i + 1] * local[joint][i : i + 1] for i in range(3)))  # type: ignore[arg-type]
    return torch.stack(place)


def rotation_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Audio2Gestures eq. 5: mean angle between rotations [..., 3, 3], radians.

    By the chord, |R - R'| = 2 sqrt(2) sin(angle / 2), instead of acos of the trace: its slope stays finite.
    """
    chord = ((predicted - target).square().sum((-1, -2)) + 1e-8).sqrt() / (2.0 * 2.0**0.5)
    angle: Tensor = 2.0 * chord.clamp_max(0.999).asin()
    return angle.mean()


def speed_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Audio2Gestures eq. 7: L1 distance of what joints [B, T, J, 3] move between frames, metres a frame."""
    return position_loss(predicted.diff(dim=1), target.diff(dim=1))


def acceleration_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """The same of what speed changes between frames, metres a frame squared."""
    return position_loss(predicted.diff(n=2, dim=1), target.diff(n=2, dim=1))


def position_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Audio2Gestures eq. 6: mean over joints and frames of the L1 distance, metres. [..., 22, 3]."""
    return (predicted - target).abs().sum(-1).mean()


def relaxed_position_loss(predicted: Tensor, target: Tensor, tolerance_m: float) -> Tensor:
    """Audio2Gestures eq. 10: only what is farther than the tolerance counts."""
    return ((predicted - target).abs().sum(-1) - tolerance_m).clamp_min(0.0).mean()


def liveliness_loss(predicted: Tensor, target: Tensor, body: Tensor, true_body: Tensor) -> Tensor:
    """How differently two motions come alive over time, whatever their directions.

    Compared are speed, acceleration, jerk and distance from where it is on average, of every joint, each averaged over
    a third of a second, and the top speed in it: a body that moves as much, as far and as smoothly as the true one
    when the true one does loses nothing, the average of all bodies (which hardly moves) and a trembling one do.
    Motions [B, T, 489] packed, bodies [B, T, 22, 3] metres.
    """
    turns = _apart(_envelopes(_turning(predicted)), _envelopes(_turning(target)))
    return _apart(_envelopes(body), _envelopes(true_body)) + 0.5 * turns


def _apart(envelopes: Tensor, true: Tensor) -> Tensor:
    """Mean square difference, every joint by its own measure: squares, because the median of a speed is too still."""
    scale = true.std((1, 2), keepdim=True) + 0.02
    apart = ((envelopes - true) / scale).square().clamp_max(25.0).mean((1, 2, 3))
    return (apart * apart.new_tensor(_ENVELOPE_WEIGHTS)).mean()


def sliced_distance(made: Tensor, true: Tensor) -> Tensor:
    """Sliced Wasserstein distance (Rabin et al. 2011) of two batches of normalised motion [B, T, D] and of its changes.

    Along random directions, each through a tenth of the values so that wrists and fingers are seen too, what was made
    must be spread as the true motion is: not frame by frame, but over the batch. In units of the true deviation.
    """
    size = made.shape[-1]
    mask = torch.rand(size, SLICES, device=made.device) < SLICE_SHARE
    directions = torch.randn(size, SLICES, device=made.device) * mask
    along, wanted = made @ directions, true @ directions
    total = made.new_zeros(())
    for lag in SLICE_LAGS:
        a, b = (x if lag == 0 else x[:, lag:] - x[:, :-lag] for x in (along, wanted))
        a, b = a.flatten(0, 1), b.flatten(0, 1)
        total = total + ((a.sort(0).values - b.sort(0).values).abs() / (b.std(0) + 1e-3)).mean()
    return total / len(SLICE_LAGS)


def _turning(motion: Tensor) -> Tensor:
    """[B, T, 489] -> [B, T, 55, 6]."""
    return motion[..., ROT6D].reshape(*motion.shape[:-1], -1, 6)


def _envelopes(places: Tensor) -> Tensor:
    """Trajectories [B, T, J, D] -> how each joint moves around every third frame, [5, B, T', J].

    Mean speed (m/s), acceleration (m/s a frame), jerk (m/s a frame squared: what trembles has much of it) and distance
    from its mean place (half metres), and the top speed: the sharp part of a stroke.
    """
    speed = places.diff(dim=1)
    acceleration = speed.diff(dim=1)
    jerk = acceleration.diff(dim=1)
    departure = places - places.mean(1, keepdim=True)
    velocity = _length(speed[:, 2:])
    return torch.stack(
        [
            _around(velocity) * FPS,
            _around(_length(acceleration[:, 1:])) * FPS,
            _around(_length(jerk)) * FPS,
            _around(_length(departure[:, 3:])) * 2.0,
            functional.max_pool1d(velocity.transpose(1, 2), ENVELOPE_FRAMES, 3).transpose(1, 2) * FPS,
        ]
    )


def _length(x: Tensor) -> Tensor:
    return (x.square().sum(-1) + 1e-10).sqrt()


def _around(x: Tensor) -> Tensor:
    return functional.avg_pool1d(x.transpose(1, 2), ENVELOPE_FRAMES, 3).transpose(1, 2)


def kl_to_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Audio2Gestures eq. 3, summed over channels (not over time), averaged over the rest; nats per frame."""
    return 0.5 * (log_variance.exp() + mean.square() - 1.0 - log_variance).sum(-1).mean()


def autocovariance_loss(predicted: Tensor, target: Tensor, lags: tuple[int, ...] = (0, 1, 2, 4, 8, 16)) -> Tensor:
    """How differently two batches of codes [B, T, C] move in time, relative to how much the target moves.

    Compared are the mean and the covariance with themselves `lags` frames later, per channel.
    """
    variance = target.var((0, 1)) + 1e-2
    loss = ((predicted.mean((0, 1)) - target.mean((0, 1))).abs() / variance.sqrt()).mean()
    a, b = predicted - predicted.mean((0, 1)), target - target.mean((0, 1))
    for lag in lags:
        span = a.shape[1] - lag
        mine = (a[:, :span] * a[:, lag:]).mean((0, 1))
        theirs = (b[:, :span] * b[:, lag:]).mean((0, 1))
        loss = loss + ((mine - theirs).abs() / variance).mean() / len(lags)
    return loss
