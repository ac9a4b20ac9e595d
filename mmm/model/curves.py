"""Response curves along time, value and adjoint, as compiled loops.

One series is one channel in one geo. With `x` its scaled media, `pre` the constant level
before the first period, and weights or a recursion from `adstock`,

    a_t = sum_k w_k x_{t-k},  x_{t<0} = pre          adstock (weights sum to one)
    s_t = sat(a_t)                                   saturation
    B_t = rho B_{t-1} + (1 - rho) s_t, B_{-1} = sat(pre)   brand stock, rho = 2^(-1/half-life)

The symbolic twins, with formulas and sources, are in `mmm.transforms`; tests hold the two
together. Python calls these through `mmm.model.kernel`, which caches them compiled.
"""

from __future__ import annotations

from numba import njit

from mmm.model.carry_over import CUSTOM as CUSTOM
from mmm.model.carry_over import DELAYED as DELAYED
from mmm.model.carry_over import GEOMETRIC as GEOMETRIC
from mmm.model.carry_over import LAG_GAMMA as LAG_GAMMA
from mmm.model.carry_over import LAG_LOGNORMAL as LAG_LOGNORMAL
from mmm.model.carry_over import LN2 as LN2
from mmm.model.carry_over import NO_ADSTOCK as NO_ADSTOCK
from mmm.model.carry_over import WEIBULL as WEIBULL
from mmm.model.carry_over import WEIBULL_CDF as WEIBULL_CDF
from mmm.model.carry_over import WEIBULL_PDF as WEIBULL_PDF
from mmm.model.carry_over import (
    adstock_adjoint,
    adstock_series,
    geometric,
    geometric_back,
    lag_weights,
)
from mmm.model.columns import ADSTOCK_1, ADSTOCK_2, CARRY, HALF, MEMORY, SHARE, SLOPE, SPLIT
from mmm.model.columns import COLUMNS as COLUMNS
from mmm.model.columns import DRIFT as DRIFT
from mmm.model.columns import SPREAD as SPREAD
from mmm.model.saturation import HILL as HILL
from mmm.model.saturation import LINEAR as LINEAR
from mmm.model.saturation import MICHAELIS_MENTEN as MICHAELIS_MENTEN
from mmm.model.saturation import ROOT as ROOT
from mmm.model.saturation import TANH as TANH
from mmm.model.saturation import saturate, saturate_series, saturation_adjoint, saturation_slopes
from mmm.model.survey import add_flow
from mmm.model.vector import (
    OPTIONS,
    lagged_product,
    product_of,
    total_of,
)


@njit(**OPTIONS)
def forward(theta, data, work):
    """Fills `work.exposure` (a), `work.now` (s) and `work.stock` (B), each (geos, channels,
    periods), `work.logs` and `work.lag_weights` for the adjoint, and `work.means`
    (channels, 2): the weighted means of s and B over the window, by which gains are divided."""
    geos, channels, _ = data.media.shape
    lags = work.lag_weights.shape[1] // channels
    lag_weights(theta, data.adstock, data.reach, work.lag_weights)
    for c in range(channels):
        row, w = theta[c], work.lag_weights[0][c * lags : c * lags + data.reach[c]]
        adstock, code = data.adstock[c], data.saturation[c]
        half, slope = row[HALF], row[SLOPE]
        branded = row[SPLIT] > 0.0
        keep = 2.0 ** (-1.0 / row[MEMORY]) if branded else 0.0
        mean_now, mean_stock = 0.0, 0.0
        for g in range(geos):
            pre = row[CARRY] * data.early[g, c]
            a, s, b = work.exposure[g, c], work.now[g, c], work.stock[g, c]
            adstock_series(adstock, row[ADSTOCK_1], w, data.media[g, c], pre, a)
            saturate_series(code, a, half, slope, s, work.logs[g, c], work.series)
            mean_now += data.weight[g] * total_of(s)
            if branded:
                geometric(keep, s, saturate(code, pre, half, slope), b)
                mean_stock += data.weight[g] * total_of(b)
        work.means[c, 0], work.means[c, 1] = mean_now, mean_stock


@njit(**OPTIONS)
def gains(theta, means, c):
    """What multiplies `now` and `stock` of channel `c` to give shares of outcome."""
    share, split = theta[c, SHARE], theta[c, SPLIT]
    first = share * (1.0 - split) / means[c, 0] if means[c, 0] > 0.0 else 0.0
    second = share * split / means[c, 1] if split > 0.0 and means[c, 1] > 0.0 else 0.0
    return first, second


