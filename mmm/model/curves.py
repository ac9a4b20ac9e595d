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

import math

import numpy as np
from numba import njit

from mmm.model.vector import OPTIONS, exp_array, log_array

# Columns of the table of natural parameters, one row a channel.
SHARE, SPLIT, ADSTOCK_1, ADSTOCK_2, HALF, SLOPE, CARRY, SPREAD, MEMORY = range(9)
COLUMNS = 9

NO_ADSTOCK, GEOMETRIC, DELAYED, WEIBULL_PDF, WEIBULL_CDF = range(5)
LINEAR, HILL, MICHAELIS_MENTEN, TANH, ROOT = range(5)

TINY = 1e-12
LN2 = math.log(2.0)
ATANH_HALF = math.atanh(0.5)


@njit(**OPTIONS)
def lag_weights(code, p1, p2, w, d1, d2):
    """Fills normalised lag weights `w` and the derivatives of log weights, `d1`, `d2`."""
    lags = w.shape[0]
    top = -np.inf
    for k in range(lags):
        if code == DELAYED:
            z = (k - p2) / p1
            w[k] = -LN2 * z * z
            d1[k] = 2.0 * LN2 * z * z / p1
            d2[k] = 2.0 * LN2 * z / p1
        else:
            u = k + 1.0 if code == WEIBULL_PDF else float(k)
            ratio = u / p2
            power = ratio**p1 if u > 0.0 else 0.0
            log_ratio = math.log(ratio) if u > 0.0 else 0.0
            w[k] = -power
            d1[k] = -power * log_ratio
            d2[k] = p1 * power / p2
            if code == WEIBULL_PDF:
                w[k] += (p1 - 1.0) * log_ratio
                d1[k] += log_ratio
                d2[k] -= (p1 - 1.0) / p2
        top = max(top, w[k])
    total = 0.0
    for k in range(lags):
        w[k] = math.exp(w[k] - top)
        total += w[k]
    for k in range(lags):
        w[k] /= total


@njit(**OPTIONS)
def adstock_series(code, p1, w, x, pre, a):
    """Fills `a` with the adstock of `x` (periods,), given weights `w` or a half-life `p1`."""
    periods = x.shape[0]
    if code == NO_ADSTOCK:
        for t in range(periods):
            a[t] = x[t]
    elif code == GEOMETRIC:
        keep = 2.0 ** (-1.0 / p1)
        level = pre
        for t in range(periods):
            level = keep * level + (1.0 - keep) * x[t]
            a[t] = level
    else:
        lags = w.shape[0]
        tail = 1.0
        for t in range(periods):
            upto = min(t + 1, lags)
            level = 0.0
            for k in range(upto):
                level += w[k] * x[t - k]
            if t < lags:
                tail -= w[t]
                level += max(tail, 0.0) * pre
            a[t] = level


@njit(**OPTIONS)
def saturate(code, a, half, slope):
    """Saturation of one adstocked level."""
    if a <= TINY:
        return 0.0
    if code == HILL:
        return 1.0 / (1.0 + math.exp(-slope * (math.log(a) - math.log(half))))
    if code == MICHAELIS_MENTEN:
        return a / (a + half)
    if code == TANH:
        return math.tanh(ATANH_HALF * a / half)
    if code == ROOT:
        return a**slope
    return a


@njit(**OPTIONS)
def saturation_slopes(code, a, s, half, slope):
    """Derivatives of `saturate` by level, half-saturation and slope; at nothing, what the first
    unit earns where that is finite and does not hang on the slope, else zero."""
    if a <= TINY:
        if code == LINEAR:
            return 1.0, 0.0, 0.0
        if code == MICHAELIS_MENTEN:
            return 1.0 / half, 0.0, 0.0
        if code == TANH:
            return ATANH_HALF / half, 0.0, 0.0
        return 0.0, 0.0, 0.0
    if code == HILL:
        inner = s * (1.0 - s)
        return inner * slope / a, -inner * slope / half, inner * (math.log(a) - math.log(half))
    if code == MICHAELIS_MENTEN:
        total = a + half
        return half / (total * total), -a / (total * total), 0.0
    if code == TANH:
        inner = (1.0 - s * s) * ATANH_HALF
        return inner / half, -inner * a / (half * half), 0.0
    if code == ROOT:
        return slope * s / a, 0.0, s * math.log(a)
    return 1.0, 0.0, 0.0


