"""The collapsed likelihood: every linear Gaussian term integrated out, with its gradient.

For geo g with channel effects F_g (channels, periods), baseline rows Z (one set for all geos)
and shared rows W_g, all rows along time,

    y_g = 1'F_g + z_g'[Z; spread * F_g] + w'W_g + eps_g,   eps_g ~ N(0, sigma_g^2),

where z_g and w are independent Gaussians. Writing Q_g for the geo's scaled rows, the marginal
covariance is sigma_g^2 I + Q_g'Q_g + W'W, inverted by Woodbury: a Cholesky factor A_g for each
geo's small block and one Schur complement S for the shared rows (Lindley and Smith, 1972;
Rasmussen and Williams, 2006, appendix A.3). All data enters through inner products along time,
of which only those with F_g change between evaluations.

With m and V the posterior mean and covariance of the whitened coefficients, and
e = Sigma^-1 r, the gradient is closed: d/dr = -e, d/dQ = e m' - Sigma^-1 Q, and
d/d log(scale of column k) = m_k^2 + V_kk - 1.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mmm.model.vector import OPTIONS

LARGEST_SQUARE = 1e14
"""Sum of squares over noise above which its last digits are worth more than 0.01 of log-density."""


@njit(**OPTIONS)
def invert_spd(matrix, lower, inverse):
    """Cholesky factor into `lower`, inverse into `inverse`; the half log-determinant, or NaN
    when `matrix` is not positive definite."""
    n = matrix.shape[0]
    half_log_det = 0.0
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if not total > 0.0:
                    return np.nan
                lower[i, i] = math.sqrt(total)
                half_log_det += math.log(lower[i, i])
            else:
                lower[i, j] = total / lower[j, j]
        for j in range(i + 1, n):
            lower[i, j] = 0.0
    root = np.zeros((n, n))
    for j in range(n):
        root[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, n):
            total = 0.0
            for k in range(j, i):
                total -= lower[i, k] * root[k, j]
            root[i, j] = total / lower[i, i]
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, n):
                total += root[k, i] * root[k, j]
            inverse[i, j] = total
            inverse[j, i] = total
    return half_log_det


@njit(**OPTIONS)
def moments(effect, spread, sigma, own_sd, shared_sd, rows, gram, own, inverse, lower, cross,
            solved, schur_lower, schur_inverse, own_mean, shared_mean, geo_gram):  # fmt: skip
    """Fills the posterior moments of the whitened coefficients; returns the log-likelihood, or
    NaN where it cannot be had to within rounding.

    effect (G, C, T); rows (G, R, T) holds `own` baseline rows, the shared rows, then the
    outcome; gram (G, R, R) their inner products. K = own + C (own only when `spread` is
    empty). Fills inverse and lower (G, K, K), cross = Q W'/sigma^2 (G, K, P),
    solved = A^-1 cross, schur (P, P), own_mean (G, K), shared_mean (P,),
    geo_gram = W W' scaled (G, P, P).
    """
    geos, channels, periods = effect.shape
    all_rows = rows.shape[1]
    shared = all_rows - 1 - own
    pooled = spread.shape[0]
    size = own + pooled
    last = all_rows - 1
    schur = np.zeros((shared, shared))
    for i in range(shared):
        schur[i, i] = 1.0
    target = np.zeros(shared)
    own_target = np.empty((geos, size))
    system = np.empty((size, size))
    loglik, raw, explained_square = 0.0, 0.0, 0.0
    for g in range(geos):
        precision = 1.0 / (sigma[g] * sigma[g])
        with_rows = np.dot(effect[g], rows[g].T)
        within = np.dot(effect[g], effect[g].T)
        sums = np.zeros(all_rows)
        for c in range(channels):
            for k in range(all_rows):
                sums[k] += with_rows[c, k]
        between = np.zeros(channels)
        square = gram[g, last, last] - 2.0 * sums[last]
        for c in range(channels):
            for d in range(channels):
                between[c] += within[c, d]
            square += between[c]
        raw += precision * square
        loglik -= periods * math.log(sigma[g])
        b = cross[g]
        for i in range(own):
            for j in range(own):
                system[i, j] = precision * own_sd[i] * own_sd[j] * gram[g, i, j]
            own_target[g, i] = precision * own_sd[i] * (gram[g, i, last] - sums[i])
            for p in range(shared):
                b[i, p] = precision * own_sd[i] * shared_sd[p] * gram[g, i, own + p]
        for c in range(pooled):
            scaled = precision * spread[c]
            i = own + c
            for j in range(own):
                system[i, j] = scaled * own_sd[j] * with_rows[c, j]
                system[j, i] = system[i, j]
            for d in range(pooled):
                system[i, own + d] = scaled * spread[d] * within[c, d]
            own_target[g, i] = scaled * (with_rows[c, last] - between[c])
            for p in range(shared):
                b[i, p] = scaled * shared_sd[p] * with_rows[c, own + p]
        for i in range(size):
            system[i, i] += 1.0
        half_log_det = invert_spd(system, lower[g], inverse[g])
        if not half_log_det < np.inf:
            return np.nan
        loglik -= half_log_det
        for i in range(size):
            total = 0.0
            for j in range(size):
                total += inverse[g, i, j] * own_target[g, j]
            own_mean[g, i] = total
            explained_square += total * own_target[g, i]
        solved[g] = np.dot(inverse[g], b)
        explained = np.dot(b.T, solved[g])
        for p in range(shared):
            for q in range(shared):
                inner = precision * shared_sd[p] * shared_sd[q] * gram[g, own + p, own + q]
                geo_gram[g, p, q] = inner
                schur[p, q] += inner - explained[p, q]
            total = precision * shared_sd[p] * (gram[g, own + p, last] - sums[own + p])
            for i in range(size):
                total -= b[i, p] * own_mean[g, i]
            target[p] += total
    half_log_det = invert_spd(schur, schur_lower, schur_inverse)
    if not half_log_det < np.inf:
        return np.nan
    loglik -= half_log_det
    for p in range(shared):
        total = 0.0
        for q in range(shared):
            total += schur_inverse[p, q] * target[q]
        shared_mean[p] = total
        explained_square += total * target[p]
    # far out in the tails the two cancel to less than rounding leaves of them
    if not (raw < LARGEST_SQUARE and raw >= explained_square):
        return np.nan
    loglik -= 0.5 * (raw - explained_square)
    for g in range(geos):
        for i in range(size):
            for p in range(shared):
                own_mean[g, i] -= solved[g, i, p] * shared_mean[p]
    return loglik - 0.5 * geos * periods * math.log(2.0 * math.pi)


@njit(**OPTIONS)
def gradient(effect, spread, sigma, own_sd, shared_sd, rows, own, inverse, cross, solved,
             schur_inverse, own_mean, shared_mean, geo_gram,
             effect_bar, spread_bar, sigma_bar, own_sd_bar, shared_sd_bar):  # fmt: skip
    """Fills the gradient of the log-likelihood by its inputs, given `moments` of the same."""
    geos, channels, periods = effect.shape
    all_rows = rows.shape[1]
    shared = all_rows - 1 - own
    pooled = spread.shape[0]
    size = own + pooled
    for p in range(shared):
        shared_sd_bar[p] = (shared_mean[p] ** 2 + schur_inverse[p, p] - 1.0) / shared_sd[p]
    for k in range(own):
        own_sd_bar[k] = 0.0
    for c in range(pooled):
        spread_bar[c] = 0.0
    from_rows = np.empty((channels, all_rows))
    from_effects = np.empty((channels, channels))
    for g in range(geos):
        precision = 1.0 / (sigma[g] * sigma[g])
        link = np.dot(solved[g], schur_inverse)  # minus the covariance of own and shared
        covariance = inverse[g] + np.dot(link, solved[g].T)
        trace = 0.0
        for i in range(size):
            gain = own_mean[g, i] ** 2 + covariance[i, i] - 1.0
            if i < own:
                own_sd_bar[i] += gain / own_sd[i]
            elif spread[i - own] > 0.0:
                spread_bar[i - own] += gain / spread[i - own]
        # trace of precision * V * H'H over this geo, H'H assembled from A - I and cross
        mixed = np.dot(solved[g].T, cross[g])
        for i in range(size):
            trace += 1.0 - inverse[g, i, i]
        for p in range(shared):
            for q in range(shared):
                back = 0.0
                for i in range(size):
                    back += solved[g, i, p] * solved[g, i, q]
                trace += schur_inverse[p, q] * (geo_gram[g, p, q] - mixed[p, q] - back)
        residual = np.empty(periods)
        weights = np.zeros(all_rows)
        weights[all_rows - 1] = 1.0
        for k in range(own):
            weights[k] = -own_sd[k] * own_mean[g, k]
        for p in range(shared):
            weights[own + p] = -shared_sd[p] * shared_mean[p]
        residual[:] = np.dot(weights, rows[g])
        for c in range(channels):
            scale = 1.0 + (spread[c] * own_mean[g, own + c] if pooled > 0 else 0.0)
            for t in range(periods):
                residual[t] -= scale * effect[g, c, t]
        square = 0.0
        for t in range(periods):
            residual[t] *= precision
            square += residual[t] * residual[t]
        sigma_bar[g] = sigma[g] * (square - precision * (periods - trace))
        if pooled == 0:
            for c in range(channels):
                for t in range(periods):
                    effect_bar[g, c, t] = residual[t]
            continue
        for c in range(channels):
            scaled = -precision * spread[c]
            for k in range(own):
                from_rows[c, k] = scaled * own_sd[k] * covariance[k, own + c]
            for p in range(shared):
                from_rows[c, own + p] = -scaled * shared_sd[p] * link[own + c, p]
            from_rows[c, all_rows - 1] = 0.0
            for d in range(channels):
                from_effects[c, d] = scaled * spread[d] * covariance[own + d, own + c]
        effect_bar[g] = np.dot(from_rows, rows[g]) + np.dot(from_effects, effect[g])
        for c in range(channels):
            scale = 1.0 + spread[c] * own_mean[g, own + c]
            for t in range(periods):
                effect_bar[g, c, t] += scale * residual[t]


@njit(**OPTIONS)
def draw_coefficients(lower, solved, schur_lower, own_mean, shared_mean, own_noise, shared_noise,
                      own_out, shared_out):  # fmt: skip
    """One draw of the whitened coefficients from their conditional, given standard noise.

    own_out (G, K) and shared_out (P,); `own_mean` is the mean over the shared draw too.
    """
    geos, size = own_mean.shape
    shared = shared_mean.shape[0]
    step = np.empty(shared)
    for i in range(shared - 1, -1, -1):
        total = shared_noise[i]
        for k in range(i + 1, shared):
            total -= schur_lower[k, i] * step[k]
        step[i] = total / schur_lower[i, i]
        shared_out[i] = shared_mean[i] + step[i]
    inner = np.empty(size)
    for g in range(geos):
        for i in range(size - 1, -1, -1):
            total = own_noise[g, i]
            for k in range(i + 1, size):
                total -= lower[g, k, i] * inner[k]
            inner[i] = total / lower[g, i, i]
            level = own_mean[g, i] + inner[i]
            for p in range(shared):
                level -= solved[g, i, p] * step[p]
            own_out[g, i] = level
