"""Loops over draws in which each has a series of its own."""

from __future__ import annotations

from numba import njit

from mmm.model import counterfactual, kernel


def _each_draw(stamp):
    @njit(cache=True, **counterfactual.CALLED)
    def each_draw(table, means, adstock, saturation, lags, media, early, direction, worth,
                  deviation, wander, now_out, stock_out, slope_out):  # fmt: skip
        _ = stamp
        for i in range(table.shape[0]):
            one = slice(i, i + 1)
            counterfactual.channel_draws(
                table[one], means[one], adstock, saturation, lags, media[i], early[i],
                direction[i], worth, deviation[one], wander[one], now_out[one], stock_out[one],
                slope_out[one],
            )  # fmt: skip

    return each_draw


each_draw = _each_draw(kernel.STAMP)
"""`kernel.channel_draws` with media and direction (D, G, T) and early (D, G)."""


@njit(cache=True, **counterfactual.CALLED)
def lagged_draws(weights, series, out):
    """Fills out_t = sum_k weights_k series_{t-k}; weights (D, L), series and out (D, G, S)."""
    draws, geos, periods = series.shape
    for i in range(draws):
        w = weights[i]
        for g in range(geos):
            x, y = series[i, g], out[i, g]
            for t in range(periods):
                y[t] = 0.0
            for k in range(min(w.shape[0], periods)):
                for t in range(k, periods):
                    y[t] += w[k] * x[t - k]
