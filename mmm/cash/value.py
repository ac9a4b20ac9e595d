"""Financial measures as pure functions of plain arrays.

`cash` has shape (..., P): net cash by period, the first flow at time 0 and never discounted;
leading axes are draws. Rates are per period unless a name says yearly. Every function
raises `InputError` naming the argument when numbers are missing, infinite or misshapen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmm.errors import InputError, input_error
from mmm.results import summary

Floats = NDArray[np.float64]

DAYS_PER_YEAR_ACTUAL_365 = 365.0
ROUNDING = 1e-12
"""Cumulative cash this close to zero, relative to all cash moved, counts as zero."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean and quantiles over draws."""

    mean: float
    p05: float
    p50: float
    p95: float


def refuse(name: str, message: str, remedy: str) -> InputError:
    """The `InputError` of this package: `name` is the argument at fault."""
    return input_error("invest", name, message, remedy)


def finite(name: str, values: ArrayLike, dimensions: tuple[int, ...]) -> Floats:
    """`values` as float64, refused unless finite, not empty and of one of the `dimensions`."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in dimensions or array.size == 0:
        wanted = " or ".join(str(number) for number in dimensions)
        raise refuse(
            name,
            f"has shape {array.shape}.",
            f"Give a non-empty array of {wanted} dimension(s), periods last.",
        )
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise refuse(
            name,
            f"holds a number that is not finite, first at index {where}.",
            "Remove missing and infinite values before valuing them.",
        )
    return array


def _rate(name: str, rate: float) -> float:
    if not np.isfinite(rate) or rate <= -1:
        raise refuse(name, f"is {rate}.", "Give a finite rate above -1 (0.09 is 9 %).")
    return float(rate)


def per_period_rate(yearly_rate: float, periods_per_year: float) -> float:
    """(1 + r)^(1 / periods_per_year) - 1: the rate that compounds to `yearly_rate`."""
    return float(np.expm1(np.log1p(_rate("yearly_rate", yearly_rate)) / periods_per_year))


def yearly_rate(rate: ArrayLike, periods_per_year: float) -> Floats:
    """(1 + r)^periods_per_year - 1, elementwise; infinite where it overflows, NaN kept."""
    with np.errstate(over="ignore"):
        return np.asarray(np.expm1(np.log1p(np.asarray(rate, float)) * periods_per_year))


def discount_factors(rate: float, periods: int) -> Floats:
    """(1 + rate)^-t for t = 0 .. periods - 1; shape (periods,)."""
    return np.exp(-np.log1p(_rate("rate", rate)) * np.arange(periods))


def npv(cash: ArrayLike, rate: float) -> Floats:
    """Net present value, sum_t cash_t / (1 + rate)^t; shape of the leading axes."""
    flows = finite("cash", cash, (1, 2))
    return np.asarray(flows @ discount_factors(rate, flows.shape[-1]))


def years_from_first(dates: ArrayLike, periods: int) -> Floats:
    """Years from the first of `dates` (periods,) to each, actual/365. Raises `InputError` unless
    they are strictly increasing."""
    days = np.asarray(dates, dtype="datetime64[D]")
    if days.shape != (periods,):
        raise refuse(
            "dates",
            f"has shape {days.shape} but cash has {periods} periods.",
            "Give one date for each period of cash.",
        )
    if np.isnat(days).any():
        raise refuse("dates", "holds a missing date.", "Give one date for each period of cash.")
    years = (days - days[0]).astype(np.float64) / DAYS_PER_YEAR_ACTUAL_365
    if (np.diff(years) <= 0).any():
        raise refuse(
            "dates", "is not strictly increasing.", "Give each period's date, earliest first."
        )
    return years


def xnpv(cash: ArrayLike, dates: ArrayLike, yearly_rate: float) -> Floats:
    """Net present value at the first date, by day count actual/365.

    sum_i cash_i / (1 + yearly_rate)^((date_i - date_0) / 365); `dates` has shape (P,).
    """
    flows = finite("cash", cash, (1, 2))
    years = years_from_first(dates, flows.shape[-1])
    return np.asarray(flows @ np.exp(-np.log1p(_rate("yearly_rate", yearly_rate)) * years))


def curve_factors(curve: ArrayLike, years: ArrayLike) -> Floats:
    """(1 + z(t))^-t for each of `years` (P,): discount factors of a curve of yearly zero rates.

    `curve` (K, 2): [years, rate] with years ascending; z is straight between them and flat
    outside.
    """
    points = finite("curve", curve, (2,))
    when = finite("years", years, (1,))
    return np.exp(-np.log1p(np.interp(when, points[:, 0], points[:, 1])) * when)


def payback(cash: ArrayLike) -> Floats:
    """Periods until the money is back for good; shape of the leading axes.

    The index of the first period from which cumulative cash stays at or above zero up to the
    last period: whole periods since the first flow, 0 when nothing was ever out of pocket,
    NaN when cumulative cash is negative at the end.
    """
    flows = finite("cash", cash, (1, 2))
    periods = flows.shape[-1]
    tolerance = ROUNDING * np.abs(flows).sum(axis=-1, keepdims=True)
    under = np.cumsum(flows, axis=-1) < -tolerance
    last_under = periods - np.argmax(under[..., ::-1], axis=-1)
    first_back = np.where(under.any(axis=-1), last_under, 0).astype(np.float64)
    return np.where(first_back < periods, first_back, np.nan)


def discounted_payback(cash: ArrayLike, rate: float) -> Floats:
    """`payback` of the discounted flows: finite exactly where the NPV is not negative."""
    flows = finite("cash", cash, (1, 2))
    return payback(flows * discount_factors(rate, flows.shape[-1]))


def peak_funding(cash: ArrayLike) -> Floats:
    """The most money ever out of pocket, max(0, -min_t cumulative cash); undiscounted."""
    flows = finite("cash", cash, (1, 2))
    return np.maximum(0.0, -np.cumsum(flows, axis=-1).min(axis=-1))


def probability_of_loss(value: ArrayLike) -> float:
    """Share of draws (D,) below zero."""
    return float(np.mean(finite("value", value, (1,)) < 0))


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise refuse("level", f"is {level}.", "Give a level between 0 and 1, such as 0.95.")
    return 1.0 - level


def value_at_risk(value: ArrayLike, level: float = 0.95) -> float:
    """The 1 - level quantile of draws (D,), as a value: negative means money lost."""
    tail = _tail(level)
    return float(np.quantile(finite("value", value, (1,)), tail))


def conditional_value_at_risk(value: ArrayLike, level: float = 0.95) -> float:
    """Mean of the worst 1 - level of draws (D,), as a value: negative means money lost.

    The worst ceil((1 - level) D) draws, at least one (Rockafellar and Uryasev 2000).
    """
    tail = _tail(level)
    draws = np.sort(finite("value", value, (1,)))
    worst = max(1, int(np.ceil(round(tail * len(draws), 9))))
    return float(draws[:worst].mean())


def _break_even_scale(present_inflow: ArrayLike, present_cost: float) -> Floats:
    inflow = np.asarray(present_inflow, dtype=np.float64)
    positive = inflow > 0
    return np.where(positive, present_cost / np.where(positive, inflow, 1.0), np.nan)


def break_even_roi(roi: ArrayLike, present_inflow: ArrayLike, present_cost: float) -> Floats:
    """The ROI at which NPV is zero, the timing of the value kept; elementwise.

    `roi` is outcome value over cost, `present_inflow` the discounted cash that this value brings,
    `present_cost` the discounted cost. NPV is linear in the size of the effect, and tax takes
    the same share of both sides, so roi * present_cost / present_inflow. NaN where
    `present_inflow` is not positive: no effect of that timing pays.
    """
    return np.asarray(roi, np.float64) * _break_even_scale(present_inflow, present_cost)


def break_even_margin(margin: float, present_inflow: ArrayLike, present_cost: float) -> Floats:
    """The contribution margin at which NPV is zero; above 1 when no margin is enough.

    NaN where `present_inflow`, the discounted cash at `margin`, is not positive.
    """
    return margin * _break_even_scale(present_inflow, present_cost)


def summarise(draws: ArrayLike) -> Summary:
    """Mean and 5, 50, 95 % quantiles of finite draws (D,)."""
    values = finite("draws", draws, (1,))
    return Summary(*(float(number) for number in summary.summarise(values)))
