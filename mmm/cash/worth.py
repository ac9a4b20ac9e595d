"""What a unit of outcome sold, or of money spent, is worth at the start, period by period.

Cash is linear in what is sold and in what is spent, and its delays do not depend on when that is.
So the cash of one unit sold in the first period is that of any other period, later: the same
machinery as a case's values a plan with one product of vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.cash.cashflow import CashFlow, cash_flow
from mmm.cash.value import Floats
from mmm.config.finance import Finance

DRAWS = 1000
"""Draws of uncertain assumptions that their expectation is taken over."""


@dataclass(frozen=True, slots=True)
class UnitWorth:
    """Expected present worth before tax over P periods: `sold` (P,) of outcome worth one unit of
    money sold in a period, `paid` (P,) of one unit of the channels' cost spent in it."""

    sold: Floats
    paid: Floats


def unit_worth(
    finance: Finance,
    dates: pd.DatetimeIndex,
    periods_per_year: float,
    *,
    price: float | None = None,
    seed: int = 0,
) -> UnitWorth:
    """The worth of units over the periods of `dates` (P,), the horizon of `finance` put aside.

    `price`: money of outcome a customer brings, where the outcome counts customers. Raises
    `InputError` as `cash_flow` does.
    """
    periods = len(dates)
    one = np.zeros((DRAWS, periods))
    one[:, 0] = 1.0
    flow = cash_flow(
        one,
        np.zeros(1),
        dates,
        channels_alone(finance, periods),
        periods_per_year,
        units=None if price is None else one / price,
        seed=seed,
    )
    arriving, factor = flow.inflow.mean(axis=0), flow.discount_factor
    sold = np.array([arriving[: periods - t] @ factor[t:] for t in range(periods)])
    paid = np.concatenate([factor, np.zeros(finance.cost_delay)])[finance.cost_delay :][:periods]
    return UnitWorth(sold, np.pad(paid, (0, periods - len(paid))))


def channels_alone(finance: Finance, horizon: int) -> Finance:
    """The finance block over `horizon` periods without costs beyond the channels' own."""
    return finance.model_copy(update={"horizon": horizon, "costs": ()})


def profit_before_tax(flow: CashFlow) -> Floats:
    """Present inflow less present cost by draw (D,)."""
    return flow.present_inflow - flow.present_cost
