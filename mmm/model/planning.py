"""What a channel's planned spending earns, draw by draw, and the gradient by every period.

Past the window an additive effect is linear in the saturated series s_t = sat(a_t): with gains
g1 (now) and g2 (brand), stock retention rho, geo factor f_t and worth w_t of outcome,

    sum_t w_t f_t (g1 s_t + g2 B_t) = const + sum_t c_t s_t,
    c_t = g1 f_t w_t + g2 V_t,   V_t = (1 - rho) f_t w_t + rho V_{t+1},

so one pass over the plan gives value and gradient. After the plan a geometric adstock only
decays, and with it the saturation of a Hill curve by one multiplication a period.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from mmm.model import curves, kernel
from mmm.model.counterfactual import CALLED
from mmm.model.curves import (
    ADSTOCK_1,
    CARRY,
    GEOMETRIC,
    HALF,
    HILL,
    MICHAELIS_MENTEN,
    ROOT,
    SLOPE,
    TANH,
    adstock_series,
    lag_weights,
)
from mmm.model.saturation import ATANH_HALF, TINY
from mmm.model.vector import OPTIONS, exp_array, log_array


@njit(**CALLED)
def _saturated(code, half, slope, a, s, rise, fall, scratch):
    """Fills `s` with the saturation of `a` and `rise` with its derivative; flat arrays of one
    size. `fall` is exp(-slope log(a / half)) for Hill curves, spoilt for others."""
    n = a.shape[0]
    if code in (HILL, MICHAELIS_MENTEN):
        power = slope if code == HILL else 1.0
        log_half = math.log(half)
        for i in range(n):
            rise[i] = max(a[i], TINY)
        log_array(rise, s, scratch)
        for i in range(n):
            s[i] = -power * (s[i] - log_half)
        exp_array(s, fall, scratch)
        for i in range(n):
            s[i] = 1.0 / (1.0 + fall[i])
            rise[i] = power * s[i] * (1.0 - s[i]) / rise[i]
        for i in range(n):
            if a[i] <= TINY:
                s[i] = 0.0
                rise[i] = 1.0 / half if code == MICHAELIS_MENTEN else 0.0
                fall[i] = np.inf
        return
    for i in range(n):
        s[i] = curves.saturate(code, a[i], half, slope)
        rise[i], _, _ = curves.saturation_slopes(code, a[i], s[i], half, slope)


@njit(**CALLED)
def _fading_bent(power, half, keep, coef, first, fall, worth, slope, series):
    """The time after the plan of a Hill or Michaelis-Menten curve, whose `fall` (G,) grows by one
    factor a period: adds c s to `worth` (G,) and c a ds/da to `slope` (G,), until the level is
    as good as nothing."""
    geos, periods, patterns = fall.shape[0], coef.shape[1], coef.shape[0]
    step = keep ** (-power)
    nothing = (half / TINY) ** power
    for t in range(first, periods):
        smallest = np.inf
        for g in range(geos):
            fall[g] *= step
        if patterns == 1:
            c = coef[0, t]
            for g in range(geos):
                value = 1.0 / (1.0 + fall[g]) if fall[g] < nothing else 0.0
                worth[g] += c * value
                slope[g] += c * power * (value - value * value)
        else:
            for g in range(geos):
                value = 1.0 / (1.0 + fall[g]) if fall[g] < nothing else 0.0
                worth[g] += coef[g, t] * value
                slope[g] += coef[g, t] * power * (value - value * value)
        if series.shape[0] > 0:
            for g in range(geos):
                series[t, g] = 1.0 / (1.0 + fall[g]) if fall[g] < nothing else 0.0
        if t % 8 == 0:
            for g in range(geos):
                smallest = min(smallest, fall[g])
            if smallest > nothing:
                break


@njit(**CALLED)
def _fading(code, half, slope, keep, coef, first, scale, a, s, fall, bar, work, series):
    """What comes after the plan of a geometric channel: its value; adds the derivative by the
    last level to `bar` (G,). a, s, fall, bar: (G,) at the plan's last period; fall is spoilt."""
    geos, periods, patterns = a.shape[0], coef.shape[1], coef.shape[0]
    worth, rise = work[0], work[1]
    worth[:] = 0.0
    rise[:] = 0.0
    if code in (HILL, MICHAELIS_MENTEN):
        power = slope if code == HILL else 1.0
        _fading_bent(power, half, keep, coef, first, fall, worth, rise, series)
    else:
        power = slope if code == ROOT else 1.0
        step, reach, shrunk = keep**power, 1.0, 1.0
        for t in range(first, periods):
            reach *= keep
            shrunk *= step
            for g in range(geos):
                if a[g] * reach <= TINY:
                    value, turn = 0.0, 0.0
                elif code == TANH:
                    z = ATANH_HALF * a[g] * reach / half
                    value = math.tanh(z)
                    turn = (1.0 - value * value) * z
                else:
                    value = s[g] * shrunk
                    turn = power * value
                c = coef[g if patterns > 1 else 0, t]
                worth[g] += c * value
                rise[g] += c * turn
                if series.shape[0] > 0:
                    series[t, g] = value
    total = 0.0
    for g in range(geos):
        total += scale[g] * worth[g]
        if a[g] > TINY:
            bar[g] += scale[g] * rise[g] / a[g]
        else:
            reach = 1.0
            for t in range(first, periods):
                reach *= keep
                by_level, _, _ = curves.saturation_slopes(code, 0.0, 0.0, half, slope)
                bar[g] += scale[g] * coef[g if patterns > 1 else 0, t] * reach * by_level
    return total


