"""The likelihood of experiments, with its gradient.

What it says is in `mmm.model.trials`. Adstock is linear, so the changed level is the level as it
was plus the adstock of the change alone, a' = a + A(dx), and only periods from the test's start
on are worked out: ds = sat(a') - sat(a), dB the stock of ds, D = g1 ds + g2 dB with the gains of
the window. The gradient by what the window has (a, sat(a) and the means that gains are over) goes
into `work.trial_level`, `work.trial_now` and `work.trial_mean`, which `curves.adjoint` takes up;
all else straight into the table's.
"""

from __future__ import annotations

import math

from numba import njit

from mmm.model.columns import ADSTOCK_1, ADSTOCK_2, DRIFT, HALF, MEMORY, SLOPE, SPLIT, SPREAD
from mmm.model.curves import (
    LN2,
    adstock_adjoint,
    adstock_series,
    gains,
    geometric,
    geometric_back,
)
from mmm.model.saturation import (
    HILL,
    TINY,
    saturate,
    saturation_adjoint,
    saturation_slopes,
)
from mmm.model.vector import OPTIONS, lagged_product, product_of, total_of

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@njit(**OPTIONS)
def log_likelihood(data, work):
    """The log-likelihood of the tests and its gradient. Predicted lifts (N,) go to
    `work.trial_seen`, their variances, deviations included, to `work.trial_spread`."""
    tests = data.trial_lift.shape[0]
    if tests == 0:
        return 0.0
    clear(work)
    total = -tests * HALF_LOG_2PI
    for n in range(tests):
        first, last = data.trial_first[n], data.trial_first[n + 1]
        mean, variance = 0.0, data.trial_variance[n]
        forget_walks(work)
        for m in range(first, last):
            caused = forward(data, work, m)
            own = work.table[data.trial_channel[m], SPREAD] * caused
            mean += caused
            variance += own * own
            add_walks(data, work, m)
        variance += walk_variance(data, work)
        residual = data.trial_lift[n] - mean
        work.trial_seen[n], work.trial_spread[n] = mean, variance
        total -= 0.5 * (residual * residual / variance + math.log(variance))
        by_mean = residual / variance
        by_variance = 0.5 * (by_mean * by_mean - 1.0 / variance)
        for m in range(first, last):
            backward(data, work, m, by_mean, by_variance)
        walks_back(data, work, by_variance)
    return total


@njit(**OPTIONS)
def clear(work):
    """Gradients by what the window has, set to nothing."""
    geos, channels, periods = work.trial_now.shape
    for c in range(channels):
        work.trial_mean[c, 0], work.trial_mean[c, 1] = 0.0, 0.0
        for g in range(geos):
            for t in range(periods):
                work.trial_now[g, c, t] = 0.0
                work.trial_level[g, c, t] = 0.0


