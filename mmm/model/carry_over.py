"""Carry-over along time, compiled: lag weights, adstock and its adjoint.

The compiled twin of `mmm.transforms.adstock`. Weighted sums of lags take four lags a pass over
time, whose inner loop is vector code.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mmm.model.columns import ADSTOCK_1, ADSTOCK_2
from mmm.model.lags import LN2, lag_distribution
from mmm.model.vector import OPTIONS, REASSOCIATE, exp_array, lagged_product, log_array, product_of
from mmm.transforms.lag_nodes import LAGS_A_PIVOT

(
    NO_ADSTOCK, GEOMETRIC, WEIBULL, DELAYED, WEIBULL_PDF, WEIBULL_CDF, LAG_GAMMA, LAG_LOGNORMAL,
) = range(8)  # fmt: skip
CUSTOM = -1
"""A family written by the user: these loops do not know it, the PyTensor graph does."""

FARTHEST = 300.0
"""What exponents are cut at; the weight there is nothing."""


@njit(**OPTIONS)
def differences(level, a, scale):
    """a_0 = scale (level - a_0) and a_k = scale (a_{k-1} - a_k), in place."""
    for k in range(a.shape[0] - 1, 0, -1):
        a[k] = scale * (a[k - 1] - a[k])
    a[0] = scale * (level - a[0])


@njit(**OPTIONS)
def weibull_weights(table, codes, reach, room):
    """`lag_weights` of the channels of family `weibull`: what a discrete Weibull loses at each
    lag, over all that it loses. Exponentials are taken of all of them at once."""
    w, e1, e2, spare = room[0], room[1], room[2], room[3]
    channels = codes.shape[0]
    lags = w.shape[0] // channels
    for k in range(lags):
        w[k] = k + 1.0
    log_array(w[:lags], e1[:lags], spare[:lags])
    for c in range(channels):
        shape, out = table[c, ADSTOCK_2], e2[c * lags : c * lags + lags]
        log_pivot = math.log(max(1.0, reach[c] / LAGS_A_PIVOT))
        for k in range(lags):
            out[k] = min(shape * (e1[k] - log_pivot), FARTHEST)
    exp_array(e2, e1, spare)
    for c in range(channels):
        pivot, out = max(1.0, reach[c] / LAGS_A_PIVOT), e1[c * lags : c * lags + lags]
        rate = LN2 * pivot / table[c, ADSTOCK_1]
        for k in range(lags):
            out[k] *= -rate
    exp_array(e1, w, spare)
    # what is left after each lag, and its slopes by -log(half-life) and log(shape)
    for k in range(channels * lags):
        e1[k] *= w[k]
        e2[k] *= e1[k]
    for c in range(channels):
        if codes[c] == WEIBULL:
            first, last = c * lags, c * lags + reach[c]
            whole = 1.0 / (1.0 - w[last - 1])
            differences(1.0, w[first:last], whole)
            differences(0.0, e1[first:last], -whole / table[c, ADSTOCK_1])
            differences(0.0, e2[first:last], whole / table[c, ADSTOCK_2])


@njit(**OPTIONS)
def lag_weights(table, codes, reach, room):
    """Fills the first rows of `room` (4, channels * lags), for every channel whose carry-over is
    a sum over lags: normalised weights of its lags 0 to `reach` - 1, then how they change by its
    two parameters, up to a multiple of the weights. The last row is spoilt."""
    channels = codes.shape[0]
    lags = room.shape[1] // channels
    for c in range(channels):
        if codes[c] == WEIBULL:
            weibull_weights(table, codes, reach, room)
            break
    for c in range(channels):
        if codes[c] > GEOMETRIC and codes[c] != WEIBULL:
            first, last = c * lags, c * lags + reach[c]
            w, e1, e2 = room[0][first:last], room[1][first:last], room[2][first:last]
            family_weights(codes[c], table[c, ADSTOCK_1], table[c, ADSTOCK_2], w, e1, e2)


@njit(**OPTIONS)
def family_weights(code, p1, p2, w, e1, e2):
    """`lag_weights` of one channel of another family than `weibull`."""
    lags = w.shape[0]
    if code >= LAG_GAMMA:
        lag_distribution(code == LAG_GAMMA, p1, p2, w, e1, e2)
        return
    top = -np.inf
    for k in range(lags):
        if code == DELAYED:
            z = (k - p2) / p1
            w[k] = -LN2 * z * z
            e1[k] = 2.0 * LN2 * z * z / p1
            e2[k] = 2.0 * LN2 * z / p1
        else:
            u = k + 1.0 if code == WEIBULL_PDF else float(k)
            ratio = u / p2
            power = ratio**p1 if u > 0.0 else 0.0
            log_ratio = math.log(ratio) if u > 0.0 else 0.0
            w[k] = -power
            e1[k] = -power * log_ratio
            e2[k] = p1 * power / p2
            if code == WEIBULL_PDF:
                w[k] += (p1 - 1.0) * log_ratio
                e1[k] += log_ratio
                e2[k] -= (p1 - 1.0) / p2
        top = max(top, w[k])
    total = 0.0
    for k in range(lags):
        w[k] = math.exp(w[k] - top)
        total += w[k]
    for k in range(lags):
        w[k] /= total
        e1[k] *= w[k]
        e2[k] *= w[k]


@njit(**OPTIONS)
def geometric(keep, x, level, a):
    """Fills `a` with a_t = keep a_{t-1} + (1 - keep) x_t, a_{-1} = level; x (T,), a (T,).

    Four periods a step, so that the chain of dependent multiplications is a quarter as long.
    """
    periods = x.shape[0]
    gain, two = 1.0 - keep, keep * keep
    three, four = two * keep, two * two
    whole = periods - periods % 4
    for t in range(0, whole, 4):
        x0, x2 = gain * x[t], gain * x[t + 2]
        x1, x3 = gain * x[t + 1] + keep * x0, gain * x[t + 3] + keep * x2
        a[t] = x0 + keep * level
        a[t + 1] = x1 + two * level
        a[t + 2] = x2 + keep * x1 + three * level
        level = (x3 + two * x1) + four * level
        a[t + 3] = level
    for t in range(whole, periods):
        level = keep * level + gain * x[t]
        a[t] = level


@njit(**OPTIONS)
def geometric_back(keep, bar):
    """bar_t += keep bar_{t+1} from the end, in place: the adjoint of `geometric` over 1 - keep."""
    two = keep * keep
    three, four = two * keep, two * two
    level = 0.0
    t = bar.shape[0] - 1
    while t >= 3:
        x1, x3 = bar[t - 1] + keep * bar[t], bar[t - 3] + keep * bar[t - 2]
        x2 = bar[t - 2] + keep * x1
        bar[t] += keep * level
        bar[t - 1] = x1 + two * level
        bar[t - 2] = x2 + three * level
        level = (x3 + two * x1) + four * level
        bar[t - 3] = level
        t -= 4
    while t >= 0:
        level = bar[t] + keep * level
        bar[t] = level
        t -= 1


@njit(**OPTIONS)
def lagged_sum(w, x, pre, a):
    """Fills `a` (T,) with sum_k w_k x_{t-k}, x_{t<0} = pre."""
    periods, lags = x.shape[0], min(w.shape[0], x.shape[0])
    for t in range(periods):
        a[t] = w[0] * x[t]
    k = 1
    while k + 3 < lags:
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        for t in range(k, k + 3):
            for j in range(k, t + 1):
                a[t] += w[j] * x[t - j]
        out, x0, x1, x2, x3 = a[k + 3 :], x[3:], x[2:], x[1:], x
        for t in range(periods - k - 3):
            out[t] += (w0 * x0[t] + w1 * x1[t]) + (w2 * x2[t] + w3 * x3[t])
        k += 4
    while k < lags:
        out, weight = a[k:], w[k]
        for t in range(periods - k):
            out[t] += weight * x[t]
        k += 1
    if pre > 0.0:
        tail = 1.0
        for t in range(lags):
            tail -= w[t]
            a[t] += max(tail, 0.0) * pre


@njit(**REASSOCIATE)
def lagged_sum_back(x, bar, wbar):
    """Fills `wbar` (lags,) with sum_t bar_t x_{t-k}; x and bar (T,), x_{t<0} = 0."""
    periods, lags = x.shape[0], min(wbar.shape[0], x.shape[0])
    k = 0
    while k + 3 < lags:
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        late, x0, x1, x2, x3 = bar[k + 3 :], x[3:], x[2:], x[1:], x
        for t in range(periods - k - 3):
            s0 += late[t] * x0[t]
            s1 += late[t] * x1[t]
            s2 += late[t] * x2[t]
            s3 += late[t] * x3[t]
        wbar[k] = s0 + bar[k] * x[0] + bar[k + 1] * x[1] + bar[k + 2] * x[2]
        wbar[k + 1] = s1 + bar[k + 1] * x[0] + bar[k + 2] * x[1]
        wbar[k + 2] = s2 + bar[k + 2] * x[0]
        wbar[k + 3] = s3
        k += 4
    while k < lags:
        total, late = 0.0, bar[k:]
        for t in range(periods - k):
            total += late[t] * x[t]
        wbar[k] = total
        k += 1
    for k in range(lags, wbar.shape[0]):
        wbar[k] = 0.0


@njit(**OPTIONS)
def adstock_series(code, p1, w, x, pre, a):
    """Fills `a` with the adstock of `x` (periods,), given weights `w` or a half-life `p1`."""
    if code == NO_ADSTOCK:
        for t in range(x.shape[0]):
            a[t] = x[t]
    elif code == GEOMETRIC:
        geometric(2.0 ** (-1.0 / p1), x, pre, a)
    else:
        lagged_sum(w, x, pre, a)


@njit(**OPTIONS)
def adstock_adjoint(code, row, first, last, room, x, pre, a, bar):
    """Gradient of sum(bar * a) by the two adstock parameters and by a positive `pre`, with
    columns `first` to `last` of `room` as `lag_weights` filled them. Spoils `bar` and the last
    row of `room`."""
    periods = x.shape[0]
    if code == NO_ADSTOCK:
        return 0.0, 0.0, 0.0
    if code == GEOMETRIC:
        half_life = row[ADSTOCK_1]
        keep = 2.0 ** (-1.0 / half_life)
        geometric_back(keep, bar)
        total = bar[0] * (pre - x[0]) + lagged_product(bar, a, x)
        return total * keep * LN2 / (half_life * half_life), 0.0, keep * bar[0]
    w, wbar = room[0][first:last], room[3][first:last]
    lagged_sum_back(x, bar, wbar)
    pre_bar = 0.0
    if pre > 0.0:
        before = 0.0
        for k in range(w.shape[0]):
            wbar[k] += pre * before
            pre_bar += before * w[k]
            if k < periods:
                before += bar[k]
    mean = product_of(w, wbar)
    for k in range(w.shape[0]):
        wbar[k] -= mean
    e1, e2 = room[1][first:last], room[2][first:last]
    return product_of(wbar, e1), product_of(wbar, e2), pre_bar
