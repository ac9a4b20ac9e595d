"""The likelihood of brand trackers, levels and walks integrated out, with its gradient.

What it is of is in `mmm.model.readings`. With X the rows of levels and walks times their prior
scales D, V the noise variances and r the readings less loading times stock, the marginal
covariance is V + X'D^2X; Woodbury needs A = I + D X V^-1 X' D alone (Rasmussen and Williams,
2006, appendix A.3). The gradient is that of `mmm.model.collapse` on a smaller scale.
"""

from __future__ import annotations

import math

from numba import njit

from mmm.model.collapse import invert_spd
from mmm.model.columns import COLUMNS, SHARE, SPLIT
from mmm.model.vector import OPTIONS

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@njit(**OPTIONS)
def first_cell(data):
    """Where the indicators' cells begin: all loadings, then noises, then walks."""
    return data.media.shape[1] * COLUMNS + data.media.shape[0] + 3


@njit(**OPTIONS)
def fill_level(data, work):
    """`work.level` (G, T), the stock of the brand, of mean one, and `work.level_gain` (C,), what
    of each channel's stock is in it."""
    geos, channels, periods = data.media.shape
    total = 0.0
    for c in range(channels):
        if work.means[c, 1] > 0.0:
            total += work.table[c, SHARE] * work.table[c, SPLIT]
    for c in range(channels):
        earns = work.table[c, SHARE] * work.table[c, SPLIT]
        alive = work.means[c, 1] > 0.0 and total > 0.0
        work.level_gain[c] = earns / (total * work.means[c, 1]) if alive else 0.0
    for g in range(geos):
        for t in range(periods):
            work.level[g, t] = 0.0
            work.level_bar[g, t] = 0.0
        for c in range(channels):
            if work.level_gain[c] > 0.0:
                for t in range(periods):
                    work.level[g, t] += work.level_gain[c] * work.stock[g, c, t]
    return total


@njit(**OPTIONS)
def level_at(data, work, n):
    """The stock that reading `n` is of."""
    g, t = data.reading_geo[n], data.reading_time[n]
    if g >= 0:
        return work.level[g, t]
    total, weights = 0.0, 0.0
    for k in range(data.weight.shape[0]):
        total += data.weight[k] * work.level[k, t]
        weights += data.weight[k]
    return total / weights


@njit(**OPTIONS)
def log_likelihood(data, work):
    """The log-likelihood of the readings; its gradient by the indicators' cells into
    `work.cells_bar`, by what channels earn into `work.table_bar`, and by stocks as
    `work.level_gain` (C,), `work.level_bar` (G, T) and `work.level_mean` (C,), see `add_flow`."""
    count, size = data.reading.shape[0], data.reading_sd.shape[0]
    if count == 0:
        return 0.0
    first = first_cell(data)
    many = (work.cells.shape[0] - first) // 3
    loading, noise, walk = first, first + many, first + 2 * many
    cells, bars = work.cells, work.cells_bar
    earned = fill_level(data, work)
    scale, system = work.reading_scale, work.reading_system
    for p in range(size):
        of = data.reading_walk[p]
        scale[p] = data.reading_sd[p] * (cells[walk + of] if of >= 0 else 1.0)
        work.reading_target[p] = 0.0
        for q in range(size):
            system[p, q] = 1.0 if p == q else 0.0
    total = -count * HALF_LOG_2PI
    for n in range(count):
        i = data.reading_of[n]
        variance = data.reading_variance[n] + cells[noise + i] * cells[noise + i]
        residual = data.reading[n] - cells[loading + i] * level_at(data, work, n)
        work.reading_noise[n], work.reading_left[n] = variance, residual
        total -= 0.5 * (residual * residual / variance + math.log(variance))
        for p in range(size):
            if data.reading_rows[p, n] != 0.0:
                x = scale[p] * data.reading_rows[p, n] / variance
                work.reading_target[p] += x * residual
                for q in range(p + 1):
                    system[p, q] += x * scale[q] * data.reading_rows[q, n]
    total -= invert_spd(system, work.reading_lower, work.reading_root, work.reading_inverse)
    for p in range(size):
        mean = 0.0
        for q in range(size):
            mean += work.reading_inverse[max(p, q), min(p, q)] * work.reading_target[q]
        work.reading_mean[p] = mean
        total += 0.5 * mean * work.reading_target[p]
    if not math.isfinite(total):
        return total
    pass_back(data, work, loading, noise, walk)
    share_out(data, work, earned)
    for p in range(size):
        of = data.reading_walk[p]
        if of >= 0:
            second = work.reading_mean[p] * work.reading_mean[p] + work.reading_inverse[p, p]
            bars[walk + of] += (second - 1.0) / cells[walk + of]
    return total


@njit(**OPTIONS)
def pass_back(data, work, loading, noise, walk):
    """Gradient by loadings and noises into their cells, by stocks into `work.level_bar`."""
    size, cells, bars = data.reading_sd.shape[0], work.cells, work.cells_bar
    scale, inverse = work.reading_scale, work.reading_inverse
    for n in range(data.reading.shape[0]):
        i, variance = data.reading_of[n], work.reading_noise[n]
        left, spread = work.reading_left[n], 0.0
        for p in range(size):
            x = scale[p] * data.reading_rows[p, n]
            if x != 0.0:
                left -= x * work.reading_mean[p]
                for q in range(size):
                    other = scale[q] * data.reading_rows[q, n]
                    spread += x * inverse[max(p, q), min(p, q)] * other
        error = left / variance
        precision = 1.0 / variance - spread / (variance * variance)
        bars[noise + i] += (error * error - precision) * cells[noise + i]
        bars[loading + i] += error * level_at(data, work, n)
        g, t, bar = data.reading_geo[n], data.reading_time[n], error * cells[loading + i]
        if g >= 0:
            work.level_bar[g, t] += bar
        else:
            weights = 0.0
            for k in range(data.weight.shape[0]):
                weights += data.weight[k]
            for k in range(data.weight.shape[0]):
                work.level_bar[k, t] += bar * data.weight[k] / weights


@njit(**OPTIONS)
def share_out(data, work, earned):
    """`work.level_mean` (C,), and the gradient by what each channel earns, of which `earned` is
    the sum."""
    geos, channels, periods = data.media.shape
    whole = 0.0
    for c in range(channels):
        mean = 0.0
        if work.level_gain[c] > 0.0:
            for g in range(geos):
                for t in range(periods):
                    mean += work.level_bar[g, t] * work.stock[g, c, t]
            mean /= work.means[c, 1]
        work.level_mean[c] = mean
        whole += mean * work.level_gain[c] * work.means[c, 1]
    for c in range(channels):
        if work.means[c, 1] > 0.0 and earned > 0.0:
            bar = (work.level_mean[c] - whole) / earned
            work.table_bar[c, SHARE] += bar * work.table[c, SPLIT]
            work.table_bar[c, SPLIT] += bar * work.table[c, SHARE]


@njit(**OPTIONS)
def add_flow(data, work, c, g, flow):
    """Adds to `flow` (T,), the gradient by channel `c`'s stock in geo `g`, that of readings."""
    if data.reading.shape[0] == 0:
        return
    gain, shift = work.level_gain[c], data.weight[g] * work.level_mean[c]
    for t in range(flow.shape[0]):
        flow[t] += gain * (work.level_bar[g, t] - shift)
