"""Saturation of carried-over exposure, compiled: value, slopes and the adjoint along time.

The compiled twin of `mmm.transforms.saturation`.
"""

from __future__ import annotations

import math

from numba import njit

from mmm.model.vector import OPTIONS, exp_array, log_array, product_of, total_of

LINEAR, HILL, MICHAELIS_MENTEN, TANH, ROOT = range(5)
TINY = 1e-12
ATANH_HALF = math.atanh(0.5)


@njit(**OPTIONS)
def saturate(code, a, half, slope):
    """Saturation of one adstocked level."""
    if a <= TINY:
        return 0.0
    if code == HILL:
        return 1.0 / (1.0 + math.exp(-slope * (math.log(a) - math.log(half))))
    if code == MICHAELIS_MENTEN:
        return a / (a + half)
    if code == TANH:
        return math.tanh(ATANH_HALF * a / half)
    if code == ROOT:
        return a**slope
    return a


@njit(**OPTIONS)
def saturation_slopes(code, a, s, half, slope):
    """Derivatives of `saturate` by level, half-saturation and slope; at nothing, what the first
    unit earns where that is finite and does not hang on the slope, else zero."""
    if a <= TINY:
        if code == LINEAR:
            return 1.0, 0.0, 0.0
        if code == MICHAELIS_MENTEN:
            return 1.0 / half, 0.0, 0.0
        if code == TANH:
            return ATANH_HALF / half, 0.0, 0.0
        return 0.0, 0.0, 0.0
    if code == HILL:
        inner = s * (1.0 - s)
        return inner * slope / a, -inner * slope / half, inner * (math.log(a) - math.log(half))
    if code == MICHAELIS_MENTEN:
        total = a + half
        return half / (total * total), -a / (total * total), 0.0
    if code == TANH:
        inner = (1.0 - s * s) * ATANH_HALF
        return inner / half, -inner * a / (half * half), 0.0
    if code == ROOT:
        return slope * s / a, 0.0, s * math.log(a)
    return 1.0, 0.0, 0.0


@njit(**OPTIONS)
def saturate_series(code, a, half, slope, s, logs, work):
    """Fills `s` (periods,) with the saturation of levels `a`, and `logs` with log(a / half) where
    the family needs it; `work` is (2, periods) or longer."""
    periods = a.shape[0]
    if code != HILL:
        for t in range(periods):
            s[t] = saturate(code, a[t], half, slope)
        return
    safe, scratch = work[0][:periods], work[1][:periods]
    for t in range(periods):
        safe[t] = max(a[t], TINY)
    log_array(safe, logs, scratch)
    log_half = math.log(half)
    for t in range(periods):
        logs[t] -= log_half
        safe[t] = -slope * logs[t]
    exp_array(safe, s, scratch)
    for t in range(periods):
        s[t] = 1.0 / (1.0 + s[t]) if a[t] > TINY else 0.0


@njit(**OPTIONS)
def saturation_adjoint(code, a, s, logs, half, slope, bar, flow):
    """Turns `bar` from the gradient by `s` into that by `a`, in place; returns the gradients by
    half-saturation and slope. `flow` (periods,) is spoilt."""
    periods = a.shape[0]
    if code == HILL:
        for t in range(periods):
            flow[t] = bar[t] * s[t] * (1.0 - s[t])
            bar[t] = flow[t] * slope / max(a[t], TINY)
        return -total_of(flow) * slope / half, product_of(flow, logs)
    half_bar, slope_bar = 0.0, 0.0
    for t in range(periods):
        by_level, by_half, by_slope = saturation_slopes(code, a[t], s[t], half, slope)
        half_bar += bar[t] * by_half
        slope_bar += bar[t] * by_slope
        bar[t] *= by_level
    return half_bar, slope_bar
