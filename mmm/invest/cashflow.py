"""Dated cash: what the incremental outcome brings, what it costs, what tax takes.

The conventions (`CONVENTIONS`) hold for every number of a case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mmm.config.finance import Finance
from mmm.invest.value import Floats, discount_factors, finite, per_period_rate, refuse
from mmm.results.summary import SUFFIXES, summarise

CONVENTIONS = (
    "Period 0 is the first period of spending; its cash is not discounted.",
    "Cash of period t is worth 1 / (1 + r)^t today, with r = (1 + yearly rate)^(1 / periods per "
    "year) - 1.",
    "Costs are paid in the period the money is spent.",
    "An inflow is incremental outcome value times (1 + repeat value) times margin, received "
    "payment_delay periods after the outcome; repeat value arrives with the outcome it follows.",
    "Tax is tax_rate times (inflow - cost) of the same period; a negative amount is a credit "
    "taken at once, as in a firm that is otherwise profitable.",
    "Cash and costs past the horizon, or past the last dated period, are left out and stated.",
)


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Cash by period over P periods and D draws, in money. Made by `cash_flow`.

    `net` = `inflow` - `cost` - `tax`. `outcome_value` (D,) and `cost_past_horizon` (money)
    and `inflow_past_horizon` (D,) say what was caused in all and what was left out.
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

    @property
    def periods(self) -> int:
        return len(self.cost)

    @property
    def present_cost(self) -> float:
        """Discounted cost before tax."""
        return float(self.cost @ self.discount_factor)

    @property
    def present_inflow(self) -> Floats:
        """Discounted inflow before tax (D,)."""
        return self.inflow @ self.discount_factor


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
) -> CashFlow:
    """Cash flow of spending against not spending.

    `incremental_value` (D, P): money of outcome caused, by draw and period, period 0 being
    the first of spending. `cost` (P0,), P0 <= P: loaded cost by period. `dates` (P,). Periods
    counted: the smaller of P and the horizon, so give as many periods as the horizon and the
    carry-over need. Raises `InputError` that names the argument.
    """
    value = finite("incremental_value", incremental_value, (2,))
    periods = value.shape[1]
    dates = _dates(dates, periods)
    paid = _costs(cost, periods)
    if not np.isfinite(periods_per_year) or periods_per_year <= 0:
        raise refuse(
            "periods_per_year", f"is {periods_per_year}.", "Give a positive number such as 52.18."
        )
    finance = finance.settled(periods_per_year)
    window = min(periods, finance.horizon or periods)
    delay = min(finance.payment_delay, window)
    earned = value * ((1.0 + finance.repeat_value) * finance.margin)
    inflow = np.zeros((len(value), window))
    inflow[:, delay:] = earned[:, : window - delay]
    counted_cost = paid[:window]
    tax = finance.tax_rate * (inflow - counted_cost)
    rate = per_period_rate(finance.discount_rate, periods_per_year)
    return CashFlow(
        dates=dates[:window],
        cost=counted_cost,
        inflow=inflow,
        tax=tax,
        net=inflow - counted_cost - tax,
        discount_factor=discount_factors(rate, window),
        rate_per_period=rate,
        periods_per_year=float(periods_per_year),
        finance=finance,
        outcome_value=value.sum(axis=1),
        inflow_past_horizon=earned[:, window - delay :].sum(axis=1),
        cost_past_horizon=float(paid[window:].sum()),
    )


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
