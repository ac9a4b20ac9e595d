"""Entry points of the compiled kernels: what Python and the sampler call.

Numba caches compiled code on disk by the file of the outermost function only. The kernels'
sources are hashed into the key here, so a change in any of them compiles anew and nothing
else does.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np
from numba import carray, cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from mmm.model import collapse, curves, vector
from mmm.model.vector import OPTIONS

EXP, EXP_FOLDED, LOGIT = range(3)
"""How a sampled scalar gets its natural value, and with it its prior's form."""

_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_SPREAD, _COLUMNS = curves.SPREAD, curves.COLUMNS

_SOURCES = [*(Path(module.__file__ or "") for module in (vector, curves, collapse)), Path(__file__)]
STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()

SIZES = ("scalars", "pairs", "cells", "geos", "channels", "periods", "own", "shared", "lags",
         "pooled")  # fmt: skip
INTEGERS = ("kind", "scalar", "cell", "adstock", "saturation", "own_group", "shared_group")
REALS = ("location", "scale", "base", "media", "early", "weight", "rows", "gram", "own_sd",
         "shared_sd")  # fmt: skip
"""Layout of the header a C callback reads: sizes, then addresses of the arrays, in this order."""


@njit(**OPTIONS)
def constrain(q, kind, location, scale, value, jacobian, prior_grad):
    """Natural values, their derivatives by q and the prior's gradient; returns the log-prior."""
    total = 0.0
    for i in range(q.shape[0]):
        if kind[i] == LOGIT:
            value[i] = 1.0 / (1.0 + math.exp(-q[i]))
            jacobian[i] = value[i] * (1.0 - value[i])
        else:
            value[i] = math.exp(q[i])
            jacobian[i] = value[i]
        if kind[i] == EXP_FOLDED:
            z = value[i] / scale[i]
            total += math.log(2.0) - 0.5 * z * z - math.log(scale[i]) - _LOG_ROOT_2PI + q[i]
            prior_grad[i] = 1.0 - z * z
        else:
            z = (q[i] - location[i]) / scale[i]
            total -= 0.5 * z * z + math.log(scale[i]) + _LOG_ROOT_2PI
            prior_grad[i] = -z / scale[i]
    return total


def _joint(stamp):
    @njit(cache=True, **OPTIONS)
    def joint(q, grad, kind, scalar, cell, adstock, saturation, own_group, shared_group,
              location, scale, base, media, early, weight, rows, gram, own_base, shared_base,
              own, lags, pooled):  # fmt: skip
        """Log-density at `q` (size,), its gradient into `grad`; NaN where it cannot be had."""
        _ = stamp
        geos, channels, _ = media.shape
        shared = rows.shape[1] - 1 - own
        value, jacobian = np.empty_like(q), np.empty_like(q)
        total = constrain(q, kind, location, scale, value, jacobian, grad)
        cells = base.copy()
        for k in range(cell.shape[0]):
            cells[cell[k]] = value[scalar[k]]
        columns = channels * _COLUMNS
        table = cells[:columns].reshape((channels, _COLUMNS))
        sigma = cells[columns : columns + geos]
        scales = cells[columns + geos :]
        own_sd, shared_sd = own_base.copy(), shared_base.copy()
        for k in range(own):
            if own_group[k] >= 0:
                own_sd[k] *= scales[own_group[k]]
        for k in range(shared):
            if shared_group[k] >= 0:
                shared_sd[k] *= scales[shared_group[k]]
        spread = np.zeros(channels if pooled else 0)
        if pooled:
            for c in range(channels):
                spread[c] = table[c, _SPREAD]
        exposure, now = np.empty(media.shape), np.empty(media.shape)
        stock, effect = np.empty(media.shape), np.empty(media.shape)
        means = np.empty((channels, 2))
        curves.forward(table, adstock, saturation, lags, media, early, exposure, now, stock)
        curves.normalisers(table, now, stock, weight, means)
        curves.effects(table, means, now, stock, effect)
        size = own + spread.shape[0]
        inverse, lower = np.empty((geos, size, size)), np.empty((geos, size, size))
        cross, solved = np.empty((geos, size, shared)), np.empty((geos, size, shared))
        schur_lower, schur_inverse = np.empty((shared, shared)), np.empty((shared, shared))
        own_mean, shared_mean = np.empty((geos, size)), np.empty(shared)
        geo_gram = np.empty((geos, shared, shared))
        total += collapse.moments(
            effect, spread, sigma, own_sd, shared_sd, rows, gram, own, inverse, lower, cross,
            solved, schur_lower, schur_inverse, own_mean, shared_mean, geo_gram,
        )  # fmt: skip
        if not math.isfinite(total):
            return np.nan
        effect_bar, spread_bar = np.empty(media.shape), np.empty(spread.shape[0])
        cells_bar = np.zeros(cells.shape[0])
        table_bar = cells_bar[:columns].reshape((channels, _COLUMNS))
        sigma_bar = cells_bar[columns : columns + geos]
        own_sd_bar, shared_sd_bar = np.empty(own), np.empty(shared)
        collapse.gradient(
            effect, spread, sigma, own_sd, shared_sd, rows, own, inverse, cross, solved,
            schur_inverse, own_mean, shared_mean, geo_gram,
            effect_bar, spread_bar, sigma_bar, own_sd_bar, shared_sd_bar,
        )  # fmt: skip
        curves.adjoint(
            table, adstock, saturation, lags, media, early, weight, exposure, now, stock, means,
            effect_bar, table_bar,
        )  # fmt: skip
        if pooled:
            for c in range(channels):
                table_bar[c, _SPREAD] += spread_bar[c]
        for k in range(own):
            if own_group[k] >= 0:
                cells_bar[columns + geos + own_group[k]] += own_sd_bar[k] * own_base[k]
        for k in range(shared):
            if shared_group[k] >= 0:
                cells_bar[columns + geos + shared_group[k]] += shared_sd_bar[k] * shared_base[k]
        for k in range(cell.shape[0]):
            i = scalar[k]
            grad[i] += cells_bar[cell[k]] * jacobian[i]
        return total

    return joint


