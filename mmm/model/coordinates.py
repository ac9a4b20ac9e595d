"""The coordinates chains move in, and the way from there to an unconstrained point and back.

Two changes, each undone exactly, so draws are those of the same posterior (`benchmarks/geometry`):

1. A straight one. From the sampler's z, u = mode + root z, about a mode and with the shape of the
   posterior there (`mmm.inference.whiten`).
2. Bends, along ridges that data leave. With Hill saturation 1 / (1 + (k / a)^n) they say how
   saturated a channel is where it spends and little about the half-saturation k and the slope n
   apart: in place of log k, u has v = n (log k - log a'), a' the mean exposure, which is minus
   the logit of saturation at a'. Of a channel that also builds a brand they say what it earns at
   once and little about the rest: in place of the log share of outcome, u has that of its
   tactical part, share (1 - split). The first takes log n from the log-density, the second
   nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from mmm.model.vector import OPTIONS, REASSOCIATE


@dataclass(frozen=True, slots=True)
class Bends:
    """Which scalars are bent: half-saturations (K,), by slopes (K,), both logarithms, about the
    logarithm of an exposure (K,); and shares (B,), logarithms, by the logits of splits (B,)."""

    half: np.ndarray
    slope: np.ndarray
    about: np.ndarray
    share: np.ndarray
    split: np.ndarray


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Those of z: mode (n,) and root (n, n) of the straight change, and the bends after it."""

    mode: np.ndarray
    root: np.ndarray
    bends: Bends


def unmoved(bends: Bends, size: int) -> Coordinates:
    """Bent, and otherwise as they are: z is u."""
    return Coordinates(np.zeros(size), np.eye(size), bends)


def points(at: Coordinates, z: np.ndarray) -> np.ndarray:
    """Unconstrained points of `z` (..., n), same shape."""
    q = at.mode + z @ at.root.T
    bends = at.bends
    q[..., bends.half] = bends.about + q[..., bends.half] / np.exp(q[..., bends.slope])
    q[..., bends.share] += np.logaddexp(0.0, q[..., bends.split])
    return q


def coordinates_of(at: Coordinates, q: np.ndarray) -> np.ndarray:
    """The inverse of `points`, of one point (n,)."""
    bends, u = at.bends, q.copy()
    u[bends.half] = np.exp(q[bends.slope]) * (q[bends.half] - bends.about)
    u[bends.share] -= np.logaddexp(0.0, q[bends.split])
    return np.linalg.solve(at.root, u - at.mode)


def log_volume(bends: Bends, q: np.ndarray) -> np.ndarray:
    """What the bends add to the log-density at unconstrained points `q` (..., n): (...)."""
    return -q[..., bends.slope].sum(axis=-1)


def slope_by_z(at: Coordinates, q: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The gradient by z (n,) where that by the point `q` (n,) is `gradient`, `log_volume`'s with
    it."""
    bends, by = at.bends, gradient.copy()
    by[bends.slope] -= (q[bends.half] - bends.about) * gradient[bends.half] + 1.0
    by[bends.half] /= np.exp(q[bends.slope])
    by[bends.split] += gradient[bends.share] / (1.0 + np.exp(-q[bends.split]))
    return by @ at.root


@njit(**REASSOCIATE)
def place_point(z, data, work):
    """`work.point` of the sampler's point `z`, as `points`; returns `log_volume` there."""
    size = data.mode.shape[0]
    for i in range(size):
        total = data.mode[i]
        for j in range(size):
            total += data.mode_root[i, j] * z[j]
        work.point[i] = total
    volume = 0.0
    for k in range(data.bend_half.shape[0]):
        half, slope = data.bend_half[k], work.point[data.bend_slope[k]]
        work.point[half] = data.bend_about[k] + work.point[half] * math.exp(-slope)
        volume -= slope
    for k in range(data.bend_share.shape[0]):
        logit = work.point[data.bend_split[k]]
        tactical = max(logit, 0.0) + math.log(1.0 + math.exp(-abs(logit)))
        work.point[data.bend_share[k]] += tactical
    return volume


@njit(**OPTIONS)
def turn_slope(data, work, grad):
    """The gradient by `z` into `grad` from that by the point, `work.slope`, as `slope_by_z`."""
    size, by = data.mode.shape[0], work.slope
    for k in range(data.bend_half.shape[0]):
        half, slope = data.bend_half[k], data.bend_slope[k]
        by[slope] -= (work.point[half] - data.bend_about[k]) * by[half] + 1.0
        by[half] *= math.exp(-work.point[slope])
    for k in range(data.bend_share.shape[0]):
        split = data.bend_split[k]
        by[split] += by[data.bend_share[k]] / (1.0 + math.exp(-work.point[split]))
    for j in range(size):
        grad[j] = 0.0
    for i in range(size):
        for j in range(size):
            grad[j] += data.mode_root[i, j] * by[i]
