"""Weights of whole periods from a continuous lag, and their derivatives, compiled.

The compiled twin of the lag families in `mmm.transforms.adstock`; what the sums are is in
`mmm.transforms.lag_nodes`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mmm.model.vector import OPTIONS
from mmm.transforms.lag_nodes import (
    FIRST_LOG_WEIGHTS,
    FIRST_POINTS,
    LATER_LOG_WEIGHTS,
    LATER_POINTS,
    MEDIAN_LARGE,
    MEDIAN_SMALL,
    MEDIAN_TURN,
)

LN2 = math.log(2.0)
_FIRST, _LATER = len(FIRST_POINTS), len(LATER_POINTS)


@njit(**OPTIONS)
def point(k, j):
    """Point `j` after lag `k`: the share that goes to the next lag, and its log weight."""
    if k == 0:
        return FIRST_POINTS[j], FIRST_LOG_WEIGHTS[j]
    return LATER_POINTS[j], LATER_LOG_WEIGHTS[j]


@njit(**OPTIONS)
def lag_distribution(gamma, median, spread, w, e1, e2):
    """Fills weights `w` of the lags, which sum to one, and how they change by median and
    spread, `e1` and `e2`, up to a multiple of them; `gamma` or log-normal."""
    lags = w.shape[0]
    shape = spread**-2.0
    turn = MEDIAN_TURN / (MEDIAN_TURN + shape)
    power = math.exp(-LN2 / shape)
    centre = power * (shape + MEDIAN_LARGE + (MEDIAN_SMALL - MEDIAN_LARGE) * turn)
    centre_slope = centre * LN2 / (shape * shape) + power * (
        1.0 - (MEDIAN_SMALL - MEDIAN_LARGE) * turn * turn / MEDIAN_TURN
    )
    rate, shape_slope = centre / median, -2.0 * shape / spread
    log_median = math.log(median)
    for k in range(lags):
        w[k], e1[k], e2[k] = 0.0, 0.0, 0.0
    top = -np.inf
    for fill in range(2):
        for k in range(lags - 1):
            for j in range(_FIRST if k == 0 else _LATER):
                share, level = point(k, j)
                x = k + share
                log_x = math.log(x)
                z = (log_x - log_median) / spread
                if gamma:
                    level += (shape - 1.0) * log_x - rate * x
                else:
                    level -= 0.5 * z * z + log_x
                if fill == 0:
                    top = max(top, level)
                    continue
                mass = math.exp(level - top)
                if gamma:
                    by_median = rate * x / median
                    by_spread = (log_x - centre_slope * x / median) * shape_slope
                else:
                    by_median = z / (spread * median)
                    by_spread = z * z / spread
                stays, moves = mass * (1.0 - share), mass * share
                w[k] += stays
                e1[k] += stays * by_median
                e2[k] += stays * by_spread
                w[k + 1] += moves
                e1[k + 1] += moves * by_median
                e2[k + 1] += moves * by_spread
    total = 0.0
    for k in range(lags):
        total += w[k]
    for k in range(lags):
        w[k] /= total
        e1[k] /= total
        e2[k] /= total
