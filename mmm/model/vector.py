"""Loops along time that a compiler turns into vector code.

Scalar library calls are most of a response curve's cost. Exponential and logarithm are accurate
to a few units in the last place on the range used here: Cody and Waite (1980) range reduction,
then a Taylor polynomial (exp, |r| <= ln(2)/2) or the series of artanh (log, mantissa within
sqrt(2) of 1). Inner products are tiled so that loads do not hold them up.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mmm.model.linked import PartCompiler

OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": PartCompiler,
}
"""Kernels allocate nothing, so nothing counts references, and Python never calls them itself."""

REASSOCIATE = {**OPTIONS, "fastmath": {"contract", "nsz", "reassoc"}}
"""For sums over time, whose order is then the compiler's; the same on every call."""

_LOG2E = 1.0 / math.log(2.0)
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2^52: adding it leaves the nearest integer in the low bits
_ROUND_BITS = int(np.float64(_ROUND).view(np.int64))
_MANTISSA, _ONE = (1 << 52) - 1, 1023 << 52
_ROOT2 = math.sqrt(2.0)
_LARGEST = 690.0


@njit(**OPTIONS)
def exp_array(x, out, scratch):
    """out = exp(x), x clipped to +-690; all (n,), contiguous, `scratch` spoilt."""
    bits = scratch.view(np.int64)
    for i in range(x.shape[0]):
        v = min(max(x[i], -_LARGEST), _LARGEST)
        shifted = v * _LOG2E + _ROUND
        k = shifted - _ROUND
        r = (v - k * _LN2_HIGH) - k * _LN2_LOW
        p = 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        out[i] = p * r + 1.0
        scratch[i] = shifted
    for i in range(x.shape[0]):
        bits[i] = (bits[i] + 1023) << 52
    for i in range(x.shape[0]):
        out[i] *= scratch[i]


@njit(**OPTIONS)
def log_array(x, out, scratch):
    """out = log(x) for normal positive x; all (n,), contiguous, `scratch` spoilt."""
    bits, parts = x.view(np.int64), scratch.view(np.int64)
    mantissas = out.view(np.int64)
    for i in range(x.shape[0]):
        parts[i] = (bits[i] >> 52) + (_ROUND_BITS - 1023)
        mantissas[i] = (bits[i] & _MANTISSA) | _ONE
    for i in range(x.shape[0]):
        k = scratch[i] - _ROUND
        m = out[i]
        large = m > _ROOT2
        m = 0.5 * m if large else m
        k = k + 1.0 if large else k
        f = (m - 1.0) / (m + 1.0)
        z = f * f
        p = 1.0 / 21.0
        p = p * z + 1.0 / 19.0
        p = p * z + 1.0 / 17.0
        p = p * z + 1.0 / 15.0
        p = p * z + 1.0 / 13.0
        p = p * z + 1.0 / 11.0
        p = p * z + 1.0 / 9.0
        p = p * z + 1.0 / 7.0
        p = p * z + 0.2
        p = p * z + 1.0 / 3.0
        p = p * z + 1.0
        out[i] = k * _LN2_HIGH + (2.0 * f * p + k * _LN2_LOW)


@njit(**REASSOCIATE)
def inner_products(a, b, out, first, symmetric):
    """out[:, first:] = a b' for rows along time: a (m, T), b (n, T), out (m, ...).

    Tiles of four by two keep a load per multiplication away; the last rows are taken twice
    where they do not fill one. `symmetric` (a is b) works out one triangle and mirrors it.
    """
    m, n = a.shape[0], b.shape[0]
    for i in range(0, m, 4):
        i1, i2, i3 = min(i + 1, m - 1), min(i + 2, m - 1), min(i + 3, m - 1)
        a0, a1, a2, a3 = a[i], a[i1], a[i2], a[i3]
        for j in range(0, min(n, i + 4) if symmetric else n, 2):
            j1 = min(j + 1, n - 1)
            b0, b1 = b[j], b[j1]
            s00, s01, s10, s11, s20, s21, s30, s31 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for t in range(a.shape[1]):
                s00 += a0[t] * b0[t]
                s01 += a0[t] * b1[t]
                s10 += a1[t] * b0[t]
                s11 += a1[t] * b1[t]
                s20 += a2[t] * b0[t]
                s21 += a2[t] * b1[t]
                s30 += a3[t] * b0[t]
                s31 += a3[t] * b1[t]
            k, k1 = first + j, first + j1
            out[i, k], out[i, k1] = s00, s01
            out[i1, k], out[i1, k1] = s10, s11
            out[i2, k], out[i2, k1] = s20, s21
            out[i3, k], out[i3, k1] = s30, s31
    if symmetric:
        for i in range(m):
            for j in range(i):
                out[j, first + i] = out[i, first + j]


@njit(**REASSOCIATE)
def total_of(a):
    """Sum of `a` (T,)."""
    total = 0.0
    for t in range(a.shape[0]):
        total += a[t]
    return total


@njit(**REASSOCIATE)
def product_of(a, b):
    """Inner product of `a` and `b`, both (T,)."""
    total = 0.0
    for t in range(a.shape[0]):
        total += a[t] * b[t]
    return total


@njit(**REASSOCIATE)
def lagged_product(bar, level, flow):
    """sum_{t>0} bar_t (level_{t-1} - flow_t); all (T,)."""
    total = 0.0
    for t in range(bar.shape[0] - 1):
        total += bar[t + 1] * (level[t] - flow[t + 1])
    return total
