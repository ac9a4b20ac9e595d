"""Dated cash: what the incremental outcome brings, what it costs, what tax takes.

The conventions (`CONVENTIONS`) hold for every number of a case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mmm.cash.costs import DatedCost, dated_costs, paid_late
from mmm.cash.customers import CustomerBase, customer_base
from mmm.cash.uncertain import Drawn, draw_assumptions
from mmm.cash.value import (
    Floats,
    curve_factors,
    discount_factors,
    finite,
    per_period_rate,
    refuse,
    years_from_first,
)
from mmm.config.finance import Finance
from mmm.results.summary import SUFFIXES, summarise

CONVENTIONS = (
    "Period 0 is the first period of spending; its cash is not discounted.",
    "Cash of period t is worth 1 / (1 + r)^t today, with r = (1 + yearly rate)^(1 / periods per "
    "year) - 1. With a curve, the yearly rate is the curve's at t, straight between its points.",
    "Costs are paid cost_delay periods after the money is spent. What spending within the horizon "
    "still owes at its end is paid in the last period: paying late never makes a cost smaller "
    "than its discount.",
    "An inflow is incremental outcome value times (1 + repeat value) times margin, received "
    "payment_delay periods after the outcome; repeat value arrives with the outcome it follows. "
    "With a collection profile its parts arrive one period after another; bad debt never does.",
    "Customers who were won stay with the stated retention from each period to the next, and what "
    "they buy is dated when they buy it.",
    "Tax is tax_rate times (inflow - cost) of the same period; a negative amount is a credit "
    "taken at once, as in a firm that is otherwise profitable. Production is paid at its start "
    "and written off evenly over its periods.",
    "Inflow past the horizon, or past the last dated period, and costs that begin after it are "
    "left out and stated. Money paid before period 0 is sunk and left out.",
)


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Cash by period over P periods and D draws, in money. Made by `cash_flow`.

    `net` = `inflow` - `cost` - `tax`. `cost` (P,) is all that is paid: `channel_cost` and the
    study's cost `lines`, in the last period with what is then still owed; `owed` (P,) is what
    spending up to a period owes after it, less the tax that paying it saves. `written_off` (P,)
    is what tax deducts. `first_received` and
    `later_received` (D,): outcome value received within the horizon, before margin, from
    incremental outcome and from what customers buy later. `outcome_value` (D,),
    `cost_past_horizon` (money) and `inflow_past_horizon` (D,) say what was caused in all and what
    was left out. `rate_per_period` is NaN with a discount curve.
    """

    dates: pd.DatetimeIndex
    cost: Floats
    inflow: Floats
    tax: Floats
    net: Floats
    discount_factor: Floats
    rate_per_period: float
    periods_per_year: float
    finance: Finance
    outcome_value: Floats
    inflow_past_horizon: Floats
    cost_past_horizon: float
    channel_cost: Floats
    lines: tuple[DatedCost, ...]
    owed: Floats
    written_off: Floats
    first_received: Floats
    later_received: Floats
    drawn: Drawn
    customers: CustomerBase | None

    @property
    def periods(self) -> int:
        return len(self.cost)

    @property
    def present_cost(self) -> float:
        """Discounted cost before tax."""
        return float(self.cost @ self.discount_factor)

    @property
    def burden(self) -> float:
        """The discounted inflow before tax at which NPV is zero: discounted cost, less what tax
        gives back of it later than it is paid."""
        tax = self.finance.tax_rate
        given_back = tax * float(self.written_off @ self.discount_factor)
        return (self.present_cost - given_back) / (1.0 - tax)

    @property
    def present_inflow(self) -> Floats:
        """Discounted inflow before tax (D,)."""
        return self.inflow @ self.discount_factor

    @property
    def dated_factor(self) -> Floats:
        """Discount factors by actual/365 from the first date, as XNPV has them (P,)."""
        years = years_from_first(self.dates, self.periods)
        return curve_factors(
            self.finance.discount_curve or ((0.0, self.finance.discount_rate),), years
        )


def _dates(dates: pd.DatetimeIndex, periods: int) -> pd.DatetimeIndex:
    if len(dates) != periods:
        raise refuse(
            "dates",
            f"has {len(dates)} dates but incremental_value has {periods} periods.",
            "Give one date for each period.",
        )
    if dates.hasnans or not (dates.is_monotonic_increasing and dates.is_unique):
        raise refuse(
            "dates", "is not strictly increasing.", "Give each period's date, earliest first."
        )
    return dates


def _costs(cost: ArrayLike, periods: int) -> Floats:
    paid = finite("cost", cost, (1,))
    if len(paid) > periods:
        raise refuse(
            "cost",
            f"has {len(paid)} periods but incremental_value has only {periods}.",
            "Extend incremental_value and dates over every period of spending.",
        )
    if (paid < 0).any():
        raise refuse(
            "cost",
            f"is negative in period {int(np.argmax(paid < 0))}.",
            "Give costs as positive money; a rebate lowers the cost of its period.",
        )
    return np.pad(paid, (0, periods - len(paid)))


