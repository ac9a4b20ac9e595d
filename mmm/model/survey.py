"""The likelihood of brand trackers, their linear terms integrated out, with its gradient.

What it is of is in `mmm.model.readings`. With Y (P, N) the rows of levels, walks, geo deviations
and starts times their prior scales, V the noise variances and r the readings less loading times
stock, the marginal covariance is V + Y'Y; Woodbury needs A = I + Y V^-1 Y' alone (Rasmussen and
Williams, 2006, appendix A.3). With e the errors over their covariance and m = Y e, the gradient
by Y is m e' - A^-1 Y V^-1.
"""

from __future__ import annotations

import math

from numba import njit

from mmm.model.carry_over import LN2
from mmm.model.columns import COLUMNS, MEMORY, SHARE, SPLIT, SPREAD
from mmm.model.sweep import invert_spd
from mmm.model.vector import OPTIONS

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
START_SPREAD = 0.25
"""Prior standard deviation, over the mean level of the brand, of how far a geo's starting level is
from what the shared carry-in says of it: half the spread of the carry-in's own prior."""


@njit(**OPTIONS)
def first_cell(data):
    """Where the indicators' cells begin: all loadings, then noises, then walks."""
    return data.media.shape[1] * COLUMNS + data.media.shape[0] + 3


@njit(**OPTIONS)
def fill_level(data, work):
    """`work.level` (G, T), the stock of the brand, of mean one, `work.level_gain` (C,), what of
    each channel's stock is in it, and `work.level_left` (T,), what is left of a start of one."""
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
        for c in range(channels):
            for t in range(periods):
                work.level_bar[g, c, t] = 0.0
            if work.level_gain[c] > 0.0:
                for t in range(periods):
                    work.level[g, t] += work.level_gain[c] * work.stock[g, c, t]
    for t in range(periods):
        work.level_left[t] = 0.0
        work.left_bar[t] = 0.0
    for k in range(data.reading_channel.shape[0]):
        c = data.reading_channel[k]
        keep, left = 2.0 ** (-1.0 / work.table[c, MEMORY]), work.level_gain[c] * work.means[c, 1]
        for t in range(periods):
            left *= keep
            work.level_left[t] += left
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
def fill_rows(data, work, loading, walk):
    """`work.reading_row` (N, K), of each reading the entries of Y that may not be zero, in the
    rows that `data.reading_place` names: levels and walks, then its geo's own."""
    apart, cells = data.reading_channel.shape[0], work.cells
    for n in range(data.reading.shape[0]):
        row, g, t = work.reading_row[n], data.reading_geo[n], data.reading_time[n]
        first = row.shape[0] - (apart + 1 if apart > 0 else 0)
        for j in range(row.shape[0]):
            row[j] = 0.0
            if data.reading_rows[n, j] != 0.0:
                p = data.reading_place[n * row.shape[0] + j]
                of = data.reading_walk[p]
                moves = cells[walk + of] if of >= 0 else 1.0
                row[j] = data.reading_sd[p] * moves * data.reading_rows[n, j]
        if g >= 0 and apart > 0:
            times = cells[loading + data.reading_of[n]]
            for k in range(apart):
                c = data.reading_channel[k]
                part = work.level_gain[c] * work.stock[g, c, t] if work.level_gain[c] > 0.0 else 0.0
                row[first + k] = times * work.table[c, SPREAD] * part
            row[first + apart] = times * START_SPREAD * work.level_left[t]


@njit(**OPTIONS)
def log_likelihood(data, work):
    """The log-likelihood of the readings; its gradient by the indicators' cells into
    `work.cells_bar`, by what channels earn into `work.table_bar`, and by stocks as
    `work.level_gain` (C,), `work.level_bar` (G, C, T) and `work.level_mean` (C,), see
    `add_flow`."""
    count, size = data.reading.shape[0], work.reading_mean.shape[0]
    if count == 0:
        return 0.0
    first = first_cell(data)
    many = (work.cells.shape[0] - first) // 3
    loading, noise, walk = first, first + many, first + 2 * many
    cells, bars = work.cells, work.cells_bar
    earned = fill_level(data, work)
    fill_rows(data, work, loading, walk)
    system, place = work.reading_inverse, data.reading_place
    for p in range(size):
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
        row = work.reading_row[n]
        start = n * row.shape[0]
        for j in range(row.shape[0]):
            if row[j] != 0.0:
                p, x = place[start + j], row[j] / variance
                work.reading_target[p] += x * residual
                for k in range(j + 1):
                    system[p, place[start + k]] += x * row[k]
    total -= invert_spd(size, system)
    for p in range(size):
        mean = 0.0
        for q in range(size):
            mean += work.reading_inverse[p, q] * work.reading_target[q]
        work.reading_mean[p] = mean
        total += 0.5 * mean * work.reading_target[p]
    if not math.isfinite(total):
        return total
    pass_back(data, work, loading, noise)
    share_out(data, work, earned)
    for p in range(data.reading_sd.shape[0]):
        of = data.reading_walk[p]
        if of >= 0:
            second = work.reading_mean[p] * work.reading_mean[p] + work.reading_inverse[p, p]
            bars[walk + of] += (second - 1.0) / cells[walk + of]
    return total