@njit(**OPTIONS)
def effects(theta, data, work):
    """Fills `work.dynamic` (geos, C + V, periods): each channel's effect before geo deviations,
    then, for every channel whose effectiveness moves, its effect times each drift basis."""
    geos, channels, periods = data.media.shape
    bases = data.drift.shape[0]
    for c in range(channels):
        first, second = gains(theta, work.means, c)
        for g in range(geos):
            out, s, b = work.dynamic[g, c], work.now[g, c], work.stock[g, c]
            if second > 0.0:
                for t in range(periods):
                    out[t] = first * s[t] + second * b[t]
            else:
                for t in range(periods):
                    out[t] = first * s[t]
    for place in range(data.drifting.shape[0]):
        for g in range(geos):
            effect = work.dynamic[g, data.drifting[place]]
            for k in range(bases):
                out, basis = work.dynamic[g, channels + place * bases + k], data.drift[k]
                for t in range(periods):
                    out[t] = effect[t] * basis[t]


@njit(**OPTIONS)
def effects_adjoint(data, work):
    """Adds to the effects' part of `work.dynamic_bar` what their drift rows pass back."""
    geos, channels, periods = data.media.shape
    bases = data.drift.shape[0]
    for place in range(data.drifting.shape[0]):
        for g in range(geos):
            out = work.dynamic_bar[g, data.drifting[place]]
            for k in range(bases):
                bar, basis = work.dynamic_bar[g, channels + place * bases + k], data.drift[k]
                for t in range(periods):
                    out[t] += bar[t] * basis[t]


@njit(**OPTIONS)
def add_to(bar, more):
    """bar += more, both (T,)."""
    for t in range(bar.shape[0]):
        bar[t] += more[t]


@njit(**OPTIONS)
def adjoint(theta, data, work, theta_bar):
    """Adds to `theta_bar` (channels, columns) the gradient of sum(dynamic_bar * effects)."""
    geos, channels, periods = data.media.shape
    bar, flow = work.series[0], work.series[1]
    lags = work.lag_weights.shape[1] // channels
    for c in range(channels):
        row, out = theta[c], theta_bar[c]
        lag, farthest = c * lags, c * lags + data.reach[c]
        adstock, code = data.adstock[c], data.saturation[c]
        half, slope = row[HALF], row[SLOPE]
        share, split, memory = row[SHARE], row[SPLIT], row[MEMORY]
        branded = split > 0.0
        keep = 2.0 ** (-1.0 / memory) if branded else 0.0
        first, second = gains(theta, work.means, c)
        mean_now, mean_stock = 0.0, 0.0
        for g in range(geos):
            mean_now += product_of(work.dynamic_bar[g, c], work.now[g, c])
            if branded:
                mean_stock += product_of(work.dynamic_bar[g, c], work.stock[g, c])
        mean_now = mean_now / work.means[c, 0] if work.means[c, 0] > 0.0 else 0.0
        mean_stock = mean_stock / work.means[c, 1] if second > 0.0 else 0.0
        tried = data.trial_lift.shape[0] > 0
        if tried:
            mean_now += work.trial_mean[c, 0]
            mean_stock += work.trial_mean[c, 1]
        out[SHARE] += (1.0 - split) * mean_now + split * mean_stock
        out[SPLIT] += share * (mean_stock - mean_now)
        for g in range(geos):
            pre = row[CARRY] * data.early[g, c]
            effect_bar = work.dynamic_bar[g, c]
            a, s, b = work.exposure[g, c], work.now[g, c], work.stock[g, c]
            shift = data.weight[g] * mean_now
            for t in range(periods):
                bar[t] = first * (effect_bar[t] - shift)
            pre_bar = 0.0
            if branded:
                start = saturate(code, pre, half, slope)
                shift = data.weight[g] * mean_stock
                for t in range(periods):
                    flow[t] = second * (effect_bar[t] - shift)
                add_flow(data, work, c, g, flow)
                geometric_back(keep, flow)
                for t in range(periods):
                    bar[t] += (1.0 - keep) * flow[t]
                keep_bar = flow[0] * (start - s[0]) + lagged_product(flow, b, s)
                start_bar = keep * flow[0]
                by_level, by_half, by_slope = saturation_slopes(code, pre, start, half, slope)
                pre_bar = start_bar * by_level
                out[HALF] += start_bar * by_half
                out[SLOPE] += start_bar * by_slope
                out[MEMORY] += keep_bar * keep * LN2 / (memory * memory)
            if tried:
                add_to(bar, work.trial_now[g, c])
            half_bar, slope_bar = saturation_adjoint(
                code, a, s, work.logs[g, c], half, slope, bar, flow
            )
            out[HALF] += half_bar
            out[SLOPE] += slope_bar
            if tried:
                add_to(bar, work.trial_level[g, c])
            one, two, pre_more = adstock_adjoint(
                adstock, row, lag, farthest, work.lag_weights, data.media[g, c], pre, a, bar
            )
            out[ADSTOCK_1] += one
            out[ADSTOCK_2] += two
            out[CARRY] += (pre_bar + pre_more) * data.early[g, c]
