"""Student-t noise: the same mean, every linear coefficient sampled.

    y_gt = mean_gt + sigma_g t_nu,   mean linear in whitened coefficients u ~ N(0, 1)

A Student-t likelihood is not conjugate to Gaussian coefficients, so nothing is integrated out
(Lange, Little and Taylor, 1989): NUTS samples `u` besides the curves. After the scalars the
point holds each geo's own coefficients (G, K0 + C), then the shared ones (P + V).
"""

from __future__ import annotations

import math

from numba import njit

from mmm.model.columns import COLUMNS
from mmm.model.tiles import add_mixture
from mmm.model.vector import OPTIONS, log_array, product_of, total_of

_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)


@njit(**OPTIONS)
def digamma(x):
    """Derivative of log-gamma at x > 0: recurrence up to 8, then the asymptotic series
    (Abramowitz and Stegun, 1964, 6.3.18)."""
    shift = 0.0
    while x < 8.0:
        shift -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132)))))
    return shift + math.log(x) - 0.5 / x - series


@njit(**OPTIONS)
def log_density(data, work, q, grad, length):
    """Log-likelihood plus log-prior of the coefficients.

    Writes the coefficients' gradient into `grad`, that by scales, sigma and nu into `work`, and
    that by effects and drift rows into `work.dynamic_bar`.
    """
    geos, channels, periods = data.media.shape
    own, count = data.own_row.shape[0], work.spread.shape[0]
    size, static = own + count, data.shared_row.shape[0]
    dynamic, rows = work.dynamic.shape[1], work.with_rows.shape[1]
    shared, common = static + dynamic - channels, data.common.shape[0]
    first = data.kind.shape[0]
    last = first + geos * size
    place = channels * COLUMNS + geos + 2
    nu = work.cells[place]
    constant = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(math.pi * nu)
    by_nu = 0.5 * (digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / nu)
    full, spread, own_sd, shared_sd = work.full, work.spread, work.own_sd, work.shared_sd
    total, nu_bar = 0.0, 0.0
    for i in range(first, length):
        total -= 0.5 * q[i] * q[i] + _LOG_ROOT_2PI
        grad[i] = -q[i]
    for k in range(own):
        work.own_sd_bar[k] = 0.0
    for p in range(shared):
        work.shared_sd_bar[p] = 0.0
    for c in range(count):
        work.spread_bar[c] = 0.0
    residual, odds, logs = work.series[0], work.series[1], work.series[2]
    mixed = work.series[0:1]
    for g in range(geos):
        sigma = work.sigma[g]
        at = first + g * size
        for r in range(rows + dynamic):
            full[r] = 1.0 if rows <= r < rows + channels else 0.0
        full[rows - 1] = -1.0
        for i in range(own):
            full[data.own_row[i]] += own_sd[i] * q[at + i]
        for c in range(count):
            full[rows + c] += spread[c] * q[at + own + c]
        for p in range(static):
            full[data.shared_row[p]] += shared_sd[p] * q[last + p]
        for p in range(static, shared):
            full[rows + channels + p - static] = shared_sd[p] * q[last + p]
        for r in range(rows + dynamic):
            work.weights[0, r] = -full[r]
        for t in range(periods):
            residual[t] = 0.0
        add_mixture(work.weights, 0, data.common, mixed)
        add_mixture(work.weights, common, data.local[g], mixed)
        add_mixture(work.weights, rows, work.dynamic[g], mixed)
        for t in range(periods):
            z = residual[t] / sigma
            odds[t] = 1.0 + z * z / nu
        log_array(odds, logs, work.dynamic_bar[g, 0])
        log_odds = total_of(logs)
        weight = (nu + 1.0) / (nu * sigma * sigma)
        for t in range(periods):
            odds[t] = weight * residual[t] / odds[t]
        pull = product_of(odds, residual)
        total += periods * (constant - math.log(sigma)) - 0.5 * (nu + 1.0) * log_odds
        work.sigma_bar[g] = (pull - periods) / sigma
        nu_bar += periods * by_nu - 0.5 * log_odds + 0.5 * pull / nu
        for x in range(dynamic):
            bar, scale = work.dynamic_bar[g, x], full[rows + x]
            for t in range(periods):
                bar[t] = scale * odds[t]
        for i in range(own):
            by_row = row_product(data, g, data.own_row[i], odds)
            grad[at + i] += own_sd[i] * by_row
            work.own_sd_bar[i] += q[at + i] * by_row
        for c in range(count):
            by_row = product_of(odds, work.dynamic[g, c])
            grad[at + own + c] += spread[c] * by_row
            work.spread_bar[c] += q[at + own + c] * by_row
        for p in range(shared):
            if p < static:
                by_row = row_product(data, g, data.shared_row[p], odds)
            else:
                by_row = product_of(odds, work.dynamic[g, channels + p - static])
            grad[last + p] += shared_sd[p] * by_row
            work.shared_sd_bar[p] += q[last + p] * by_row
    work.cells_bar[place] = nu_bar
    return total


@njit(**OPTIONS)
def row_product(data, g, r, series):
    """Inner product of `series` (T,) and row `r` of geo `g`."""
    common = data.common.shape[0]
    if r < common:
        return product_of(series, data.common[r])
    return product_of(series, data.local[g, r - common])
