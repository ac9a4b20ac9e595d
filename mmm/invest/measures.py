"""Measures of a cash flow, each with its range over draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mmm.cash import value
from mmm.cash.cashflow import CashFlow
from mmm.cash.value import Floats, Summary, summarise
from mmm.invest.rates import (
    InternalRate,
    InternalRates,
    RateStatus,
    irr,
    irr_draws,
    xirr,
    xirr_draws,
)

IRR_MIN_SHARE = 0.95
"""Share of draws that must have exactly one internal rate for its quantiles to be shown."""

HIGHEST_RATE = 10.0
"""Yearly rate up to which one is given as a number. Money that is back within weeks earns millions
of percent a year, which says only that it is back soon: payback says so better."""
LOWEST_RATE = -0.9
"""The same below zero: a tenth lost within weeks is nearly everything a year."""

HORIZON_YEARS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
LATEST_YEARS = HORIZON_YEARS[-1]
SAME = 0.02
"""A horizon within this part of the case's own is not told apart from it."""
NO_SUMMARY = Summary(np.nan, np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class PathSummary:
    """A measure of the expected (mean) cash path, and its quantiles over draws.

    For measures that have no mean over draws, being undefined or infinite in some. NaN: none.
    """

    expected: float
    p05: float
    p50: float
    p95: float


NO_PATH = PathSummary(np.nan, np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class RateSummary:
    """Internal rate of return, a year and a period, or why there is none.

    `status`, `rates` (a year) and `rates_per_period` are of the expected path. The rate is a
    return where it is the only one and money goes out before it comes in. Quantiles are over draws
    of which this holds, and NaN when those are fewer than `IRR_MIN_SHARE` of all. Yearly ones
    above `HIGHEST_RATE` are NaN too and named in `beyond`, ones below `LOWEST_RATE` in `under`:
    `expected`, `p05`, `p50`, `p95`; an only rate is then not in `rates`, several all are.
    """

    status: RateStatus
    rates: tuple[float, ...]
    rates_per_period: tuple[float, ...]
    per_year: PathSummary
    per_period: PathSummary
    share_unique: float
    share_none: float
    share_several: float
    reason: str
    beyond: tuple[str, ...] = ()
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatedRateSummary:
    """The same by dates, actual/365, as XIRR of spreadsheets has it; a year."""

    status: RateStatus
    rates: tuple[float, ...]
    per_year: PathSummary
    share_unique: float
    reason: str
    beyond: tuple[str, ...] = ()
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaybackSummary:
    """Periods until the money is back for good; NaN for never within the horizon.

    `probability` is the share of draws that pay back within it; the others count as never in
    the quantiles.
    """

    periods: PathSummary
    probability: float


@dataclass(frozen=True, slots=True)
class HorizonValue:
    """The case cut after the first `periods` periods, the last of which starts on `date`.

    `within_horizon` is false for cuts past the case's own horizon.
    """

    periods: int
    date: pd.Timestamp
    npv: Summary
    probability_of_loss: float
    within_horizon: bool = True


def path_summary(expected: float, draws: ArrayLike) -> PathSummary:
    """Quantiles that are values of draws, never interpolated; NaN draws rank above all others."""
    ranked = np.asarray(draws, np.float64)
    ranked = np.where(np.isnan(ranked), np.inf, ranked)
    quantiles = np.quantile(ranked, [0.05, 0.5, 0.95], method="inverted_cdf")
    p05, p50, p95 = (float(q) if isfinite(q) else np.nan for q in quantiles)
    return PathSummary(float(expected) if isfinite(expected) else np.nan, p05, p50, p95)


def internal_rates(cash: CashFlow) -> RateSummary:
    """The internal rate of return of a cash flow by period."""
    mean_path = cash.net.mean(axis=0)
    found, draws = irr(mean_path), irr_draws(cash.net)
    shown, share = _returns(draws, cash.net)
    expected = _return(found, mean_path)
    per_period = path_summary(expected, shown)
    figures = (per_period.expected, per_period.p05, per_period.p50, per_period.p95)
    per_year = PathSummary(*value.yearly_rate(figures, cash.periods_per_year).tolist())
    beyond, under = _outside(per_year)
    return RateSummary(
        status=found.status,
        rates=_told(found, value.yearly_rate(found.rates, cash.periods_per_year)),
        rates_per_period=found.rates,
        per_year=_without(per_year, (*beyond, *under)),
        per_period=per_period,
        share_unique=float(np.mean(draws.count == 1)),
        share_none=float(np.mean(draws.count == 0)),
        share_several=float(np.mean(draws.count > 1)),
        reason=_reason(found, mean_path, share, beyond, under, found.rates),
        beyond=beyond,
        under=under,
    )


def dated_rates(cash: CashFlow) -> DatedRateSummary:
    """The internal rate of return of a cash flow by date."""
    mean_path = cash.net.mean(axis=0)
    found, draws = xirr(mean_path, cash.dates), xirr_draws(cash.net, cash.dates)
    shown, share = _returns(draws, cash.net)
    highest = np.finfo(float).max
    expected = np.minimum(_return(found, mean_path), highest)
    per_year = path_summary(expected, np.minimum(shown, highest))
    beyond, under = _outside(per_year)
    return DatedRateSummary(
        status=found.status,
        rates=_told(found, np.array(found.rates)),
        per_year=_without(per_year, (*beyond, *under)),
        share_unique=float(np.mean(draws.count == 1)),
        reason=_reason(found, mean_path, share, beyond, under),
        beyond=beyond,
        under=under,
    )


def _outside(per_year: PathSummary) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which figures are above `HIGHEST_RATE`, and which below `LOWEST_RATE`."""
    figures = {name: getattr(per_year, name) for name in ("expected", "p05", "p50", "p95")}
    return (
        tuple(name for name, rate in figures.items() if rate > HIGHEST_RATE),
        tuple(name for name, rate in figures.items() if rate < LOWEST_RATE),
    )


def _without(figures: PathSummary, names: tuple[str, ...]) -> PathSummary:
    return replace(figures, **dict.fromkeys(names, np.nan))


def _told(found: InternalRate, rates: Floats) -> tuple[float, ...]:
    if found.status is RateStatus.SEVERAL:  # none of them is a return: no figure to be misread
        return tuple(rates.tolist())
    return tuple(rates[(rates <= HIGHEST_RATE) & (rates >= LOWEST_RATE)].tolist())


def _lays_out(flows: Floats) -> np.ndarray:
    """Whether the first money to move goes out, by row of flows (..., P)."""
    first = np.argmax(flows != 0, axis=-1)
    return np.take_along_axis(flows, first[..., None], axis=-1)[..., 0] < 0


def _return(found: InternalRate, path: Floats) -> float:
    only = found.status is RateStatus.UNIQUE and bool(_lays_out(path))
    return found.rates[0] if only else np.nan


def _returns(draws: InternalRates, flows: Floats) -> tuple[Floats, float]:
    """Rates to take quantiles of, NaN where too few are returns, and the share that is."""
    good = (draws.count == 1) & _lays_out(flows)
    share = float(np.mean(good))
    return (draws.rate[good] if share >= IRR_MIN_SHARE else np.array([np.nan])), share


def _reason(
    found: InternalRate,
    mean_path: Floats,
    share_unique: float,
    beyond: tuple[str, ...],
    under: tuple[str, ...],
    per_period: tuple[float, ...] = (),
) -> str:
    if found.status is RateStatus.SEVERAL:
        all_of_them = " and ".join(f"{100 * rate:,.1f} %" for rate in per_period)
        told = f": {all_of_them} a period" if per_period else ""
        return (
            "The expected cash changes sign more than once, and several rates make NPV zero"
            f"{told}. None of them is a return."
        )
    if found.status is RateStatus.NONE:
        if (np.cumsum(mean_path) >= 0).all():
            return "Expected cash is never out of pocket, so there is no sum to earn a rate on."
        return "No rate makes the NPV of the expected cash zero."
    if not _lays_out(mean_path):
        return (
            "Expected money comes in before it goes out, so the rate is what that advance costs "
            "and no return."
        )
    if share_unique < IRR_MIN_SHARE:
        return f"Only {share_unique:.0%} of draws have exactly one rate, so no quantiles are given."
    if beyond:
        return (
            f"Rates over {100 * HIGHEST_RATE:,.0f} % a year are not given as numbers: the money is "
            "back so soon that a yearly rate says little."
        )
    if under:
        return (
            f"Rates under {100 * LOWEST_RATE:,.0f} % a year are not given as numbers: what comes "
            "back comes so soon that a yearly rate says little."
        )
    return ""


def payback_summary(flows: Floats) -> PaybackSummary:
    """Payback of flows (D, P)."""
    draws = value.payback(flows)
    expected = float(value.payback(flows.mean(axis=0)))
    return PaybackSummary(path_summary(expected, draws), float(np.mean(np.isfinite(draws))))


def peak_funding(flows: Floats) -> PathSummary:
    """The most money out of pocket of flows (D, P): the deepest point of the expected path."""
    expected = float(value.peak_funding(flows.mean(axis=0)))
    return path_summary(expected, value.peak_funding(flows))


def break_even_roi(cash: CashFlow) -> PathSummary:
    """The outcome value per unit of cost at which NPV is zero, the timing kept.

    Both as the case counts them: the value whose cash comes in within the horizon, before margin,
    bad debt and what customers buy later, over the cost counted.
    """
    total_cost = float(cash.cost.sum())
    if total_cost <= 0:
        return NO_PATH
    roi = cash.first_received / ((1.0 - cash.finance.bad_debt) * total_cost)
    inflow = cash.present_inflow
    return path_summary(
        float(value.break_even_roi(roi.mean(), inflow.mean(), cash.burden)),
        value.break_even_roi(roi, inflow, cash.burden),
    )


def fall_to_nothing(cash: CashFlow) -> float:
    """The part of all that marketing causes that would have to be missing for the mean net present
    value to be zero: NPV is linear in the size of the effect. Below zero where it is negative as
    it is; NaN where nothing comes in."""
    inflow = float(cash.present_inflow.mean())
    return 1.0 - cash.burden / inflow if inflow > 0 else float("nan")


def break_even_margin(cash: CashFlow) -> PathSummary:
    """The contribution margin at which NPV is zero, the timing kept."""
    margin = cash.drawn.margin
    if not margin.all():
        return NO_PATH
    # what a margin of 1 would bring, so that a negative margin has a break-even too
    worth = cash.present_inflow / margin
    mean = cash.present_inflow.mean() / margin.mean()
    return path_summary(
        float(value.break_even_margin(1.0, mean, cash.burden)),
        value.break_even_margin(1.0, worth, cash.burden),
    )


def by_horizon(cash: CashFlow, later: CashFlow | None = None) -> tuple[HorizonValue, ...]:
    """The value at each of `HORIZON_YEARS` and at the case's own horizon, less what the spending
    up to it then owes; with `later`, the same spending over a longer horizon, past it too."""
    whole = later or cash
    cumulative = np.cumsum(whole.net * whole.discount_factor, axis=1)
    cumulative -= whole.owed * whole.discount_factor
    lengths = {round(years * cash.periods_per_year) for years in HORIZON_YEARS}
    other = (n for n in lengths if abs(n - cash.periods) > SAME * cash.periods)
    cuts = {cash.periods, *(n for n in other if 1 <= n <= whole.periods)}
    return tuple(
        HorizonValue(
            cut,
            whole.dates[cut - 1],
            summarise(cumulative[:, cut - 1]),
            value.probability_of_loss(cumulative[:, cut - 1]),
            cut <= cash.periods,
        )
        for cut in sorted(cuts)
    )