@njit(**OPTIONS)
def add_times(weight, x, out):
    """out += weight x, both (n,)."""
    for j in range(out.shape[0]):
        out[j] += weight * x[j]


@njit(**CALLED)
def _plan_draws(table, adstock, saturation, lags, media, units, carried, coef, scale, spread,
                member, value_out, gradient_out, series_out):  # fmt: skip
    periods, geos = media.shape
    span, patterns = coef.shape[2], coef.shape[1]
    decaying = adstock <= GEOMETRIC
    reach = periods if decaying else min(span, periods + lags - 1)
    size = reach * geos
    a, s, rise = np.empty(size), np.empty(size), np.empty(size)
    fall, scratch, bar = np.empty(size), np.empty(size), np.empty(size)
    bought = np.empty(periods * geos)
    room, codes, spans = np.empty((4, lags)), np.full(1, adstock), np.full(1, lags)
    w = room[0]
    each, drawn = np.ones(periods), units.shape[0] > 0
    none, work = np.empty((0, 0)), np.empty((2, geos))
    last = (periods - 1) * geos
    for i in range(table.shape[0]):
        row = table[i]
        half, slope = row[HALF], row[SLOPE]
        keep = 2.0 ** (-1.0 / row[ADSTOCK_1]) if adstock == GEOMETRIC else 0.0
        gain = 1.0 - keep
        if drawn:
            each[:] = units[i]
        if decaying:
            for g in range(geos):
                a[g] = carried[i, 0, g] + gain * each[0] * media[0, g]
            for t in range(1, periods):
                rate = gain * each[t]
                for g in range(geos):
                    a[t * geos + g] = keep * a[(t - 1) * geos + g] + rate * media[t, g]
        else:
            lag_weights(table[i : i + 1], codes, spans, room)
            for t in range(reach):
                for g in range(geos):
                    a[t * geos + g] = carried[i, t, g] if t < carried.shape[1] else 0.0
            for t in range(periods):
                for g in range(geos):
                    bought[t * geos + g] = each[t] * media[t, g]
            for k in range(min(lags, reach)):
                count = min(periods, reach - k) * geos
                add_times(w[k], bought[:count], a[k * geos : k * geos + count])
        _saturated(saturation, half, slope, a, s, rise, fall, scratch)
        total = 0.0
        for t in range(reach):
            if patterns == 1:
                c = coef[i, 0, t]
                for g in range(geos):
                    weight = c * scale[i, g]
                    total += weight * s[t * geos + g]
                    bar[t * geos + g] = weight * rise[t * geos + g]
            else:
                for g in range(geos):
                    weight = coef[i, g, t] * scale[i, g]
                    total += weight * s[t * geos + g]
                    bar[t * geos + g] = weight * rise[t * geos + g]
        series = series_out[i] if series_out.shape[0] > 0 else none
        if series.shape[0] > 0:
            series[:] = 0.0
            for t in range(reach):
                for g in range(geos):
                    series[t, g] = s[t * geos + g]
        if decaying and keep > 0.0:
            total += _fading(
                saturation, half, slope, keep, coef[i], periods, scale[i], a[last:], s[last:],
                fall[last:], bar[last:], work, series,
            )  # fmt: skip
        value_out[i] = total
        for t in range(periods):
            for q in range(gradient_out.shape[2]):
                gradient_out[i, t, q] = 0.0
        if decaying:
            for t in range(periods - 1, -1, -1):
                if t < periods - 1:
                    for g in range(geos):
                        bar[t * geos + g] += keep * bar[(t + 1) * geos + g]
                rate = gain * each[t]
                for g in range(geos):
                    gradient_out[i, t, member[g]] += spread[g] * rate * bar[t * geos + g]
        else:
            bought[:] = 0.0
            for k in range(min(lags, reach)):
                count = min(periods, reach - k) * geos
                add_times(w[k], bar[k * geos : k * geos + count], bought[:count])
            for t in range(periods):
                for g in range(geos):
                    back = spread[g] * each[t] * bought[t * geos + g]
                    gradient_out[i, t, member[g]] += back