@njit(**OPTIONS)
def forward(data, work, m):
    """Fills the effect of arm `m` and what leads to it, all along its periods; the lift it
    predicts for itself."""
    c, g, start = data.trial_channel[m], data.trial_geo[m], data.trial_start[m]
    low, high = data.trial_at[m], data.trial_at[m] + data.trial_length[m]
    row, code = work.table[c], data.saturation[c]
    change, moved = data.trial_change[low:high], work.trial_moved[low:high]
    level, now, stock = (
        work.trial_high[low:high],
        work.trial_gain[low:high],
        work.trial_stock[low:high],
    )
    lag = c * (work.lag_weights.shape[1] // data.adstock.shape[0])
    w = work.lag_weights[0][lag : lag + data.reach[c]]
    half, slope = row[HALF], row[SLOPE]
    adstock_series(data.adstock[c], row[ADSTOCK_1], w, change, 0.0, moved)
    steady = saturate(code, data.trial_base[m], half, slope)
    for t in range(change.shape[0]):
        before = work.exposure[g, c, start + t] if start >= 0 else data.trial_base[m]
        level[t] = max(before + moved[t], 0.0)
        work.trial_sat[low + t] = saturate(code, level[t], half, slope)
        if code == HILL:
            work.trial_logs[low + t] = math.log(max(level[t], TINY)) - math.log(half)
    for t in range(change.shape[0]):
        before = work.now[g, c, start + t] if start >= 0 else steady
        now[t] = work.trial_sat[low + t] - before
    by_now, by_stock = gains(work.table, work.means, c)
    effect, total = work.trial_effect[low:high], 0.0
    if row[SPLIT] > 0.0:
        geometric(2.0 ** (-1.0 / row[MEMORY]), now, 0.0, stock)
    for t in range(change.shape[0]):
        effect[t] = by_now * now[t]
        if row[SPLIT] > 0.0:
            effect[t] += by_stock * stock[t]
        if data.trial_multiplies[0] != 0:
            total += math.expm1(effect[t])
        else:
            total += effect[t]
    total *= data.trial_weight[m]
    work.trial_caused[m] = total
    return total


@njit(**OPTIONS)
def backward(data, work, m, by_mean, by_variance):
    """The gradient of arm `m`, `forward` of the same test done before."""
    c, g, start = data.trial_channel[m], data.trial_geo[m], data.trial_start[m]
    low, high = data.trial_at[m], data.trial_at[m] + data.trial_length[m]
    row, out, code = work.table[c], work.table_bar[c], data.saturation[c]
    bar, flow = work.trial_bar[low:high], work.trial_flow[low:high]
    now, stock, effect = (
        work.trial_gain[low:high],
        work.trial_stock[low:high],
        work.trial_effect[low:high],
    )
    spread, caused, weight = row[SPREAD], work.trial_caused[m], data.trial_weight[m]
    out[SPREAD] += 2.0 * by_variance * spread * caused * caused
    by_caused = by_mean + 2.0 * by_variance * spread * spread * caused
    for t in range(high - low):
        bar[t] = weight * (by_caused + 2.0 * by_variance * walk_pull(data, work, m, t))
        if data.trial_multiplies[0] != 0:
            bar[t] *= math.exp(effect[t])
    by_now, by_stock = gains(work.table, work.means, c)
    half, slope = row[HALF], row[SLOPE]
    if work.means[c, 0] > 0.0:
        work.trial_mean[c, 0] += product_of(bar, now) / work.means[c, 0]
    if by_stock > 0.0:
        memory = row[MEMORY]
        keep = 2.0 ** (-1.0 / memory)
        work.trial_mean[c, 1] += product_of(bar, stock) / work.means[c, 1]
        for t in range(high - low):
            flow[t] = by_stock * bar[t]
        geometric_back(keep, flow)
        by_keep = lagged_product(flow, stock, now) - flow[0] * now[0]
        out[MEMORY] += by_keep * keep * LN2 / (memory * memory)
        for t in range(high - low):
            bar[t] = by_now * bar[t] + (1.0 - keep) * flow[t]
    else:
        for t in range(high - low):
            bar[t] *= by_now
    if start >= 0:
        for t in range(high - low):
            work.trial_now[g, c, start + t] -= bar[t]
    else:
        base = data.trial_base[m]
        steady = saturate(code, base, half, slope)
        _, by_half, by_slope = saturation_slopes(code, base, steady, half, slope)
        whole = total_of(bar)
        out[HALF] -= whole * by_half
        out[SLOPE] -= whole * by_slope
    by_half, by_slope = saturation_adjoint(
        code, work.trial_high[low:high], work.trial_sat[low:high], work.trial_logs[low:high],
        half, slope, bar, flow,
    )  # fmt: skip
    out[HALF] += by_half
    out[SLOPE] += by_slope
    if start >= 0:
        for t in range(high - low):
            work.trial_level[g, c, start + t] += bar[t]
    lag = c * (work.lag_weights.shape[1] // data.adstock.shape[0])
    one, two, _ = adstock_adjoint(
        data.adstock[c], row, lag, lag + data.reach[c], work.lag_weights,
        data.trial_change[low:high], 0.0, work.trial_moved[low:high], bar,
    )  # fmt: skip
    out[ADSTOCK_1] += one
    out[ADSTOCK_2] += two


@njit(**OPTIONS)
def period_at(data, m, t):
    """The period of the window that period `t` of arm `m` stands for."""
    return min(data.trial_when[m] + t, data.media.shape[2] - 1)


@njit(**OPTIONS)
def drift_place(data, c):
    """Place of channel `c` among those whose effectiveness moves, -1 where it is not."""
    for place in range(data.drifting.shape[0]):
        if data.drifting[place] == c:
            return place
    return -1


@njit(**OPTIONS)
def forget_walks(work):
    """What a test causes along each step of effectiveness, set to nothing."""
    for place in range(work.trial_walk.shape[0]):
        for k in range(work.trial_walk.shape[1]):
            work.trial_walk[place, k] = 0.0


@njit(**OPTIONS)
def add_walks(data, work, m):
    """Adds what arm `m` causes along each step of its channel's effectiveness."""
    place = drift_place(data, data.trial_channel[m])
    if place < 0:
        return
    for t in range(data.trial_length[m]):
        effect = work.trial_effect[data.trial_at[m] + t]
        if data.trial_multiplies[0] != 0:
            effect = math.expm1(effect)
        for k in range(data.drift.shape[0]):
            step = data.drift[k, period_at(data, m, t)]
            work.trial_walk[place, k] += data.trial_weight[m] * effect * step


@njit(**OPTIONS)
def walk_variance(data, work):
    """Variance of a test's lift from effectiveness that moves."""
    total = 0.0
    for place in range(data.drifting.shape[0]):
        scale = work.table[data.drifting[place], DRIFT]
        for k in range(data.drift.shape[0]):
            total += (scale * work.trial_walk[place, k]) ** 2
    return total


@njit(**OPTIONS)
def walk_pull(data, work, m, t):
    """Half the derivative of that variance by what arm `m` causes in its period `t`."""
    place = drift_place(data, data.trial_channel[m])
    if place < 0:
        return 0.0
    scale, total = work.table[data.trial_channel[m], DRIFT], 0.0
    for k in range(data.drift.shape[0]):
        total += work.trial_walk[place, k] * data.drift[k, period_at(data, m, t)]
    return scale * scale * total


@njit(**OPTIONS)
def walks_back(data, work, by_variance):
    """Adds the gradient by the scale of each channel's steps."""
    for place in range(data.drifting.shape[0]):
        c = data.drifting[place]
        for k in range(data.drift.shape[0]):
            square = work.trial_walk[place, k] * work.trial_walk[place, k]
            work.table_bar[c, DRIFT] += 2.0 * by_variance * work.table[c, DRIFT] * square
