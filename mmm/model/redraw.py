"""Posterior draws made whole: what was integrated out is drawn back, many draws in one call."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from mmm.model import kernel, own, views
from mmm.model.columns import COLUMNS, SHARE, SPREAD
from mmm.model.density import Density, unconstrained_values
from mmm.model.lanes import LANES
from mmm.model.views import VALUE_ONLY, Pool


@dataclass(frozen=True, slots=True)
class WholeDraws:
    """D posterior draws, linear coefficients included.

    table (D, C, columns), means (D, C, 2) normalisers of the window, sigma (D, G), nu (D,; inf
    for normal noise), own (D, G, K0) and shared (D, P) baseline coefficients in units of the
    outcome the likelihood sees, deviation (D, G, C) geo factors, drift (D, C, B) coefficients of
    time-varying effectiveness, scales (D, 2) of trend and geo trend.
    """

    table: np.ndarray
    means: np.ndarray
    sigma: np.ndarray
    nu: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    deviation: np.ndarray
    drift: np.ndarray
    scales: np.ndarray


def noise_length(density: Density) -> int:
    """Standard normal numbers a draw takes: none where its coefficients were sampled."""
    if density.coefficients:
        return 0
    return len(density.spec.geos) * density.own_size + density.shared_size


def effects_move(density: Density) -> bool:
    """Whether effects depend on coefficients, so that totals of a draw need its noise."""
    return bool(density.spec.pooled or density.spec.drifting)


def whole_draws(
    density: Density, values: np.ndarray, wanted: np.ndarray, noise: np.ndarray, pool: Pool
) -> tuple[WholeDraws, np.ndarray]:
    """The draws at those rows of a fit's `values` (N, size) that are `wanted` (N,), and each
    channel's effect in the window at every row, in units of outcome (on the log scale times
    mean outcome where effects multiply), (N, C).

    Where linear coefficients were integrated out they are drawn from their exact conditional,
    with `noise` (N, `noise_length`); rows that are not wanted need theirs where `effects_move`.
    Elsewhere a channel's effect in the window is its share of the outcome there, and rows that
    are not wanted are not evaluated. `pool` is left at the last row that was.
    """
    moving = effects_move(density)
    if not (moving or density.written):
        totals = window_totals(density, values)
        values, noise = values[wanted], noise[wanted]
        wanted = np.ones(len(values), dtype=bool)
    count, geos, columns = int(wanted.sum()), len(density.spec.geos), len(density.spec.channels)
    channels = (count, columns)
    found = WholeDraws(
        table=np.empty((*channels, COLUMNS)),
        means=np.empty((*channels, 2)),
        sigma=np.empty((count, geos)),
        nu=np.empty(count),
        own=np.empty((count, geos, density.design.own)),
        shared=np.empty((count, len(density.design.shared_row))),
        deviation=np.empty((count, geos, columns)),
        drift=np.zeros((*channels, len(density.design.drift))),
        scales=np.empty((count, 2)),
    )
    points = np.ascontiguousarray(unconstrained_values(density, values))
    added = np.empty((len(values), columns))
    place = np.where(wanted, np.cumsum(wanted) - 1, -1)
    level = np.ascontiguousarray(density.design.scaling.level)
    settings = (density.layout.size, bool(density.coefficients), moving)
    out = tuple(getattr(found, name) for name in WholeDraws.__slots__)
    noise = np.ascontiguousarray(noise)
    pool.header[VALUE_ONLY] = 1
    try:
        if density.written:
            for i, point in enumerate(points):
                logp, _ = own.value_and_gradient(
                    density.written, density.spec.likelihood, pool, point
                )
                one = slice(i, i + 1)
                rows = (points[one], place[one], noise[one], added[one])
                if math.isfinite(logp):
                    _complete(pool.header.ctypes.data, False, *settings, *rows, level, *out)
                else:
                    raise _not_finite()
        else:
            rows = (points, place, noise, added)
            if not _complete(pool.header.ctypes.data, True, *settings, *rows, level, *out):
                raise _not_finite()
    finally:
        pool.header[VALUE_ONLY] = 0
    return found, added if moving or density.written else totals


def window_totals(density: Density, values: np.ndarray) -> np.ndarray:
    """What each channel's share of the outcome in the window comes to at natural `values`
    (N, size), in units of outcome, (N, C); nothing for a channel that was never on."""
    data, layout, channels = density.data, density.layout, len(density.spec.channels)
    table = np.repeat(layout.base[None, : channels * COLUMNS], len(values), axis=0)
    inside = layout.cell < channels * COLUMNS
    table[:, layout.cell[inside]] = values[:, layout.scalar[inside]]
    share = table.reshape(len(values), channels, COLUMNS)[:, :, SHARE]
    active = data.media.any(axis=(0, 2)) | data.early.any(axis=0)
    return share * active * density.design.scaling.level.sum() * data.media.shape[2]


def _not_finite() -> FloatingPointError:
    return FloatingPointError("the log-density of a stored draw is not finite")


CALLED = {"nogil": True, "error_model": "numpy"}


@njit(**CALLED)
def root_of(n, covariance, root):
    """Cholesky factor of `covariance` (n, n or more) into the lower triangle of `root`."""
    for i in range(n):
        for j in range(i + 1):
            total = covariance[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            root[i, j] = math.sqrt(max(total, 0.0)) if i == j else total / root[j, j]


@njit(**CALLED)
def draw_back(work, noise, step, own_white, shared_white):
    """Whitened coefficients given the evaluation in `work`, own (G, K) and shared (P + V), from
    standard `noise` (G * K + P + V,): the shared ones first, then each geo's own given those."""
    geos, size = own_white.shape
    count, first = shared_white.shape[0], geos * size
    root_of(count, work.schur_inverse, work.schur_root)
    for p in range(count):
        total = 0.0
        for r in range(p + 1):
            total += work.schur_root[p, r] * noise[first + r]
        step[p] = total
        shared_white[p] = work.shared_mean[p] + total
    for g in range(geos):
        block, lane = g // LANES, g % LANES
        root, solved = work.root[block], work.solved[block]
        for k in range(size):
            # the covariance of own coefficients given the shared ones is root' root
            inner, taken = 0.0, 0.0
            for j in range(size):
                inner += root[(j * size + k) * LANES + lane] * noise[g * size + j]
            for p in range(count):
                taken += solved[(k * count + p) * LANES + lane] * step[p]
            own_white[g, k] = work.own_mean[block, k * LANES + lane] + inner - taken