@njit(**OPTIONS)
def pass_back(data, work, loading, noise):
    """Gradient by loadings, noises and geo spreads into their cells, by the channels' parts of
    the level into `work.level_bar`, by what is left of the start into `work.left_bar` (T,)."""
    geos, channels, _ = data.media.shape
    apart, place = data.reading_channel.shape[0], data.reading_place
    cells, bars, inverse, inner = (
        work.cells, work.cells_bar, work.reading_inverse, work.reading_inner,
    )  # fmt: skip
    weights = 0.0
    for k in range(geos):
        weights += data.weight[k]
    for n in range(data.reading.shape[0]):
        i, variance, row = data.reading_of[n], work.reading_noise[n], work.reading_row[n]
        left, spread = work.reading_left[n], 0.0
        start = n * row.shape[0]
        for j in range(row.shape[0]):
            p, inner[j] = place[start + j], 0.0
            for k in range(row.shape[0]):
                q = place[start + k]
                inner[j] += inverse[p, q] * row[k]
            left -= row[j] * work.reading_mean[p]
            spread += row[j] * inner[j]
        error = left / variance
        precision = 1.0 / variance - spread / (variance * variance)
        bars[noise + i] += (error * error - precision) * cells[noise + i]
        bars[loading + i] += error * level_at(data, work, n)
        g, t, times = data.reading_geo[n], data.reading_time[n], cells[loading + i]
        for k in range(geos):
            part = data.weight[k] / weights if g < 0 else 1.0 if k == g else 0.0
            if part > 0.0:
                for c in range(channels):
                    work.level_bar[k, c, t] += part * error * times
        if g >= 0 and apart > 0:
            first = row.shape[0] - apart - 1
            for k in range(apart + 1):
                mean = work.reading_mean[place[start + first + k]]
                bar = mean * error - inner[first + k] / variance
                if k == apart:
                    bars[loading + i] += bar * START_SPREAD * work.level_left[t]
                    work.left_bar[t] += bar * times * START_SPREAD
                else:
                    c = data.reading_channel[k]
                    by, gain = work.table[c, SPREAD], work.level_gain[c]
                    if gain > 0.0:
                        part = gain * work.stock[g, c, t]
                        bars[loading + i] += bar * by * part
                        work.table_bar[c, SPREAD] += bar * times * part
                        work.level_bar[g, c, t] += bar * times * by


@njit(**OPTIONS)
def share_out(data, work, earned):
    """`work.level_mean` (C,), and the gradient by memories and by what each channel earns, of
    which `earned` is the sum."""
    geos, channels, periods = data.media.shape
    whole = 0.0
    for c in range(channels):
        work.level_mean[c], work.level_sum[c] = 0.0, 0.0
        if work.level_gain[c] > 0.0:
            mean, start, later = 0.0, 0.0, 0.0
            for g in range(geos):
                for t in range(periods):
                    mean += work.level_bar[g, c, t] * work.stock[g, c, t]
            memory, left = work.table[c, MEMORY], 1.0
            keep = 2.0 ** (-1.0 / memory)
            for t in range(periods):
                left *= keep
                start += work.left_bar[t] * left
                later += work.left_bar[t] * left * (t + 1.0)
            part = work.level_gain[c] * work.means[c, 1]
            work.level_mean[c] = mean / work.means[c, 1]
            work.level_sum[c] = work.level_mean[c] + start
            work.table_bar[c, MEMORY] += part * later * LN2 / (memory * memory)
            whole += work.level_sum[c] * part
    for c in range(channels):
        if work.means[c, 1] > 0.0 and earned > 0.0:
            bar = (work.level_sum[c] - whole) / earned
            work.table_bar[c, SHARE] += bar * work.table[c, SPLIT]
            work.table_bar[c, SPLIT] += bar * work.table[c, SHARE]


@njit(**OPTIONS)
def add_flow(data, work, c, g, flow):
    """Adds to `flow` (T,), the gradient by channel `c`'s stock in geo `g`, that of readings."""
    if data.reading.shape[0] == 0:
        return
    gain, shift = work.level_gain[c], data.weight[g] * work.level_mean[c]
    for t in range(flow.shape[0]):
        flow[t] += gain * (work.level_bar[g, c, t] - shift)