def cash_flow(
    incremental_value: ArrayLike,
    cost: ArrayLike,
    dates: pd.DatetimeIndex,
    finance: Finance,
    periods_per_year: float,
    *,
    units: ArrayLike | None = None,
    seed: int = 0,
) -> CashFlow:
    """Cash flow of spending against not spending.

    `incremental_value` (D, P): money of outcome caused, by draw and period, period 0 being
    the first of spending. `cost` (P0,), P0 <= P: loaded cost of the channels by period. `dates`
    (P,). `units` (D, P): customers caused, where the outcome counts them. `seed` decides the
    draws of uncertain assumptions. Periods counted: the smaller of P and the horizon, so give as
    many periods as the horizon and the carry-over need. Raises `InputError` that names the
    argument.
    """
    value = finite("incremental_value", incremental_value, (2,))
    periods = value.shape[1]
    dates = _dates(dates, periods)
    spent = _costs(cost, periods)
    if not np.isfinite(periods_per_year) or periods_per_year <= 0:
        raise refuse(
            "periods_per_year", f"is {periods_per_year}.", "Give a positive number such as 52.18."
        )
    finance = finance.settled(periods_per_year)
    window = min(periods, finance.horizon or periods)
    drawn = draw_assumptions(finance, len(value), seed)
    base = None
    later = finance.repeat_value * value
    if finance.customers:
        counted = None if units is None else _units(units, value)
        base = customer_base(finance.customers, drawn, value, counted)
        later = base.later_value
    margin = drawn.margin[:, None]
    first_received = _received(value, finance, window)
    later_received = _received(later, finance, window)
    inflow = (first_received + later_received) * margin
    channel_cost = paid_late(spent[:window], finance.cost_delay)
    lines = dated_costs(finance.costs, dates[:window], periods_per_year, finance.cost_delay)
    counted_cost = np.sum([channel_cost, *(line.paid for line in lines)], axis=0)
    written_off = np.sum([channel_cost, *(line.written_off for line in lines)], axis=0)
    tax = finance.tax_rate * (inflow - written_off)
    owed = (1.0 - finance.tax_rate) * np.cumsum(spent[:window] - channel_cost)
    owed += np.sum([np.cumsum(line.due - line.paid) for line in lines], axis=0)
    left_out = _left_out(value + later, finance, window)
    if base is not None:
        left_out += (1.0 - finance.bad_debt) * base.after
    rate, factor = _discounting(finance, window, periods_per_year)
    return CashFlow(
        dates=dates[:window],
        cost=counted_cost,
        inflow=inflow,
        tax=tax,
        net=inflow - counted_cost - tax,
        discount_factor=factor,
        rate_per_period=rate,
        periods_per_year=float(periods_per_year),
        finance=finance,
        outcome_value=value.sum(axis=1),
        inflow_past_horizon=left_out * drawn.margin,
        cost_past_horizon=float(spent[window:].sum() + sum(line.later for line in lines)),
        channel_cost=channel_cost,
        lines=lines,
        owed=owed,
        written_off=written_off,
        first_received=first_received.sum(axis=1),
        later_received=later_received.sum(axis=1),
        drawn=drawn,
        customers=base,
    )


def _units(units: ArrayLike, value: Floats) -> Floats:
    counted = finite("units", units, (2,))
    if counted.shape != value.shape:
        raise refuse(
            "units",
            f"has shape {counted.shape} but incremental_value has {value.shape}.",
            "Give customers for each draw and period.",
        )
    return counted


def _discounting(finance: Finance, window: int, periods_per_year: float) -> tuple[float, Floats]:
    """Rate per period (NaN with a curve) and discount factors (window,)."""
    if finance.discount_curve:
        years = np.arange(window) / periods_per_year
        return np.nan, curve_factors(finance.discount_curve, years)
    rate = per_period_rate(finance.discount_rate, periods_per_year)
    return rate, discount_factors(rate, window)


def _received(worth: Floats, finance: Finance, window: int) -> Floats:
    """Of what is sold (D, P), what is received by period within the window (D, window)."""
    received = np.zeros((len(worth), window))
    for number, part in enumerate(finance.collection):
        late = min(finance.payment_delay + number, window)
        received[:, late:] += (part * (1.0 - finance.bad_debt)) * worth[:, : window - late]
    return received


def _left_out(worth: Floats, finance: Finance, window: int) -> Floats:
    """Of what is sold (D, P), what is received after the window (D,)."""
    total = np.zeros(len(worth))
    for number, part in enumerate(finance.collection):
        late = min(finance.payment_delay + number, window)
        total += (part * (1.0 - finance.bad_debt)) * worth[:, window - late :].sum(axis=1)
    return total


def cashflow_frame(cash: CashFlow) -> pd.DataFrame:
    """One row a period: cost, and mean and 5, 50, 95 % quantiles of what is uncertain.

    `cumulative_` sums net cash of each draw up to the period, undiscounted.
    """
    columns: dict[str, object] = {
        "period": np.arange(cash.periods),
        "date": cash.dates,
        "cost": cash.cost,
        **_spread("inflow", cash.inflow),
        "tax_mean": cash.tax.mean(axis=0),
        **_spread("net", cash.net),
        **_spread("cumulative", np.cumsum(cash.net, axis=1)),
        "discount_factor": cash.discount_factor,
    }
    return pd.DataFrame(columns)


def _spread(name: str, draws: Floats) -> dict[str, Floats]:
    numbers = zip(SUFFIXES, summarise(draws), strict=True)
    return {f"{name}_{suffix}": values for suffix, values in numbers}
