"""Exponential and logarithm of whole arrays, as loops a compiler turns into vector code.

Scalar library calls are most of a response curve's cost. Both are accurate to a few units in
the last place on the range used here: Cody and Waite (1980) range reduction, then a Taylor
polynomial (exp, |r| <= ln(2)/2) or the series of artanh (log, mantissa within sqrt(2) of 1).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

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