@njit(**OPTIONS)
def saturate_series(code, a, half, slope, s, work):
    """Fills `s` (periods,) with the saturation of levels `a`; `work` is (2, periods)."""
    if code != HILL:
        for t in range(a.shape[0]):
            s[t] = saturate(code, a[t], half, slope)
        return
    logs, scratch = work[0], work[1]
    for t in range(a.shape[0]):
        s[t] = max(a[t], TINY)
    log_array(s, logs, scratch)
    log_half = math.log(half)
    for t in range(a.shape[0]):
        logs[t] = slope * (log_half - logs[t])
    exp_array(logs, s, scratch)
    for t in range(a.shape[0]):
        s[t] = 1.0 / (1.0 + s[t]) if a[t] > TINY else 0.0


@njit(**OPTIONS)
def forward(theta, adstock, saturation, lags, media, early, exposure, now, stock):
    """Fills `exposure` (a), `now` (s) and `stock` (B), each (geos, channels, periods)."""
    geos, channels, periods = media.shape
    w, d1, d2 = np.empty(lags), np.empty(lags), np.empty(lags)
    work = np.empty((2, periods))
    for c in range(channels):
        row = theta[c]
        if adstock[c] > GEOMETRIC:
            lag_weights(adstock[c], row[ADSTOCK_1], row[ADSTOCK_2], w, d1, d2)
        keep = 2.0 ** (-1.0 / row[MEMORY])
        code, half, slope = saturation[c], row[HALF], row[SLOPE]
        branded = row[SPLIT] > 0.0
        for g in range(geos):
            pre = row[CARRY] * early[g, c]
            a, s = exposure[g, c], now[g, c]
            adstock_series(adstock[c], row[ADSTOCK_1], w, media[g, c], pre, a)
            saturate_series(code, a, half, slope, s, work)
            if branded:
                level = saturate(code, pre, half, slope)
                for t in range(s.shape[0]):
                    level = keep * level + (1.0 - keep) * s[t]
                    stock[g, c, t] = level


@njit(**OPTIONS)
def normalisers(theta, now, stock, weight, out):
    """Weighted means over the window, (channels, 2) for `now` and `stock`; weights are (geos,)
    and sum to one over geos and periods."""
    geos, channels, periods = now.shape
    for c in range(channels):
        out[c, 0] = 0.0
        out[c, 1] = 0.0
        branded = theta[c, SPLIT] > 0.0
        for g in range(geos):
            first, second = 0.0, 0.0
            for t in range(periods):
                first += now[g, c, t]
            if branded:
                for t in range(periods):
                    second += stock[g, c, t]
            out[c, 0] += weight[g] * first
            out[c, 1] += weight[g] * second


@njit(**OPTIONS)
def gains(theta, means, c):
    """What multiplies `now` and `stock` of channel `c` to give shares of outcome."""
    share, split = theta[c, SHARE], theta[c, SPLIT]
    first = share * (1.0 - split) / means[c, 0] if means[c, 0] > 0.0 else 0.0
    second = share * split / means[c, 1] if split > 0.0 and means[c, 1] > 0.0 else 0.0
    return first, second


@njit(**OPTIONS)
def effects(theta, means, now, stock, out):
    """Fills `out` (geos, channels, periods) with each channel's effect before geo deviations."""
    geos, channels, periods = now.shape
    for c in range(channels):
        first, second = gains(theta, means, c)
        for g in range(geos):
            for t in range(periods):
                out[g, c, t] = first * now[g, c, t]
            if second > 0.0:
                for t in range(periods):
                    out[g, c, t] += second * stock[g, c, t]


