"""One channel's effect where every draw has media of its own."""

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