@njit(**CALLED)
def add_up(data, work, level, factor, walk, totals):
    """Each channel's effect in the window into `totals` (C,), with geo factors (G, C) and how
    effectiveness moves, walk (C, B)."""
    geos, channels, periods = data.media.shape
    for c in range(channels):
        totals[c] = 0.0
        for g in range(geos):
            total = 0.0
            for t in range(periods):
                times = factor[g, c]
                for k in range(walk.shape[1]):
                    times += walk[c, k] * data.drift[k, t]
                total += times * work.dynamic[g, c, t]
            totals[c] += total * level[g]


def _made_whole(stamp):
    @njit(cache=True, **CALLED)
    def complete(h, evaluate, scalars, sampled, moving, points, place, noise, totals, level,
                 table, means, sigma, nu, own, shared, deviation, drift, scales):  # fmt: skip
        """Evaluates the density at each of `points`, unless it was, and reads the draw off the
        first slot into row `place` of what follows `level`, if that is not negative; False
        where a density is not finite."""
        _ = stamp
        data = work = views.frame_at(h, 0)
        ends, middle = views.meta_of(h, views.ENDS), views.meta_of(h, views.MIDDLE)
        geos, channels, _ = data.media.shape
        rows, static, spread = data.own_row.shape[0], data.shared_row.shape[0], work.spread.shape[0]
        size, count = rows + spread, static + work.dynamic.shape[1] - channels
        bases, after = data.drift.shape[0], channels * COLUMNS + geos
        slope, step = np.empty(points.shape[1]), np.empty(count)
        own_white, shared_white = np.empty((geos, size)), np.empty(count)
        factor, walk = np.ones((geos, channels)), np.zeros((channels, bases))
        for i in range(points.shape[0]):
            to, point = place[i], points[i]
            if evaluate:
                q, grad = views.pointer_to(point), views.pointer_to(slope)
                logp = kernel.call_part(ends, h, 0, 0, q, grad)
                if to >= 0 or moving:
                    logp += kernel.call_part(middle, h, 0, points.shape[1], q, grad)
                if not math.isfinite(logp):
                    return False
            if to >= 0 or moving:
                if sampled:
                    for g in range(geos):
                        for k in range(size):
                            own_white[g, k] = point[scalars + g * size + k]
                    for p in range(count):
                        shared_white[p] = point[scalars + geos * size + p]
                else:
                    draw_back(work, noise[i], step, own_white, shared_white)
                for c in range(spread):
                    for g in range(geos):
                        factor[g, c] = 1.0 + own_white[g, rows + c] * work.table[c, SPREAD]
                for number in range(data.drifting.shape[0]):
                    for k in range(bases):
                        p = static + number * bases + k
                        walk[data.drifting[number], k] = shared_white[p] * work.shared_sd[p]
            add_up(data, work, level, factor, walk, totals[i])
            if to < 0:
                continue
            for c in range(channels):
                for x in range(table.shape[2]):
                    table[to, c, x] = work.table[c, x]
                for x in range(means.shape[2]):
                    means[to, c, x] = work.means[c, x]
                for k in range(bases):
                    drift[to, c, k] = walk[c, k]
            for g in range(geos):
                sigma[to, g] = work.sigma[g]
                for k in range(rows):
                    own[to, g, k] = own_white[g, k] * work.own_sd[k]
                for c in range(channels):
                    deviation[to, g, c] = factor[g, c]
            for p in range(static):
                shared[to, p] = shared_white[p] * work.shared_sd[p]
            nu[to] = work.cells[after + 2]
            scales[to, 0], scales[to, 1] = work.cells[after], work.cells[after + 1]
        return True

    return complete


_complete = _made_whole(kernel.STAMP)