@njit(**OPTIONS)
def _adstock_adjoint(code, row, w, d1, d2, x, pre, a, bar, wbar):
    """Gradient of sum(bar * a) by the two adstock parameters and by `pre`. Spoils `bar`."""
    periods = x.shape[0]
    if code == NO_ADSTOCK:
        return 0.0, 0.0, 0.0
    if code == GEOMETRIC:
        half_life = row[ADSTOCK_1]
        keep = 2.0 ** (-1.0 / half_life)
        carry, total = 0.0, 0.0
        for t in range(periods - 1, -1, -1):
            carry = bar[t] + keep * carry
            before = a[t - 1] if t > 0 else pre
            total += carry * (before - x[t])
        return total * keep * LN2 / (half_life * half_life), 0.0, keep * carry
    lags = w.shape[0]
    pre_bar, mean = 0.0, 0.0
    for k in range(lags):
        level = 0.0
        for t in range(min(k, periods)):
            level += bar[t] * pre
            pre_bar += bar[t] * w[k]
        for t in range(k, periods):
            level += bar[t] * x[t - k]
        wbar[k] = level
        mean += w[k] * level
    first, second = 0.0, 0.0
    for k in range(lags):
        inner = w[k] * (wbar[k] - mean)
        first += inner * d1[k]
        second += inner * d2[k]
    return first, second, pre_bar


@njit(**OPTIONS)
def adjoint(theta, adstock, saturation, lags, media, early, weight, exposure, now, stock, means,
            effect_bar, theta_bar):  # fmt: skip
    """Adds to `theta_bar` the gradient of sum(effect_bar * effects)."""
    geos, channels, periods = media.shape
    w, d1, d2, wbar = np.empty(lags), np.empty(lags), np.empty(lags), np.empty(lags)
    bar, work = np.empty(periods), np.empty((3, periods))
    for c in range(channels):
        row, out = theta[c], theta_bar[c]
        if adstock[c] > GEOMETRIC:
            lag_weights(adstock[c], row[ADSTOCK_1], row[ADSTOCK_2], w, d1, d2)
        code, half, slope = saturation[c], row[HALF], row[SLOPE]
        share, split, memory = row[SHARE], row[SPLIT], row[MEMORY]
        keep = 2.0 ** (-1.0 / memory)
        branded = split > 0.0
        first, second = gains(theta, means, c)
        dot_now, dot_stock = 0.0, 0.0
        for g in range(geos):
            one, two = 0.0, 0.0
            for t in range(periods):
                one += effect_bar[g, c, t] * now[g, c, t]
            if branded:
                for t in range(periods):
                    two += effect_bar[g, c, t] * stock[g, c, t]
            dot_now += one
            dot_stock += two
        mean_now = dot_now / means[c, 0] if means[c, 0] > 0.0 else 0.0
        mean_stock = dot_stock / means[c, 1] if branded and means[c, 1] > 0.0 else 0.0
        out[SHARE] += (1.0 - split) * mean_now + split * mean_stock
        out[SPLIT] += share * (mean_stock - mean_now)
        for g in range(geos):
            pre = row[CARRY] * early[g, c]
            a, s, b = exposure[g, c], now[g, c], stock[g, c]
            shift = weight[g] * mean_now
            for t in range(periods):
                bar[t] = first * (effect_bar[g, c, t] - shift)
            pre_bar, keep_bar = 0.0, 0.0
            if branded:
                start = saturate(code, pre, half, slope)
                shift = weight[g] * mean_stock
                flow = 0.0
                for t in range(periods - 1, -1, -1):
                    flow = second * (effect_bar[g, c, t] - shift) + keep * flow
                    before = b[t - 1] if t > 0 else start
                    keep_bar += flow * (before - s[t])
                    bar[t] += (1.0 - keep) * flow
                start_bar = keep * flow
                by_level, by_half, by_slope = saturation_slopes(code, pre, start, half, slope)
                pre_bar += start_bar * by_level
                out[HALF] += start_bar * by_half
                out[SLOPE] += start_bar * by_slope
                out[MEMORY] += keep_bar * keep * LN2 / (memory * memory)
            half_bar, slope_bar = 0.0, 0.0
            if code == HILL:
                log_half = math.log(half)
                logs, safe = work[0], work[1]
                for t in range(periods):
                    safe[t] = max(a[t], TINY)
                log_array(safe, logs, work[2])
                for t in range(periods):
                    inner = bar[t] * s[t] * (1.0 - s[t])
                    slope_bar += inner * (logs[t] - log_half)
                    half_bar -= inner
                    bar[t] = inner * slope / safe[t]
                half_bar *= slope / half
            else:
                for t in range(periods):
                    by_level, by_half, by_slope = saturation_slopes(code, a[t], s[t], half, slope)
                    half_bar += bar[t] * by_half
                    slope_bar += bar[t] * by_slope
                    bar[t] *= by_level
            out[HALF] += half_bar
            out[SLOPE] += slope_bar
            one, two, pre_more = _adstock_adjoint(
                adstock[c], row, w, d1, d2, media[g, c], pre, a, bar, wbar
            )
            out[ADSTOCK_1] += one
            out[ADSTOCK_2] += two
            out[CARRY] += (pre_bar + pre_more) * early[g, c]