@njit(**CALLED)
def _carried_draws(table, adstock, lags, media, early, out):
    geos, periods = media.shape
    ahead = out.shape[1]
    x, a = np.zeros(periods + ahead), np.empty(periods + ahead)
    room, codes, spans = np.empty((4, lags)), np.full(1, adstock), np.full(1, lags)
    w = room[0]
    for i in range(table.shape[0]):
        row = table[i]
        lag_weights(table[i : i + 1], codes, spans, room)
        for g in range(geos):
            x[:periods] = media[g]
            adstock_series(adstock, row[ADSTOCK_1], w, x, row[CARRY] * early[g], a)
            for t in range(ahead):
                out[i, t, g] = a[periods + t]


@njit(**CALLED)
def _back(first, second, keep, weight, out):
    draws, patterns, periods = weight.shape
    for i in range(draws):
        g1, g2, hold = first[i], second[i], keep[i]
        for p in range(patterns):
            later = 0.0
            for t in range(periods - 1, -1, -1):
                later = (1.0 - hold) * weight[i, p, t] + hold * later
                out[i, p, t] = g1 * weight[i, p, t] + g2 * later


@njit(**CALLED)
def _forward(first, second, keep, series, base, factor, out):
    draws, periods, geos = series.shape
    stock = np.empty(geos)
    moving = factor.shape[2] > 1
    for i in range(draws):
        g1, g2, hold = first[i], second[i], keep[i]
        stock[:] = 0.0
        for t in range(periods):
            for g in range(geos):
                more = series[i, t, g] - base[i, t, g]
                stock[g] = hold * stock[g] + (1.0 - hold) * more
                out[i, g, t] = factor[i, g, t if moving else 0] * (g1 * more + g2 * stock[g])


