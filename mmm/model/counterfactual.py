"""One channel's effect under any media, for many draws: the loop every result is read from."""

from __future__ import annotations

import numpy as np
from numba import njit

from mmm.model.curves import (
    ADSTOCK_1,
    ADSTOCK_2,
    CARRY,
    GEOMETRIC,
    HALF,
    MEMORY,
    SHARE,
    SLOPE,
    SPLIT,
    adstock_series,
    lag_weights,
    saturate,
    saturate_series,
    saturation_slopes,
)

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
    room = np.empty((4, lags))
    w = room[0]
    a, moved, now = np.empty(periods), np.empty(periods), np.empty(periods)
    logs, work = np.empty(periods), np.empty((2, periods))
    moving = False
    for g in range(geos):
        for t in range(periods):
            moving = moving or direction[g, t] != 0.0
    for i in range(draws):
        row = table[i]
        code, half, slope = saturation, row[HALF], row[SLOPE]
        if adstock > GEOMETRIC:
            lag_weights(adstock, row[ADSTOCK_1], row[ADSTOCK_2], lags, room)
        keep = 2.0 ** (-1.0 / row[MEMORY])
        share, split = row[SHARE], row[SPLIT]
        first = share * (1.0 - split) / means[i, 0] if means[i, 0] > 0.0 else 0.0
        second = share * split / means[i, 1] if split > 0.0 and means[i, 1] > 0.0 else 0.0
        for g in range(geos):
            pre = row[CARRY] * early[g]
            adstock_series(adstock, row[ADSTOCK_1], w, media[g], pre, a)
            saturate_series(code, a, half, slope, now, logs, work)
            level = saturate(code, pre, half, slope)
            for t in range(periods):
                factor = deviation[i, g] + wander[i, t]
                level = keep * level + (1.0 - keep) * now[t]
                now_out[i, g, t] = factor * first * now[t]
                stock_out[i, g, t] = factor * second * level
            slope_out[i, g] = 0.0
            if not moving:
                continue
            adstock_series(adstock, row[ADSTOCK_1], w, direction[g], 0.0, moved)
            rise, total, factor = 0.0, 0.0, 1.0
            for t in range(periods):
                by_level, _, _ = saturation_slopes(code, a[t], now[t], half, slope)
                step = by_level * moved[t]
                rise = keep * rise + (1.0 - keep) * step
                factor = deviation[i, g] + wander[i, t]
                total += worth[g, t] * factor * (first * step + second * rise)
            later = factor * second * rise * keep / (1.0 - keep)
            slope_out[i, g] = total + worth[g, periods - 1] * later