@njit(**OPTIONS)
def channel_draws(table, means, adstock, saturation, lags, media, early, direction, worth,
                  deviation, now_out, stock_out, slope_out):  # fmt: skip
    """One channel's effect for many draws, the counterfactual every result is read from.

    table (D, columns), means (D, 2) as fitted, media (G, T) scaled, early (G,) level before
    the first period, direction (G, T) a change of media, worth (G, T) of a unit of effect,
    deviation (D, G) the geo factors.
    Fills now_out and stock_out (D, G, T): shares of the geo's mean outcome, now and through
    the brand stock; slope_out (D, G): the derivative of their worth over time along
    `direction`, with what the brand stock still earns after the last period.
    """
    draws = table.shape[0]
    geos, periods = media.shape
    w, d1, d2 = np.empty(lags), np.empty(lags), np.empty(lags)
    a, moved, now = np.empty(periods), np.empty(periods), np.empty(periods)
    work = np.empty((2, periods))
    for i in range(draws):
        row = table[i]
        code, half, slope = saturation, row[HALF], row[SLOPE]
        if adstock > GEOMETRIC:
            lag_weights(adstock, row[ADSTOCK_1], row[ADSTOCK_2], w, d1, d2)
        keep = 2.0 ** (-1.0 / row[MEMORY])
        share, split = row[SHARE], row[SPLIT]
        first = share * (1.0 - split) / means[i, 0] if means[i, 0] > 0.0 else 0.0
        second = share * split / means[i, 1] if split > 0.0 and means[i, 1] > 0.0 else 0.0
        for g in range(geos):
            pre = row[CARRY] * early[g]
            adstock_series(adstock, row[ADSTOCK_1], w, media[g], pre, a)
            adstock_series(adstock, row[ADSTOCK_1], w, direction[g], 0.0, moved)
            saturate_series(code, a, half, slope, now, work)
            level = saturate(code, pre, half, slope)
            rise, total = 0.0, 0.0
            for t in range(periods):
                s = now[t]
                by_level, _, _ = saturation_slopes(code, a[t], s, half, slope)
                step = by_level * moved[t]
                level = keep * level + (1.0 - keep) * s
                rise = keep * rise + (1.0 - keep) * step
                total += worth[g, t] * (first * step + second * rise)
                now_out[i, g, t] = deviation[i, g] * first * s
                stock_out[i, g, t] = deviation[i, g] * second * level
            total += worth[g, periods - 1] * second * rise * keep / (1.0 - keep)
            slope_out[i, g] = deviation[i, g] * total