def _entries(stamp):
    @njit(cache=True, **CALLED)
    def plan_draws(table, adstock, saturation, lags, media, units, carried, coef, scale, spread,
                   member, value_out, gradient_out, series_out):  # fmt: skip
        _ = stamp
        _plan_draws(
            table, adstock, saturation, lags, media, units, carried, coef, scale, spread, member,
            value_out, gradient_out, series_out,
        )  # fmt: skip

    @njit(cache=True, **CALLED)
    def carried_draws(table, adstock, lags, media, early, out):
        _ = stamp
        _carried_draws(table, adstock, lags, media, early, out)

    @njit(cache=True, **CALLED)
    def back(first, second, keep, weight, out):
        _ = stamp
        _back(first, second, keep, weight, out)

    @njit(cache=True, **CALLED)
    def forward(first, second, keep, series, base, factor, out):
        _ = stamp
        _forward(first, second, keep, series, base, factor, out)

    return plan_draws, carried_draws, back, forward


_compiled_plan, _compiled_carried, _compiled_back, _compiled_forward = _entries(kernel.STAMP)


def carried_levels(
    table: np.ndarray, adstock: int, lags: int, media: np.ndarray, early: np.ndarray
) -> np.ndarray:
    """Adstock that the window leaves in the periods ahead without further media, (D, K, G).

    table (D, columns), media (G, T) scaled, early (G,). K is 1 where it decays from there, else
    the number of lags.
    """
    ahead = 1 if adstock <= GEOMETRIC else lags
    out = np.empty((len(table), ahead, len(media)))
    _compiled_carried(table, adstock, lags, media, early, out)
    return out


NO_UNITS = np.empty((0, 0))
"""Media that is bought at one price."""


def plan_draws(
    table: np.ndarray,
    adstock: int,
    saturation: int,
    lags: int,
    media: np.ndarray,
    carried: np.ndarray,
    coef: np.ndarray,
    scale: np.ndarray,
    spread: np.ndarray,
    member: np.ndarray,
    series: bool = False,
    units: np.ndarray = NO_UNITS,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sum_t c_t s_t over time and geos for every draw, its gradient, and the series itself.

    table (D, columns); media (H, G) scaled, of the plan; carried (D, K, G) of `carried_levels`;
    coef (D, P, S) the c_t of S >= H periods, for all geos alike (P = 1) or by geo (P = G), and
    scale (D, G) what multiplies them; spread (G,) media of a geo per unit of its group's variable
    and member (G,) which group it is in, numbers from 0; units (D, H) what `media` is times in
    each draw, as the price of it differs, (0, 0) where it does not.
    Returns value (D,), gradient (D, H, groups) and, with `series`, s (D, S, G), else (0, 0, 0).
    Raises ValueError for a family of the user's own, which has no compiled form.
    """
    if curves.CUSTOM in (adstock, saturation):
        raise ValueError("a transform of the user's own has no compiled plan")
    draws, groups = len(table), int(member.max()) + 1
    value, gradient = np.empty(draws), np.empty((draws, len(media), groups))
    shape = (draws, coef.shape[2], media.shape[1]) if series else (0, 0, 0)
    levels = np.empty(shape)
    _compiled_plan(
        table, adstock, saturation, lags, media, units, carried, coef, scale, spread, member,
        value, gradient, levels,
    )  # fmt: skip
    return value, gradient, levels


def coefficients(
    first: np.ndarray, second: np.ndarray, keep: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """c_t (D, P, S) from gains now and of brand (D,), stock retention (D,) and the weight
    f_t w_t (D, P, S) of outcome in each period."""
    out = np.empty(weight.shape)
    _compiled_back(first, second, keep, np.ascontiguousarray(weight), out)
    return out


def effect_of_series(
    first: np.ndarray,
    second: np.ndarray,
    keep: np.ndarray,
    series: np.ndarray,
    base: np.ndarray,
    factor: np.ndarray,
) -> np.ndarray:
    """What a saturated series adds to the predictor of another one, now and through the stock.

    Gains and retention (D,); series and base (D, S, G); factor (D, G, S), or (D, G, 1) where it
    does not move. Returns (D, G, S).
    """
    out = np.empty((series.shape[0], series.shape[2], series.shape[1]))
    _compiled_forward(first, second, keep, series, base, factor, out)
    return out
