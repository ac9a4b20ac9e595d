"""The collapsed likelihood: every linear Gaussian term integrated out, with its gradient.

For geo g, all rows along time, with channel effects E_g (channels, periods), baseline rows and
drift rows V_g = effect * basis of the channels whose effectiveness moves,

    y_g = 1'E_g + z_g'[own rows; spread * E_g] + w'[shared rows; drift sd * V_g] + eps_g,

eps_g ~ N(0, sigma_g^2), z_g and w independent standard normals times their scales. Writing Q_g
for the geo's scaled own rows and W_g for the shared ones, the marginal covariance is
sigma_g^2 I + Q_g'Q_g + W'W, inverted by Woodbury: a Cholesky factor of A_g = I + Q_g Q_g'/sigma^2
for each geo's small block and one Schur complement for what geos share (Lindley and Smith, 1972;
Rasmussen and Williams, 2006, appendix A.3). Data enters through inner products along time alone:
those of baseline rows and outcome never change, those with effects are one product a geo.

With m and V the posterior mean and covariance of the whitened coefficients and
e = Sigma^-1 r, the gradient is closed: d/dr = -e, d/dQ = e m' - Sigma^-1 Q, and
d/d log(scale of column k) = m_k^2 + V_kk - 1. All of it is a mixture of the same rows.

Rows are numbered: common rows (K, the same in all geos), then a geo's local rows, the outcome
last. Matrices of the geos' own blocks are held eight geos at a time (`mmm.model.lanes`).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mmm.model.lanes import LANES, add_product, add_scaled, factor, multiply, subtract_product
from mmm.model.sweep import invert_spd
from mmm.model.tiles import add_mixture
from mmm.model.vector import OPTIONS, inner_products

LARGEST_SQUARE = 1e14
"""Sum of squares over noise above which its last digits are worth more than 0.01 of log-density."""


@njit(**OPTIONS)
def assemble(data, work, g):
    """Scaled inner products of geo `g` into its lane: system A, cross, net and the targets.

    Adds nothing up over geos; returns the geo's sum of squares over noise.
    """
    spread, sigma = work.spread, work.sigma
    rows, count = work.with_rows.shape[1], spread.shape[0]
    channels, dynamic = data.media.shape[1], work.dynamic.shape[1]
    own, size = data.own_row.shape[0], data.own_row.shape[0] + count
    static = data.shared_row.shape[0]
    shared = static + dynamic - channels
    last = rows - 1
    lane, block = g % LANES, g // LANES
    system, net = work.system, work.net
    cross, target = work.cross[block], work.own_target[block]
    square_of, shared_target = work.geo_gram[block], work.shared_target[block]
    own_sd, shared_sd = work.own_sd, work.shared_sd
    gram, with_rows, within = data.gram[g], work.with_rows, work.within
    precision = 1.0 / (sigma[g] * sigma[g])
    common = data.common.shape[0]
    x = work.dynamic[g]
    for r in range(rows):
        work.sums[r] = 0.0
    inner_products(x, data.common, with_rows, 0, False)
    inner_products(x, data.local[g], with_rows, common, False)
    inner_products(x, x, within, 0, True)
    for c in range(channels):
        for r in range(rows):
            work.sums[r] += with_rows[c, r]
    square = gram[last, last] - 2.0 * work.sums[last]
    for c in range(dynamic):
        total = 0.0
        for d in range(channels):
            total += within[c, d]
        work.between[c] = total
        if c < channels:
            square += total
    for i in range(own):
        r, scaled = data.own_row[i], precision * own_sd[i]
        for j in range(i + 1):
            system[(i * size + j) * LANES + lane] = scaled * own_sd[j] * gram[r, data.own_row[j]]
        target[i * LANES + lane] = scaled * (gram[r, last] - work.sums[r])
        for p in range(static):
            value = scaled * shared_sd[p] * gram[r, data.shared_row[p]]
            cross[(i * shared + p) * LANES + lane] = value
        for p in range(static, shared):
            value = scaled * shared_sd[p] * with_rows[channels + p - static, r]
            cross[(i * shared + p) * LANES + lane] = value
    for c in range(count):
        i, scaled = own + c, precision * spread[c]
        for j in range(own):
            value = scaled * own_sd[j] * with_rows[c, data.own_row[j]]
            system[(i * size + j) * LANES + lane] = value
        for d in range(c + 1):
            system[(i * size + own + d) * LANES + lane] = scaled * spread[d] * within[c, d]
        target[i * LANES + lane] = scaled * (with_rows[c, last] - work.between[c])
        for p in range(static):
            value = scaled * shared_sd[p] * with_rows[c, data.shared_row[p]]
            cross[(i * shared + p) * LANES + lane] = value
        for p in range(static, shared):
            value = scaled * shared_sd[p] * within[c, channels + p - static]
            cross[(i * shared + p) * LANES + lane] = value
    for i in range(size):
        system[(i * size + i) * LANES + lane] += 1.0
    for p in range(static):
        r, scaled = data.shared_row[p], precision * shared_sd[p]
        for q in range(p + 1):
            value = scaled * shared_sd[q] * gram[r, data.shared_row[q]]
            square_of[(p * shared + q) * LANES + lane] = value
            net[(p * shared + q) * LANES + lane] = value
        shared_target[p * LANES + lane] = scaled * (gram[r, last] - work.sums[r])
    for p in range(static, shared):
        v, scaled = channels + p - static, precision * shared_sd[p]
        for q in range(p + 1):
            if q < static:
                value = scaled * shared_sd[q] * with_rows[v, data.shared_row[q]]
            else:
                value = scaled * shared_sd[q] * within[v, channels + q - static]
            square_of[(p * shared + q) * LANES + lane] = value
            net[(p * shared + q) * LANES + lane] = value
        shared_target[p * LANES + lane] = scaled * (with_rows[v, last] - work.between[v])
    return precision * square


@njit(**OPTIONS)
def moments(data, work):
    """Fills the posterior moments of the whitened coefficients; returns the log-likelihood, or
    NaN where it cannot be had to within rounding.

    Reads `work.dynamic` (G, C + V, T): effects, then drift rows.
    """
    geos, channels, periods = data.media.shape
    size = data.own_row.shape[0] + work.spread.shape[0]
    shared = data.shared_row.shape[0] + work.dynamic.shape[1] - channels
    schur, target = work.schur_inverse, work.target
    for p in range(shared):
        for q in range(p):
            schur[p, q] = 0.0
        schur[p, p] = 1.0
        target[p] = 0.0
    loglik, raw, explained = 0.0, 0.0, 0.0
    for block in range(work.cross.shape[0]):
        inside = min(LANES, geos - block * LANES)
        cross, solved, mean = work.cross[block], work.solved[block], work.own_mean[block]
        own_target, shared_target = work.own_target[block], work.shared_target[block]
        if inside < LANES:
            for x in range(size * size * LANES):
                work.system[x] = 0.0
            for i in range(size):
                for lane in range(inside, LANES):
                    work.system[(i * size + i) * LANES + lane] = 1.0
        for g in range(block * LANES, block * LANES + inside):
            work.raw[g] = assemble(data, work, g)
            raw += work.raw[g]
            loglik -= periods * math.log(work.sigma[g])
        inverse = work.inverse[block]
        half_log_det = factor(size, work.system, work.root[block], inverse, work.pivot)
        if not half_log_det < np.inf:
            return np.nan
        loglik -= half_log_det
        multiply(size, size, 1, inverse, own_target, mean)
        multiply(size, size, shared, inverse, cross, solved)
        for i in range(size):
            for p in range(shared):
                subtract_product(
                    shared_target, p * LANES, cross, (i * shared + p) * LANES, mean, i * LANES
                )
                for q in range(p + 1):
                    subtract_product(
                        work.net, (p * shared + q) * LANES,
                        cross, (i * shared + p) * LANES,
                        solved, (i * shared + q) * LANES,
                    )  # fmt: skip
            for lane in range(inside):
                explained += mean[i * LANES + lane] * own_target[i * LANES + lane]
        for p in range(shared):
            for lane in range(inside):
                target[p] += shared_target[p * LANES + lane]
            for q in range(p + 1):
                total = 0.0
                for lane in range(inside):
                    total += work.net[(p * shared + q) * LANES + lane]
                schur[p, q] += total
    half_log_det = invert_spd(shared, schur)
    if not half_log_det < np.inf:
        return np.nan
    loglik -= half_log_det
    for p in range(shared):
        total = 0.0
        for q in range(shared):
            total += schur[p, q] * target[q]
        work.shared_mean[p] = total
        explained += total * target[p]
    # far out in the tails the two cancel to less than rounding leaves of them
    if not (raw < LARGEST_SQUARE and raw >= explained):
        return np.nan
    for block in range(work.cross.shape[0]):
        for i in range(size):
            for p in range(shared):
                add_scaled(
                    work.own_mean[block], i * LANES,
                    work.solved[block], (i * shared + p) * LANES, -work.shared_mean[p],
                )  # fmt: skip
    return loglik - 0.5 * (raw - explained) - 0.5 * geos * periods * math.log(2.0 * math.pi)


@njit(**OPTIONS)
def residual_square(work, block, lane, size, shared, raw):
    """Sum of squares over noise of a geo's residual at the posterior mean, and the trace of the
    covariance of its fitted values over noise."""
    mean, cross = work.own_mean[block], work.cross[block]
    solved, link, inverse = work.solved[block], work.link, work.inverse[block]
    gram, own_target = work.geo_gram[block], work.own_target[block]
    shared_target = work.shared_target[block]
    square, trace = raw, 0.0
    for i in range(size):
        value = mean[i * LANES + lane]
        square -= value * own_target[i * LANES + lane] + value * value
        trace += 1.0 - inverse[(i * size + i) * LANES + lane]
        for p in range(shared):
            at = (i * shared + p) * LANES + lane
            square += value * cross[at] * work.shared_mean[p]
            trace -= link[at] * (cross[at] + solved[at])
            # what `moments` took off the shared target, put back
            square -= 2.0 * work.shared_mean[p] * cross[at] * work.first_mean[i * LANES + lane]
    for p in range(shared):
        square -= 2.0 * work.shared_mean[p] * shared_target[p * LANES + lane]
        for q in range(p + 1):
            twice = 1.0 if p == q else 2.0
            value = twice * gram[(p * shared + q) * LANES + lane]
            square += value * work.shared_mean[p] * work.shared_mean[q]
            trace += value * work.schur_inverse[p, q]
    return square, trace


@njit(**OPTIONS)
def gradient(data, work):
    """The gradient of the log-likelihood, given `moments` of the same point.

    Fills `work.dynamic_bar` (G, C + V, T) by effects and drift rows, `own_sd_bar` and
    `shared_sd_bar` by the scales, `spread_bar` and `sigma_bar`.
    """
    spread, sigma, spread_bar = work.spread, work.sigma, work.spread_bar
    geos, channels, periods = data.media.shape
    own, count = data.own_row.shape[0], spread.shape[0]
    size = own + count
    static = data.shared_row.shape[0]
    shared = static + work.dynamic.shape[1] - channels
    for p in range(shared):
        gain = work.shared_mean[p] ** 2 + work.schur_inverse[p, p] - 1.0
        work.shared_sd_bar[p] = gain / work.shared_sd[p]
    for k in range(own):
        work.own_sd_bar[k] = 0.0
    for c in range(count):
        spread_bar[c] = 0.0
    for block in range(work.cross.shape[0]):
        solved, mean, inverse = work.solved[block], work.own_mean[block], work.inverse[block]
        link, covariance = work.link, work.covariance
        for x in range(size * shared * LANES):
            link[x] = 0.0
        for x in range(size * LANES):
            work.first_mean[x] = mean[x]
        for i in range(size):
            for q in range(shared):
                at = (i * shared + q) * LANES
                add_scaled(work.first_mean, i * LANES, solved, at, work.shared_mean[q])
                for p in range(shared):
                    add_scaled(link, (i * shared + p) * LANES, solved, at, work.schur_inverse[q, p])
        for i in range(size):
            for j in range(i + 1):
                at = (i * size + j) * LANES
                for lane in range(LANES):
                    covariance[at + lane] = inverse[at + lane]
                for p in range(shared):
                    add_product(
                        covariance, at,
                        link, (i * shared + p) * LANES, solved, (j * shared + p) * LANES,
                    )  # fmt: skip
        for lane in range(min(LANES, geos - block * LANES)):
            g = block * LANES + lane
            precision = 1.0 / (sigma[g] * sigma[g])
            for i in range(size):
                value = mean[i * LANES + lane]
                gain = value * value + covariance[(i * size + i) * LANES + lane] - 1.0
                if i < own:
                    work.own_sd_bar[i] += gain / work.own_sd[i]
                elif spread[i - own] > 0.0:
                    spread_bar[i - own] += gain / spread[i - own]
            square, trace = residual_square(work, block, lane, size, shared, work.raw[g])
            work.sigma_bar[g] = (square + trace - periods) / sigma[g]
            mixing_weights(data, work, block, lane, precision)
            bar = work.dynamic_bar[g]
            for x in range(bar.shape[0]):
                for t in range(periods):
                    bar[x, t] = 0.0
            rows, common = work.with_rows.shape[1], data.common.shape[0]
            add_mixture(work.weights, 0, data.common, bar)
            add_mixture(work.weights, common, data.local[g], bar)
            add_mixture(work.weights, rows, work.dynamic[g], bar)


@njit(**OPTIONS)
def mixing_weights(data, work, block, lane, precision):
    """Fills `work.weights` (C + V, rows + C + V): the gradient by each dynamic row of a geo is
    this mixture of its rows. It is -precision (E[coef] E[coef]' + Cov[coef]), the coefficient of
    the outcome being -1."""
    spread = work.spread
    channels, dynamic = data.media.shape[1], work.dynamic.shape[1]
    own, count = data.own_row.shape[0], spread.shape[0]
    size, static = own + count, data.shared_row.shape[0]
    shared = static + dynamic - channels
    rows = work.with_rows.shape[1]
    mean, link, covariance = work.own_mean[block], work.link, work.covariance
    own_sd, shared_sd, full, weights = work.own_sd, work.shared_sd, work.full, work.weights
    for r in range(rows + channels):
        full[r] = 0.0 if r < rows else 1.0
    full[rows - 1] = -1.0
    for i in range(own):
        full[data.own_row[i]] += own_sd[i] * mean[i * LANES + lane]
    for p in range(static):
        full[data.shared_row[p]] += shared_sd[p] * work.shared_mean[p]
    for c in range(count):
        full[rows + c] += spread[c] * mean[(own + c) * LANES + lane]
    for p in range(static, shared):
        full[rows + channels + p - static] = shared_sd[p] * work.shared_mean[p]
    for x in range(dynamic):
        scaled = -precision * full[rows + x]
        for r in range(rows + dynamic):
            weights[x, r] = scaled * full[r]
    for c in range(count):
        i, scaled, out = own + c, -precision * spread[c], weights[c]
        for j in range(own):
            value = own_sd[j] * covariance[(i * size + j) * LANES + lane]
            out[data.own_row[j]] += scaled * value
        for d in range(c + 1):
            value = scaled * spread[d] * covariance[(i * size + own + d) * LANES + lane]
            out[rows + d] += value
            if d < c:
                weights[d, rows + c] += value
        for p in range(static):
            value = shared_sd[p] * link[(i * shared + p) * LANES + lane]
            out[data.shared_row[p]] -= scaled * value
        for p in range(static, shared):
            v = channels + p - static
            value = scaled * shared_sd[p] * link[(i * shared + p) * LANES + lane]
            out[rows + v] -= value
            weights[v, rows + c] -= value
    for p in range(static, shared):
        v, scaled = channels + p - static, -precision * shared_sd[p]
        for i in range(own):
            value = own_sd[i] * link[(i * shared + p) * LANES + lane]
            weights[v, data.own_row[i]] -= scaled * value
        for q in range(static):
            value = shared_sd[q] * work.schur_inverse[p, q]
            weights[v, data.shared_row[q]] += scaled * value
        for q in range(static, shared):
            value = shared_sd[q] * work.schur_inverse[p, q]
            weights[v, rows + channels + q - static] += scaled * value
