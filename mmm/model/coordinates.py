"""The coordinates chains move in, and the way from there to an unconstrained point and back.

Two changes, each undone exactly, so draws are those of the same posterior (`benchmarks/geometry`):

1. A straight one. From the sampler's z, u = mode + root z, about a mode and with the shape of the
   posterior there (`mmm.inference.whiten`).
2. A bend. With Hill saturation 1 / (1 + (k / a)^n), data say how saturated a channel is where it
   spends and little about the half-saturation k and the slope n apart, which leaves a ridge that
   curves. In place of log k, u has v = n (log k - log a'), a' the mean exposure: minus the logit
   of saturation at a'. The log-density by u is that by the point less log n for each bend.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from mmm.model.vector import OPTIONS, REASSOCIATE

EXP, EXP_FOLDED, LOGIT = range(3)
"""How a sampled scalar gets its natural value, and with it its prior's form."""


@dataclass(frozen=True, slots=True)
class Bends:
    """Which scalars are bent, (K,) each: that of the half-saturation, that of the slope which
    bends it, both logarithms, and the logarithm of the exposure it is bent about."""

    half: np.ndarray
    slope: np.ndarray
    about: np.ndarray


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
    return q


def coordinates_of(at: Coordinates, q: np.ndarray) -> np.ndarray:
    """The inverse of `points`, of one point (n,)."""
    bends, u = at.bends, q.copy()
    u[bends.half] = np.exp(q[bends.slope]) * (q[bends.half] - bends.about)
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
    return volume


@njit(**OPTIONS)
def turn_slope(data, work, grad):
    """The gradient by `z` into `grad` from that by the point, `work.slope`, as `slope_by_z`."""
    size, by = data.mode.shape[0], work.slope
    for k in range(data.bend_half.shape[0]):
        half, slope = data.bend_half[k], data.bend_slope[k]
        by[slope] -= (work.point[half] - data.bend_about[k]) * by[half] + 1.0
        by[half] *= math.exp(-work.point[slope])
    for j in range(size):
        grad[j] = 0.0
    for i in range(size):
        for j in range(size):
            grad[j] += data.mode_root[i, j] * by[i]