joint = _joint(STAMP)


def _window(stamp):
    @njit(cache=True, **OPTIONS)
    def window(table, spread, sigma, own_sd, shared_sd, adstock, saturation, lags, media, early,
               weight, rows, gram, own, exposure, now, stock, means, effect, inverse, lower, cross,
               solved, schur_lower, schur_inverse, own_mean, shared_mean, geo_gram):  # fmt: skip
        """Curves, effects and moments of the fit window into the given arrays; the
        log-likelihood."""
        _ = stamp
        curves.forward(table, adstock, saturation, lags, media, early, exposure, now, stock)
        curves.normalisers(table, now, stock, weight, means)
        curves.effects(table, means, now, stock, effect)
        return collapse.moments(
            effect, spread, sigma, own_sd, shared_sd, rows, gram, own, inverse, lower, cross,
            solved, schur_lower, schur_inverse, own_mean, shared_mean, geo_gram,
        )  # fmt: skip

    return window


def _draw_coefficients(stamp):
    @njit(cache=True, **OPTIONS)
    def draw_coefficients(lower, solved, schur_lower, own_mean, shared_mean, own_noise,
                          shared_noise, own_out, shared_out):  # fmt: skip
        _ = stamp
        collapse.draw_coefficients(
            lower, solved, schur_lower, own_mean, shared_mean, own_noise, shared_noise,
            own_out, shared_out,
        )  # fmt: skip

    return draw_coefficients


def _channel_draws(stamp):
    @njit(cache=True, **OPTIONS)
    def channel_draws(table, means, adstock, saturation, lags, media, early, direction, worth,
                      deviation, now_out, stock_out, slope_out):  # fmt: skip
        _ = stamp
        curves.channel_draws(
            table, means, adstock, saturation, lags, media, early, direction, worth, deviation,
            now_out, stock_out, slope_out,
        )  # fmt: skip

    return channel_draws


window = _window(STAMP)
draw_coefficients = _draw_coefficients(STAMP)
channel_draws = _channel_draws(STAMP)


@intrinsic
def _pointer(_typing, address):
    """A void pointer from an integer address."""

    def generate(_context, builder, _signature, arguments):
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


_DOUBLES = types.CPointer(types.double)
LOGP_SIGNATURE = types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr)
EXPAND_SIGNATURE = types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr)
_HEADER = len(SIZES) + len(INTEGERS) + len(REALS)
_I64, _F64 = numba.int64, numba.float64


@lru_cache(maxsize=1)
def callbacks():
    """The C callbacks `logp` and `expand` in nutpie's form, compiled or read from the cache."""
    return _callbacks(STAMP)


def _callbacks(stamp):
    @cfunc(LOGP_SIGNATURE, cache=True)
    def logp(size, q, grad, value, data):
        _ = stamp
        h = carray(data, (_HEADER,), _I64)
        scalars, pairs, cells, geos, channels, periods = h[0], h[1], h[2], h[3], h[4], h[5]
        own, shared, lags, pooled = h[6], h[7], h[8], h[9]
        count = own + shared + 1
        out = carray(grad, (scalars,))
        total = joint(
            carray(q, (scalars,)),
            out,
            carray(_pointer(h[10]), (scalars,), _I64),
            carray(_pointer(h[11]), (pairs,), _I64),
            carray(_pointer(h[12]), (pairs,), _I64),
            carray(_pointer(h[13]), (channels,), _I64),
            carray(_pointer(h[14]), (channels,), _I64),
            carray(_pointer(h[15]), (own,), _I64),
            carray(_pointer(h[16]), (shared,), _I64),
            carray(_pointer(h[17]), (scalars,), _F64),
            carray(_pointer(h[18]), (scalars,), _F64),
            carray(_pointer(h[19]), (cells,), _F64),
            carray(_pointer(h[20]), (geos, channels, periods), _F64),
            carray(_pointer(h[21]), (geos, channels), _F64),
            carray(_pointer(h[22]), (geos,), _F64),
            carray(_pointer(h[23]), (geos, count, periods), _F64),
            carray(_pointer(h[24]), (geos, count, count), _F64),
            carray(_pointer(h[25]), (own,), _F64),
            carray(_pointer(h[26]), (shared,), _F64),
            own,
            lags,
            pooled != 0,
        )
        carray(value, (1,))[0] = total
        if not math.isfinite(total):
            return 4
        for i in range(scalars):
            if not math.isfinite(out[i]):
                return 3
        return 0

    @cfunc(EXPAND_SIGNATURE, cache=True)
    def expand(size, _expanded, q, out, _data):
        _ = stamp
        source, target = carray(q, (size,)), carray(out, (size,))
        for i in range(size):
            target[i] = source[i]
        return 0

    return logp, expand
