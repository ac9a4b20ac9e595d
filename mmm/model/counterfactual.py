"""One channel's effect under any media, for many draws: the loop every result is read from."""

from __future__ import annotations

import numpy as np
from numba import njit

from mmm.model.curves import (
    ADSTOCK_1,
    CARRY,
    HALF,
    MEMORY,
    SHARE,
    SLOPE,
    SPLIT,
    adstock_series,
    geometric,
    lag_weights,
    saturate,
    saturate_series,
    saturation_adjoint,
)
from mmm.model.saturation import TINY
from mmm.model.vector import product_of

CALLED = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**CALLED)
def channel_draws(table, means, adstock, saturation, lags, media, early, direction, worth,
                  deviation, wander, now_out, stock_out, slope_out):  # fmt: skip
    """One channel's effect for many draws, the counterfactual every result is read from.

    table (D, columns), means (D, 2) as fitted, media (G, T) scaled, early (G,) level before
    the first period, direction (G, T) a change of media, worth (G, T) of a unit of effect,
    deviation (D, G) the geo factors, to which wander (D, T) adds how effectiveness moves.
    Fills now_out and stock_out (D, G, T): shares of the geo's mean outcome, now and through
    the brand stock; slope_out (D, G): the derivative of their worth over time along
    `direction`, with what the brand stock still earns after the last period.
    """
    draws = table.shape[0]
    geos, periods = media.shape
    room, codes, reach = np.empty((4, lags)), np.full(1, adstock), np.full(1, lags)
    w = room[0]
    a, moved, now = np.empty(periods), np.empty(periods), np.empty(periods)
    logs, work, factor = np.empty(periods), np.empty((2, periods)), np.empty(periods)
    level = np.empty(periods)
    moving = False
    for g in range(geos):
        for t in range(periods):
            moving = moving or direction[g, t] != 0.0
    for i in range(draws):
        row = table[i]
        code, half, slope = saturation, row[HALF], row[SLOPE]
        lag_weights(table[i : i + 1], codes, reach, room)
        keep = 2.0 ** (-1.0 / row[MEMORY])
        share, split = row[SHARE], row[SPLIT]
        first = share * (1.0 - split) / means[i, 0] if means[i, 0] > 0.0 else 0.0
        second = share * split / means[i, 1] if split > 0.0 and means[i, 1] > 0.0 else 0.0
        for g in range(geos):
            pre = row[CARRY] * early[g]
            adstock_series(adstock, row[ADSTOCK_1], w, media[g], pre, a)
            live = periods  # after it nothing is carried over, and nothing earns nothing
            while live > 0 and a[live - 1] <= TINY:
                live -= 1
                now[live], logs[live] = 0.0, 0.0
            saturate_series(code, a[:live], half, slope, now[:live], logs[:live], work)
            out, stock = now_out[i, g], stock_out[i, g]
            for t in range(periods):
                factor[t] = deviation[i, g] + wander[i, t]
                out[t] = first * factor[t] * now[t]
                stock[t] = 0.0
            if second > 0.0:
                geometric(keep, now, saturate(code, pre, half, slope), level)
                for t in range(periods):
                    stock[t] = second * factor[t] * level[t]
            slope_out[i, g] = 0.0
            if not moving:
                continue
            adstock_series(adstock, row[ADSTOCK_1], w, direction[g], 0.0, moved)
            saturation_adjoint(code, a, now, logs, half, slope, moved, work[0])
            for t in range(periods):
                factor[t] *= worth[g, t]
            total = first * product_of(factor, moved)
            if second > 0.0:
                geometric(keep, moved, 0.0, level)
                last = factor[periods - 1] * level[periods - 1]
                total += second * (product_of(factor, level) + last * keep / (1.0 - keep))
            slope_out[i, g] = total
